"""A kill at any request, or a second instance: the account ends as if nothing had happened.

A kill cancels all tasks of the service at one of its requests, and none of its later requests
reaches the server. As with ``kill -9``, the request may have been carried out or not. Then the
service is started again. :mod:`tests.faults.test_matrix` explains the words.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import pytest
from structlog.testing import capture_logs

from mailroom.sandbox.sandbox_account import SandboxAccount
from tests.faults.scenarios import (
    BACKENDS,
    SCENARIOS,
    UNDO_OF_ONE,
    Prepared,
    Scenario,
    prepared,
    settings,
)
from tests.support import virtual_time
from tests.support.faults.account import copied, differences
from tests.support.faults.faults import FAULTS, Injection, InjectionPoint
from tests.support.faults.running import instance
from tests.support.faults.server import AccountServer, Line, serving
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward, Interceptor, pass_through

Measured = Callable[[str], None]
Place = TypeVar("Place", int, InjectionPoint)
Cell = Callable[[AccountServer, SandboxAccount, Place], Awaitable[None]]

INTERLEAVINGS: Final = 6
"""The number of random orders of requests that are tried with two instances."""
FEW_INTERLEAVINGS: Final = 2
REFUSED: Final = next(fault for fault in FAULTS if fault.name == "object rateLimit")

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
over_each_backend = pytest.mark.parametrize("backend", BACKENDS)


def _interleavings(scenario: Scenario) -> range:
    return range(FEW_INTERLEAVINGS if scenario.is_large else INTERLEAVINGS)


def _requests(scenario: Scenario, ready: Prepared) -> list[InjectionPoint]:
    """Return the requests to try. Only the first scenario tries the requests of the start."""
    first = 0 if scenario is SCENARIOS[0] else ready.startup_requests
    requests = [InjectionPoint(at, 0, exchange.kind) for at, exchange in enumerate(ready.exchanges)]
    return scenario.sample(requests[first:], lambda point: point.kind, 3)


def _at(request: int, then: Interceptor) -> Interceptor:
    """Return an interceptor that calls ``then`` for one request, by its number from 0."""
    remaining = [None] * (request + 1)

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if remaining:
            remaining.pop()
            if not remaining:
                return await then(exchange, forward)
        return await forward()

    return intercept


async def _cut_off(exchange: Exchange, forward: Forward) -> Answer:
    return CUT


def _refusing(point: InjectionPoint) -> Interceptor:
    async def refuse(exchange: Exchange, forward: Forward) -> Answer:
        return await REFUSED.inject(Injection(exchange, forward, point.call))

    return refuse


async def _killed_at(server: AccountServer, request: int, then: Interceptor) -> None:
    """Start the service; at a request, call ``then``, and let no later request through."""
    line, _ = server.lines
    killed = asyncio.Event()

    async def kill(exchange: Exchange, forward: Forward) -> Answer:
        await then(exchange, forward)
        line.is_dead = True
        killed.set()
        return CUT

    line.intercept = _at(request, kill)
    async with instance(settings(line)):
        await killed.wait()


async def _another_in_between(server: AccountServer, request: int, then: Interceptor) -> None:
    """Start the service, and hold a request back until another instance has done everything."""
    line, other = server.lines
    held, released = asyncio.Event(), asyncio.Event()

    async def hold(exchange: Exchange, forward: Forward) -> Answer:
        held.set()
        await released.wait()
        return await then(exchange, forward)

    line.intercept = _at(request, hold)
    async with instance(settings(line)) as slow:
        await held.wait()
        await _to_the_end(other)
        released.set()
        await slow.until_done()


async def _to_the_end(line: Line) -> None:
    async with instance(settings(line)) as service:
        await service.until_done()


@over_each_backend
@each_scenario
@pytest.mark.parametrize(
    "then",
    [pytest.param(_cut_off, id="before it acts"), pytest.param(pass_through, id="after it acted")],
)
def test_killed_at_any_request_and_started_again(
    scenario: Scenario, backend: str, then: Interceptor
) -> None:
    async def cell(server: AccountServer, account: SandboxAccount, point: InjectionPoint) -> None:
        _, again = server.lines
        await _killed_at(server, point.request, then)
        await _to_the_end(again)

    ready = prepared(scenario, backend, at_start=True)
    assert_no_failure(scenario, ready, cell, _requests(scenario, ready))


@pytest.mark.parametrize("scenario", [UNDO_OF_ONE, *SCENARIOS[:3]], ids=str)
def test_one_thing_is_refused_and_then_killed_and_started_again(scenario: Scenario) -> None:
    """Over JMAP, where the other calls of the request are carried out."""

    async def cell(server: AccountServer, account: SandboxAccount, point: InjectionPoint) -> None:
        _, again = server.lines
        await _killed_at(server, point.request, _refusing(point))
        await _to_the_end(again)

    ready = prepared(scenario, "jmap", at_start=True)
    assert_no_failure(scenario, ready, cell, _refusals(scenario, ready))


@over_each_backend
@each_scenario
def test_another_instance_does_it_all_in_between(scenario: Scenario, backend: str) -> None:
    async def cell(server: AccountServer, account: SandboxAccount, point: InjectionPoint) -> None:
        await _another_in_between(server, point.request, pass_through)

    ready = prepared(scenario, backend, at_start=True)
    assert_no_failure(scenario, ready, cell, _requests(scenario, ready))


@each_scenario
def test_another_instance_does_it_all_in_between_and_then_one_thing_is_refused(
    scenario: Scenario,
) -> None:
    """Over JMAP, where one request has many edits, and they are rolled back if one is refused."""

    async def cell(server: AccountServer, account: SandboxAccount, point: InjectionPoint) -> None:
        await _another_in_between(server, point.request, _refusing(point))

    ready = prepared(scenario, "jmap", at_start=True)
    assert_no_failure(scenario, ready, cell, _refusals(scenario, ready))


def _refusals(scenario: Scenario, ready: Prepared) -> list[InjectionPoint]:
    """Return the points at which a card or a group can be refused."""
    points = REFUSED.points(ready.exchanges, ready.answered)
    of_contacts = [point for point in points if "ContactCard/set" in point.kind]
    return scenario.sample(of_contacts, lambda point: (point.kind, point.call), 3)


@over_each_backend
@each_scenario
def test_two_instances_at_once(scenario: Scenario, backend: str) -> None:
    async def cell(server: AccountServer, account: SandboxAccount, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - an order of requests, no secret

        async def dawdle(exchange: Exchange, forward: Forward) -> Answer:
            await asyncio.sleep(chance.random())
            answer = await forward()
            await asyncio.sleep(chance.random())
            return answer

        for line in server.lines:
            line.intercept = dawdle
        await asyncio.gather(*map(_to_the_end, server.lines))

    ready = prepared(scenario, backend, at_start=True)
    assert_no_failure(scenario, ready, cell, _interleavings(scenario))


def assert_no_failure(
    scenario: Scenario, ready: Prepared, cell: Cell[Place], places: Sequence[Place]
) -> None:
    failed = virtual_time.run(_run(scenario, ready, cell, places))
    assert not failed, "\n".join(failed)


async def _run(
    scenario: Scenario, ready: Prepared, cell: Cell[Place], places: Sequence[Place]
) -> list[str]:
    """Run one cell for each place, and return the differences of those that failed."""
    failed = []
    async with serving(copied(ready.base)) as server:
        for place in places:
            random.seed(str(place))  # the jitter's, so that a cell can be rerun
            account = copied(ready.base)
            server.serve(account)
            scenario.begin(server, account)
            with capture_logs() as log:
                try:
                    await cell(server, account, place)
                    wrong = differences(account, ready.end)
                except AssertionError as error:
                    wrong = [str(error)]
            wrong += [f"mistake: {entry}" for entry in log if entry.get("exc_info")]
            failed += [f"{place}: {difference}" for difference in wrong]
    return failed


@over_each_backend
def test_how_many_cells_there_are(backend: str, measured: Measured) -> None:
    cells = Counter[str]()
    for scenario in SCENARIOS:
        ready = prepared(scenario, backend, at_start=True)
        requests = len(_requests(scenario, ready))
        cells += Counter({"killed": 2 * requests, "another in between": requests})
        cells += Counter({"another in between, and a refusal": len(_refusals(scenario, ready))})
        cells += Counter({"two at once": len(_interleavings(scenario))})
    parts = ", ".join(f"{name} {count}" for name, count in cells.items())
    measured(
        f"killed or not alone over {backend}: {cells.total()} cells, all of them run ({parts})"
    )
