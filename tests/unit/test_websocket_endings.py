"""Ways in which a WebSocket that stood comes to its end."""

import asyncio
from contextlib import aclosing

import pytest
from websockets.frames import CloseCode
from websockets.protocol import State
from yarl import URL

from mailroom.http import BrokenAnswerError, UnreachableError
from mailroom.jmap.liveness import PushTimeouts
from mailroom.jmap.push import (
    Connected,
    Disconnected,
    PushState,
    StateChange,
)
from mailroom.jmap.sse import LIMIT
from tests.support.scripted.push import FakeClock, collect, count
from tests.support.scripted.websocket import (
    CHANGE,
    Peer,
    Script,
    WebSocketServer,
    closes,
    eventually,
    says,
    says_and_hangs,
    websocket_push,
    websocket_transport,
)


async def end_of(script: Script) -> Disconnected:
    """How push tells the end of this."""
    async with WebSocketServer.running(script, says_and_hangs()) as server:
        events = await collect(websocket_push(server.url), count(Disconnected, 1))
    assert isinstance(events[-1], Disconnected)
    return events[-1]


async def test_accepting_and_closing_is_a_regular_end_and_no_success() -> None:
    time = FakeClock()
    async with WebSocketServer.running(says()) as server:
        push = websocket_push(server.url, time=time)
        events = await collect(push, count(Disconnected, 12))
    assert [type(event) for event in events] == [Connected, Disconnected] * 12
    assert all(event.error is None for event in events if isinstance(event, Disconnected))
    assert push.status.last_error == "the stream ended"
    assert time.seconds > 10  # drawn evenly, the pauses come to some 150


@pytest.mark.parametrize("code", [CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY])
async def test_a_server_may_close_in_the_regular_way(code: CloseCode) -> None:
    assert (await end_of(closes(code, "bye"))).error is None


async def test_a_close_without_a_code_is_regular() -> None:
    async def script(peer: Peer) -> None:
        peer.socket.transport.write(b"\x88\x00")
        await peer.hang()

    assert (await end_of(script)).error is None


@pytest.mark.parametrize("code", [1003, 1008, 1011, 1012, 1013, 3000, 4001])
async def test_any_other_close_is_reported_with_the_servers_words(code: int) -> None:
    error = (await end_of(closes(code, "out of tea"))).error
    assert isinstance(error, UnreachableError)
    assert f"closed, {code}" in str(error)
    assert "out of tea" in str(error)


async def test_a_connection_that_is_cut_off_is_reported() -> None:
    async def script(peer: Peer) -> None:
        peer.socket.transport.abort()

    error = (await end_of(script)).error
    assert isinstance(error, UnreachableError)
    assert str(error).endswith("/jmap/ws/: no answer (cut off)")


async def test_a_half_open_connection_is_dropped_and_made_anew() -> None:
    async def script(peer: Peer) -> None:
        peer.socket.transport.pause_reading()
        await peer.hang()

    async with WebSocketServer.running(script, says_and_hangs()) as server:
        push = websocket_push(server.url, ping=0.05)
        events = await collect(push, count(Connected, 2))
    assert isinstance(events[1], Disconnected)
    assert isinstance(events[1].error, UnreachableError)
    assert "ping" in str(events[1].error)


async def test_an_idle_server_that_answers_pings_is_alive() -> None:
    async def script(peer: Peer) -> None:
        await eventually(lambda: peer.socket.pings >= 5)
        await peer.send(CHANGE)
        await peer.hang()

    async with WebSocketServer.running(script) as server:
        push = websocket_push(server.url, ping=0.01, timeouts=PushTimeouts(pinged=1000))
        events = await collect(push, count(StateChange, 1))
    assert [type(event) for event in events] == [Connected, StateChange]


async def test_a_message_beyond_reason_means_a_change_and_ends_the_connection() -> None:
    huge = CHANGE | {"x": "x" * LIMIT}
    async with WebSocketServer.running(
        says(CHANGE), says_and_hangs(huge), says_and_hangs()
    ) as server:
        events = await collect(websocket_push(server.url), count(Connected, 3))
        positions = [peer.enable.get("pushState") for peer in server.peers[:2]]
        await eventually(lambda: len(server.peers) == 3)
        assert "pushState" not in server.peers[2].enable
    assert events[4] == StateChange(None)
    assert isinstance(events[5], Disconnected)
    assert isinstance(events[5].error, BrokenAnswerError)
    assert positions == [None, "1"]


async def test_a_message_in_too_many_pieces_is_beyond_reason_too() -> None:
    async def script(peer: Peer) -> None:
        await peer.socket.send(iter("x" * 5000))
        await peer.hang()

    async with WebSocketServer.running(script, says_and_hangs()) as server:
        events = await collect(websocket_push(server.url), count(Disconnected, 1))
    assert events[1] == StateChange(None)
    assert isinstance(events[2], Disconnected)
    assert isinstance(events[2].error, BrokenAnswerError)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x83\x00", id="an opcode that is none"),
        pytest.param(b"\xc1\x00", id="a bit that means nothing"),
        pytest.param(b"\x81\x82aaaaaa", id="masked"),
        pytest.param(b"\x80\x00", id="the end of nothing"),
    ],
)
async def test_breaking_the_protocol_ends_the_connection(frame: bytes) -> None:
    async def script(peer: Peer) -> None:
        peer.socket.transport.write(frame)
        await peer.hang()

    error = (await end_of(script)).error
    assert isinstance(error, BrokenAnswerError)
    assert "1002" in str(error)


async def test_text_that_is_no_utf_8_is_a_change_and_no_end() -> None:
    async def script(peer: Peer) -> None:
        peer.socket.transport.write(b"\x81\x02\xff\xfe")
        await peer.send(CHANGE)
        await peer.hang()

    async with WebSocketServer.running(script) as server:
        events = await collect(websocket_push(server.url), count(StateChange, 2))
    assert events == [Connected(), StateChange(None), StateChange({"a": {"Email": "1"}})]


async def test_switching_off_says_goodbye() -> None:
    codes = []

    async def script(peer: Peer) -> None:
        await peer.send(CHANGE)
        await peer.hang()
        codes.append(peer.socket.close_code)

    async with WebSocketServer.running(script) as server:
        push = websocket_push(server.url)
        listening = asyncio.create_task(collect(push, count(Disconnected, 1)), name="push")
        await eventually(lambda: push.status.last_event_at is not None)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        await eventually(lambda: bool(codes))
    assert codes == [CloseCode.NORMAL_CLOSURE]
    assert push.status.status is PushState.OFF


async def test_a_server_that_ignores_the_goodbye_does_not_hold_us_up() -> None:
    deaf = asyncio.Event()

    async def script(peer: Peer) -> None:
        peer.socket.transport.pause_reading()
        deaf.set()
        await peer.hang()

    async with (
        WebSocketServer.running(script) as server,
        asyncio.timeout(9),
    ):  # the library would wait 10 s
        async with websocket_transport(server.url).connect("") as connection:
            await deaf.wait()
        assert connection._websocket.state is State.CLOSED


async def test_the_answer_to_a_ping_is_a_sign_of_life() -> None:
    async with (
        WebSocketServer.running(says_and_hangs(CHANGE)) as server,
        websocket_transport(server.url).connect("") as connection,
    ):
        await connection.await_sign_of_life()
        async with aclosing(connection.changes()) as changes:
            assert await anext(changes) == StateChange({"a": {"Email": "1"}})


@pytest.mark.parametrize("script", [says(), closes(1011)])
async def test_a_connection_that_ends_gives_no_sign_of_life(script: Script) -> None:
    async with (
        WebSocketServer.running(script) as server,
        websocket_transport(server.url).connect("") as connection,
    ):
        await server.peers_gone()
        with pytest.raises(UnreachableError):
            await connection.await_sign_of_life()


async def test_an_error_shows_where_but_no_query() -> None:
    async with WebSocketServer.running(closes(1011)) as server:
        url = URL(server.url).with_query(ticket="secret")
        events = await collect(websocket_push(str(url)), count(Disconnected, 1))
    assert isinstance(events[-1], Disconnected)
    assert events[-1].reason.startswith(f"{server.url}: no answer (closed, 1011")
