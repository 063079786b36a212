"""A server that answers by script, and a client that never waits."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from mailroom.http import Credentials, HttpClient, Slots

TOKEN = "s3cret-t0ken"

Answer = Callable[["Seen"], Awaitable[web.Response]]


@dataclass
class Seen:
    """A request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def answer(
    status: int = 200, body: bytes | str = b"", headers: dict[str, str] | None = None
) -> Answer:
    """Return an answer that is the same for every request."""
    encoded = body.encode() if isinstance(body, str) else body

    async def respond(_: Seen) -> web.Response:
        return web.Response(status=status, body=encoded, headers=headers)

    return respond


def redirect(location: str, status: int = 301) -> Answer:
    return answer(status, headers={"Location": location})


@dataclass
class ScriptedServer:
    """Answers one request after the other as the script says, the last answer for all to come."""

    script: list[Answer]
    seen: list[Seen] = field(default_factory=list)
    url: URL = field(default_factory=URL)

    @classmethod
    @asynccontextmanager
    async def running(cls, *script: Answer) -> AsyncIterator[Self]:
        self = cls(list(script))
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        async with TestServer(app) as server:
            self.url = server.make_url("/start")
            yield self

    async def _handle(self, request: web.Request) -> web.Response:
        seen = Seen(request.method, request.path_qs, dict(request.headers), await request.read())
        number = len(self.seen)
        self.seen.append(seen)
        return await self.script[min(number, len(self.script) - 1)](seen)


@dataclass
class Pauses:
    """Replaces sleep: records each pause, and does not wait."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def http_client(
    *,
    pauses: Callable[[float], Awaitable[None]] | None = None,
    concurrency: int = 4,
    patience: float = 20.0,
    credentials: Credentials | None = None,
) -> AsyncIterator[HttpClient]:
    """A client with a token, which does not wait between attempts."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield HttpClient(
            session,
            credentials or Credentials.bearer(TOKEN),
            slots=Slots(concurrency),
            timeout=patience,
            sleep=pauses or Pauses(),
        )
