"""What a JMAP server objects to, and answers that are none."""

import pytest
from aiohttp import web

from mailroom.http import (
    BrokenAnswerError,
    CredentialsRefusedError,
    IntermediaryError,
    ServerFailureError,
    UnexpectedStatusError,
)
from mailroom.jmap.errors import MethodError, RequestError
from tests.support.scripted.jmap import Invocation, JmapServer, Responses, echo, problem


async def refused(server: JmapServer) -> Exception:
    async with server.running() as (client, _):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the callers look at it
            await client.perform(echo())
    return caught.value


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            problem("limit", limit="maxCallsInRequest", title="JMAP request exceeds a limit"),
            "limit maxCallsInRequest",
        ),
        (problem("limit", 413, limit="maxSizeRequest"), "limit maxSizeRequest"),
        (
            problem("unknownCapability", detail="'urn:bogus', which is not supported"),
            "unknownCapability 'urn:bogus', which is not supported",
        ),
        (problem("notJSON", detail="string or '}' expected near 'oops'"), "notJSON string or"),
        (problem("notRequest"), "notRequest"),
    ],
    ids=["calls", "size", "capability", "notJSON", "notRequest"],
)
async def test_problem_details_are_reported(answer: web.Response, told: str) -> None:
    server = JmapServer(refusals=[answer])
    error = await refused(server)
    assert isinstance(error, RequestError)
    assert told in str(error)
    assert error.type == told.split(maxsplit=1)[0]
    assert len(server.requests) == 1


async def test_a_problem_with_many_words_is_still_a_problem() -> None:
    server = JmapServer(refusals=[problem("notJSON", detail="x" * 20_000, limit=None)])
    error = await refused(server)
    assert isinstance(error, RequestError)
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html><body><h1>Bad Request</h1></body></html>",
        "",
        "[" * 2000,
        '"text"',
        '{"type": "about:blank", "status": 400}',
        '{"type": null}',
        '{"status": 400}',
        "[]",
    ],
)
async def test_what_is_no_problem_of_jmap_stays_an_unexpected_status(text: str) -> None:
    error = await refused(JmapServer(refusals=[web.Response(status=400, text=text)]))
    assert isinstance(error, UnexpectedStatusError)
    assert (error.status, error.body) == (400, text.encode())


async def test_after_a_refused_request_the_session_is_read_anew() -> None:
    server = JmapServer(refusals=[web.Response(status=404)])
    async with server.running() as (client, _):
        with pytest.raises(UnexpectedStatusError):
            await client.perform(echo())
        await client.perform(echo())
    assert server.sessions == 2


@pytest.mark.parametrize(
    "answer",
    [web.Response(status=401, text="<html>"), problem("forbidden", 403, detail="no mail")],
    ids=["401", "403"],
)
async def test_refused_credentials_stay_what_they_are(answer: web.Response) -> None:
    server = JmapServer(refusals=[answer])
    assert isinstance(await refused(server), CredentialsRefusedError)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 403])
async def test_a_page_of_a_filter_is_no_word_about_the_credentials(status: int) -> None:
    page = "<!DOCTYPE html><title>Access denied | error code: 1010</title>"
    server = JmapServer(refusals=[web.Response(status=status, text=page) for _ in range(9)])
    error = await refused(server)
    assert isinstance(error, IntermediaryError)
    assert "Access denied | error code: 1010" in str(error)


BROKEN = [
    "",
    "{",
    "<html>",
    "[]",
    "null",
    "{}",
    '{"methodResponses": null}',
    '{"sessionState": "1"}',
]


@pytest.mark.parametrize("text", BROKEN)
async def test_a_broken_answer_is_asked_for_again(text: str) -> None:
    server = JmapServer(refusals=[web.Response(text=text)])
    async with server.running() as (client, _):
        assert await client.perform(echo()) == ("hello",)
    assert len(server.requests) == 2


@pytest.mark.parametrize("text", BROKEN)
async def test_what_must_not_be_done_twice_is_not(text: str) -> None:
    server = JmapServer(refusals=[web.Response(text=text)])
    async with server.running() as (client, _):
        with pytest.raises(BrokenAnswerError):
            await client.perform_all([echo()], repeatable=False)
    assert len(server.requests) == 1


async def test_an_answer_that_stays_broken_is_raised() -> None:
    server = JmapServer(refusals=[web.Response(text="{") for _ in range(9)])
    assert isinstance(await refused(server), BrokenAnswerError)
    assert len(server.requests) == 4


async def test_throttling_is_waited_out() -> None:
    server = JmapServer(refusals=[problem("limit", 429, limit="maxConcurrentRequests")])
    async with server.running() as (client, _):
        assert await client.perform(echo()) == ("hello",)


async def test_a_failing_server_is_reported() -> None:
    server = JmapServer(refusals=[web.Response(status=500) for _ in range(9)])
    assert isinstance(await refused(server), ServerFailureError)


async def test_a_refused_call_is_raised_by_the_operation_that_needs_it() -> None:
    def respond(calls: list[Invocation]) -> Responses:
        return [["error", {"type": "stateMismatch"}, calls[0][2]], *map(list, calls[1:])]

    error = await refused(JmapServer(respond=respond))
    assert isinstance(error, MethodError)
    assert error.type == "stateMismatch"


async def test_one_failing_request_of_several_fails_all() -> None:
    server = JmapServer(core={"maxCallsInRequest": 1})
    server.refusals = [None, problem("unknownCapability"), None]
    async with server.running() as (client, _):
        with pytest.raises(RequestError):
            await client.perform_all([echo() for _ in range(3)])
