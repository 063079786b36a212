"""The client of a JMAP server: when it asks for the session, how it sends, what it makes of it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from mailroom.http import (
    BrokenAnswerError,
)
from mailroom.jmap.client import JmapClient
from mailroom.jmap.request import Operation
from tests.support.scripted.jmap import Invocation, JmapServer, Responses, echo


async def test_the_session_is_found_and_asked_for_once() -> None:
    server = JmapServer()
    async with server.running() as (client, _):
        session = await client.session()
        assert session.api_url == server.url / "jmap/"
        for _ in range(3):
            await client.perform(echo())
        await asyncio.gather(*(client.session() for _ in range(5)))
    assert server.sessions == 1


@pytest.mark.parametrize("path", ["", "/"])
async def test_of_a_host_alone_the_session_is_where_the_standard_says(path: str) -> None:
    server = JmapServer()
    async with server.running() as (_, http):
        client = JmapClient(http, URL(f"{server.url.origin()}{path}"))
        assert (await client.session()).api_url == server.url / "jmap/"


async def test_many_who_start_at_once_share_one_session() -> None:
    server = JmapServer()
    async with server.running() as (client, _):
        await asyncio.gather(*(client.perform(echo()) for _ in range(10)))
    assert (server.sessions, len(server.requests)) == (1, 10)


async def test_operations_of_several_kinds_go_in_one_request() -> None:
    server = JmapServer()
    number = Operation((), lambda _: 7)
    async with server.running() as (client, _):
        assert await client.perform(echo("a"), number, echo("b")) == ("a", 7, "b")
    assert server.calls == [["Core/echo", "Core/echo"]]


async def test_without_calls_nothing_is_sent() -> None:
    server = JmapServer()
    async with server.running() as (client, _):
        assert await client.perform(Operation((), lambda _: "known")) == ("known",)
        assert await client.perform_all([]) == []
    assert server.requests == []


async def test_what_does_not_fit_in_one_request_goes_in_several() -> None:
    server = JmapServer(core={"maxCallsInRequest": 4, "maxSizeRequest": 3000})
    texts = [str(number) * 500 for number in range(10)]
    async with server.running() as (client, _):
        assert await client.perform_all([echo(text) for text in texts]) == texts
    assert max(map(len, server.calls)) <= 4
    assert max(server.octets) <= 3000
    assert len(server.requests) > 1


@dataclass
class Crowd:
    """Counts the requests that are inside at once; each waits until so many are."""

    wanted: int
    inside: int = 0
    most: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    async def join(self) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == self.wanted:
            self.complete.set()
        await self.complete.wait()
        for _ in range(100):
            await asyncio.sleep(0)  # so that one too many would be seen
        self.inside -= 1


@pytest.mark.parametrize(("allowed", "ours"), [(1, 1), (2, 1), (4, 3), (6, 5)])
async def test_requests_go_out_at_once_but_leave_one_to_the_owners_other_programs(
    allowed: int, ours: int
) -> None:
    crowd = Crowd(wanted=ours)
    server = JmapServer(core={"maxCallsInRequest": 1, "maxConcurrentRequests": allowed})
    server.before = crowd.join
    async with server.running() as (client, _), asyncio.timeout(20):
        await client.perform_all([echo() for _ in range(12)])
    assert crowd.most == ours


async def test_in_turn_means_in_one_request_where_that_fits() -> None:
    server = JmapServer()
    async with server.running() as (client, _):
        answers = await client.perform_in_turn([echo("a"), echo("b")], [echo("c")])
    assert answers == (["a", "b"], ["c"])
    assert len(server.requests) == 1


async def test_in_turn_means_one_after_the_other_where_it_does_not_fit() -> None:
    server = JmapServer(core={"maxCallsInRequest": 2})
    answered = 0

    def respond(calls: list[Invocation]) -> Responses:
        nonlocal answered
        second = [call for call in calls if call[1]["text"].startswith("then")]
        assert not second or answered == 3
        answered += len(calls)
        return [list(call) for call in calls]

    server.respond = respond
    async with server.running() as (client, _):
        answers = await client.perform_in_turn(
            [echo("a"), echo("b"), echo("c")], [echo("then d"), echo("then e")]
        )
    assert answers == (["a", "b", "c"], ["then d", "then e"])


@pytest.mark.parametrize(("first", "then"), [([], ["a"]), (["a"], []), ([], [])])
async def test_in_turn_may_be_nothing(first: list[str], then: list[str]) -> None:
    async with JmapServer().running() as (client, _):
        answers = await client.perform_in_turn([*map(echo, first)], [*map(echo, then)])
    assert answers == (first, then)


async def test_a_changed_state_has_the_session_asked_for_once_more() -> None:
    server = JmapServer()
    async with server.running() as (client, _):
        await client.perform(echo())
        server.session_state, server.core = "1", {"maxObjectsInGet": 7}
        for _ in range(4):
            await client.perform(echo())
        assert (await client.session()).limits.max_objects_in_get == 7
    assert server.sessions == 2


async def test_a_change_seen_by_many_at_once_is_one_change() -> None:
    server = JmapServer()
    async with server.running() as (client, _):
        await client.perform(echo())
        server.session_state = "1"
        for _ in range(3):
            await asyncio.gather(*(client.perform(echo()) for _ in range(5)))
    assert server.sessions == 2


async def test_a_server_whose_states_never_agree_is_not_asked_each_time() -> None:
    server = JmapServer(session_state="X", response_state="Y")
    async with server.running() as (client, _):
        for _ in range(5):
            await client.perform(echo())
        assert server.sessions == 2
        client.forget_session()
        for _ in range(5):
            await client.perform(echo())
    assert server.sessions == 3


async def test_each_of_several_changes_is_noticed() -> None:
    server = JmapServer()
    async with server.running() as (client, _):
        for state in "01201":
            server.session_state = state
            await client.perform(echo())
            await client.perform(echo())
    assert server.sessions == 5


async def test_a_forgotten_session_is_asked_for_once_whatever_changed() -> None:
    """After an outage, say: the answers' new state is the one that was just read."""
    server = JmapServer()
    async with server.running() as (client, _):
        await client.perform(echo())
        server.session_state = "1"
        client.forget_session()
        for _ in range(3):
            await client.perform(echo())
    assert server.sessions == 2


async def test_a_session_forgotten_while_it_is_read_is_read_again() -> None:
    server = JmapServer()
    async with server.running() as (client, _):
        server.before_session = client.forget_session
        await client.session()
        server.before_session = None
        await client.session()
        await client.session()
    assert server.sessions == 2


@pytest.mark.parametrize("state", [5, ["1"], {}, False])
async def test_a_response_without_a_usable_state_changes_nothing(state: Any) -> None:
    server = JmapServer(response_state=state)
    async with server.running() as (client, _):
        for _ in range(3):
            await client.perform(echo())
    assert server.sessions == 1


async def test_a_session_that_cannot_be_read_is_asked_for_again() -> None:
    server = JmapServer(session_refusals=[web.Response(text=text) for text in ("{", "[]", "{}")])
    async with server.running() as (client, _):
        assert (await client.session()).username == "alice"
    assert server.sessions == 4


async def test_a_session_that_stays_unreadable_is_reported_and_asked_for_the_next_time() -> None:
    server = JmapServer(session_refusals=[web.Response(text="{}") for _ in range(4)])
    async with server.running() as (client, _):
        with pytest.raises(BrokenAnswerError):
            await client.session()
        assert (await client.session()).username == "alice"
    assert server.sessions == 5
