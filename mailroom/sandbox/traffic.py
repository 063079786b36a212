"""The limits that delay or refuse a user's requests: a rate, and an open event stream."""

import asyncio
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SPAN: Final = 60.0
"""Seconds over which requests are counted."""


class Rate:
    """Counts one user's requests.

    Args:
        most: the number of requests that are answered in a minute; 0: no limit.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: deque[float] = deque()

    def seconds_to_wait(self) -> int:
        """Return 0 if a request is allowed now, and count it; else the seconds until one is."""
        if not self._most:
            return 0
        now = asyncio.get_running_loop().time()
        while self._times and self._times[0] <= now - _SPAN:
            self._times.popleft()
        if len(self._times) >= self._most:
            return max(1, math.ceil(self._times[0] + _SPAN - now))
        self._times.append(now)
        return 0


class StreamDelay:
    """Delays one user's requests while an event stream of that user is open."""

    def __init__(self) -> None:
        self._open = 0
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def delaying(self) -> Iterator[None]:
        """Delay requests while the ``with`` statement runs, in which a stream is open."""
        self._open += 1
        self._free.clear()
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self._free.set()

    async def wait(self) -> None:
        """Wait until no stream is open."""
        await self._free.wait()
