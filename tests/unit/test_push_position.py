"""Push resumes where it was, until its user says that this position leads nowhere."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

import pytest

from mailroom.jmap.push import Connected, Disconnected, Push
from tests.support.scripted import stream, websocket
from tests.support.scripted.push import event_source

Positions = Callable[[], list[str | None]]
"""Return the position that each connection asked to resume from."""
Opened = AbstractAsyncContextManager[tuple[Push, Positions]]

CHANGE = b'event: state\ndata: {"changed":{"a":{"Email":"1"}}}\n\n'
PING = b'event: ping\ndata: {"interval":30}\n\n'


@asynccontextmanager
async def over_eventsource() -> AsyncIterator[tuple[Push, Positions]]:
    async with (
        stream.StreamServer.running(
            stream.says(stream.STREAM, b"id: 999\n" + CHANGE),
            stream.says_and_hangs(stream.STREAM, PING),
            stream.says_and_hangs(stream.STREAM, b"id: 5\n" + CHANGE),
        ) as server,
        event_source(server) as push,
    ):
        yield push, lambda: [wire.headers.get("Last-Event-ID") for wire in server.wires]


@asynccontextmanager
async def over_websocket() -> AsyncIterator[tuple[Push, Positions]]:
    change = {**websocket.CHANGE, "pushState": "999"}
    async with websocket.WebSocketServer.running(
        websocket.says(change), websocket.says_and_hangs()
    ) as server:
        push = websocket.websocket_push(server.url)
        yield push, lambda: [peer.enable.get("pushState") for peer in server.peers]


@pytest.mark.parametrize("opened", [over_eventsource, over_websocket])
async def test_forgetting_the_position_reconnects_without_it(opened: Callable[[], Opened]) -> None:
    """The second connection resumes and hears nothing; the third one starts from now."""
    async with opened() as (push, positions), asyncio.timeout(10):
        loop = asyncio.get_running_loop()
        connections = 0
        errors = []
        async with aclosing(push.events()) as events:
            async for event in events:
                connections += event == Connected()
                if isinstance(event, Disconnected):
                    errors.append(event.error)
                if connections == 2:
                    loop.call_soon(push.forget_position)  # while the next event is waited for
                if connections == 3:
                    break
        await websocket.eventually(lambda: len(positions()) == 3)
        assert positions() == [None, "999", None]
    assert errors == [None, None]
