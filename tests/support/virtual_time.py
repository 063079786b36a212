"""An event loop on virtual time: when every task waits, the clock jumps to the next timer.

A test says "five minutes later" and takes no time, and every back-off, poll and time-out is the
real one. Client and server may talk over loopback in the same process: before the clock jumps, the
kernel gets a moment to deliver the bytes on their way. Without sockets the times are exact. Work
in threads or other processes takes real time, which the clock does not wait for.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_MOMENT: Final = 0.001
"""Real seconds; loopback needs far less. If it took longer, a time-out would come too early."""


class _JumpingSelector(selectors.DefaultSelector):
    """Moves its clock on by the time-out instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        has_sockets = len(self.get_map()) > 1  # the loop's own pipe is always there
        if timeout is None:
            if has_sockets:
                return super().select(None)
            raise RuntimeError("every task waits, and no timer will ever wake one")
        if has_sockets:
            ready = super().select(min(timeout, _MOMENT))
        if not ready:
            self.seconds += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop that :func:`run` uses; its clock starts at 0."""

    def __init__(self) -> None:
        self._selector_with_clock = _JumpingSelector()
        super().__init__(self._selector_with_clock)

    def time(self) -> float:
        return self._selector_with_clock.seconds

    def jump(self, seconds: float) -> None:
        """Let the clock jump, as it does when a machine wakes up."""
        self._selector_with_clock.seconds += seconds


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own.

    Raises:
        RuntimeError: every task waited for ever, and no socket was open.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(scenario)


def now() -> float:
    """Return the seconds since the loop began."""
    return asyncio.get_running_loop().time()
