"""What comes over a WebSocket, and what push makes of it. The frames are a real server's."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from mailroom.http import CredentialsRefusedError, HttpError
from mailroom.jmap.errors import JmapError, RequestError
from mailroom.jmap.push import (
    Connected,
    Disconnected,
    PushEvent,
    StateChange,
)
from mailroom.jmap.push_backoff import UNAVAILABLE_PAUSE, PushUnavailableError
from tests.support.scripted.push import collect, count
from tests.support.scripted.websocket import (
    CHANGE,
    TYPES,
    Peer,
    WebSocketServer,
    eventually,
    says,
    says_and_hangs,
    websocket_push,
)

CYRUS_DELIVERY = (
    '{"@type":"StateChange","changed":{"alice":{"Email":"54","Mailbox":"54"}},"pushState":"54"}'
)
CYRUS_RESPONSE = (
    '{"methodResponses":[["Email/set",{"oldState":"54","newState":"55","created":null,'
    '"updated":{"M6add31fa2602fb692b323406":null},"destroyed":null,"notCreated":null,'
    '"notUpdated":null,"notDestroyed":null,"accountId":"alice"},"0"]],"sessionState":"0",'
    '"@type":"Response","requestId":"S"}'
)
CYRUS_OWN_CHANGE = (
    '{"@type":"StateChange","changed":{"alice":{"Email":"55","Mailbox":"55"}},"pushState":"55"}'
)
CYRUS_UNKNOWN_TYPE = (
    '{"type":"urn:ietf:params:jmap:error:notRequest",'
    '"title":"JSON request body is not a JMAP Request object","status":400,'
    '"detail":"Unknown request @type: WebSocketPushEnable","@type":"RequestError"}'
)
CYRUS_ERROR_OF_A_REQUEST = (
    '{"type":"urn:ietf:params:jmap:error:unknownCapability",'
    '"title":"JMAP request uses unsupported capabilities","status":400,'
    '"detail":"The Request object used capability \'urn:bogus\', which is not supported by this '
    'server.","@type":"RequestError","requestId":"R5"}'
)
END = {"@type": "StateChange", "changed": {"a": {"Email": "end"}}}
THE_END = StateChange({"a": {"Email": "end"}})


async def told(*said: str | bytes | dict[str, Any]) -> list[PushEvent]:
    """What push makes of these messages, and of one more that it surely understands."""
    async with WebSocketServer.running(says_and_hangs(*said, END)) as server:
        events = await collect(websocket_push(server.url), lambda events: events[-1] == THE_END)
    assert (events[0], events[-1]) == (Connected(), THE_END)
    return events[1:-1]


async def test_cyrus_tells_of_a_delivery_and_of_a_change_made_over_the_same_socket() -> None:
    assert await told(CYRUS_DELIVERY, CYRUS_RESPONSE, CYRUS_OWN_CHANGE) == [
        StateChange({"alice": {"Email": "54", "Mailbox": "54"}}),
        StateChange({"alice": {"Email": "55", "Mailbox": "55"}}),
    ]


async def test_push_is_enabled_for_named_types() -> None:
    async with WebSocketServer.running(says(CYRUS_DELIVERY)) as server:
        await collect(websocket_push(server.url), count(Disconnected, 1))
        assert server.peers[0].enable == {
            "@type": "WebSocketPushEnable",
            "dataTypes": list(TYPES),
        }


async def test_push_resumes_at_the_last_push_state() -> None:
    async with WebSocketServer.running(
        says(CYRUS_DELIVERY, CYRUS_OWN_CHANGE), says(), says(CHANGE), says_and_hangs()
    ) as server:
        await collect(websocket_push(server.url), count(Connected, 4))
        positions = [peer.enable.get("pushState") for peer in server.peers]
    assert positions[:3] == [None, "55", "55"]


async def test_a_forgotten_position_is_not_resumed_at() -> None:
    async with WebSocketServer.running(says(CYRUS_DELIVERY)) as server:
        push = websocket_push(server.url)
        await collect(push, count(Disconnected, 1))
        push.forget_position()
        await collect(push, count(Disconnected, 1))
        assert "pushState" not in server.peers[1].enable


@pytest.mark.parametrize("push_state", [5, None, "", ["1"], True])
async def test_a_push_state_that_is_none_changes_no_position(push_state: object) -> None:
    odd = CHANGE | {"pushState": push_state}
    async with WebSocketServer.running(says(CYRUS_DELIVERY, odd), says()) as server:
        await collect(websocket_push(server.url), count(Disconnected, 2))
        assert server.peers[1].enable["pushState"] == "54"


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="cut off"),
        pytest.param("not JSON", id="text"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param("[1,2]", id="a list"),
        pytest.param("null", id="null"),
        pytest.param("1" * 10_000, id="a very long number"),
        pytest.param("{}", id="an object without a type"),
        pytest.param('{"@type":5}', id="a type that is none"),
        pytest.param('{"@type":"StateChange"}', id="nothing changed"),
        pytest.param('{"@type":"StateChange","changed":null}', id="null changed"),
        pytest.param('{"@type":"StateChange","changed":{"a":["Email"]}}', id="a list changed"),
        pytest.param(b"\x00\xff\xfe", id="binary"),
        pytest.param(b"", id="nothing, binary"),
    ],
)
async def test_what_cannot_be_understood_means_that_something_changed(garbage: str | bytes) -> None:
    assert await told(garbage) == [StateChange(None)]


async def test_a_binary_message_with_a_change_in_it_is_one() -> None:
    assert await told(CYRUS_DELIVERY.encode()) == [
        StateChange({"alice": {"Email": "54", "Mailbox": "54"}})
    ]


async def test_a_change_needs_no_type() -> None:
    assert await told('{"changed":{"a":{"Email":"1"}}}') == [StateChange({"a": {"Email": "1"}})]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(CYRUS_RESPONSE, id="a response to nobody"),
        pytest.param(CYRUS_ERROR_OF_A_REQUEST, id="an error of a request that we never sent"),
        pytest.param('{"@type":"CalendarAlert","accountId":"a"}', id="a type to come"),
    ],
)
async def test_what_is_not_for_us_is_ignored(message: str) -> None:
    assert await told(message, message) == []


async def test_a_message_in_many_pieces_is_one() -> None:
    async def script(peer: Peer) -> None:
        await peer.socket.send(iter(CYRUS_DELIVERY))
        await peer.hang()

    async with WebSocketServer.running(script) as server:
        events = await collect(websocket_push(server.url), count(StateChange, 1))
    assert events[1:] == [StateChange({"alice": {"Email": "54", "Mailbox": "54"}})]


async def test_a_flood_of_changes_comes_through() -> None:
    flood = [
        {"@type": "StateChange", "changed": {"a": {"Email": str(number)}}, "pushState": str(number)}
        for number in range(10_000)
    ]

    async def script(peer: Peer) -> None:
        await eventually(lambda: len(peer.echoes) == 2)
        await peer.send(*flood, END)
        await peer.hang()

    async with WebSocketServer.running(script) as server:
        events = await collect(websocket_push(server.url), lambda events: events[-1] == THE_END)
    assert events[1:-1] == [StateChange({"a": {"Email": str(number)}}) for number in range(10_000)]


async def test_a_flood_before_anything_else_comes_through_as_well() -> None:
    assert len(await told(*[CYRUS_DELIVERY] * 1000)) == 1000


async def test_connected_means_that_the_server_knows_the_wanted_types() -> None:
    async with WebSocketServer.running(says_and_hangs()) as server:
        await collect(websocket_push(server.url), count(Connected, 1))
        (peer,) = server.peers
        assert peer.echoes == ["echo", "echo"]


async def test_a_socket_is_proved_by_a_request_before_push_is_enabled() -> None:
    """A server that has just started may answer pings, and lose what enables push for good."""
    messages: list[dict[str, Any]] = []

    async def serve_one(socket: ServerConnection) -> None:
        messages.append(json.loads(await socket.recv()))
        await socket.send(CYRUS_DELIVERY)  # of no interest yet, but not to be lost
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.1)
        await socket.send(f'{{"@type":"Response","requestId":"{messages[0]["id"]}"}}')
        messages.append(json.loads(await socket.recv()))
        messages.append(json.loads(await socket.recv()))
        await socket.send(CYRUS_OWN_CHANGE)
        await socket.wait_closed()

    async with serve(serve_one, "127.0.0.1", 0, subprotocols=[Subprotocol("jmap")]) as server:
        port = server.sockets[0].getsockname()[1]
        push = websocket_push(f"ws://127.0.0.1:{port}/jmap/ws/")
        events = await collect(push, count(StateChange, 2))
    assert [each["@type"] for each in messages] == ["Request", "WebSocketPushEnable", "Request"]
    assert [type(event) for event in events] == [Connected, StateChange, StateChange]


REFUSED_PROOFS = (
    pytest.param("limit", 400, RequestError, id="busy"),
    pytest.param("about:blank", 429, RequestError, id="too often"),
    pytest.param("about:blank", 503, RequestError, id="down"),
    pytest.param("forbidden", 401, CredentialsRefusedError, id="credentials"),
)


async def end_of_proof(problem: dict[str, Any]) -> list[PushEvent]:
    """The first events of push whose ``Core/echo`` is answered so."""

    async def serve_one(socket: ServerConnection) -> None:
        async for message in socket:
            request = json.loads(message)
            if request["@type"] == "Request":
                facts = {"@type": "RequestError", "requestId": request["id"], **problem}
                await socket.send(json.dumps(facts))

    async with serve(serve_one, "127.0.0.1", 0, subprotocols=[Subprotocol("jmap")]) as server:
        port = server.sockets[0].getsockname()[1]
        return await collect(websocket_push(f"ws://127.0.0.1:{port}/"), bool)


@pytest.mark.parametrize(("type_", "status", "kind"), REFUSED_PROOFS)
async def test_a_refused_proof_is_reported(type_: str, status: int, kind: type[Exception]) -> None:
    problem = {"type": f"urn:ietf:params:jmap:error:{type_}", "status": status}
    (event,) = await end_of_proof(problem)
    assert isinstance(event, Disconnected)
    assert isinstance(event.error, kind)
    assert event.pause < UNAVAILABLE_PAUSE


async def test_a_server_that_objects_to_the_proof_alone_lives() -> None:
    problem = {"type": "urn:ietf:params:jmap:error:unknownCapability", "status": 400}
    assert await end_of_proof(problem) == [Connected()]


async def end_after(
    *said: str | dict[str, Any], before: str = ""
) -> tuple[HttpError | JmapError, WebSocketServer]:
    """How the connection ends that hears this, perhaps resumed where another one was."""
    scripts = [says(before)] if before else []
    async with WebSocketServer.running(*scripts, says_and_hangs(*said), says()) as server:
        lives = len(scripts) + 1
        events = await collect(websocket_push(server.url), count(Disconnected, lives + 1))
    ends = [event for event in events if isinstance(event, Disconnected)]
    error = ends[lives - 1].error
    assert error is not None
    return error, server


async def test_a_server_that_does_not_know_push_has_none() -> None:
    error, _ = await end_after(CYRUS_UNKNOWN_TYPE)
    assert isinstance(error, PushUnavailableError)
    assert "notRequest Unknown request @type: WebSocketPushEnable" in str(error)
    assert "/jmap/ws/" in str(error)


async def test_a_request_id_of_null_is_none() -> None:
    error, _ = await end_after(CYRUS_UNKNOWN_TYPE[:-1] + ',"requestId":null}')
    assert isinstance(error, PushUnavailableError)


async def test_a_position_that_the_server_may_have_refused_is_dropped() -> None:
    error, server = await end_after(CYRUS_UNKNOWN_TYPE, before=CYRUS_DELIVERY)
    assert isinstance(error, RequestError)
    assert [peer.enable.get("pushState") for peer in server.peers] == [None, "54", None]


@pytest.mark.parametrize(
    "problem",
    [
        {"type": "urn:ietf:params:jmap:error:limit", "status": 400, "limit": "maxConnections"},
        {"type": "about:blank", "status": 503},
        {"type": "serverFail", "status": 500},
        {"type": "tooMany", "status": 429},
    ],
)
async def test_what_may_go_better_later_is_an_error_with_its_type(problem: dict[str, Any]) -> None:
    error, _ = await end_after({"@type": "RequestError", **problem})
    assert isinstance(error, RequestError)
    assert error.type == problem["type"].removeprefix("urn:ietf:params:jmap:error:")
    assert error.limit == problem.get("limit", "")


async def test_credentials_that_are_no_longer_good_are_reported_as_such() -> None:
    error, _ = await end_after({"@type": "RequestError", "type": "forbidden", "status": 403})
    assert isinstance(error, CredentialsRefusedError)


@pytest.mark.parametrize("nonsense", [None, "403", 4.5, [], {}, True, 10**30, -1])
async def test_an_error_full_of_nonsense_is_an_error(nonsense: object) -> None:
    problem = {"type": nonsense, "status": nonsense, "detail": nonsense, "limit": nonsense}
    error, _ = await end_after(json.dumps({"@type": "RequestError", **problem}))
    assert isinstance(error, PushUnavailableError | RequestError)
