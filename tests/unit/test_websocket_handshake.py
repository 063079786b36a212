"""The way to a WebSocket: what is sent, and servers that answer, but not with JMAP over it."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from mailroom.http import (
    USER_AGENT,
    BrokenAnswerError,
    CredentialsRefusedError,
    HttpError,
    InsecureUrlError,
    RedirectError,
    ServerFailureError,
    UnreachableError,
)
from mailroom.jmap.connection_ends import End, end_of
from mailroom.jmap.errors import JmapError
from mailroom.jmap.liveness import PUSH_TIMEOUTS, PushTimeouts
from mailroom.jmap.push import (
    Connected,
    Disconnected,
    PushState,
    StateChange,
)
from mailroom.jmap.push_backoff import PushUnavailableError
from tests.support.scripted.push import collect, count
from tests.support.scripted.stream import Script, StreamServer, says, says_and_hangs, upgrades
from tests.support.scripted.websocket import (
    CHANGE,
    SECRET,
    WebSocketServer,
    eventually,
    websocket_push,
)
from tests.support.scripted.websocket import says as ws_says
from tests.support.scripted.websocket import says_and_hangs as ws_says_and_hangs


def answers(status: int, **headers: str) -> Callable[[ServerConnection, Request], Response]:
    """A real server that answers the handshake so."""

    def answer(_socket: ServerConnection, _request: Request) -> Response:
        fields = Headers({name.replace("_", "-"): value for name, value in headers.items()})
        fields.setdefault("Content-Length", "0")
        fields.setdefault("Connection", "close")
        return Response(status, "", fields)

    return answer


async def failure(
    url: str | None, *, timeouts: PushTimeouts = PUSH_TIMEOUTS
) -> tuple[HttpError | JmapError, PushState]:
    """Why push from there does not work."""
    push = websocket_push(url, timeouts=timeouts)
    states = []

    def until(_events: object) -> bool:
        states.append(push.status.status)
        return True

    (event,) = await collect(push, until)
    assert isinstance(event, Disconnected)
    assert event.error is not None
    assert SECRET not in repr(event)
    return event.error, states[0]


async def refusal(
    answer: Callable[[ServerConnection, Request], Response],
) -> tuple[HttpError | JmapError, PushState]:
    async with WebSocketServer.running(ws_says(), answer=answer) as server:
        return await failure(server.url)


async def failure_after(script: Script) -> HttpError | JmapError:
    async with StreamServer.running(script) as server:
        error, _ = await failure(server.url.replace("http", "ws") + "/jmap/ws/")
        return error


async def test_the_request_is_what_the_specification_asks_for() -> None:
    async with WebSocketServer.running(ws_says_and_hangs(CHANGE)) as server:
        await collect(websocket_push(server.url), count(StateChange, 1))
        headers = server.peers[0].headers
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["User-Agent"] == USER_AGENT
    assert headers["Sec-WebSocket-Protocol"] == "jmap"
    assert headers["Accept"] == "application/json; jmapVersion=rfc-8621"
    assert "Sec-WebSocket-Extensions" not in headers


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_are_reported_as_such(status: int) -> None:
    error, state = await refusal(answers(status, WWW_Authenticate='Basic realm="vm"'))
    assert isinstance(error, CredentialsRefusedError)
    assert error.status == status
    assert state is PushState.WAITING


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_go_better_later_keeps_the_servers_wish(status: int) -> None:
    error, state = await refusal(answers(status, Retry_After="17"))
    assert isinstance(error, ServerFailureError)
    assert (error.status, error.retry_after) == (status, 17.0)
    assert state is PushState.WAITING


@pytest.mark.parametrize("status", [200, 204, 300, 304, 400, 404, 405, 410, 426, 501])
async def test_any_other_answer_means_that_push_is_unavailable(status: int) -> None:
    error, state = await refusal(answers(status))
    assert isinstance(error, PushUnavailableError)
    assert str(error).endswith(f"/jmap/ws/: unexpected status {status} instead of a WebSocket")
    assert state is PushState.UNAVAILABLE


async def test_a_busy_account_is_no_reason_to_do_without_push() -> None:
    problem = b'{"type":"urn:ietf:params:jmap:error:limit","limit":"maxConcurrentRequests"}'

    def answer(_socket: ServerConnection, _request: Request) -> Response:
        fields = Headers({"Content-Type": "application/problem+json", "Connection": "close"})
        fields["Content-Length"] = str(len(problem))
        return Response(400, "Bad Request", fields, problem)

    error, state = await refusal(answer)
    assert isinstance(error, ServerFailureError)
    assert error.limit == "maxConcurrentRequests"
    assert state is PushState.WAITING
    assert end_of(error, None) is End.NOT_NOW


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_the_secret_goes_nowhere(status: int) -> None:
    async with WebSocketServer.running(ws_says(CHANGE)) as elsewhere:
        error, state = await refusal(answers(status, Location=elsewhere.url))
        assert elsewhere.peers == []
    assert isinstance(error, RedirectError)
    assert str(error.location) == elsewhere.url
    assert state is PushState.WAITING


async def test_a_redirect_on_the_same_server_is_not_followed_either() -> None:
    asked = []

    def answer(socket: ServerConnection, request: Request) -> Response:
        asked.append(request.path)
        return answers(302, Location="/elsewhere")(socket, request)

    error, _ = await refusal(answer)
    assert isinstance(error, RedirectError)
    assert asked == ["/jmap/ws/"]


async def test_a_redirect_to_nonsense_is_a_broken_answer() -> None:
    error, _ = await refusal(answers(302, Location="ws://[half"))
    assert isinstance(error, BrokenAnswerError)


async def test_a_redirect_to_nowhere_means_that_push_is_unavailable() -> None:
    error, _ = await refusal(answers(HTTPStatus.FOUND))
    assert isinstance(error, PushUnavailableError)


async def test_a_subprotocol_that_is_not_echoed_is_accepted() -> None:
    async with WebSocketServer.running(ws_says_and_hangs(CHANGE), echoes=False) as server:
        events = await collect(websocket_push(server.url), count(StateChange, 1))
    assert [type(event) for event in events] == [Connected, StateChange]


async def test_a_server_that_answers_no_request_is_not_believed() -> None:
    """The second time in a row there is no push over WebSocket, so that the poll is faster."""
    async with StreamServer.running(upgrades()) as server:
        push = websocket_push(server.url.replace("http", "ws"), timeouts=PushTimeouts(proof=0.05))
        first, second = await collect(push, count(Disconnected, 2))
    assert isinstance(first, Disconnected)
    assert isinstance(first.error, UnreachableError)
    assert isinstance(second, Disconnected)
    assert isinstance(second.error, PushUnavailableError)
    assert str(second.error).endswith(": accepts connections, but sends nothing over them")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(upgrades("Sec-WebSocket-Protocol: chat"), id="another subprotocol"),
        pytest.param(upgrades("Sec-WebSocket-Protocol: jmap, chat"), id="two subprotocols"),
        pytest.param(upgrades("Sec-WebSocket-Extensions: permessage-deflate"), id="an extension"),
        pytest.param(upgrades(accept="nonsense"), id="a handshake of somebody else's"),
        pytest.param(
            says(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
            ),
            id="another protocol",
        ),
    ],
)
async def test_an_upgrade_to_something_else_means_that_push_is_unavailable(
    script: Script,
) -> None:
    assert isinstance(await failure_after(script), PushUnavailableError)


async def test_what_is_not_http_is_reported() -> None:
    assert isinstance(await failure_after(says(b"SSH-2.0-OpenSSH\r\n\r\n")), BrokenAnswerError)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 101 Swit", b"HTTP/1.1 101 Switching\r\nA: b"])
async def test_an_incomplete_answer_is_reported(said: bytes) -> None:
    error = await failure_after(says(said))
    assert isinstance(error, UnreachableError)
    assert error.sent


async def test_a_server_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    async with StreamServer.running(says_and_hangs()) as server:
        url = server.url.replace("http", "ws")
        error, _ = await failure(url, timeouts=PushTimeouts(handshake=0.05))
        await server.wires[0].client_is_gone.wait()
    assert isinstance(error, UnreachableError)
    assert "timed out" in str(error)


async def test_a_server_that_is_down_is_reported() -> None:
    async with StreamServer.running(says(b"")) as server:
        url = server.url.replace("http", "ws")
    error, state = await failure(url)
    assert isinstance(error, UnreachableError)
    assert not error.sent
    assert str(error) == f"{url}: no answer (connection refused)"
    assert state is PushState.WAITING


async def test_a_server_without_tls_where_there_should_be_is_reported() -> None:
    async with WebSocketServer.running(ws_says()) as server:
        error, _ = await failure(server.url.replace("ws:", "wss:"))
    assert isinstance(error, UnreachableError)
    assert not error.sent


async def test_all_connections_share_what_it_takes_for_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    whole = ssl.create_default_context

    def counted() -> ssl.SSLContext:
        made.append(whole())
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", counted)
    async with WebSocketServer.running(ws_says()) as server:
        for _ in range(3):
            await failure(server.url.replace("ws:", "wss:"))
    assert len(made) <= 1


async def test_an_impossible_host_name_is_reported() -> None:
    error, _ = await failure(f"wss://{'a' * 70}.example/")
    assert isinstance(error, UnreachableError)
    assert not error.sent


async def test_a_session_without_push_over_websocket_has_none() -> None:
    error, state = await failure(None)
    assert isinstance(error, PushUnavailableError)
    assert state is PushState.UNAVAILABLE


async def test_the_secret_does_not_leave_this_machine_in_the_clear() -> None:
    error, _ = await failure("ws://mail.example.com/jmap/ws/")
    assert isinstance(error, InsecureUrlError)


async def test_no_proxy_of_the_environment_gets_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        StreamServer.running(says_and_hangs()) as proxy,
        WebSocketServer.running(ws_says_and_hangs(CHANGE)) as server,
    ):
        for name in ("http_proxy", "https_proxy", "all_proxy", "socks_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        await collect(websocket_push(server.url), count(StateChange, 1))
        assert proxy.wires == []


async def test_the_log_never_holds_the_handshake(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("probe").debug("the level is DEBUG")
    async with WebSocketServer.running(ws_says(CHANGE)) as server:
        await collect(websocket_push(server.url), count(Disconnected, 1))
    ours = [each for each in caplog.records if each.name.startswith("mailroom")]
    assert "the level is DEBUG" in caplog.text
    assert ours == []


async def test_switching_off_during_the_handshake_leaves_nothing_behind() -> None:
    async with StreamServer.running(says_and_hangs()) as server:
        push = websocket_push(server.url.replace("http", "ws"))
        task = asyncio.create_task(collect(push, count(Connected, 1)), name="push")
        await eventually(lambda: bool(server.wires))
        task.cancel()
        await server.wires[0].client_is_gone.wait()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert push.status.status is PushState.OFF
