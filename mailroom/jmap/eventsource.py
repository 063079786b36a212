"""Push over EventSource (RFC 8620 section 7.3): one connection, from its URL to its end.

:mod:`mailroom.jmap.push` reconnects, and :mod:`mailroom.jmap.sse` decodes the stream.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from mailroom.http import (
    CONNECT_TIMEOUT,
    HttpClient,
    Response,
    UnreachableError,
    shown,
)
from mailroom.jmap.liveness import PUSH_TIMEOUTS, Liveness, PushTimeouts
from mailroom.jmap.push import StateChange
from mailroom.jmap.push_backoff import PushUnavailableError, push_refusal
from mailroom.jmap.session import EVENT_STREAM
from mailroom.jmap.sse import SseDecoder

_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_LONGEST_POSITION: Final = 1000
_LONGEST_REFUSAL: Final = 64 * 1024
"""Octets: enough for any problem details."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)
"""Without a time-out for silence: :class:`Liveness` sets the limit of silence, which can change
while a stream is open."""


def event_source_url(template: str, *, types: Sequence[str], ping: int) -> URL:
    """Expand the session's ``eventSourceUrl`` (RFC 6570 level 1).

    The case of the variables' names is ignored. If the template does not name ``types``, all
    missing variables are added to the query: ``/es`` becomes
    ``/es?types=Email&closeafter=no&ping=30``.

    Raises:
        PushUnavailableError: the template is empty, or its expansion is not a URL.
    """
    if not template:
        raise PushUnavailableError("the session offers no eventSourceUrl")
    values = {"types": ",".join(types), "closeafter": "no", "ping": str(ping)}
    named = {name.lower() for name in _VARIABLE.findall(template)}
    expanded = _VARIABLE.sub(lambda m: quote(values.get(m[1].lower(), ""), safe=""), template)
    try:
        url = URL(expanded)
    except ValueError:
        raise PushUnavailableError("the session's eventSourceUrl is not a valid URL") from None
    if "types" in named:
        return url
    return url.update_query({name: values[name] for name in values if name not in named})


class EventSourceConnection:
    """One open stream; a :class:`mailroom.jmap.push.Connection`."""

    def __init__(self, response: aiohttp.ClientResponse, liveness: Liveness, position: str) -> None:
        self._response = response
        self._liveness = liveness
        self._decoder = SseDecoder(last_event_id=position)
        self._closed = False

    @property
    def position(self) -> str:
        """See :class:`mailroom.jmap.push.Connection`."""
        return self._decoder.last_event_id

    @property
    def retry(self) -> float | None:
        """See :class:`mailroom.jmap.push.Connection`."""
        return None if self._decoder.retry is None else self._decoder.retry / 1000

    def close(self) -> None:
        """See :class:`mailroom.jmap.push.Connection`."""
        self._closed = True
        self._response.close()

    async def await_sign_of_life(self) -> None:
        """Wait for the first bytes, and drop them.

        Raises:
            HttpError: the stream ended or broke before any bytes came.
        """
        if not await self._read():
            raise UnreachableError(self._response.url, "the stream ended at once", sent=True)

    async def changes(self) -> AsyncGenerator[StateChange, None]:
        """See :class:`mailroom.jmap.push.Connection`."""
        while chunk := await self._read():
            self._liveness.heard()
            for event in self._decoder.feed(chunk):
                if event.type == "close":
                    return
                if event.type == "ping":
                    self._liveness.pinged(event.data)
                elif event.oversized or event.type == "state":
                    change = StateChange(None)  # used if the event cannot be read
                    if not event.oversized:
                        with suppress(ValueError, RecursionError):
                            change = StateChange.parse(json.loads(event.data))
                    yield change

    async def _read(self) -> bytes:
        """Return the next bytes; no bytes at the end of the stream."""
        try:
            async with asyncio.timeout(self._liveness.limit):
                return await self._response.content.readany()
        except TimeoutError:
            raise self._liveness.silence_error(self._response.url) from None
        except aiohttp.ClientError:
            if self._closed:
                return b""
            raise


class EventSourceTransport:
    """Opens EventSource connections.

    Args:
        http: a client of its own, in an aiohttp session of its own, because a stream occupies a
            connection for ever.
        url_template: returns the session's present ``eventSourceUrl``, absolute; called for each
            connection; may raise HttpError and JmapError.
        types: the types of objects whose changes are announced. Some servers refuse a type that
            they do not know.
        ping: the interval of pings to ask for, in seconds; at least 1.
        timeouts: the time-outs.
    """

    name = "eventsource"

    def __init__(
        self,
        http: HttpClient,
        url_template: Callable[[], Awaitable[str]],
        *,
        types: Sequence[str],
        ping: int,
        timeouts: PushTimeouts = PUSH_TIMEOUTS,
    ) -> None:
        self._http = http
        self._url_template = url_template
        self._types = tuple(types)
        self._ping = ping
        self._timeouts = timeouts
        self._liveness = Liveness(ping, timeouts)

    @asynccontextmanager
    async def connect(self, position: str) -> AsyncIterator[EventSourceConnection]:
        """Open a stream; see :data:`mailroom.jmap.push.Connect`.

        Raises:
            HttpError: the server cannot be reached, refuses the credentials, says "not now", or
                redirects (redirects are never followed).
            PushUnavailableError: the server answers, but not with a stream of events.
        """
        template = await self._url_template()
        url = event_source_url(template, types=self._types, ping=self._ping)
        headers = {
            "Accept": EVENT_STREAM,
            "Accept-Encoding": "identity",  # to compress, a proxy would hold back events
            "Cache-Control": "no-store",
        }
        if position and position.isprintable() and len(position) <= _LONGEST_POSITION:
            headers["Last-Event-ID"] = position
        opening = self._http.open("GET", url, headers=headers, timeout=_TIMEOUT)
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._timeouts.head):
                    response = await stack.enter_async_context(opening)
            except TimeoutError:
                raise UnreachableError(url, "timed out", sent=True) from None
            await self._check_is_stream(response, url)
            self._liveness.opened()
            yield EventSourceConnection(response, self._liveness, position)

    async def _check_is_stream(self, response: aiohttp.ClientResponse, url: URL) -> None:
        """Raise an error unless the answer is a stream of events.

        Raises:
            HttpError, PushUnavailableError: see :func:`push_refusal`.
        """
        if response.status != HTTPStatus.OK:
            body = b""  # the beginning of the body, as much of it as comes in time
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeouts.head):
                    while len(body) < _LONGEST_REFUSAL:
                        if not (chunk := await response.content.readany()):
                            break
                        body += chunk
            answer = Response(response.status, response.headers, body, url)
            raise push_refusal(answer, "a stream of events")
        if response.content_type != "text/event-stream":
            kind = response.content_type
            raise PushUnavailableError(f"{shown(url)}: {kind} is not a stream of events")
