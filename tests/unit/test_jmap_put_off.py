"""Parts of a request that are put off, and requests beyond limits that have changed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from mailroom.http import HttpClient, HttpError, UnreachableError
from mailroom.jmap.errors import MethodError, SessionError
from mailroom.jmap.methods import SetResponse, set_objects
from mailroom.jmap.postponed import Answers, completed, put_off
from mailroom.jmap.request import Call, Operation
from mailroom.jmap.session import CORE, MAIL, WEBSOCKET, push_url_warnings
from tests.support.scripted.http import http_client
from tests.support.scripted.jmap import Invocation, JmapServer, Responses, echo, problem

MAILS = ("a", "b", "c")


def moving(*, state: str | None = None) -> Operation[SetResponse]:
    patches = {mail: {"mailboxIds/x": True} for mail in MAILS}
    return set_objects("Email", "a", update=patches, if_in_state=state)


class Mailbox:
    """Carries out Email/set, but refuses some mails some times."""

    def __init__(self, refuse: Callable[[str, int], str | None]) -> None:
        self.refuse = refuse
        self.state = 1
        self.asked: list[list[str]] = []
        self.states: list[object] = []

    def __call__(self, calls: list[Invocation]) -> Responses:
        return [["Email/set", self._set(call[1]), call[2]] for call in calls]

    def _set(self, arguments: Any) -> dict[str, Any]:
        self.asked.append(list(arguments["update"]))
        self.states.append(arguments.get("ifInState"))
        old, self.state = self.state, self.state + 1
        kinds = {mail: self.refuse(mail, len(self.asked)) for mail in arguments["update"]}
        return {
            "oldState": str(old),
            "newState": str(self.state),
            "updated": {mail: None for mail, kind in kinds.items() if kind is None},
            "notUpdated": {mail: {"type": kind} for mail, kind in kinds.items() if kind},
        }


@pytest.mark.parametrize("kind", ["serverFail", "serverUnavailable", "rateLimit"])
async def test_objects_that_are_put_off_are_sent_again_by_themselves(kind: str) -> None:
    mailbox = Mailbox(lambda mail, time: kind if mail == "b" and time < 3 else None)
    async with JmapServer(respond=mailbox).running() as (client, _):
        (done,) = await client.perform(moving(state="1"))
    assert mailbox.asked == [["a", "b", "c"], ["b"], ["b"]]
    assert mailbox.states == ["1", "2", "3"], "held to what the first part has made"
    assert (done.failed, done.old_state, done.new_state) == ({}, "1", "4")


async def test_what_is_refused_for_good_is_sent_once() -> None:
    mailbox = Mailbox(lambda mail, _: "forbidden" if mail == "b" else None)
    async with JmapServer(respond=mailbox).running() as (client, _):
        (done,) = await client.perform(moving())
    assert [str(each) for each in done.failed.values()] == ["forbidden"]
    assert len(mailbox.asked) == 1


async def test_what_stays_put_off_is_reported_in_the_end() -> None:
    mailbox = Mailbox(lambda mail, _: "serverFail" if mail == "b" else None)
    async with JmapServer(respond=mailbox).running() as (client, _):
        (done,) = await client.perform(moving())
    assert [str(each) for each in done.failed.values()] == ["serverFail"]
    assert len(mailbox.asked) == 4


async def test_a_throttled_object_is_waited_for_longer() -> None:
    mailbox = Mailbox(lambda mail, time: "rateLimit" if mail == "b" and time < 9 else None)
    async with JmapServer(respond=mailbox).running() as (client, _):
        (done,) = await client.perform(moving())
    assert done.failed == {}


async def test_a_creation_is_repeated_only_where_nothing_was_done() -> None:
    asked: list[list[str]] = []

    def respond(calls: list[Invocation]) -> Responses:
        create = calls[0][1]["create"]
        asked.append(list(create))
        kinds = {"failed": "serverFail", "throttled": "rateLimit"} if len(asked) == 1 else {}
        made = {key: {"id": key} for key in create if key not in kinds}
        not_made = {key: {"type": kinds[key]} for key in create if key in kinds}
        return [["Mailbox/set", {"created": made, "notCreated": not_made}, calls[0][2]]]

    call = Call("Mailbox/set", {"create": {"failed": {}, "throttled": {}, "made": {}}})
    operation = Operation((call,), lambda results: results[call])
    async with JmapServer(respond=respond).running() as (client, _):
        (answer,) = await client.perform_all([operation], repeatable=False)
    assert asked == [["failed", "throttled", "made"], ["throttled"]]
    assert set(answer["created"]) == {"made", "throttled"}
    assert set(answer["notCreated"]) == {"failed"}


def failing(kind: str, *, times: int) -> tuple[Callable[[list[Invocation]], Responses], list[int]]:
    """Refuse the call ``second`` so many times; count the calls of each request."""
    counts: list[int] = []

    def respond(calls: list[Invocation]) -> Responses:
        counts.append(len(calls))
        return [
            ["error", {"type": kind}, call[2]]
            if call[1]["text"] == "second" and len(counts) <= times
            else list(call)
            for call in calls
        ]

    return respond, counts


@pytest.mark.parametrize("kind", ["serverFail", "serverUnavailable", "rateLimit"])
async def test_a_call_that_is_put_off_is_sent_again_by_itself(kind: str) -> None:
    respond, counts = failing(kind, times=2)
    async with JmapServer(respond=respond).running() as (client, _):
        answers = await client.perform(echo("first"), echo("second"))
    assert answers == ("first", "second")
    assert counts == [2, 1, 1]


@pytest.mark.parametrize(("kind", "requests"), [("serverFail", 4), ("stateMismatch", 1)])
async def test_a_call_that_fails_for_good_is_reported(kind: str, requests: int) -> None:
    respond, counts = failing(kind, times=99)
    async with JmapServer(respond=respond).running() as (client, _):
        with pytest.raises(MethodError, match=kind):
            await client.perform(echo("second"))
    assert len(counts) == requests


@pytest.mark.parametrize(("kind", "requests"), [("serverFail", 1), ("rateLimit", 2)])
async def test_a_call_that_must_not_be_done_twice_is_repeated_only_if_it_was_not_done(
    kind: str, requests: int
) -> None:
    respond, counts = failing(kind, times=1)
    async with JmapServer(respond=respond).running() as (client, _):
        try:
            await client.perform_all([echo("second")], repeatable=False)
        except MethodError:
            assert kind == "serverFail"
    assert len(counts) == requests


def test_a_call_that_was_not_answered_at_first_is_answered_by_the_second_request() -> None:
    failed, lost = Call("Email/set", {"update": {}}), Call("Email/get", {"ids": []})
    answers: Answers = {failed: MethodError(failed.method, "serverFail", "")}
    (repetition,) = put_off([Operation((failed, lost), lambda _: None)], answers, repeatable=True)
    second: Answers = {failed: {"updated": {}}, lost: {"list": []}}
    assert completed(answers, second, repetition) == second


@pytest.mark.parametrize("limit", ["maxCallsInRequest", "maxSizeRequest"])
async def test_a_request_beyond_limits_that_have_changed_is_cut_anew(limit: str) -> None:
    server = JmapServer(core={"maxCallsInRequest": 8})
    async with server.running() as (client, _):
        await client.session()
        server.core = {"maxCallsInRequest": 2}
        server.refusals = [problem("limit", limit=limit)]
        answers = await client.perform_all([echo(str(n)) for n in range(5)], repeatable=False)
    assert answers == ["0", "1", "2", "3", "4"]
    assert [len(each["methodCalls"]) for each in server.requests] == [5, 2, 2, 1]
    assert server.sessions == 2


@pytest.mark.parametrize("days", [-5, 0, 5])
async def test_the_servers_time_is_known_from_its_answers(days: int) -> None:
    there = datetime.now(UTC) + timedelta(days=days)
    date = format_datetime(there, usegmt=True)
    server = JmapServer(headers={"Date": date})
    async with server.running() as (client, _):
        await client.perform(echo())
        assert abs(client.server_now() - there) < timedelta(seconds=30)


@pytest.mark.parametrize("headers", [{"Date": "yesterday"}, {"Date": ""}, {"Age": "86400"}])
async def test_without_a_date_that_can_be_used_it_is_our_own(headers: dict[str, str]) -> None:
    old = {"Date": "Wed, 25 Feb 2004 12:00:00 GMT"}
    server = JmapServer(headers=old | headers)
    async with server.running() as (client, _):
        await client.perform(echo())
        assert abs(client.server_now() - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    "api_url",
    ["https://evil.example/jmap/", "http://mail.example.com:8080/jmap/", "ftp://127.0.0.1/"],
)
async def test_an_api_on_a_host_that_nobody_named_is_an_error_that_says_so(api_url: str) -> None:
    server = JmapServer(urls={"apiUrl": api_url})
    async with server.running() as (client, _):
        with pytest.raises(SessionError) as caught:
            await client.perform(echo())
    assert api_url in str(caught.value)
    assert "MAILROOM_JMAP_KEEP_ORIGIN" in str(caught.value)
    assert server.requests == []


async def test_another_port_that_does_not_answer_is_reported_with_a_way_to_mend_it(
    unused_tcp_port: int,
) -> None:
    server = JmapServer(urls={"apiUrl": f"http://127.0.0.1:{unused_tcp_port}/jmap/"})
    async with server.running() as (client, _):
        with pytest.raises(UnreachableError) as caught:
            await client.perform(echo())
    assert "MAILROOM_JMAP_KEEP_ORIGIN" in str(caught.value)


async def test_the_origin_is_kept_where_the_user_says_so() -> None:
    urls = {
        "apiUrl": "http://10.0.0.7:8080/api",
        "eventSourceUrl": "http://10.0.0.7:8080/events?types={types}&ping={ping}",
    }
    websocket = {"url": "ws://10.0.0.7:8080/ws", "supportsPush": True}
    capabilities = {CORE: {}, MAIL: {}, WEBSOCKET: websocket}
    server = JmapServer(urls=urls | {"capabilities": capabilities})
    async with server.running(keep_origin=True) as (client, _):
        session = await client.session()
        assert await client.perform(echo()) == ("hello",)
    origin = str(server.url.origin())
    assert str(session.api_url) == f"{origin}/api"
    assert session.event_source_template == f"{origin}/events?types={{types}}&ping={{ping}}"
    assert str(session.websocket_url) == f"{origin.replace('http', 'ws')}/ws"


async def test_the_version_of_jmap_is_asked_for() -> None:
    """Apache James 3.8 speaks a draft without it."""
    server = JmapServer()
    async with server.running() as (client, _):
        await client.perform(echo())
    wanted = "application/json; jmapVersion=rfc-8621"
    assert {each["Accept"] for each in server.heads} == {wanted}
    assert all(each["User-Agent"].startswith("Mailroom/") for each in server.heads)


async def test_a_session_that_is_on_another_host_is_reported_with_a_way_to_mend_it() -> None:
    moved = web.Response(status=307, headers={"Location": "https://jmap.evil.example/session"})
    server = JmapServer(session_refusals=[moved])
    async with server.running() as (client, _):
        with pytest.raises(SessionError) as caught:
            await client.perform(echo())
    assert "https://jmap.evil.example/session" in str(caught.value)
    assert "set MAILROOM_JMAP_SESSION_URL to it" in str(caught.value)


async def test_addresses_of_push_that_cannot_be_used_are_named() -> None:
    websocket = {"url": "wss://push.evil.example/ws", "supportsPush": True}
    capabilities = {CORE: {}, MAIL: {}, WEBSOCKET: websocket}
    urls = {"eventSourceUrl": "http://10.0.0.7:8080/es?types={types}", "capabilities": capabilities}
    async with JmapServer(urls=urls).running() as (client, http):
        warnings = list(push_url_warnings(await client.session(), http.credentials.allowed_hosts))
    assert [warning.split(" is at ")[1].split(",")[0] for warning in warnings] == [
        "wss://push.evil.example/ws",
        "http://10.0.0.7:8080/es",
    ]


class SharedServer:
    """Takes four requests at once, over all clients, as Stalwart does."""

    def __init__(self) -> None:
        self.inside = 0
        self.refused = 0

    async def join(self) -> web.Response | None:
        if self.inside >= 4:
            self.refused += 1
            return problem("limit", limit="maxConcurrentRequests")
        self.inside += 1
        try:
            await asyncio.sleep(0.01)
        finally:
            self.inside -= 1
        return None


async def test_with_a_busy_mail_app_every_request_gets_through() -> None:
    shared, server = SharedServer(), JmapServer()
    server.intercept = shared.join

    async def sooner(seconds: float) -> None:
        await asyncio.sleep(seconds / 10)

    async def mail_app(http: HttpClient) -> None:
        while True:
            with suppress(HttpError):
                await http.request("POST", server.url / "jmap/", data=REQUEST, expected={200, 400})

    async with (
        server.running(pauses=sooner) as (client, _),
        http_client(concurrency=6, pauses=sooner) as others,
    ):
        await client.session()
        busy = [asyncio.create_task(mail_app(others)) for _ in range(6)]
        try:
            for number in range(8):  # as many as a tap takes, one after the other
                assert await client.perform_all([echo(str(number))], repeatable=False)
        finally:
            for task in busy:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)
    assert shared.refused > 0


REQUEST = b'{"using": [], "methodCalls": []}'
