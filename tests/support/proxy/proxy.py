"""A proxy between Mailroom and its server: it can be slow, fail, change answers, and count.

It rewrites only the framing of messages, and forwards streams byte by byte as they come. It keeps
every exchange, from which :mod:`tests.support.proxy.steps` derives the order of requests.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from mailroom.sandbox.site import Site
from tests.support.owner.person import until
from tests.support.proxy.relay import relay
from tests.support.proxy.stream import Stream, cut
from tests.support.proxy.upstream import Upstream, unframed

_KIND_OF_GROUP: Final = re.compile(rb"(?im)^(X-ADDRESSBOOKSERVER-)?KIND:group")


@dataclass(eq=False)
class Exchange:
    """A request and its answer.

    Attributes:
        began: the time when the request was complete, in seconds of the monotonic clock.
        ended: the time when the answer was forwarded completely; None before.
        status: the answer's status; 0 as long as there is no answer.
    """

    method: str
    path: str
    headers: CIMultiDict[str]
    body: bytes
    began: float
    ended: float | None = None
    status: int = 0

    @property
    def calls(self) -> tuple[str, ...]:
        """The JMAP methods that were called, in order; none in an upload."""
        if self.method != "POST" or "json" not in self.headers.get("Content-Type", ""):
            return ()
        return tuple(call[0] for call in json.loads(self.body)["methodCalls"])

    @property
    def kind(self) -> str:
        """The JMAP methods or the HTTP method; for PUT, also ``card`` or ``group``."""
        if self.calls:
            condition = ["ifInState"] if b'"ifInState":' in self.body else []
            return " ".join(dict.fromkeys([*self.calls, *condition]))
        if self.method == "PUT":
            return "PUT group" if _KIND_OF_GROUP.search(self.body) else "PUT card"
        return "stream" if self.is_stream else self.method

    @property
    def writes_cards(self) -> bool:
        """True if the request writes contacts; over JMAP it may write groups, too."""
        return self.kind == "PUT card" or "ContactCard/set" in self.calls

    @property
    def is_stream(self) -> bool:
        """True if the request opens a push stream."""
        return self.is_websocket or "text/event-stream" in self.headers.get("Accept", "")

    @property
    def is_websocket(self) -> bool:
        """True if the request opens a WebSocket."""
        return self.headers.get("Upgrade", "").lower() == "websocket"

    @property
    def is_write(self) -> bool:
        """True if the request changes anything on the server."""
        return self.method in {"PUT", "DELETE"} or any(
            call.endswith(("/set", "/import")) for call in self.calls
        )


@dataclass(frozen=True)
class Answer:
    """An answer. With None as the status, the connection is cut instead."""

    status: int | None
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    body: bytes = b""


CUT: Final = Answer(None)

Forward = Callable[[], Awaitable[Answer]]
Interceptor = Callable[[Exchange, Forward], Awaitable[Answer]]
"""Stands between client and server: may forward a request or not, wait, and answer as it likes."""


async def pass_through(exchange: Exchange, forward: Forward) -> Answer:
    """Forward a request unchanged; the interceptor at first."""
    return await forward()


class Proxy:
    """A proxy in front of one server, or of one for mail and another for contacts.

    Attributes:
        url: the proxy's URL.
        exchanges: all requests, in order.
        round_trip: seconds added to every exchange, half of them before the request.
        intercept: called for each request but those of streams.
        refuses: True to cut off new requests at once, without an answer.
        stream_chunks: (time, data) of everything that streams carried, even if not forwarded.
    """

    def __init__(self, server: str, dav_server: str = "") -> None:
        self.url = ""
        self.exchanges: list[Exchange] = []
        self.round_trip = 0.0
        self.intercept: Interceptor = pass_through
        self.refuses = False
        self.stream_chunks: list[tuple[float, bytes]] = []
        self._upstream = Upstream(server, dav_server or server)
        self._streams: list[Stream] = []

    # For tests

    def since(self, count: int) -> list[Exchange]:
        """The exchanges after the first ``count``, streams left out."""
        return [exchange for exchange in self.exchanges[count:] if not exchange.is_stream]

    @property
    def open_streams(self) -> int:
        """The number of streams that the client keeps open."""
        return len(self._streams)

    async def until_open_streams(self, count: int) -> None:
        """Wait until the client keeps exactly so many streams open."""

        async def are_open() -> bool:
            return self.open_streams == count

        await until(are_open, f"{count} open streams")

    @property
    def streamed(self) -> bytes:
        """All data that the streams carried."""
        return b"".join(chunk for _, chunk in self.stream_chunks)

    async def until_streamed(self, text: str, count: int = 1) -> None:
        """Wait until the server has sent a text over streams a number of times."""

        async def is_streamed() -> bool:
            return self.streamed.count(text.encode()) >= count

        await until(is_streamed, f"{count} x {text!r} in the stream")

    def break_off(self) -> None:
        """Cut the streams, and every request from now on."""
        self.refuses = True
        self.cut_streams()

    def mend(self) -> None:
        """Let requests through again."""
        self.refuses = False

    def stall_streams(self) -> None:
        """Stall the open streams: they forward no byte, nor the end."""
        for stream in self._streams:
            stream.moving.clear()

    def release_streams(self) -> None:
        """Forward everything that stalled streams held back, and all that follows."""
        for stream in self._streams:
            stream.moving.set()

    def end_streams(self) -> None:
        """End the open streams in the regular way; data that they hold back is lost."""
        for stream in self._streams:
            stream.end()

    def cut_streams(self) -> None:
        """Cut the open streams in the middle."""
        for stream in self._streams:
            cut(stream.request)

    # The proxy's own work

    async def handle(
        self, request: web.Request, client: aiohttp.ClientSession
    ) -> web.StreamResponse:
        """Forward one request, and then its answer."""
        body = await request.read()
        exchange = Exchange(
            request.method, request.raw_path, request.headers.copy(), body, time.monotonic()
        )
        self.exchanges.append(exchange)
        if self.refuses:
            cut(request)
            return web.Response()
        stream = self._carry_socket if exchange.is_websocket else self._carry_stream
        carry = stream if exchange.is_stream else self._carry
        try:
            response = await carry(exchange, request, client)
        except aiohttp.ClientError:
            cut(request)
            return web.Response()
        exchange.ended = time.monotonic()
        return response

    async def _carry_socket(
        self, exchange: Exchange, request: web.Request, client: aiohttp.ClientSession
    ) -> web.StreamResponse:
        url, headers = self._upstream.url(exchange.path), self._headers(exchange)
        return await relay(request, client, url, headers, self.stream_chunks)

    def _headers(self, exchange: Exchange) -> CIMultiDict[str]:
        return self._upstream.headers(exchange.headers, self.url)

    async def _carry(
        self, exchange: Exchange, request: web.Request, client: aiohttp.ClientSession
    ) -> web.StreamResponse:
        async def forward() -> Answer:
            async with self._asking(exchange, client) as received:
                return Answer(received.status, unframed(received.headers), await received.read())

        await asyncio.sleep(self.round_trip / 2)
        answer = await self.intercept(exchange, forward)
        await asyncio.sleep(self.round_trip / 2)
        if answer.status is None:
            cut(request)
            return web.Response()
        exchange.status = answer.status
        response = web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        await response.prepare(request)
        await response.write_eof()
        return response

    def _asking(
        self, exchange: Exchange, client: aiohttp.ClientSession
    ) -> "aiohttp.client._RequestContextManager":
        return client.request(
            exchange.method,
            self._upstream.url(exchange.path),
            headers=self._headers(exchange),
            data=exchange.body or None,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            allow_redirects=False,
        )

    async def _carry_stream(
        self, exchange: Exchange, request: web.Request, client: aiohttp.ClientSession
    ) -> web.StreamResponse:
        async with self._asking(exchange, client) as received:
            exchange.status = received.status
            headers = unframed(received.headers)
            response = web.StreamResponse(status=received.status, headers=headers)
            await response.prepare(request)
            stream = Stream(request, self.stream_chunks)
            self._streams.append(stream)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(stream.listen(received.content.iter_any()), name="listen")
                    tasks.create_task(stream.hand_on(response), name="hand on")
            except* aiohttp.ClientError:
                cut(request)
            finally:
                self._streams.remove(stream)
            return response


@asynccontextmanager
async def proxying(server: str, dav_server: str = "") -> AsyncIterator[Proxy]:
    """Run a proxy as long as the block runs, in front of one server or of two (:class:`Proxy`)."""
    proxy = Proxy(server, dav_server)
    async with aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    ) as client:

        async def handle(request: web.Request) -> web.StreamResponse:
            return await proxy.handle(request, client)

        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            await Site(runner, "127.0.0.1").start()
            proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield proxy
        finally:
            proxy.release_streams()
            await runner.cleanup()
