"""The table of answers that mean "not now", row by row, and what a client makes of each."""

import asyncio
import json

import pytest
from aiohttp import web

from mailroom.http import HttpError, ServerFailureError
from mailroom.http.not_now import (
    TABLE,
    Action,
    Effect,
    Kind,
    Row,
    of_limit,
    of_method_error,
    of_precondition,
    of_set_error,
    of_status,
)
from tests.support.scripted.http import Pauses, ScriptedServer, Seen, answer, http_client

LIMIT = "urn:ietf:params:jmap:error:limit"


def problem(limit: str | None) -> str:
    """As Stalwart 0.16 writes it."""
    facts = {"type": LIMIT, "status": 400, "detail": "busy", "limit": limit}
    return json.dumps({key: value for key, value in facts.items() if value is not None})


LOOK_UPS = {
    Kind.STATUS: lambda name: of_status(int(name)),
    Kind.LIMIT: of_limit,
    Kind.METHOD_ERROR: of_method_error,
    Kind.SET_ERROR: of_set_error,
    Kind.PRECONDITION: of_precondition,
}
NOTHING, UNKNOWN = Effect.NOTHING, Effect.UNKNOWN
EXPECTED = [
    (Kind.STATUS, "429", NOTHING, Action.WAIT),
    (Kind.STATUS, "423", NOTHING, Action.WAIT),
    (Kind.STATUS, "503", NOTHING, Action.RETRY),
    (Kind.STATUS, "425", NOTHING, Action.RETRY),
    (Kind.STATUS, "408", UNKNOWN, Action.RETRY),
    (Kind.STATUS, "500", UNKNOWN, Action.RETRY),
    (Kind.STATUS, "502", UNKNOWN, Action.RETRY),
    (Kind.STATUS, "504", UNKNOWN, Action.RETRY),
    (Kind.STATUS, "520", UNKNOWN, Action.RETRY),
    (Kind.STATUS, "501", NOTHING, Action.REPORT),
    (Kind.STATUS, "505", NOTHING, Action.REPORT),
    (Kind.STATUS, "507", NOTHING, Action.REPORT),
    (Kind.STATUS, "508", NOTHING, Action.REPORT),
    (Kind.LIMIT, "maxConcurrentRequests", NOTHING, Action.WAIT),
    (Kind.LIMIT, "maxRequestsPerMinute", NOTHING, Action.WAIT),
    (Kind.LIMIT, "", NOTHING, Action.WAIT),
    (Kind.LIMIT, "maxCallsInRequest", NOTHING, Action.SPLIT),
    (Kind.LIMIT, "maxSizeRequest", NOTHING, Action.SPLIT),
    (Kind.LIMIT, "maxObjectsInGet", NOTHING, Action.SPLIT),
    (Kind.LIMIT, "maxObjectsInSet", NOTHING, Action.SPLIT),
    (Kind.METHOD_ERROR, "rateLimit", NOTHING, Action.WAIT),
    (Kind.METHOD_ERROR, "serverFail", UNKNOWN, Action.RETRY),
    (Kind.METHOD_ERROR, "serverUnavailable", UNKNOWN, Action.RETRY),
    (Kind.METHOD_ERROR, "serverPartialFail", UNKNOWN, Action.RETRY),
    (Kind.METHOD_ERROR, "requestTooLarge", NOTHING, Action.SPLIT),
    (Kind.SET_ERROR, "rateLimit", NOTHING, Action.WAIT),
    (Kind.SET_ERROR, "serverFail", UNKNOWN, Action.RETRY),
    (Kind.PRECONDITION, "valid-sync-token", NOTHING, Action.RESYNC),
]


@pytest.mark.parametrize(("kind", "name", "effect", "action"), EXPECTED)
def test_each_row(kind: Kind, name: str, effect: Effect, action: Action) -> None:
    row = LOOK_UPS[kind](name)
    assert row is not None
    assert (row.effect, row.action) == (effect, action)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.STATUS, "200"),
        (Kind.STATUS, "400"),
        (Kind.STATUS, "401"),
        (Kind.STATUS, "404"),
        (Kind.STATUS, "412"),
        (Kind.METHOD_ERROR, "stateMismatch"),
        (Kind.METHOD_ERROR, "forbidden"),
        (Kind.SET_ERROR, "invalidProperties"),
        (Kind.SET_ERROR, "overQuota"),
        (Kind.PRECONDITION, "need-privileges"),
    ],
)
def test_a_judgement_is_in_no_row(kind: Kind, name: str) -> None:
    assert LOOK_UPS[kind](name) is None


def test_every_row_is_reached_and_only_what_waits_waits_for_long() -> None:
    reached = {LOOK_UPS[kind](name) for kind, name, _, _ in EXPECTED}
    assert reached == set(TABLE)
    assert all(bool(row.seconds) == (row.action is Action.WAIT) for row in TABLE)


def test_only_answers_to_whole_requests_change_how_many_are_sent() -> None:
    """Calls and objects that are put off are sent again without a change of the slots."""
    kinds = {row.kind for row in TABLE if row.slows or row.serializes}
    assert kinds == {Kind.STATUS, Kind.LIMIT}


def row(effect: Effect, action: Action) -> Row:
    return Row(Kind.STATUS, frozenset(), effect, action, "")


@pytest.mark.parametrize("action", [Action.WAIT, Action.RETRY])
def test_what_may_have_been_done_is_repeated_only_where_twice_is_once(action: Action) -> None:
    assert row(UNKNOWN, action).may_repeat(repeatable=True)
    assert not row(UNKNOWN, action).may_repeat(repeatable=False)
    assert row(NOTHING, action).may_repeat(repeatable=False)


@pytest.mark.parametrize("action", [Action.SPLIT, Action.RESYNC, Action.REPORT])
def test_the_same_request_is_not_repeated_where_that_changes_nothing(action: Action) -> None:
    assert not row(NOTHING, action).may_repeat(repeatable=True)


BUSY = {
    "limit": answer(400, problem("maxConcurrentRequests")),
    "limit without a name": answer(400, problem(None)),
    "429": answer(429),
    "429 for a minute": answer(429, headers={"Retry-After": "60"}),
    "423": answer(423),
}
ALL_OF_DAV = frozenset(range(200, 500)) - {401, 429}


@pytest.mark.parametrize("busy", BUSY)
@pytest.mark.parametrize("expected", [{200}, ALL_OF_DAV], ids=["JMAP", "DAV"])
@pytest.mark.parametrize("method", ["POST", "PUT", "REPORT"])
async def test_not_now_is_repeated_for_long_writes_too(
    busy: str, expected: frozenset[int], method: str
) -> None:
    times = 1 if busy == "429 for a minute" else 8
    async with (
        http_client() as http,
        ScriptedServer.running(*[BUSY[busy]] * times, answer(200, "done")) as server,
    ):
        response = await http.request(method, server.url, repeatable=False, expected=expected)
    assert response.body == b"done"
    assert len(server.seen) == times + 1


@pytest.mark.parametrize("busy", BUSY)
async def test_it_is_repeated_for_no_more_than_some_minutes(busy: str) -> None:
    pauses = Pauses()
    async with http_client(pauses=pauses) as http, ScriptedServer.running(BUSY[busy]) as server:
        with pytest.raises(ServerFailureError) as caught:
            await http.request("PUT", server.url)
    assert caught.value.row is not None
    assert caught.value.row.seconds <= sum(pauses.seconds) < caught.value.row.seconds + 61
    assert len(server.seen) < 600, "no more than the limits of rate that are known"


async def test_a_busy_host_is_asked_often_with_pauses_that_differ() -> None:
    pauses = Pauses()
    busy = [BUSY["limit"]] * 60
    async with (
        http_client(pauses=pauses) as http,
        ScriptedServer.running(*busy, answer()) as server,
    ):
        await http.request("POST", server.url)
    assert max(pauses.seconds) <= 0.5
    assert len(set(pauses.seconds)) > 50


async def test_limits_that_mean_the_request_are_left_to_the_caller() -> None:
    script = answer(400, problem("maxCallsInRequest"))
    async with http_client() as http, ScriptedServer.running(script) as server:
        with pytest.raises(HttpError):
            await http.request("POST", server.url)
    assert len(server.seen) == 1


class Busy:
    """A host that takes so many requests at once, and notes how many it was asked for."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.inside = 0
        self.refused = 0
        self.writing = 0

    async def limited(self, seen: Seen) -> web.Response:
        if self.inside >= self.allowed:
            self.refused += 1
            return await BUSY["limit"](seen)
        self.inside += 1
        await asyncio.sleep(0.01)
        self.inside -= 1
        return await answer(200)(seen)

    async def locked(self, seen: Seen) -> web.Response:
        if self.writing:
            self.refused += 1
            return await answer(423)(seen)
        self.writing += 1
        await asyncio.sleep(0.005)
        self.writing -= 1
        return await answer(201)(seen)


async def test_a_host_that_is_too_busy_for_all_of_us_gets_fewer_at_once() -> None:
    host = Busy(allowed=1)

    async def quicker(seconds: float) -> None:
        await asyncio.sleep(seconds / 20)

    async with (
        http_client(concurrency=6, pauses=quicker) as http,
        ScriptedServer.running(host.limited) as server,
    ):
        await asyncio.gather(*(http.request("POST", server.url) for _ in range(30)))
        assert http.slots.size == 1
    assert host.refused < 10


async def test_after_one_lock_was_met_writes_go_one_at_a_time() -> None:
    host = Busy(allowed=1)
    async with http_client(concurrency=4) as http, ScriptedServer.running(host.locked) as server:
        expected = ALL_OF_DAV
        await asyncio.gather(
            *(http.request("PUT", server.url, expected=expected) for _ in range(30))
        )
        met = host.refused
        assert met > 0
        await asyncio.gather(
            *(http.request("PUT", server.url, expected=expected) for _ in range(30))
        )
        assert host.refused == met, "none meets another any more"
        assert http.slots.size == 4, "readers are as many as before"
