"""A look at the Email state a moment after a pass, for a change that push has lost.

Apache James 3.8 drops one of two changes that it announces at the same moment. A pass announces
changes itself, so a label that is tapped just then may never be announced. The answers to the
pass's updates report whatever happened before its last update; this look reports what happened
right behind it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from mailroom.failing import EXPECTED

log = structlog.get_logger(__name__)

_DELAY: Final = 0.3
"""Seconds. A change that is announced at all is announced by then."""


class SecondLook:
    """Compares the Email state with the one that the last pass left behind, once.

    Args:
        ask: returns the account's present Email state. May raise HttpError and JmapError.
        found: called if the state has moved on.
    """

    def __init__(self, ask: Callable[[], Awaitable[str]], found: Callable[[], None]) -> None:
        self._ask = ask
        self._found = found
        self._task: asyncio.Task[None] | None = None

    def schedule(self, expected: str) -> None:
        """Look soon, unless :meth:`cancel` comes first; ``expected`` is the last known state."""
        self.cancel()
        self._task = asyncio.create_task(self._look(expected), name="second look")

    def cancel(self) -> None:
        """Do not look: another pass begins, or the service ends."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _look(self, expected: str) -> None:
        await asyncio.sleep(_DELAY)
        try:
            state = await self._ask()
        except EXPECTED as error:
            log.debug("no second look", error=str(error))
            return
        if state != expected:
            log.debug("the account changed right behind the pass", state=state, expected=expected)
            self._found()
