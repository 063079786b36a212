"""Streams that say too much, or nonsense."""

import asyncio
import tracemalloc
from contextlib import aclosing

import pytest

from mailroom.jmap.push import (
    Connected,
    Disconnected,
    PushEvent,
    StateChange,
)
from tests.support.scripted.push import collect, count, event_source
from tests.support.scripted.stream import STREAM, StreamServer, Wire, says, says_and_hangs

CHANGE = b'event: state\ndata: {"changed":{"a":{"Email":"1"}}}\n\n'


async def told(*said: bytes) -> list[PushEvent]:
    """What push tells of this stream, between connecting and its end."""
    async with StreamServer.running(says(STREAM, *said)) as server, event_source(server) as push:
        events = await collect(push, count(Disconnected, 1))
    assert isinstance(events[0], Connected)
    assert isinstance(events[-1], Disconnected)
    assert events[-1].error is None
    return events[1:-1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"changed":null}',
        b'{"changed":{"a":["Email"]}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"9" * 5000,
    ],
)
async def test_a_state_event_that_cannot_be_read_is_a_change(data: bytes) -> None:
    assert await told(b"event: state\ndata: " + data + b"\n\n") == [StateChange(None)]


@pytest.mark.parametrize(
    "said",
    [
        b"event: news\ndata: {}\n\n",
        b'data: {"changed":{"a":{"Email":"1"}}}\n\n',
        b"event: ping\ndata: {\n\n",
        b": a comment\n\n",
        b"event: state\n\n",
        b"\0\x01\xff\r\n\r\n",
    ],
)
async def test_what_is_no_state_event_is_no_change(said: bytes) -> None:
    assert await told(said, CHANGE) == [StateChange({"a": {"Email": "1"}})]


async def test_an_oversized_event_is_a_change_and_what_follows_is_heard() -> None:
    huge = b"event: state\ndata: " + b"x" * 1_500_000 + b"\n\n"
    assert await told(huge, CHANGE) == [StateChange(None), StateChange({"a": {"Email": "1"}})]


async def test_an_endless_line_is_a_change_now_and_then_in_bounded_memory() -> None:
    async def babble(wire: Wire) -> None:
        await wire.send(STREAM)
        while True:
            await wire.send(b"x" * 65536)

    async with StreamServer.running(babble) as server, event_source(server) as push:
        tracemalloc.start()
        try:
            events = await collect(push, count(StateChange, 20))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert set(map(type, events)) == {Connected, StateChange}
    assert peak < 10 * 1024 * 1024


async def test_a_flood_is_delivered_whole() -> None:
    flood = b"".join(
        b'id: %d\nevent: state\ndata: {"changed":{"a":{"Email":"%d"}}}\n\n' % (number, number)
        for number in range(10_000)
    )
    script = says_and_hangs(STREAM, flood)
    async with StreamServer.running(script) as server, event_source(server) as push:
        events = await collect(push, lambda seen: len(seen) > 10_000)
    assert events[1:] == [StateChange({"a": {"Email": str(n)}}) for n in range(10_000)]


async def test_a_flood_waits_on_the_wire_while_the_owner_is_busy() -> None:
    total, sent = 500_000, 0

    async def flood(wire: Wire) -> None:
        nonlocal sent
        await wire.send(STREAM)
        while sent < total:
            await wire.send(CHANGE * 50)
            sent += 50

    async def stuck() -> None:
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.1)

    async with (
        StreamServer.running(flood) as server,
        event_source(server) as push,
        aclosing(push.events()) as events,
    ):
        assert isinstance(await anext(events), Connected)
        tracemalloc.start()
        try:
            assert isinstance(await anext(events), StateChange)
            await stuck()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert isinstance(await anext(events), StateChange)
    assert sent < total
    assert peak < 10 * 1024 * 1024
