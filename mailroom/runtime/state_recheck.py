"""Reads the Email state a moment after a pass, to find a change that push has lost.

Apache James 3.8 drops one of two changes that it announces at the same moment. The updates of a
pass are such changes, so a label that is tapped at that moment may never be announced. The answers
to the updates show every change before the last update; this check finds a change right after the
last update.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from mailroom.report.failures import EXPECTED

log = structlog.get_logger(__name__)

_DELAY: Final = 0.3
"""Seconds. By then the server has announced every change that it announces at all."""


class StateRecheck:
    """Compares the Email state once with the state at the end of the last pass.

    Args:
        read_state: returns the account's present Email state. May raise HttpError and JmapError.
        on_change: called if the state is another.
    """

    def __init__(
        self, read_state: Callable[[], Awaitable[str]], on_change: Callable[[], None]
    ) -> None:
        self._read_state = read_state
        self._on_change = on_change
        self._task: asyncio.Task[None] | None = None

    def schedule(self, expected: str) -> None:
        """Check soon, unless :meth:`cancel` comes first; ``expected`` is the last known state."""
        self.cancel()
        self._task = asyncio.create_task(self._check(expected), name="state recheck")

    def cancel(self) -> None:
        """Cancel the check, because another pass begins or the service ends."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _check(self, expected: str) -> None:
        await asyncio.sleep(_DELAY)
        try:
            state = await self._read_state()
        except EXPECTED as error:
            log.debug("the state was not checked again", error=str(error))
            return
        if state != expected:
            log.debug("the account changed right after the pass", state=state, expected=expected)
            self._on_change()
