"""Requests that fail: what is sent again, how often, and what is said in the end."""

import asyncio

import pytest
from structlog.testing import capture_logs
from yarl import URL

from mailroom.http import (
    BrokenAnswerError,
    HttpRequest,
    Response,
    ServerFailureError,
    UnreachableError,
)
from tests.support.scripted.http import TOKEN, Pauses, ScriptedServer, answer, http_client
from tests.support.scripted.stream import Script, StreamServer, Wire, says, says_and_hangs

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NEVER_BOTH = pytest.mark.parametrize("repeatable", [True, False])


async def test_a_server_that_recovers_is_asked_till_it_does() -> None:
    pauses = Pauses()
    script = (answer(500), answer(502), answer(504), answer(200, "ok"))
    async with http_client(pauses=pauses) as http, ScriptedServer.running(*script) as server:
        assert (await http.request("GET", server.url)).body == b"ok"
    assert len(server.seen) == 4
    assert len(pauses.seconds) == 3


async def test_the_same_request_is_sent_each_time() -> None:
    async with http_client() as http, ScriptedServer.running(answer(503), answer()) as server:
        await http.request("POST", server.url, headers={"X": "y"}, data=b"body")
    first, second = server.seen
    assert (first.method, first.path, first.body) == (second.method, second.path, second.body)
    assert first.headers == second.headers


async def test_attempts_are_bounded() -> None:
    async with http_client() as http, ScriptedServer.running(answer(503)) as server:
        with pytest.raises(ServerFailureError):
            await http.request("GET", server.url)
        assert len(server.seen) == 4
        assert http.requests_sent == 4
        with pytest.raises(ServerFailureError):
            await http.request("GET", server.url)
        assert len(server.seen) == 8, "each request has its own attempts"


@pytest.mark.parametrize(("status", "requests"), [(500, 1), (504, 1), (503, 4), (425, 4)])
async def test_what_must_not_be_done_twice_is_sent_again_only_if_it_was_not_done(
    status: int, requests: int
) -> None:
    async with http_client() as http, ScriptedServer.running(answer(status)) as server:
        with pytest.raises(ServerFailureError):
            await http.request("POST", server.url, repeatable=False)
    assert len(server.seen) == requests


async def test_what_the_server_asks_for_is_the_least_that_is_waited() -> None:
    pauses = Pauses()
    script = (
        answer(503, headers={"Retry-After": "7"}),
        answer(429, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        answer(503, headers={"Retry-After": "soon"}),
        answer(),
    )
    async with http_client(pauses=pauses) as http, ScriptedServer.running(*script) as server:
        await http.request("GET", server.url)
    first, second, third = pauses.seconds
    assert 7.0 <= first < 8.0
    assert second < 1.0
    assert third < 1.5


async def test_a_long_wait_is_left_to_the_caller() -> None:
    pauses = Pauses()
    script = answer(503, headers={"Retry-After": "90"})
    async with http_client(pauses=pauses) as http, ScriptedServer.running(script) as server:
        with pytest.raises(ServerFailureError) as caught:
            await http.request("GET", server.url)
    assert caught.value.retry_after == 90.0
    assert "asks to wait 90 s" in str(caught.value)
    assert (len(server.seen), pauses.seconds) == (1, [])


async def test_an_answer_that_cannot_be_read_is_a_failed_attempt() -> None:
    script = (answer(200, "{"), answer(200, "<html>"), answer(200, '{"a": 1}'))
    async with http_client() as http, ScriptedServer.running(*script) as server:
        request = HttpRequest("GET", server.url)
        assert await http.ask(request, Response.json) == {"a": 1}
    assert len(server.seen) == 3


@NEVER_BOTH
async def test_an_answer_that_never_can_be_read_is_raised(*, repeatable: bool) -> None:
    async with http_client() as http, ScriptedServer.running(answer(200, "{")) as server:
        with pytest.raises(BrokenAnswerError):
            await http.ask(HttpRequest("POST", server.url, repeatable=repeatable), Response.json)
    assert len(server.seen) == (4 if repeatable else 1)


async def test_a_mistake_in_reading_is_no_reason_to_ask_again() -> None:
    def mistaken(_: Response) -> None:
        raise LookupError

    async with http_client() as http, ScriptedServer.running(answer()) as server:
        with pytest.raises(LookupError):
            await http.ask(HttpRequest("GET", server.url), mistaken)
    assert len(server.seen) == 1


@NEVER_BOTH
async def test_a_refused_connection_is_always_tried_again(
    *,
    repeatable: bool,
    unused_tcp_port: int,
) -> None:
    pauses = Pauses()
    url = URL(f"http://127.0.0.1:{unused_tcp_port}/")
    async with http_client(pauses=pauses) as http:
        with pytest.raises(UnreachableError) as caught:
            await http.request("POST", url, repeatable=repeatable)
    assert not caught.value.sent
    assert "connect" in str(caught.value)
    assert len(pauses.seconds) == 3


CUTS: dict[str, Script] = {
    "before the answer": says(),
    "in the head": says(b"HTTP/1.1 200 OK\r\nContent-"),
    "in the body": says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"),
    "in a chunk": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"),
    "between chunks": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
}


@NEVER_BOTH
@pytest.mark.parametrize("where", CUTS)
async def test_an_answer_that_is_cut_off_is_asked_for_again_only_if_that_is_safe(
    where: str,
    *,
    repeatable: bool,
) -> None:
    async with http_client() as http, StreamServer.running(CUTS[where]) as server:
        with pytest.raises(UnreachableError) as caught:
            await http.request("POST", URL(server.url), repeatable=repeatable)
    assert caught.value.sent
    assert len(server.wires) == (4 if repeatable else 1)


@pytest.mark.parametrize("where", CUTS)
async def test_after_a_cut_the_next_whole_answer_counts(where: str) -> None:
    async with http_client() as http, StreamServer.running(CUTS[where], says(OK)) as server:
        assert (await http.request("POST", URL(server.url))).body == b"ok"
    assert len(server.wires) == 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01 what?\r\n\r\n",
        b"HTTP/1.1 999999 ?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["no HTTP", "odd status", "endless header", "two lengths"],
)
async def test_what_is_no_http_is_a_broken_answer(garbage: bytes) -> None:
    async with http_client() as http, StreamServer.running(says(garbage)) as server:
        with pytest.raises(BrokenAnswerError):
            await http.request("GET", URL(server.url))
    assert len(server.wires) == 4


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["odd chunk", "no gzip"],
)
async def test_a_body_that_cannot_be_unpacked_is_asked_for_again(garbage: bytes) -> None:
    async with (
        http_client() as http,
        StreamServer.running(says(garbage), says(OK)) as server,
    ):
        assert (await http.request("GET", URL(server.url))).body == b"ok"


@NEVER_BOTH
@pytest.mark.parametrize(
    "script",
    [says_and_hangs(), says_and_hangs(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")],
    ids=["no answer", "half an answer"],
)
async def test_silence_ends_in_a_time_out(
    script: Script,
    *,
    repeatable: bool,
) -> None:
    async with http_client(patience=0.1) as http, StreamServer.running(script) as server:
        with pytest.raises(UnreachableError) as caught:
            await http.request("POST", URL(server.url), repeatable=repeatable)
    assert caught.value.sent
    assert "timed out" in str(caught.value)
    assert len(server.wires) == (4 if repeatable else 1)


async def test_https_to_a_server_without_it_never_leaves() -> None:
    async with http_client() as http, ScriptedServer.running(answer()) as server:
        with pytest.raises(UnreachableError) as caught:
            await http.request("POST", server.url.with_scheme("https"), repeatable=False)
    assert not caught.value.sent
    assert server.seen == []


async def one_answer_then_gone(wire: Wire) -> None:
    """Answer, keep the connection, and drop it when the next request comes along it."""
    await wire.send(OK)
    await wire.reader.readuntil(b"\r\n\r\n")


async def test_a_pooled_connection_that_has_gone_stale_is_replaced() -> None:
    async with (
        http_client() as http,
        StreamServer.running(one_answer_then_gone, says(OK)) as server,
    ):
        await http.request("POST", URL(server.url))
        assert (await http.request("POST", URL(server.url))).body == b"ok"
    assert len(server.wires) == 2


async def test_on_a_stale_connection_it_is_not_known_whether_a_write_was_done() -> None:
    async with (
        http_client() as http,
        StreamServer.running(one_answer_then_gone, says(OK)) as server,
    ):
        await http.request("POST", URL(server.url))
        with pytest.raises(UnreachableError) as caught:
            await http.request("POST", URL(server.url), repeatable=False)
    assert caught.value.sent
    assert len(server.wires) == 1


async def test_cancelling_the_wait_for_another_attempt_ends_it() -> None:
    waiting = asyncio.Event()

    async def for_ever(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with http_client(pauses=for_ever) as http, ScriptedServer.running(answer(503)) as server:
        asking = asyncio.create_task(http.request("GET", server.url))
        await waiting.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert len(server.seen) == 1


async def test_each_repetition_is_logged_without_secrets() -> None:
    script = (answer(503, headers={"Retry-After": "2"}), answer())
    async with http_client() as http, ScriptedServer.running(*script) as server:
        with capture_logs() as logs:
            await http.request("POST", server.url.with_query(key="hidden"), data=b"private")
    (line,) = (each for each in logs if each["event"] == "request failed, will be sent again")
    assert "503" in line["error"]
    assert line["next_in_seconds"] >= 2.0
    assert not any(word in str(logs) for word in (TOKEN, "hidden", "private"))
