"""An event loop on virtual time: when every task waits, the clock jumps to the next timer.

A test on it says "five minutes later" and takes no time, and its times are exact. For pure asyncio
only: what comes from a socket or a thread needs real time to come.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing: the time that it was to wait is simply over."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("every task waits, and no timer will ever wake one")
        if not ready and timeout is not None:
            self.seconds += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """See the module; its clock starts at 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.seconds


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own.

    Raises:
        RuntimeError: it would have waited for ever.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(scenario)


def now() -> float:
    """Seconds since the loop began."""
    return asyncio.get_running_loop().time()
