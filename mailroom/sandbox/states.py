"""One account's states: a counter that grows with every change, and its waiters. No I/O.

All types share one counter, like the modseq of Cyrus. So a number is the state of a type, the id of
an EventSource event and the pushState of a WebSocket at the same time.
"""

import asyncio
import re
import uuid
from collections.abc import Mapping
from typing import Final, Literal

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Form = Literal["numbers", "uuids", "compact"]


class States:
    """The states of all types, and a way to wait for a change.

    Args:
        form: the form in which clients see a number.

    Attributes:
        highest: the newest number.
    """

    def __init__(self, form: Form = "numbers") -> None:
        self.highest = 0
        self._form = form
        self._numbers: dict[str, str] = {}
        self._of: dict[str, int] = {}
        self._waiting: set[asyncio.Event] = set()

    def shown(self, number: int | str) -> str:
        """Return a number in the form that clients see."""
        match self._form:
            case "uuids":
                name = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
                self._numbers[name] = str(number)
                return name
            case "compact":
                return f"J{number}"
            case _:
                return str(number)

    def read(self, text: str) -> str | None:
        """Return the number behind a state; empty if the state is unknown, None if malformed."""
        match self._form:
            case "uuids":
                return self._numbers.get(text, "" if _UUID.fullmatch(text) else None)
            case "compact":
                number = text.removeprefix("J")
                return number if number != text and _is_number(number) else None
            case _:
                return text if _is_number(text) else None

    def of(self, *types: str) -> int:
        """Return the newest state of these types; 0 if none ever changed."""
        return max((self._of.get(name, 0) for name in types), default=0)

    def record_change(self, *types: str) -> int:
        """Record that objects of these types changed, and wake the waiters.

        Returns:
            The new state, which is the same for these types.
        """
        self.highest += 1
        self._of.update(dict.fromkeys(types, self.highest))
        for event in self._waiting:
            event.set()
        return self.highest

    def since(self, number: int) -> Mapping[str, int]:
        """Return the types that changed after a number, with their states."""
        return {name: state for name, state in self._of.items() if state > number}

    async def wait(self, number: int) -> None:
        """Return as soon as anything has changed after a number."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while self.highest <= number:
                event.clear()
                await event.wait()
        finally:
            self._waiting.discard(event)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
