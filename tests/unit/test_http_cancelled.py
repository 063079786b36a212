"""Requests outlive their callers, and only so many are under way at once."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from yarl import URL

from mailroom.http import HttpClient, HttpError, Response
from tests.support.scripted.http import ScriptedServer, Seen, http_client
from tests.support.scripted.stream import StreamServer, Wire, says


@dataclass
class Gate:
    """A server whose answers wait until it is opened; it notes who is inside."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, seen: Seen) -> web.Response:
        self.arrived.append(seen.path)
        self.most_at_once = max(self.most_at_once, len(self.arrived) - len(self.finished))
        await self._tell()
        await self.opened.wait()
        self.finished.append(seen.path)
        await self._tell()
        return web.Response(body=seen.body)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[["Gate"], bool]) -> None:
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: condition(self))


@asynccontextmanager
async def asking(concurrency: int = 4) -> AsyncIterator[tuple[Gate, "Asker"]]:
    gate = Gate()
    async with (
        ScriptedServer.running(gate) as server,
        http_client(concurrency=concurrency) as http,
    ):
        yield gate, Asker(http, server)
        gate.opened.set()
        await http.close()


@dataclass
class Asker:
    http: HttpClient
    server: ScriptedServer

    def ask(self, name: str) -> asyncio.Task[Response]:
        url = self.server.url.origin() / name
        return asyncio.create_task(self.http.request("POST", url, data=b"x" * 100_000))


async def cancelled(task: asyncio.Task[Response]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_request_whose_caller_is_gone_is_finished() -> None:
    async with asking() as (gate, asker):
        task = asker.ask("a")
        await gate.until(lambda gate: gate.arrived == ["/a"])
        await cancelled(task)
        gate.opened.set()
        await asker.http.close()
        assert gate.finished == ["/a"]
    assert len(asker.server.seen[0].body) == 100_000


async def test_it_goes_on_holding_its_slot() -> None:
    async with asking(concurrency=1) as (gate, asker):
        first = asker.ask("a")
        await gate.until(lambda gate: gate.arrived == ["/a"])
        await cancelled(first)
        second = asker.ask("b")
        gate.opened.set()
        await second
    assert gate.finished == ["/a", "/b"]
    assert gate.most_at_once == 1


async def test_a_caller_that_is_gone_before_its_turn_sends_nothing() -> None:
    async with asking(concurrency=1) as (gate, asker):
        first, second = asker.ask("a"), asker.ask("b")
        await gate.until(lambda gate: gate.arrived == ["/a"])
        await cancelled(second)
        gate.opened.set()
        await first
        await asker.ask("c")
    assert gate.arrived == ["/a", "/c"]


async def test_closing_waits_for_what_is_under_way() -> None:
    async with asking() as (gate, asker):
        tasks = [asker.ask(name) for name in "abc"]
        await gate.until(lambda gate: len(gate.arrived) == 3)
        for task in tasks:
            await cancelled(task)
        closing = asyncio.create_task(asker.http.close(grace=20))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not closing.done()
        gate.opened.set()
        await closing
        assert sorted(gate.finished) == ["/a", "/b", "/c"]


@asynccontextmanager
async def abandoned(patience: float) -> AsyncIterator[tuple[HttpClient, Wire]]:
    """A request that has arrived, is never answered, and has lost its caller."""
    arrived: asyncio.Future[Wire] = asyncio.get_running_loop().create_future()

    async def hang(wire: Wire) -> None:
        arrived.set_result(wire)
        await wire.hang()

    async with StreamServer.running(hang) as server, http_client(patience=patience) as http:
        task = asyncio.create_task(http.request("POST", URL(server.url)))
        wire = await arrived
        await cancelled(task)
        del task
        yield http, wire


async def test_closing_ends_what_takes_too_long() -> None:
    async with abandoned(patience=60.0) as (http, wire), asyncio.timeout(20):
        await http.close(grace=0)
        await wire.client_is_gone.wait()


async def test_closing_with_nothing_under_way_is_nothing() -> None:
    async with http_client() as http:
        await http.close()


async def test_no_more_than_the_bound_are_under_way_at_once() -> None:
    async with asking(concurrency=2) as (gate, asker):
        tasks = [asker.ask(str(number)) for number in range(10)]
        await gate.until(lambda gate: len(gate.arrived) == 2)
        gate.opened.set()
        await asyncio.gather(*tasks)
    assert len(gate.finished) == 10
    assert gate.most_at_once == 2


async def test_the_bound_holds_while_it_changes() -> None:
    async with asking(concurrency=3) as (gate, asker):
        tasks = [asker.ask(str(number)) for number in range(10)]
        await gate.until(lambda gate: len(gate.arrived) == 3)
        asker.http.slots.resize(3)
        tasks += [asker.ask(str(number)) for number in range(10, 20)]
        asker.http.slots.resize(4)
        await gate.until(lambda gate: len(gate.arrived) == 4)
        gate.opened.set()
        await asyncio.gather(*tasks)
    assert len(gate.finished) == 20
    assert gate.most_at_once == 4


async def test_a_slot_is_given_back_by_what_fails() -> None:
    async with (
        StreamServer.running(says(b"no HTTP\r\n\r\n")) as server,
        http_client(concurrency=1) as http,
    ):
        for _ in range(3):
            with pytest.raises(HttpError):
                await http.request("GET", URL(server.url), repeatable=False)
    assert len(server.wires) == 3


async def test_the_failure_of_a_request_without_a_caller_is_no_alarm() -> None:
    alarms: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: alarms.append(context))
    async with abandoned(patience=0.1) as (http, _):
        await http.close(grace=20)
        gc.collect()
    assert alarms == []
