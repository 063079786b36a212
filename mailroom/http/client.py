"""Sends one account's requests: with its credentials, within time, again where that is safe.

A request is repeated only when that cannot do anything twice: the caller says so (``repeatable``),
or the request surely never left, or the server said that it did not act (429, 503). Everything else
is reported, for only the caller knows what an unanswered write may have done.

A write is never torn: when its caller is cancelled, the request goes on, and
:meth:`HttpClient.close` waits a moment for such stragglers.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final, TypeVar

import aiohttp
import structlog
from multidict import CIMultiDict
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from yarl import URL

from mailroom.http.credentials import Credentials, may_carry_credentials
from mailroom.http.errors import (
    BrokenAnswerError,
    CredentialsRefusedError,
    HttpError,
    InsecureUrlError,
    UnreachableError,
)
from mailroom.http.messages import (
    AnswerReader,
    HttpRequest,
    Response,
    raise_for_status,
    redirect_target,
)
from mailroom.http.retry import ATTEMPTS, is_worth_repeating, pause
from mailroom.http.slots import Slots

T = TypeVar("T")

log = structlog.get_logger(__name__)

_MAX_REDIRECTS: Final = 5
_MAX_BODY: Final = 64 * 1024 * 1024
"""Octets, unpacked: a hundred cards with large photos, and far more than any other answer has."""


class HttpClient:
    """One account's connection to one service.

    Args:
        session: where connections are pooled. It is the caller's, and stays open after
            :meth:`close`.
        credentials: sent with every request.
        concurrency: how many requests may be under way at once.
        timeout: seconds that a whole answer may take.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        *,
        concurrency: int = 4,
        timeout: float = 60.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._slots = Slots(concurrency)
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, 10.0))
        self._sleep = sleep
        self._under_way: set[asyncio.Task[Response]] = set()
        self.requests_sent = 0
        self.requests_refused = 0

    def limit_concurrency(self, concurrency: int) -> None:
        """From now on at most ``concurrency`` requests at once, those under way included."""
        self._slots.resize(concurrency)

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
        """Send a request, and give its whole answer as it is; see :meth:`ask`."""
        request = HttpRequest(method, url, headers or {}, data, repeatable, expected)
        return await self.ask(request, lambda response: response)

    async def ask(self, request: HttpRequest, read: Callable[[Response], T]) -> T:
        """Send a request, again where that is safe, and give what is read from its answer.

        Args:
            request: what to send.
            read: makes something of the whole answer. When it raises
                :class:`~mailroom.http.errors.BrokenAnswerError`, the attempt has failed.

        Raises:
            HttpError: one of its kinds, see :mod:`mailroom.http.errors`.
        """

        async def attempt() -> T:
            return read(await self._untorn(request))

        return await self._repeated(request, attempt)

    async def ask_in_pieces(
        self, request: HttpRequest, open_reader: Callable[[], AnswerReader[T]]
    ) -> T:
        """Send a request as :meth:`ask` does, and read its answer while the answer comes in.

        The body is never in memory as a whole, so an answer may be of any size.

        Args:
            request: what to send.
            open_reader: makes the reader of one attempt's answer. When the reader raises
                :class:`~mailroom.http.errors.BrokenAnswerError`, the attempt has failed.

        Raises:
            HttpError: one of its kinds, see :mod:`mailroom.http.errors`.
        """

        async def attempt() -> T:
            reader = open_reader()
            return reader.result(await self._untorn(request, reader))

        return await self._repeated(request, attempt)

    async def _repeated(self, request: HttpRequest, attempt: Callable[[], Awaitable[T]]) -> T:
        retrying = AsyncRetrying(
            retry=retry_if_exception(partial(is_worth_repeating, repeatable=request.repeatable)),
            stop=stop_after_attempt(ATTEMPTS),
            wait=pause,
            sleep=self._sleep,
            before_sleep=_log_repetition,
            reraise=True,
        )
        return await retrying(attempt)

    async def _untorn(
        self, request: HttpRequest, reader: AnswerReader[object] | None = None
    ) -> Response:
        """One attempt, which goes on to its end even if the caller is cancelled."""
        await self._slots.take()
        name = f"http {request.method} {request.url.path}"
        task = asyncio.create_task(self._follow(request, reader), name=name)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Response]) -> None:
        if not task.cancelled():
            # Looked at in any case, for its caller may be gone, and asyncio would complain.
            error = task.exception()
            self.requests_refused += isinstance(error, CredentialsRefusedError)
        self._under_way.discard(task)
        self._slots.free()

    async def _follow(self, request: HttpRequest, reader: AnswerReader[object] | None) -> Response:
        """One attempt, with redirects inside the same origin."""
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._once(request, reader)
            target = redirect_target(request.method, response)
            if target is None:
                raise_for_status(response, request.expected)
                return response
            request = replace(request, url=target)
        raise BrokenAnswerError(request.url, "redirects without end")

    async def _once(self, request: HttpRequest, reader: AnswerReader[object] | None) -> Response:
        began = asyncio.get_running_loop().time()
        async with self.open(
            request.method,
            request.url,
            headers=request.headers,
            data=request.data,
            timeout=self._timeout,
        ) as raw:
            response = Response(raw.status, raw.headers, b"", request.url)
            if reader is not None and reader.begin(response):
                octets = await _read_in_pieces(raw, reader)
            else:
                response = replace(response, body=await _read_whole(raw))
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
        """Send once, follow nothing, judge nothing, and give the answer as it begins.

        For streams; everything else goes through :meth:`ask`. What breaks inside the block,
        while the body is read, is translated as well. A user and password in the URL are left out:
        the credentials are this client's, and no others.

        Raises:
            InsecureUrlError: the URL is not one that credentials may be sent to.
            UnreachableError: refused, cut off, timed out.
        """
        if not may_carry_credentials(url):
            raise InsecureUrlError(url)
        all_headers = CIMultiDict(headers)
        all_headers["Authorization"] = self._credentials.header
        self.requests_sent += 1
        try:
            async with self._session.request(
                method,
                url.with_user(None),
                headers=all_headers,
                data=data,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _translate(error, url) from None

    async def close(self, *, grace: float = 3.0) -> None:
        """Wait up to ``grace`` seconds for requests whose callers are gone, then end them."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _log_repetition(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.info(
        "request failed, will be sent again",
        error=str(error),
        attempt=state.attempt_number,
        next_in_seconds=round(state.upcoming_sleep, 1),
    )


async def _read_whole(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > _MAX_BODY:
            raise BrokenAnswerError(response.url, "too large")
        chunks.append(chunk)
    return b"".join(chunks)


async def _read_in_pieces(response: aiohttp.ClientResponse, reader: AnswerReader[object]) -> int:
    """Feed the body to a reader until it has enough; give how many octets that took."""
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if not reader.feed(chunk):
            break
    return size


def _translate(error: BaseException, url: URL) -> HttpError:
    """An error of aiohttp's as one of ours; its text could hold what we sent, so only its type."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return UnreachableError(url, _plain(error), sent=False)
    if isinstance(error, aiohttp.ClientPayloadError):
        return UnreachableError(url, "cut off in the middle of the answer", sent=True)
    if isinstance(error, aiohttp.ClientResponseError):
        return BrokenAnswerError(url, "not HTTP")
    return UnreachableError(url, _plain(error), sent=True)


def _plain(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.strerror:
        return str(error.os_error.strerror).lower()
    return type(error).__name__
