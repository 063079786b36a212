"""The order and times of StateChange objects, for both push transports. No I/O.

A position is a number of :class:`~mailroom.sandbox.states.States`, in both transports.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from mailroom.sandbox.states import States

ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A StateChange object (RFC 8620 section 7.1) and the position after it."""

    change: dict[str, Any]
    position: int


class Subscription:
    """One listener's view of an account's changes.

    Args:
        account_id: named in the changes.
        states: the account's states.
        types: the types to announce; ``*`` stands for all. Unknown types are ignored.
        position: changes after this position are announced at once; None: the present position. A
            text that is no number stands for the position before all changes. If the position is
            in the future, nothing is announced until the account reaches it.
        least_gap: seconds between two announcements at least.
    """

    def __init__(
        self,
        account_id: str,
        states: States,
        *,
        types: Collection[str],
        position: str | None,
        least_gap: float = 0.0,
    ) -> None:
        self._account_id = account_id
        self._states = states
        self._types = set(types)
        self._position = states.highest
        if position is not None:
            is_number = position.isascii() and position.isdecimal()
            self._position = int(position) if is_number else 0
        self._least_gap = least_gap
        self._not_before = 0.0

    def add(self, types: Collection[str]) -> None:
        """Also announce these types from now on."""
        self._types.update(types)

    @property
    def types(self) -> frozenset[str]:
        """The types that are announced."""
        return frozenset(self._types)

    async def next(self, *, within: float | None) -> Announcement | None:
        """Return the next change; None if there is none within this number of seconds."""
        try:
            async with asyncio.timeout(within):
                while True:
                    await self._states.wait(self._position)
                    await asyncio.sleep(self._not_before - _now())
                    changed = {
                        name: self._states.shown(state)
                        for name, state in self._states.since(self._position).items()
                        if ALL in self._types or name in self._types
                    }
                    self._position = self._states.highest
                    if changed:
                        self._not_before = _now() + self._least_gap
                        change = {"@type": "StateChange", "changed": {self._account_id: changed}}
                        return Announcement(change, self._position)
        except TimeoutError:
            return None


def _now() -> float:
    return asyncio.get_running_loop().time()
