"""Servers that answer, but not with a stream of events."""

import pytest

from mailroom.http import (
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
from mailroom.jmap.push import (
    Connected,
    Disconnected,
    PushState,
)
from mailroom.jmap.push_backoff import PushUnavailableError
from tests.support.scripted.push import collect, count, event_source
from tests.support.scripted.stream import STREAM, StreamServer, says


def answer(status: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", body]).encode()


async def refusal(said: bytes, **options: str) -> tuple[HttpError | JmapError, PushState]:
    """What push makes of such an answer."""
    async with (
        StreamServer.running(says(said)) as server,
        event_source(server, **options) as push,  # type: ignore[arg-type]
    ):
        states = []

        def until(events: object) -> bool:
            states.append(push.status.status)
            return bool(events)

        (event,) = await collect(push, until)
    assert isinstance(event, Disconnected)
    assert event.error is not None
    return event.error, states[0]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(answer("204 No Content"), id="204: no push for these types"),
        pytest.param(
            answer("200 OK", "Content-Type: text/html", body="<h1>Sign in</h1>"), id="HTML"
        ),
        pytest.param(answer("200 OK", "Content-Type: application/json", body="{}"), id="JSON"),
        pytest.param(answer("200 OK", body="data: x\n\n"), id="no content type"),
        pytest.param(answer("206 Partial Content", "Content-Type: text/event-stream"), id="206"),
        pytest.param(answer("400 Bad Request"), id="400: a type that it does not know"),
        pytest.param(answer("404 Not Found"), id="404"),
        pytest.param(answer("405 Method Not Allowed"), id="405"),
        pytest.param(answer("501 Not Implemented"), id="501"),
        pytest.param(answer("304 Not Modified"), id="304"),
        pytest.param(answer("302 Found"), id="302 to nowhere"),
    ],
)
async def test_push_that_is_unavailable_means_poll(said: bytes) -> None:
    error, state = await refusal(said)
    assert isinstance(error, PushUnavailableError)
    assert state is PushState.UNAVAILABLE


BUSY = (
    '{"type":"urn:ietf:params:jmap:error:limit","limit":"maxConcurrentRequests","status":400,'
    '"detail":"too many requests at once"}'
)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(
            answer("400 Bad Request", "Content-Type: application/problem+json", body=BUSY),
            id="busy",
        ),
        pytest.param(
            answer("400 Bad Request", "Content-Type: application/json", body=BUSY), id="as JSON"
        ),
        pytest.param(answer("423 Locked"), id="423"),
        pytest.param(answer("429 Too Many Requests"), id="429"),
    ],
)
async def test_not_now_does_not_mean_that_push_is_unavailable(said: bytes) -> None:
    error, state = await refusal(said)
    assert isinstance(error, ServerFailureError)
    assert state is PushState.WAITING
    assert end_of(error, None) is End.NOT_NOW


async def test_why_push_is_unavailable_is_reported_without_the_query() -> None:
    error, _ = await refusal(answer("204 No Content"))
    assert str(error).endswith("/events/: unexpected status 204 instead of a stream of events")
    error, _ = await refusal(answer("200 OK", "Content-Type: text/html"))
    assert str(error).endswith("/events/: text/html is not a stream of events")


@pytest.mark.parametrize(
    "content_type", ["text/event-stream", "text/event-stream;charset=UTF-8", "Text/Event-Stream"]
)
async def test_a_stream_is_a_stream_however_it_is_spelt(content_type: str) -> None:
    said = answer("200 OK", f"Content-Type: {content_type}", "Content-Length: 0")
    async with StreamServer.running(says(said)) as server, event_source(server) as push:
        assert await collect(push, count(Connected, 1)) == [Connected()]


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_are_reported_as_such(status: int) -> None:
    error, state = await refusal(answer(f"{status} No", 'WWW-Authenticate: Basic realm="x"'))
    assert isinstance(error, CredentialsRefusedError)
    assert error.status == status
    assert state is PushState.WAITING


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_go_better_later_keeps_the_servers_wish(status: int) -> None:
    error, state = await refusal(answer(f"{status} Later", "Retry-After: 17"))
    assert isinstance(error, ServerFailureError)
    assert (error.status, error.retry_after) == (status, 17.0)
    assert state is PushState.WAITING


async def test_retry_after_is_waited_for() -> None:
    said = answer("429 Slow down", "Retry-After: 120")
    async with StreamServer.running(says(said)) as server, event_source(server) as push:
        (event,) = await collect(push, count(Disconnected, 1))
    assert isinstance(event, Disconnected)
    assert 120 <= event.pause <= 121


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_the_secret_goes_nowhere(status: int) -> None:
    async with StreamServer.running(says(STREAM)) as elsewhere:
        error, state = await refusal(answer(f"{status} Go", f"Location: {elsewhere.url}/events"))
        assert elsewhere.wires == []
    assert isinstance(error, RedirectError)
    assert str(error.location) == f"{elsewhere.url}/events"
    assert state is PushState.WAITING


async def test_a_redirect_on_the_same_server_is_not_followed_either() -> None:
    async with (
        StreamServer.running(says(answer("302 Go", "Location: /elsewhere"))) as server,
        event_source(server) as push,
    ):
        (event,) = await collect(push, count(Disconnected, 1))
        assert isinstance(event, Disconnected)
        assert isinstance(event.error, RedirectError)
        assert len(server.wires) == 1


async def test_a_redirect_to_nonsense_is_a_broken_answer() -> None:
    error, _ = await refusal(answer("302 Go", "Location: http://[half"))
    assert isinstance(error, BrokenAnswerError)


async def test_what_is_not_http_is_reported() -> None:
    error, _ = await refusal(b"SSH-2.0-OpenSSH\r\n\r\n")
    assert isinstance(error, BrokenAnswerError)


async def test_no_answer_at_all_is_reported() -> None:
    error, _ = await refusal(b"")
    assert isinstance(error, UnreachableError)


async def test_the_secret_does_not_leave_this_machine_in_the_clear() -> None:
    async with (
        StreamServer.running(says(STREAM)) as server,
        event_source(server, template="@mail.example.com/events?types={types}") as push,
    ):
        (event,) = await collect(push, count(Disconnected, 1))
    assert isinstance(event, Disconnected)
    assert isinstance(event.error, InsecureUrlError)


async def test_the_request_is_what_the_specification_asks_for() -> None:
    async with (
        StreamServer.running(says(STREAM + b"id: 7\n\n")) as server,
        event_source(server) as push,
    ):
        await collect(push, count(Connected, 2))
        first, second = server.wires[:2]
    assert first.target == "/events/?types=Email,Mailbox,ContactCard&closeafter=no&ping=30"
    version, plain = first.headers["Accept"].split(", ")
    assert version == "text/event-stream; jmapVersion=rfc-8621", "James 3.8 answers 404 without it"
    assert plain == "text/event-stream", "a server may know no parameters"
    assert first.headers["Accept-Encoding"] == "identity"
    assert first.headers["Cache-Control"] == "no-store"
    assert first.headers["Authorization"] == "Bearer secret-token"
    assert "Last-Event-ID" not in first.headers
    assert second.headers["Last-Event-ID"] == "7"


@pytest.mark.parametrize("position", ["x" * 1001, "a\x01b", "a\x7fb"])
async def test_an_id_that_no_header_should_carry_is_not_sent(position: str) -> None:
    async with (
        StreamServer.running(says(STREAM + f"id: {position}\n\n".encode())) as server,
        event_source(server) as push,
    ):
        await collect(push, count(Connected, 2))
        assert "Last-Event-ID" not in server.wires[1].headers
