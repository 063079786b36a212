"""The HTTP client of one account: credentials, time-outs and redirects, and safe repetition.

A request is repeated only if the repetition does no harm: the caller says so (``repeatable``), or
the request never left, or the server said that it did not act (see :mod:`mailroom.http.not_now`).
Every other failure is reported, because only the caller knows what an unanswered write may have
done.

A request is not cut short when its caller is cancelled, because it may be a write. The request goes
on, and :meth:`HttpClient.close` waits a moment for such requests.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, TypeVar

import aiohttp
import structlog
from multidict import CIMultiDict
from yarl import URL

from mailroom.http.credentials import Credentials
from mailroom.http.digest import Digest
from mailroom.http.errors import (
    BrokenAnswerError,
    CredentialsRefusedError,
)
from mailroom.http.identity import USER_AGENT
from mailroom.http.messages import AnswerReader, HttpRequest, Response, redirect_target
from mailroom.http.proxies import NO_PROXIES, Proxies
from mailroom.http.refusals import raise_for_status
from mailroom.http.repeating import Repeater
from mailroom.http.retry import parse_date
from mailroom.http.slots import Slot, Slots
from mailroom.http.streams import Streams
from mailroom.http.wire import read_in_pieces, read_whole, translate

T = TypeVar("T")

log = structlog.get_logger(__name__)

TIMEOUT: Final = 60.0
"""Seconds that a whole answer may take."""
CONNECT_TIMEOUT: Final = 10.0
"""Seconds until a connection is open."""
CLOSING_GRACE: Final = 3.0
"""Seconds that a write under way may take to end when the service stops."""
_MAX_REDIRECTS: Final = 5
_WRITES: Final = frozenset({"PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH"})
"""The methods that need the lock of an address book (RFC 4918). A JMAP POST needs no lock."""


class HttpClient:
    """One account's connection to one service.

    Args:
        session: pools the connections. The session is the caller's, and stays open after
            :meth:`close`.
        credentials: sent with every request, and only to their allowed hosts.
        slots: shared by all clients of one account at one host.
        proxies: the proxies to use.
        timeout: seconds that a whole answer may take.
        streams: the open stream of the same user at the same host.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        *,
        slots: Slots | None = None,
        proxies: Proxies = NO_PROXIES,
        timeout: float = TIMEOUT,
        streams: Streams | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._digest = Digest(credentials.login)
        self._slots = slots or Slots()
        self._proxies = proxies
        self._timeout = timeout
        self._streams = streams or Streams()
        self._sleep = sleep
        self._repeater = Repeater(self._slots, sleep)
        self._under_way: set[asyncio.Task[Response]] = set()
        self._offset = timedelta()
        self.requests_sent = 0
        self.requests_refused = 0

    @property
    def slots(self) -> Slots:
        """The slots of the host."""
        return self._slots

    @property
    def credentials(self) -> Credentials:
        """The credentials that are sent."""
        return self._credentials

    def server_now(self) -> datetime:
        """Return the server's time in UTC, by its latest ``Date`` header; else our own time."""
        return datetime.now(UTC) + self._offset

    async def sleep(self, seconds: float) -> None:
        """Wait before another attempt."""
        await self._sleep(seconds)

    async def request(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        repeatable: bool = True,
        expected: Collection[int] = (HTTPStatus.OK,),
    ) -> Response:
        """Send a request and return its whole answer; see :meth:`ask`."""
        request = HttpRequest(method, url, headers or {}, data, repeatable, expected)
        return await self.ask(request, lambda response: response)

    async def ask(self, request: HttpRequest, read: Callable[[Response], T]) -> T:
        """Send a request, repeat it where that is safe, and return the result of ``read``.

        Args:
            request: the request to send.
            read: returns the result for the whole answer. If ``read`` raises
                :class:`~mailroom.http.errors.BrokenAnswerError`, the attempt has failed.

        Raises:
            HttpError: one of its kinds, see :mod:`mailroom.http.errors`.
        """

        async def attempt(slot: Slot) -> T:
            return read(await self._send_shielded(request, slot))

        return await self._repeated(request, attempt)

    async def ask_in_pieces(
        self, request: HttpRequest, open_reader: Callable[[], AnswerReader[T]]
    ) -> T:
        """Send a request as :meth:`ask` does, and read its answer while the answer comes in.

        The body is never in memory as a whole, so an answer may be of any size.

        Args:
            request: the request to send.
            open_reader: returns a new reader for one attempt's answer. If the reader raises
                :class:`~mailroom.http.errors.BrokenAnswerError`, the attempt has failed.

        Raises:
            HttpError: one of its kinds, see :mod:`mailroom.http.errors`.
        """

        async def attempt(slot: Slot) -> T:
            reader = open_reader()
            return reader.result(await self._send_shielded(request, slot, reader))

        return await self._repeated(request, attempt)

    async def _repeated(self, request: HttpRequest, attempt: Callable[[Slot], Awaitable[T]]) -> T:
        return await self._repeater.run(
            attempt, repeatable=request.repeatable, write=request.method in _WRITES
        )

    async def _send_shielded(
        self, request: HttpRequest, slot: Slot, reader: AnswerReader[object] | None = None
    ) -> Response:
        """Make one attempt, which goes on to its end even if the caller is cancelled."""

        def ended(task: asyncio.Task[Response]) -> None:
            if not task.cancelled():
                # The error is read even if nobody counts it, because asyncio logs unread errors.
                error = task.exception()
                self.requests_refused += isinstance(error, CredentialsRefusedError)
            self._under_way.discard(task)

        name = f"http {request.method} {request.url.path}"
        task = asyncio.create_task(self._follow(request, reader), name=name)
        self._under_way.add(task)
        task.add_done_callback(ended)
        with slot.kept_until_done(task):
            return await asyncio.shield(task)

    async def _follow(self, request: HttpRequest, reader: AnswerReader[object] | None) -> Response:
        """Make one attempt, and follow redirects to hosts that the credentials may be sent to."""
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._send(request, reader)
            target = redirect_target(request, response, self._credentials.allowed_hosts)
            if target is None:
                raise_for_status(response, request.expected)
                return response
            request = replace(request, url=target)
        raise BrokenAnswerError(request.url, "too many redirects")

    async def _send(self, request: HttpRequest, reader: AnswerReader[object] | None) -> Response:
        began = asyncio.get_running_loop().time()
        with self._streams.request() as longest_silence:
            timeout = aiohttp.ClientTimeout(
                total=self._timeout,
                sock_connect=min(self._timeout, CONNECT_TIMEOUT),
                sock_read=longest_silence,
            )
            async with self.open(
                request.method,
                request.url,
                headers=request.headers,
                data=request.data,
                timeout=timeout,
            ) as raw:
                response = Response(raw.status, raw.headers, b"", request.url)
                if reader is not None and reader.begin(response):
                    octets = await read_in_pieces(raw, reader)
                else:
                    response = replace(response, body=await read_whole(raw, request.max_octets))
                    octets = len(response.body)
        seconds = round(asyncio.get_running_loop().time() - began, 3)
        log.debug(
            "answered",
            method=request.method,
            path=request.url.path,
            status=response.status,
            octets=octets,
            seconds=seconds,
        )
        return response

    @asynccontextmanager
    async def open(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        data: bytes | None = None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own, of several parts
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send once, and yield the answer as soon as its head is there, whatever its status.

        Use this for streams, and :meth:`ask` for everything else. Redirects are not followed.
        Errors that aiohttp raises inside the block, while the body is read, are translated as well.
        A user and password in the URL are left out: only this client's credentials are sent.

        Raises:
            InsecureUrlError: the URL is not one that credentials may be sent to.
            UnreachableError: refused, cut off, timed out.
        """
        self._credentials.allowed_hosts.check(url)
        all_headers = CIMultiDict(headers)
        if self._credentials.header:
            all_headers["Authorization"] = self._credentials.header
        all_headers["User-Agent"] = USER_AGENT
        self.requests_sent += 1
        try:
            async with self._session.request(
                method,
                url.with_user(None),
                headers=all_headers,
                data=data,
                timeout=timeout,
                allow_redirects=False,
                proxy=self._proxies.for_url(url),
                proxy_headers={"User-Agent": USER_AGENT},
                middlewares=(self._digest,),
            ) as response:
                date = parse_date(response.headers.get("Date"))
                if date is not None and "Age" not in response.headers:  # not from a cache
                    self._offset = date - datetime.now(UTC).replace(microsecond=0)
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise translate(error, url) from None

    async def close(self, *, grace: float = CLOSING_GRACE) -> None:
        """Wait up to ``grace`` seconds for requests whose callers are gone, then cancel them."""
        if not self._under_way:
            return
        _, unfinished = await asyncio.wait(self._under_way, timeout=grace)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
