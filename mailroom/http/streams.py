"""Streams that stay open, and requests that a server may not answer while one is open. No I/O.

Cyrus 3.13.5 to 3.13.7 let every other request of a user wait, for all of the user's programs,
while one EventSource of that user is open. The server's silence is the only sign. So if a request
is not answered while a stream is open, the stream is closed and the request is sent again (see
:mod:`mailroom.http.retry`); if the request is answered then, the stream was the reason.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mailroom.http.errors import UnreachableError

ANSWER_TIMEOUT: Final = 15.0
"""Seconds that a server may take to answer while a stream is open, until it has answered once."""
_LONGEST_SUSPICION: Final = 120.0
"""Seconds. After this time a closed stream may be opened again, unless a request has shown
meanwhile that the stream blocked the server."""


class Stream:
    """One open stream.

    Args:
        name: the stream's kind; facts learned about a stream hold for all streams of its name.
        close: closes the stream at once.
    """

    def __init__(self, name: str, close: Callable[[], None]) -> None:
        self.name = name
        self._close = close
        self._waited = 0.0
        self._is_blocking: asyncio.Future[bool] | None = None

    @property
    def is_suspected(self) -> bool:
        """True if the stream was closed because a request was not answered while it was open."""
        return self._is_blocking is not None

    def suspect(self, waited: float) -> None:
        """Close the stream, because a request has ``waited`` so many seconds without an answer."""
        self._waited = waited
        self._is_blocking = asyncio.get_running_loop().create_future()
        self._close()

    def judge(self, took: float | None) -> bool:
        """Return True if the stream blocked the request, and wake :meth:`was_blocking`.

        ``took`` is the time in seconds in which the server answered without the stream; None if it
        did not answer. A server that takes as long without the stream is just slow.
        """
        is_blocking = took is not None and took < self._waited
        if self._is_blocking is not None and not self._is_blocking.done():
            self._is_blocking.set_result(is_blocking)
        return is_blocking

    async def was_blocking(self) -> bool:
        """Wait until a suspected stream is judged; return True if it blocked other requests."""
        if self._is_blocking is None:
            return False
        try:
            async with asyncio.timeout(_LONGEST_SUSPICION):
                return await asyncio.shield(self._is_blocking)
        except TimeoutError:
            return False


class Streams:
    """The open stream of one account at one host, and the kinds of streams that do not block."""

    def __init__(self) -> None:
        self._open: Stream | None = None
        self._suspect: Stream | None = None
        self._harmless: set[str] = set()

    @contextmanager
    def opened(self, name: str, close: Callable[[], None]) -> Iterator[Stream]:
        """Note that a stream is open inside the block; see :class:`Stream`."""
        self._open = stream = Stream(name, close)
        try:
            yield stream
        finally:
            if self._open is stream:
                self._open = None

    @contextmanager
    def request(self) -> Iterator[float | None]:
        """Note whether the request in the block is answered while the stream is open.

        Yields the longest silence to allow, in seconds; None: no limit but the usual time-out.
        """
        stream, began = self._open, _now()
        is_harmless = stream is None or stream.name in self._harmless
        try:
            yield None if is_harmless else ANSWER_TIMEOUT
        except UnreachableError as error:
            if error.is_timeout and stream is None:
                # The server does not answer without a stream either.
                if (suspect := self._take_suspect()) is not None:
                    suspect.judge(None)
            elif error.is_timeout and stream is not None and stream is self._open:
                # The stream may keep the server from answering; the next request shows it.
                self._open, self._suspect = None, stream
                stream.suspect(_now() - began)
            raise
        if stream is not None:
            if stream is self._open:
                self._harmless.add(stream.name)
        elif (suspect := self._take_suspect()) is not None:
            if suspect.judge(_now() - began):
                self._harmless.discard(suspect.name)
            else:
                self._harmless.add(suspect.name)

    def _take_suspect(self) -> Stream | None:
        suspect, self._suspect = self._suspect, None
        return suspect


def _now() -> float:
    return asyncio.get_running_loop().time()
