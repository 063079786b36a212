"""Streams that say nothing, or hardly anything."""

import asyncio
from contextlib import aclosing

from mailroom.http import UnreachableError
from mailroom.jmap.liveness import PushTimeouts
from mailroom.jmap.push import (
    Connected,
    Disconnected,
    PushState,
    StateChange,
)
from mailroom.jmap.push_backoff import PushUnavailableError
from tests.support.scripted.push import FakeClock, collect, count, event_source
from tests.support.scripted.stream import STREAM, StreamServer, Wire, says, says_and_hangs

CHANGE = b'event: state\ndata: {"changed":{"a":{"Email":"1"}}}\n\n'
PING = b'event: ping\ndata: {"interval":30}\n\n'


async def test_a_half_open_connection_is_dropped_and_made_anew() -> None:
    timeouts = PushTimeouts(unpinged=0.05)
    async with (
        StreamServer.running(says_and_hangs(STREAM, CHANGE)) as server,
        event_source(server, timeouts=timeouts) as push,
    ):
        events = await collect(push, count(Connected, 2))
        lost = events[2]
        assert isinstance(lost, Disconnected)
        assert isinstance(lost.error, UnreachableError)
        await server.wires[0].client_is_gone.wait()


async def test_a_server_that_pings_is_missed_sooner() -> None:
    timeouts = PushTimeouts(pinged=0.05 / 30)
    async with (
        StreamServer.running(says_and_hangs(STREAM, PING)) as server,
        event_source(server, timeouts=timeouts) as push,
    ):
        events = await collect(push, count(Disconnected, 1))
    assert [type(event) for event in events] == [Connected, Disconnected]
    assert "silent" in str(push.status.last_error)


async def test_each_single_byte_is_life() -> None:
    timeouts = PushTimeouts(first_byte=0.5 / 30, unpinged=0.5)

    async def drip(wire: Wire) -> None:
        await wire.send(STREAM)
        for octet in CHANGE:
            await wire.send(bytes([octet]))
            await asyncio.sleep(0.015)

    async with (
        StreamServer.running(drip) as server,
        event_source(server, timeouts=timeouts) as push,
    ):
        events = await collect(push, count(Disconnected, 1))
    assert events[1] == StateChange({"a": {"Email": "1"}})
    assert isinstance(events[2], Disconnected)
    assert events[2].error is None


async def test_a_head_that_does_not_come_is_not_waited_for_for_ever() -> None:
    async with (
        StreamServer.running(says_and_hangs()) as server,
        event_source(server, timeouts=PushTimeouts(head=0.05)) as push,
    ):
        (event,) = await collect(push, count(Disconnected, 1))
    assert isinstance(event, Disconnected)
    assert isinstance(event.error, UnreachableError)


async def test_two_connections_without_a_first_byte_mean_poll() -> None:
    time = FakeClock()
    timeouts = PushTimeouts(first_byte=0.05 / 30)
    async with (
        StreamServer.running(
            says_and_hangs(STREAM), says_and_hangs(STREAM), says_and_hangs(STREAM, CHANGE)
        ) as server,
        event_source(server, timeouts=timeouts, time=time) as push,
    ):
        events = await collect(push, count(Disconnected, 2))
        errors = [event.error for event in events if isinstance(event, Disconnected)]
        assert [type(error) for error in errors] == [UnreachableError, PushUnavailableError]
        events = await collect(push, count(StateChange, 1))
    assert isinstance(events[0], Connected)


async def test_a_server_that_once_spoke_must_speak_on_each_connection() -> None:
    timeouts = PushTimeouts(first_byte=0.05 / 30)
    async with (
        StreamServer.running(says(STREAM, CHANGE), says_and_hangs(STREAM)) as server,
        event_source(server, timeouts=timeouts) as push,
    ):
        events = await collect(push, count(Disconnected, 3))
    assert isinstance(events[-1], Disconnected)
    assert isinstance(events[-1].error, PushUnavailableError)


async def test_unavailable_push_is_tried_again_after_a_quarter_of_an_hour() -> None:
    time = FakeClock()
    timeouts = PushTimeouts(first_byte=0.05 / 30)
    mute = says_and_hangs(STREAM)
    async with (
        StreamServer.running(mute, mute, says(STREAM, CHANGE)) as server,
        event_source(server, timeouts=timeouts, time=time) as push,
    ):
        seen = []
        async with aclosing(push.events()) as events:
            for _ in range(6):
                await anext(events)
                seen.append(push.status.status)
    assert seen == [
        PushState.CONNECTED,
        PushState.WAITING,
        PushState.CONNECTED,
        PushState.UNAVAILABLE,
        PushState.CONNECTED,
        PushState.CONNECTED,
    ]
    assert time.pauses[0] <= 1
    assert 900 <= time.pauses[1] <= 960
