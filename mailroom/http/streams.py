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
"""Seconds. If no request is sent for so long, a closed stream may be opened again."""


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
        self._verdict: asyncio.Future[bool] | None = None

    @property
    def is_suspected(self) -> bool:
        """True if the stream was closed because a request was not answered while it was open."""
        return self._verdict is not None

    def suspect(self, waited: float) -> None:
        """Close the stream, because a request has ``waited`` so many seconds without an answer."""
        self._waited = waited
        self._verdict = asyncio.get_running_loop().create_future()
        self._close()

    def judge(self, took: float | None) -> bool:
        """Return True if the stream was the reason, and wake the waiters of :meth:`was_reason`.

        ``took`` is the time in seconds in which the server answered without the stream; None if it
        did not answer. A server that takes as long without the stream is just slow.
        """
        was_reason = took is not None and took < self._waited
        if self._verdict is not None and not self._verdict.done():
            self._verdict.set_result(was_reason)
        return was_reason

    async def was_reason(self) -> bool:
        """Wait until a suspected stream was judged; return True if it was the reason."""
        if self._verdict is None:
            return False
        try:
            async with asyncio.timeout(_LONGEST_SUSPICION):
                return await asyncio.shield(self._verdict)
        except TimeoutError:
            return False


class Streams:
    """The open stream of one account at one host, and the kinds of streams that do no harm."""

    def __init__(self) -> None:
        self._standing: Stream | None = None
        self._suspect: Stream | None = None
        self._trusted: set[str] = set()

    @contextmanager
    def standing(self, name: str, close: Callable[[], None]) -> Iterator[Stream]:
        """Note that a stream is open inside the block; see :class:`Stream`."""
        self._standing = stream = Stream(name, close)
        try:
            yield stream
        finally:
            if self._standing is stream:
                self._standing = None

    @contextmanager
    def beside(self) -> Iterator[float | None]:
        """Learn whether the request in the block is answered while the stream is open.

        Yields the longest silence in seconds; None: the usual time-out.
        """
        stream, began = self._standing, _now()
        try:
            is_trusted = stream is None or stream.name in self._trusted
            yield None if is_trusted else ANSWER_TIMEOUT
        except UnreachableError as error:
            if error.is_timeout:
                self._timed_out(stream, _now() - began)
            raise
        self._answered(stream, _now() - began)

    def _answered(self, stream: Stream | None, took: float) -> None:
        """Note that a request was answered. ``stream`` was open when it was sent, or None was."""
        if stream is not None:
            if stream is self._standing:
                self._trusted.add(stream.name)
        elif (suspect := self._end_trial()) is not None:
            if suspect.judge(took):
                self._trusted.discard(suspect.name)
            else:
                self._trusted.add(suspect.name)

    def _timed_out(self, stream: Stream | None, took: float) -> None:
        """Note that a request was not answered. ``stream`` was open when it was sent, or None."""
        if stream is None:
            if (suspect := self._end_trial()) is not None:
                suspect.judge(None)
        elif stream is self._standing:
            self._standing, self._suspect = None, stream
            stream.suspect(took)

    def _end_trial(self) -> Stream | None:
        suspect, self._suspect = self._suspect, None
        return suspect


def _now() -> float:
    return asyncio.get_running_loop().time()
