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
    """A StateChange object (RFC 8620 section 7.1) and the position behind it."""

    change: dict[str, Any]
    position: int


class Subscription:
    """One listener's view of an account's changes.

    Args:
        account_id: named in the changes.
        states: the account's states.
        types: which types to announce; ``*`` stands for all. Unknown ones do no harm.
        least_gap: seconds between two announcements at least.
        position: where to begin: what changed after it is announced at once. Something that is no
            number stands for the beginning; None for now; one from the future brings silence.
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
        self._position = states.highest if position is None else _number(position)
        self._least_gap = least_gap
        self._not_before = 0.0

    def add(self, types: Collection[str]) -> None:
        """Announce also these types from now on."""
        self._types.update(types)

    @property
    def types(self) -> frozenset[str]:
        """The types that are announced."""
        return frozenset(self._types)

    async def next(self, *, within: float | None) -> Announcement | None:
        """Wait for the next change; None if there was none within so many seconds."""
        try:
            async with asyncio.timeout(within):
                return await self._next()
        except TimeoutError:
            return None

    async def _next(self) -> Announcement:
        while True:
            await self._states.wait(self._position)
            await asyncio.sleep(self._not_before - _now())
            found = self._states.since(self._position)
            self._position = self._states.highest
            changed = {
                each: self._states.shown(state)
                for each, state in found.items()
                if self._wants(each)
            }
            if changed:
                self._not_before = _now() + self._least_gap
                change = {"@type": "StateChange", "changed": {self._account_id: changed}}
                return Announcement(change, self._position)

    def _wants(self, type_: str) -> bool:
        return ALL in self._types or type_ in self._types


def _number(position: str) -> int:
    return int(position) if position.isascii() and position.isdecimal() else 0


def _now() -> float:
    return asyncio.get_running_loop().time()
