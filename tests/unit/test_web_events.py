"""Server-sent events: the page follows the account, and lets go of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from mailroom.web import events
from mailroom.web.app import make_app
from mailroom.web.model import Waiting
from mailroom.web.options import Access
from tests.support.page.account import NOW, ScriptedAccount, row
from tests.support.page.visitor import OPEN, Visitor, visiting


@asynccontextmanager
async def following(visitor: Visitor) -> AsyncIterator[ClientResponse]:
    """Open the stream of events, as a browser does."""
    headers = {"Accept": "text/event-stream"}
    async with visitor.client.get("/events", headers=headers) as response:
        assert response.status == 200
        yield response


async def block(response: ClientResponse) -> str:
    """Return the next block of a stream; empty at its end."""
    lines = list[str]()
    while line := (await response.content.readline()).decode().rstrip("\n"):
        lines.append(line)
    return "\n".join(lines)


async def count(response: ClientResponse) -> int:
    """Return the number of waiting subjects that the next event says."""
    while (shown := await block(response)) == ": nothing new":
        pass
    event, data = shown.split("\n")
    assert event == "event: changed"
    number = json.loads(data.removeprefix("data: "))["waiting"]
    assert isinstance(number, int)
    return number


async def test_the_count_comes_now_and_after_each_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "_PING", 0.01)  # it shows that nobody is there any more
    account = ScriptedAccount()
    async with visiting(Access(account)) as visitor:
        async with following(visitor) as response:
            assert response.content_type == "text/event-stream"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Accel-Buffering"] == "no"
            assert await block(response) == "retry: 2000"
            assert await count(response) == 2
            account.show(Waiting((row(1),), NOW))
            assert await count(response) == 1
            account.show(Waiting((), NOW))
            assert await count(response) == 0
        await account.left.wait()


async def test_several_tabs_follow() -> None:
    account = ScriptedAccount()
    async with (
        visiting(Access(account)) as visitor,
        following(visitor) as first,
        following(visitor) as second,
    ):
        for response in (first, second):
            assert await block(response) == "retry: 2000"
            assert await count(response) == 2
        assert account.following == 2
        account.show(Waiting((row(1),), NOW))
        assert [await count(response) for response in (first, second)] == [1, 1]


async def test_a_silent_stream_is_kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_PING", 0.01)
    account = ScriptedAccount()
    async with visiting(Access(account)) as visitor, following(visitor) as response:
        await block(response)
        assert await count(response) == 2
        assert await block(response) == ": nothing new"
        assert await block(response) == ": nothing new"
        account.show(Waiting((), NOW))
        assert await count(response) == 0


async def test_a_stream_ends_so_that_its_sign_in_is_checked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "_LONGEST", 0.01)
    account = ScriptedAccount()
    async with visiting(Access(account)) as visitor:
        async with following(visitor) as response:
            assert (await response.content.read()).startswith(b"retry: 2000")
        await account.left.wait()


async def test_streams_end_at_once_when_the_server_stops() -> None:
    account = ScriptedAccount()
    server = TestServer(make_app([Access(account)], OPEN))
    async with TestClient(server) as client, following(Visitor(client, [])) as response:
        await block(response)
        assert await count(response) == 2
        assert server.runner is not None
        await server.runner.shutdown()
        assert await block(response) == ""
        await account.left.wait()


async def test_a_mistake_ends_the_stream_alone() -> None:
    account = ScriptedAccount()
    async with visiting(Access(account)) as visitor:
        async with following(visitor) as response:
            await block(response)
            assert await count(response) == 2
            account.shown = None  # type: ignore[assignment]
            account.show(account.shown)
            assert await block(response) == ""
        await account.left.wait()


async def test_only_a_get_opens_a_stream() -> None:
    account = ScriptedAccount()
    async with visiting(Access(account)) as visitor:
        for method in ("HEAD", "POST", "OPTIONS"):
            headers = {"Sec-Fetch-Site": "same-origin"}
            response = await visitor.request(method, "/events", headers=headers)
            assert (response.status, response.headers["Allow"]) == (405, "GET")
    assert account.following == 0
