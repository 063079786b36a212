"""The service on the sandbox, with push that comes from servers which misbehave; on virtual time.

The session is the sandbox's own but for where push is: there, scripts answer.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mailroom.jmap.push import PushState, PushStatus
from mailroom.jmap.session import WEBSOCKET
from mailroom.sandbox.owner import OwnerConsole
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.settings.load import load_settings
from mailroom.settings.model import Settings
from tests.faults.scenarios import SCENARIOS, environ, prepared
from tests.support.faults.account import copied
from tests.support.faults.running import Instance, instance
from tests.support.faults.server import Line, serving
from tests.support.proxy.proxy import Answer, Exchange, Forward, Interceptor, pass_through
from tests.support.scripted.push import TEMPLATE
from tests.support.scripted.stream import Script, StreamServer

MINUTE: Final = 60.0
HOUR: Final = 3600.0
POLL: Final = 300.0
"""Seconds between polls, the default."""


def base() -> SandboxAccount:
    """Return the account. The first call runs an event loop, so no event loop may run then."""
    return prepared(SCENARIOS[0], "jmap", at_start=False).base


@dataclass
class PushSetup:
    """A service, and the servers that its push comes from."""

    running: Instance
    account: SandboxAccount
    line: Line
    websocket: StreamServer | None
    eventsource: StreamServer | None

    @property
    def console(self) -> OwnerConsole:
        return OwnerConsole(self.account)

    @property
    def push(self) -> PushStatus:
        return self.running.health.push()

    async def until(self, condition: Callable[[], bool], *, within: float) -> float:
        """Wait until a condition holds; return the seconds that it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not condition():
            assert loop.time() - began <= within, f"not within {within:.0f} s"
            await asyncio.sleep(2)
        return loop.time() - began

    async def until_connected(self, transport: str, *, within: float) -> float:
        return await self.until(
            lambda: (self.push.transport, self.push.status) == (transport, PushState.CONNECTED),
            within=within,
        )

    async def assert_label_is_carried_out(self) -> None:
        """Check that a label is carried out, with the next poll at the latest."""
        (mail,) = [mail for mail in self.console.mails() if mail.subject == "new"]
        self.console.label(mail.id, add=["@ToFeed"])
        await self.until(lambda: not self.console.mails("@ToFeed"), within=POLL + MINUTE)
        assert {mail.subject for mail in self.console.mails("Feed")} == {"new", "old"}


@asynccontextmanager
async def push_setup(
    *,
    websocket: Script | None = None,
    eventsource: Script | None = None,
    intercept: Interceptor = pass_through,
) -> AsyncIterator[PushSetup]:
    """Run the service; these scripts answer its connections for push."""
    account = copied(base())
    async with serving(account) as server, _streams(websocket) as ws, _streams(eventsource) as es:
        line, *_ = server.lines
        line.intercept = _pointing(ws, es, intercept)
        async with instance(_settings(line)) as running:
            await running.until_done()
            yield PushSetup(running, account, line, ws, es)


@asynccontextmanager
async def _streams(script: Script | None) -> AsyncIterator[StreamServer | None]:
    if script is None:
        yield None
    else:
        async with StreamServer.running(script) as server:
            yield server


def _settings(line: Line) -> Settings:
    return load_settings({**environ(line.url), "MAILROOM_PUSH_TRANSPORT": "auto"}, cwd=Path("/"))


def _pointing(ws: StreamServer | None, es: StreamServer | None, then: Interceptor) -> Interceptor:
    """Return an interceptor that puts these servers into the session; None: no such transport."""

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        return await then(exchange, lambda: _pointed(exchange, forward))

    async def _pointed(exchange: Exchange, forward: Callable[[], Awaitable[Answer]]) -> Answer:
        answer = await forward()
        if exchange.method != "GET" or answer.status != 200:
            return answer
        session = json.loads(answer.body)
        session["eventSourceUrl"] = es.url + TEMPLATE if es else None
        session["capabilities"].pop(WEBSOCKET, None)
        if ws is not None:
            url = ws.url.replace("http", "ws") + "/jmap/ws/"
            session["capabilities"][WEBSOCKET] = {"url": url, "supportsPush": True}
        return replace(answer, body=json.dumps(session).encode())

    return intercept
