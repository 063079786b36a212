"""JMAP over WebSocket: messages recorded from a real server (Cyrus 3.13), sent to the sandbox.

The answers have the same shape, and errors have the same words. States and ids differ, and so does
a ``detail`` that quotes the JSON parser. Cyrus sends a query's ``total`` unasked, which RFC 8620
forbids; the sandbox does not.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.contract.servers import CORE, MAIL, PASSWORD, Account, message, sandbox_account

PROBLEM = "urn:ietf:params:jmap:error:"
NOT_REQUEST = {
    "type": f"{PROBLEM}notRequest",
    "title": "JSON request body is not a JMAP Request object",
    "status": 400,
    "@type": "RequestError",
}
EMAIL_QUERY = {
    "queryState": "53:0",
    "canCalculateChanges": True,
    "position": 0,
    "ids": ["M082aa4eb0b6283ac5d371dd7", "M9552d0a855e7f0f0aa3c7fca"],
    "collapseThreads": False,
    "accountId": "alice",
}
EMAIL_SET = {
    "oldState": "54",
    "newState": "55",
    "created": None,
    "updated": {"M6add31fa2602fb692b323406": None},
    "destroyed": None,
    "notCreated": None,
    "notUpdated": None,
    "notDestroyed": None,
    "accountId": "alice",
}


def request(
    *calls: list[Any], using: tuple[str, ...] = (CORE, MAIL), **more: Any
) -> dict[str, Any]:
    return {"@type": "Request", **more, "using": list(using), "methodCalls": list(calls)}


def response(*responses: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "methodResponses": list(responses),
        "sessionState": "0",
        "@type": "Response",
        **more,
    }


REQUESTS: list[tuple[Any, dict[str, Any]]] = [
    (
        request(["Mailbox/query", {"accountId": "alice"}, "0"], id="R1"),
        response(
            [
                "Mailbox/query",
                {
                    "queryState": "45",
                    "canCalculateChanges": True,
                    "position": 0,
                    "total": 7,
                    "ids": ["2fce2db2-f649-4988-8545-46e5f37f4a07"],
                    "accountId": "alice",
                },
                "0",
            ],
            requestId="R1",
        ),
    ),
    (request(["Core/echo", {"a": 1}, "0"]), response(["Core/echo", {"a": 1}, "0"])),
    (
        '{"@type":"Request", oops',
        {
            "type": f"{PROBLEM}notJSON",
            "title": "Request body did not parse as I-JSON",
            "status": 400,
            "detail": "Unable to parse JSON request body: ...",
            "@type": "RequestError",
        },
    ),
    (
        {"@type": "Nope", "id": "R3"},
        {**NOT_REQUEST, "detail": "Unknown request @type: Nope", "requestId": "R3"},
    ),
    (
        {"id": "R4", "using": [CORE], "methodCalls": []},
        {**NOT_REQUEST, "detail": "Unknown request @type: null", "requestId": "R4"},
    ),
    (
        request(using=("urn:bogus",), id="R5"),
        {
            "type": f"{PROBLEM}unknownCapability",
            "title": "JMAP request uses unsupported capabilities",
            "status": 400,
            "detail": "The Request object used capability 'urn:bogus',"
            " which is not supported by this server.",
            "@type": "RequestError",
            "requestId": "R5",
        },
    ),
    ({"@type": "Request", "id": "R6", "using": [CORE]}, {**NOT_REQUEST, "requestId": "R6"}),
    (
        request(["Foo/get", {}, "0"], id="R7"),
        response(["error", {"type": "unknownMethod"}, "0"], requestId="R7"),
    ),
    ("[1,2]", {**NOT_REQUEST, "detail": "Unknown request @type: null"}),
    (
        request(["Email/query", {"accountId": "alice"}, "0"], id="A"),
        response(["Email/query", EMAIL_QUERY, "0"], requestId="A"),
    ),
]


NOT_JSON = f"{PROBLEM}notJSON"
ID = re.compile(r"M[0-9a-f]{24}")


def shape(value: Any) -> Any:
    """Return the parts that must be equal: keys, types, method names, errors; no ids or numbers."""
    match value:
        case {"type": kind} if kind == NOT_JSON:
            return {**value, "detail": shape(value["detail"])}
        case {"type": str()}:
            return value
        case dict():
            return {ID.sub("ID", key): shape(item) for key, item in value.items()}
        case [str(name), dict(arguments), str(call_id)]:
            return [name, shape(arguments), call_id]
        case list():  # calls are kept; ids are left out, because their number differs
            return [shape(item) for item in value if isinstance(item, list)]
        case _:
            return type(value).__name__


@dataclass
class Socket:
    """An open WebSocket, and the account behind it."""

    ws: aiohttp.ClientWebSocketResponse
    account: Account

    async def send(self, message: Any) -> None:
        await self.ws.send_str(message if isinstance(message, str) else json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        return dict(json.loads(await self.ws.receive_str(timeout=10)))

    async def enable(self, *types: str, **more: str) -> None:
        await self.send({"@type": "WebSocketPushEnable", "dataTypes": list(types), **more})
        await self.echo()

    async def echo(self) -> None:
        """Wait until all earlier messages are carried out, and check that nothing was pushed."""
        await self.send(request(["Core/echo", {}, "e"], id="echo"))
        assert await self.receive() == response(["Core/echo", {}, "e"], requestId="echo")

    async def deliver(self) -> str:
        """Deliver a mail, and return the state after it."""
        await self.account.deliver(message("ann@x.example"))
        return await self.account.state()


@asynccontextmanager
async def connected(account: Account, *protocols: str) -> AsyncIterator[Socket]:
    url = f"{account.url}/jmap/ws/"
    async with account.http.ws_connect(url, headers=account.auth, protocols=protocols) as ws:
        yield Socket(ws, account)


@pytest.fixture
async def socket() -> AsyncIterator[Socket]:
    async with sandbox_account() as (account, _), connected(account, "jmap") as socket:
        yield socket


def changed(state: str, *types: str) -> dict[str, Any]:
    """Return the StateChange that announces a state."""
    return {
        "@type": "StateChange",
        "changed": {"alice": dict.fromkeys(types, state)},
        "pushState": state,
    }


# Handshake


async def test_the_handshake_agrees_on_the_subprotocol(socket: Socket) -> None:
    assert socket.ws.protocol == "jmap"
    assert socket.ws.compress == 0
    await socket.echo()


@pytest.mark.parametrize("protocols", [(), ("chat",)])
async def test_a_handshake_without_the_subprotocol_is_refused(protocols: tuple[str, ...]) -> None:
    async with sandbox_account() as (account, _):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected(account, *protocols):
                pass
        assert refused.value.status == 400


async def test_a_handshake_needs_credentials() -> None:
    async with sandbox_account() as (account, _):
        account.name = "nobody"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected(account, "jmap"):
                pass
        assert refused.value.status == 401
        assert PASSWORD not in str(refused.value)


# Requests


@pytest.mark.parametrize(("sent", "recorded"), REQUESTS)
async def test_a_recorded_request_is_answered_alike(
    socket: Socket, sent: Any, recorded: dict[str, Any]
) -> None:
    await socket.deliver()
    await socket.send(sent)
    assert shape(await socket.receive()) == shape(recorded)
    await socket.echo()


async def test_requests_are_answered_in_order(socket: Socket) -> None:
    for sent, _ in REQUESTS:
        await socket.send(sent)
    answers = [await socket.receive() for _ in REQUESTS]
    ids = [recorded.get("requestId") for _, recorded in REQUESTS]
    assert [answer.get("requestId") for answer in answers] == ids


async def test_a_binary_message_closes_the_connection(socket: Socket) -> None:
    await socket.ws.send_bytes(b"\x01\x02")
    end = await socket.ws.receive(timeout=10)
    assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1003)
    assert end.extra == "406 Not Acceptable"


async def test_a_request_that_is_too_large_is_refused(socket: Socket) -> None:
    await socket.send(" " * 10_485_761)
    assert (await socket.receive())["limit"] == "maxSizeRequest"
    await socket.echo()


# Push


async def test_push_tells_of_deliveries_and_own_changes(socket: Socket) -> None:
    await socket.enable("Email", "Mailbox", "EmailDelivery", "Thread", "ContactCard")
    state = await socket.deliver()
    assert await socket.receive() == changed(state, "Email", "Mailbox")

    query = ["Email/query", {"accountId": "alice", "limit": 1}, "0"]
    await socket.send(request(query, id="Q"))
    answer = await socket.receive()
    assert shape(answer) == shape(response(["Email/query", EMAIL_QUERY, "0"], requestId="Q"))

    (mail_id,) = answer["methodResponses"][0][1]["ids"]
    update = {mail_id: {"keywords/$flagged": True}}
    await socket.send(request(["Email/set", {"accountId": "alice", "update": update}, "0"], id="S"))
    done = await socket.receive()
    assert shape(done) == shape(response(["Email/set", EMAIL_SET, "0"], requestId="S"))
    state = done["methodResponses"][0][1]["newState"]
    assert await socket.receive() == changed(state, "Email", "Mailbox")


async def test_enabling_again_adds_types_and_disabling_ends_all(socket: Socket) -> None:
    await socket.enable("Email")
    await socket.enable("ContactCard")
    state = await socket.deliver()
    assert await socket.receive() == changed(state, "Email")
    await socket.send({"@type": "WebSocketPushDisable"})
    await socket.echo()
    await socket.deliver()
    await socket.echo()
    await socket.enable("ContactCard")
    await socket.deliver()
    await socket.echo()


@pytest.mark.parametrize("enable", [{}, {"dataTypes": None}, {"dataTypes": []}])
async def test_no_types_push_nothing(socket: Socket, enable: dict[str, Any]) -> None:
    await socket.enable("Email")
    await socket.send({"@type": "WebSocketPushEnable", **enable})
    await socket.echo()
    await socket.deliver()
    await socket.echo()


@pytest.mark.parametrize(
    ("asked", "announced"),
    [(["*"], ["Mailbox", "Email"]), (["Foo", "Email"], ["Email"])],
)
async def test_all_types_and_unknown_ones(
    socket: Socket, asked: list[str], announced: list[str]
) -> None:
    await socket.enable(*asked)
    state = await socket.deliver()
    assert await socket.receive() == changed(state, *announced)


async def test_push_resumes_behind_a_push_state(socket: Socket) -> None:
    await socket.enable("Email")
    await socket.deliver()
    position = (await socket.receive())["pushState"]
    async with connected(socket.account, "jmap") as other:
        await socket.deliver()
        state = await socket.deliver()
        enable = {"@type": "WebSocketPushEnable", "dataTypes": ["Email", "Mailbox", "ContactCard"]}
        await other.send({**enable, "pushState": position})
        assert await other.receive() == changed(state, "Email", "Mailbox")
        state = await socket.deliver()
        assert await other.receive() == changed(state, "Email", "Mailbox")


async def test_an_invalid_push_state_brings_everything(socket: Socket) -> None:
    state = await socket.deliver()
    await socket.send({"@type": "WebSocketPushEnable", "dataTypes": ["Email"], "pushState": "zzz"})
    assert await socket.receive() == changed(state, "Email")


async def test_a_push_state_from_the_future_brings_silence(socket: Socket) -> None:
    await socket.enable("Email", pushState="999999")
    await socket.deliver()
    await socket.echo()
