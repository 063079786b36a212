"""A WebSocket server that runs a script for each connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Event
from websockets.typing import Subprotocol
from yarl import URL

from mailroom.http import AllowedHosts, Credentials
from mailroom.jmap.liveness import PUSH_TIMEOUTS, PushTimeouts
from mailroom.jmap.push import Push
from mailroom.jmap.websocket import WebSocketTransport
from tests.support.scripted.push import FakeClock

TYPES = ("Email", "Mailbox", "ContactCard")
SECRET = "secret-token"
CHANGE = {"@type": "StateChange", "changed": {"a": {"Email": "1"}}, "pushState": "1"}


class CountingConnection(ServerConnection):
    """Counts the pings that come."""

    pings = 0

    def process_event(self, event: Event) -> None:
        self.pings += isinstance(event, Frame) and event.opcode is Opcode.PING
        super().process_event(event)


@dataclass
class Peer:
    """The server's end of one connection, push enabled."""

    socket: CountingConnection
    enable: dict[str, Any]
    """The message that enabled push."""
    echoes: list[str] = field(default_factory=list)
    """The ids of the requests that were answered."""

    @property
    def headers(self) -> dict[str, str]:
        assert self.socket.request is not None
        return dict(self.socket.request.headers.raw_items())

    async def send(self, *messages: str | bytes | dict[str, Any]) -> None:
        for message in messages:
            is_object = isinstance(message, dict)
            await self.socket.send(json.dumps(message) if is_object else message)

    async def hang(self) -> None:
        """Send nothing more, and wait for the client to close."""
        await self.socket.wait_closed()


Script = Callable[[Peer], Awaitable[None]]


def says(*messages: str | bytes | dict[str, Any]) -> Script:
    """Return a script: send these messages, and close in the regular way."""

    async def script(peer: Peer) -> None:
        await peer.send(*messages)

    return script


def says_and_hangs(*messages: str | bytes | dict[str, Any]) -> Script:
    """Return a script: send these messages, and then nothing more."""

    async def script(peer: Peer) -> None:
        await peer.send(*messages)
        await peer.hang()

    return script


def closes(code: int, reason: str = "") -> Script:
    """Return a script: close with this code."""

    async def script(peer: Peer) -> None:
        await peer.socket.close(code, reason)

    return script


@dataclass
class WebSocketServer:
    """A real server; runs one script for each connection, the last one for all that follow."""

    scripts: list[Script]
    peers: list[Peer] = field(default_factory=list)
    url: str = ""

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        *scripts: Script,
        answer: Callable[[ServerConnection, Request], Response | None] | None = None,
        echoes: bool = True,
    ) -> AsyncIterator[Self]:
        self = cls(list(scripts))
        serving = serve(
            self._serve,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol("jmap")],
            select_subprotocol=None if echoes else lambda _socket, _offered: None,
            process_request=answer,
            ping_interval=None,
            close_timeout=0.2,
            create_connection=CountingConnection,
        )
        async with serving as server:
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/jmap/ws/"
            yield self

    async def peers_gone(self) -> None:
        """Wait until every connection has ended."""
        await eventually(lambda: bool(self.peers))
        await asyncio.gather(*(peer.hang() for peer in self.peers))

    async def _serve(self, socket: ServerConnection) -> None:
        assert isinstance(socket, CountingConnection)
        try:
            peer = Peer(socket, {})
            while not peer.enable:
                await _converse(peer)
            script = self.scripts[min(len(self.peers), len(self.scripts) - 1)]
            self.peers.append(peer)
            async with asyncio.TaskGroup() as tasks:
                answering = tasks.create_task(_answer(peer), name="answers")
                await script(peer)
                answering.cancel()
        except* ConnectionClosed:
            pass  # the client may close at any time


async def _answer(peer: Peer) -> None:
    with suppress(ConnectionClosed):
        while True:
            await _converse(peer)


async def _converse(peer: Peer) -> None:
    """Read one message: answer a request, or keep the one that enables push."""
    message = json.loads(await peer.socket.recv())
    if message["@type"] == "WebSocketPushEnable":
        assert not peer.enable, "a second enable makes Apache James deaf"
        peer.enable = message
        return
    assert (message["@type"], message["methodCalls"]) == ("Request", [["Core/echo", {}, "0"]])
    peer.echoes.append(message["id"])
    answer = {"methodResponses": message["methodCalls"], "sessionState": "0"}
    await peer.send({"@type": "Response", "requestId": message["id"], **answer})


def websocket_transport(
    url: str | None, *, ping: float = 30, timeouts: PushTimeouts = PUSH_TIMEOUTS
) -> WebSocketTransport:
    async def present_url() -> URL | None:
        return None if url is None else URL(url)

    return WebSocketTransport(
        Credentials.bearer(SECRET, AllowedHosts(URL(url or ""))),
        present_url,
        types=TYPES,
        ping=ping,
        timeouts=timeouts,
    )


def websocket_push(
    url: str | None,
    *,
    time: FakeClock | None = None,
    ping: float = 30,
    timeouts: PushTimeouts = PUSH_TIMEOUTS,
) -> Push:
    """Return push over WebSocket from a server, with a fake clock."""
    time = time or FakeClock()
    transport = websocket_transport(url, ping=ping, timeouts=timeouts)
    return Push(transport.connect, transport=transport.name, clock=time.clock, sleep=time.sleep)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - no event announces the condition
            await asyncio.sleep(0.005)
