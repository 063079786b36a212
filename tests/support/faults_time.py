"""An event loop with sockets whose waiting takes no time: when nothing moves, the clock jumps.

As :mod:`tests.unit.virtual_time`, for programs whose client and server are both in this process:
before the clock jumps to the next timer, the kernel gets a moment to hand over what is on its way
through loopback. So every back-off, poll and time-out is the real one, and none is slept through.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_MOMENT: Final = 0.001
"""Real seconds; loopback needs far less. Too few would show as a time-out where there is none."""


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0) or super().select(min(timeout, _MOMENT))
        if not ready:
            self.seconds += max(0.0, timeout)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """See the module; its clock starts at 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.seconds

    def jump(self, seconds: float) -> None:
        """Let the clock jump, as it does when a machine wakes up."""
        self._jumping.seconds += seconds


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(scenario)
