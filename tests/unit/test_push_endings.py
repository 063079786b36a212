"""Streams that end: at once, routinely, in the middle; and servers that are gone."""

import asyncio
import json

import pytest

from mailroom.http import UnreachableError
from mailroom.jmap.push import (
    Connected,
    Disconnected,
    PushEvent,
    PushState,
    StateChange,
)
from tests.support.scripted.push import FakeClock, collect, count, event_source
from tests.support.scripted.stream import STREAM, StreamServer, says, says_and_hangs

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def state(number: int) -> bytes:
    data = json.dumps({"changed": {"a": {"Email": str(number)}}})
    return f"id: {number}\nevent: state\ndata: {data}\n\n".encode()


def change(number: int) -> StateChange:
    return StateChange({"a": {"Email": str(number)}})


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_a_server_that_accepts_and_closes_is_not_hammered() -> None:
    time = FakeClock()
    hour = 3600
    async with (
        StreamServer.running(says(STREAM)) as server,
        event_source(server, time=time) as push,
    ):
        await collect(push, lambda _: time.seconds > hour)
        connections = len(server.wires)
    # Full jitter gives 30 s on average: 120 in an hour, give or take a few.
    assert 60 < connections < 220
    assert push.status.last_error == "the stream ended"


async def test_a_stream_that_ends_routinely_is_resumed_where_it_was() -> None:
    async with (
        StreamServer.running(
            says(STREAM, state(1), state(2), b"event: ping\ndata: {}\n\n"),
            says(STREAM, b"event: ping\ndata: {}\n\n"),
            says(STREAM, state(3), b"id: 4\n"),
            says_and_hangs(STREAM),
        ) as server,
        event_source(server) as push,
    ):
        events = await collect(push, count(Connected, 4))
        positions = [wire.headers.get("Last-Event-ID") for wire in server.wires]
    assert [event for event in events if isinstance(event, StateChange)] == [
        change(1),
        change(2),
        change(3),
    ]
    assert positions == [None, "2", "2", "3"]
    assert all(event.error is None for event in events if isinstance(event, Disconnected))


async def test_a_chunked_stream_that_ends_properly_has_ended() -> None:
    script = says(CHUNKED, chunk(state(1)), b"0\r\n\r\n")
    async with StreamServer.running(script) as server, event_source(server) as push:
        events = await collect(push, count(Disconnected, 1))
    assert events[:2] == [Connected(), change(1)]
    assert isinstance(events[2], Disconnected)
    assert events[2].error is None


async def test_a_chunked_stream_that_is_cut_off_is_resumed() -> None:
    first = says(CHUNKED, chunk(state(1)), chunk(b"id: 2\nevent: st"))
    async with StreamServer.running(first, says(STREAM)) as server, event_source(server) as push:
        events = await collect(push, count(Connected, 2))
        assert server.wires[1].headers["Last-Event-ID"] == "1"
    assert isinstance(events[2], Disconnected)
    assert isinstance(events[2].error, UnreachableError)


async def test_a_close_event_ends_the_connection() -> None:
    script = says_and_hangs(STREAM, state(1), b"event: close\ndata: {}\n\n")
    async with StreamServer.running(script) as server, event_source(server) as push:
        events = await collect(push, count(Connected, 2))
        assert server.wires[1].headers["Last-Event-ID"] == "1"
        await server.wires[0].client_is_gone.wait()
    assert isinstance(events[2], Disconnected)
    assert events[2].error is None


async def test_the_servers_retry_is_a_floor() -> None:
    script = says(STREAM, b"retry: 25000\n\n")
    async with StreamServer.running(script) as server, event_source(server) as push:
        events = await collect(push, count(Disconnected, 1))
    assert isinstance(events[-1], Disconnected)
    assert 25 <= events[-1].pause <= 26


async def test_a_server_that_is_gone_is_waited_for_and_found_again() -> None:
    async with StreamServer.running(says(STREAM)) as gone:
        pass
    async with (
        StreamServer.running(says(STREAM, state(1))) as server,
        event_source(gone) as push,
    ):
        events: list[PushEvent] = []

        def until(seen: list[PushEvent]) -> bool:
            events[:] = seen
            if len(seen) == 3:
                gone.url = server.url
            return isinstance(seen[-1], StateChange)

        await collect(push, until)
    assert [type(event) for event in events] == [*[Disconnected] * 3, Connected, StateChange]
    assert push.status.reconnects == 3


async def test_switching_push_off_closes_the_connection() -> None:
    async with (
        StreamServer.running(says_and_hangs(STREAM, state(1))) as server,
        event_source(server) as push,
    ):
        connected = asyncio.Event()

        def until(seen: list[PushEvent]) -> bool:
            connected.set()
            return len(seen) == 3

        task = asyncio.create_task(collect(push, until), name="listener")
        await connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.wires[0].client_is_gone.wait()
    assert push.status.status is PushState.OFF
