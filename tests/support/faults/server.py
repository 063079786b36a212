"""The sandbox with an interceptor in front of each request, without a second server for it.

Works like :mod:`tests.support.proxy.proxy`, with the same names, but inside the sandbox's
application: a matrix of some thousand cells has no time to send every request over two connections.
Each client has a line (a port) of its own, so that the requests of two clients are kept apart.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from mailroom.sandbox.app import SandboxApp
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.sandbox.site import Site
from tests.support.proxy.proxy import Answer, Exchange, Interceptor, pass_through
from tests.support.proxy.stream import cut

HOST: Final = "127.0.0.1"
_FRAMING: Final = {"content-length", "transfer-encoding"}


@dataclass(frozen=True)
class TruncatedAnswer(Answer):
    """An answer of which only the first half is sent before the connection is cut."""


@dataclass(eq=False)
class Line:
    """One of the server's ports, used by one client.

    Attributes:
        exchanges: all requests, in order.
        answered: for each exchange, whether its answer had a body.
        intercept: called for each request.
        is_dead: True if requests are cut off before they reach the server.
    """

    port: int
    exchanges: list[Exchange] = field(default_factory=list)
    answered: list[bool] = field(default_factory=list)
    intercept: Interceptor = pass_through
    is_dead: bool = False

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class AccountServer:
    """Serves one account at a time on two ports, each with requests and an interceptor of its own.

    Attributes:
        meanwhile: called once, just before the first write of contacts.
    """

    def __init__(self, account: SandboxAccount) -> None:
        self._accounts = {account.id: account}
        app = SandboxApp(self._accounts, account.quirks).build()
        app.middlewares.insert(0, self._intercept)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        self._sites: dict[int, Site] = {}
        self._returning: set[asyncio.Task[None]] = set()
        self.lines: list[Line] = []
        self.meanwhile: Callable[[], None] | None = None

    def serve(self, account: SandboxAccount) -> None:
        """Serve this account from now on, and reset the lines."""
        self._accounts[account.id] = account
        self.meanwhile = None
        for line in self.lines:
            line.exchanges, line.answered = [], []
            line.intercept, line.is_dead = pass_through, False

    async def start(self) -> None:
        await self._runner.setup()
        for _ in range(2):
            site = Site(self._runner, HOST, 0)
            await site.start()
            _, port = self._runner.addresses[-1]
            self._sites[port] = site
            self.lines.append(Line(port))

    async def stop(self) -> None:
        await self.until_back()
        await self._runner.cleanup()

    async def until_back(self) -> None:
        """Wait until no line is down any more."""
        await asyncio.gather(*self._returning)

    async def go_away(self, line: Line, seconds: float) -> None:
        """Cut all connections, and refuse new ones on a line for some seconds, as in a restart."""
        await self._sites[line.port].stop()
        for transport in self._connections():
            transport.abort()
        task = asyncio.create_task(self._return(line, seconds), name="server comes back")
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _return(self, line: Line, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._sites[line.port] = Site(self._runner, HOST, line.port)
        await self._sites[line.port].start()

    def _connections(self) -> list[asyncio.Transport]:
        server = self._runner.server
        assert isinstance(server, web.Server)
        return [
            connection.transport
            for connection in server.connections
            if connection.transport is not None
        ]

    @web.middleware
    async def _intercept(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        line = next(line for line in self.lines if line.port == request.url.port)
        now = asyncio.get_running_loop().time()
        body = await request.read()
        exchange = Exchange(request.method, request.raw_path, request.headers.copy(), body, now)
        line.exchanges.append(exchange)
        at = len(line.answered)
        line.answered.append(False)

        async def forward() -> Answer:
            if self.meanwhile is not None and exchange.writes_cards:
                self.meanwhile()
                self.meanwhile = None
            request._read_bytes = exchange.body  # an interceptor may have changed it
            answer = await _ask_sandbox(request, handler)
            line.answered[at] = bool(answer.body)
            return answer

        answer = Answer(None) if line.is_dead else await line.intercept(exchange, forward)
        exchange.status = answer.status or 0
        return await _send(request, Answer(None) if line.is_dead else answer)


async def _ask_sandbox(request: web.Request, handler: Handler) -> Answer:
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = error
    assert isinstance(response, web.Response)
    headers = ((k, v) for k, v in response.headers.items() if k.lower() not in _FRAMING)
    body = response.body or b""
    assert isinstance(body, bytes)
    return Answer(response.status, CIMultiDict(headers), body)


async def _send(request: web.Request, answer: Answer) -> web.StreamResponse:
    if answer.status is None:
        cut(request)
        return web.Response()
    if not isinstance(answer, TruncatedAnswer):
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    cut(request)
    return response


@asynccontextmanager
async def serving(account: SandboxAccount) -> AsyncIterator[AccountServer]:
    """Serve an account while the block runs."""
    server = AccountServer(account)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
