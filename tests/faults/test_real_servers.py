"""A part of the matrix against real servers: a first triage, with a fault or a kill at one request.

The service runs in this process and in real time, behind a proxy that intercepts requests. Each
test gets an account of its own, and each cell of a test a sender of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import pytest
from structlog.testing import capture_logs

from mailroom.contacts.note import triage_lines
from tests.support.faults.faults import FAULTS, Fault, Injection, InjectionPoint
from tests.support.owner.person import PATIENCE, Owner, message
from tests.support.proxy.passes import until_passes
from tests.support.proxy.proxy import (
    CUT,
    Answer,
    Exchange,
    Forward,
    Interceptor,
    Proxy,
    pass_through,
    proxying,
)
from tests.support.service.in_process import running_in_process
from tests.support.service.process import Service, environment
from tests.support.variants.rows import REAL, params, world_of
from tests.support.variants.worlds import Variant, World

FEED: Final = {"Feed"}
CELLS: Final = 2
"""The number of cells for each fault."""
KINDS: Final[dict[str, Callable[[Exchange], bool]]] = {
    "reads mail": lambda exchange: "Email/get" in exchange.calls,
    "writes a card": lambda exchange: exchange.kind == "PUT card",
    "writes a group": lambda exchange: exchange.kind == "PUT group",
    "files mail": lambda exchange: "Email/set" in exchange.calls,
}
"""The kinds of request that a kill is tried at."""
NOT_HERE: Final = ("server restarted", "answered too late", "half of the answer", "429")
"""Faults that stop the server, or take minutes; tests/e2e/test_outages.py has most of them."""
INJECTED_HERE: Final = [fault for fault in FAULTS if fault.name not in NOT_HERE]

Measured = Callable[[str], None]


@pytest.fixture(params=params(REAL))
def variant(request: pytest.FixtureRequest) -> Variant:
    chosen: Variant = request.param
    return chosen


@pytest.fixture
def world(variant: Variant, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return world_of(variant, tmp_path, request)


@pytest.fixture
async def person(world: World) -> AsyncIterator[Owner]:
    """An owner whose account is set up for Mailroom."""
    async with world.newcomer() as owner:
        await world.set_up(owner)
        yield owner


async def triage(person: Owner, sender: str) -> None:
    """Tap one of two mails of a sender, and wait until the label is off."""
    _, tapped = await person.receive(message(sender, f"old {sender}"), message(sender, sender))
    await person.tap(tapped, "@ToFeed")
    await person.until_triaged()


async def wrong_with(person: Owner, sender: str) -> list[str]:
    """Return the differences from a triage without faults."""
    contacts = await person.contacts_of(sender)
    notes = [len(triage_lines("\n".join(contact.note))) for contact in contacts]
    wrong = [f"lines in notes: {notes}"] if notes != [1] else []
    if not wrong and (groups := await person.groups_of(sender)) != {"Feed", "Mailroom"}:
        wrong.append(f"groups: {groups}")
    places = {subject: await person.where(subject) for subject in (sender, f"old {sender}")}
    return [*wrong, *(f"{name} is in {where}" for name, where in places.items() if where != FEED)]


def inject(
    fault: Fault, point: InjectionPoint, exchanges: Sequence[Exchange]
) -> tuple[Interceptor, asyncio.Event]:
    """Return an interceptor that injects a fault, and an event that it then sets.

    ``point`` is in ``exchanges``, another triage. If it is at the second "PUT card" there, the
    fault is injected at the second "PUT card" here.
    """
    before = [exchange.kind for exchange in exchanges[: point.request]].count(point.kind)
    remaining, injected = [None] * before, asyncio.Event()

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if exchange.kind != point.kind or injected.is_set():
            return await forward()
        if remaining:
            remaining.pop()
            return await forward()
        injected.set()
        return await fault.inject(Injection(exchange, forward, point.call))

    return intercept, injected


async def without_fault(person: Owner, proxy: Proxy, sender: str) -> list[Exchange]:
    """Return the requests of a triage without faults."""
    count = len(proxy.exchanges)
    await triage(person, sender)
    assert await wrong_with(person, sender) == []
    exchanges = proxy.since(count)
    first = next(
        at for at, exchange in enumerate(exchanges) if exchange.kind.startswith(("GET", "PUT"))
    )
    return exchanges[max(0, first - 2) :]


def points(
    fault: Fault, exchanges: Sequence[Exchange], others: Sequence[Exchange]
) -> list[InjectionPoint]:
    """Return some of the points that a fault has in both of two triages.

    Not every triage makes the same requests: a write that meets another write is repeated.
    """
    kinds = [exchange.kind for exchange in exchanges]
    other_kinds = [exchange.kind for exchange in others]
    all_points = [
        point
        for point in fault.points(exchanges, [exchange.method != "PUT" for exchange in exchanges])
        if kinds[: point.request].count(point.kind) < other_kinds.count(point.kind)
    ]
    step, number = max(1, len(all_points) // CELLS), FAULTS.index(fault)
    return all_points[number % step :: step][:CELLS]


@asynccontextmanager
async def service_of(
    person: Owner, variant: Variant, proxy: Proxy, cwd: Path, log: list[Any]
) -> AsyncIterator[Service]:
    """Run the service behind a proxy, and wait until it is ready."""
    settings = {**variant.settings, "MAILROOM_FAILURE_LIMIT": "100"}
    env = environment(person, http=proxy.url, **settings)
    async with running_in_process(env, cwd, log) as service:
        await service.until_ready()
        yield service


@pytest.mark.parametrize("fault", INJECTED_HERE, ids=str)
async def test_in_the_end_nothing_shows_of_a_fault(
    person: Owner,
    variant: Variant,
    fault: Fault,
    tmp_path: Path,
    measured: Measured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "mailroom.runtime.failure_policy.REFUSED_PAUSES", (1.0,)
    )  # minutes are too long
    monkeypatch.setattr("mailroom.runtime.failure_policy._REFUSED_SPAN", 1.0)
    failed: list[str] = []
    with capture_logs() as captured:
        log = cast("list[Any]", captured)
        async with (
            proxying(person.server.url, person.server.dav_url) as proxy,
            service_of(person, variant, proxy, tmp_path, log) as service,
        ):
            await until_passes(service, 2)
            others = await without_fault(person, proxy, "somebody@corp.example")
            exchanges = await without_fault(person, proxy, "nobody@corp.example")
            all_points = points(fault, exchanges, others)
            for number, point in enumerate(all_points):
                intercept, injected = inject(fault, point, exchanges)
                proxy.intercept = intercept
                await triage(person, f"s{number}@corp.example")
                wrong = await wrong_with(person, f"s{number}@corp.example")
                proxy.intercept = pass_through
                failed += [f"{point}: {difference}" for difference in wrong]
                failed += [] if injected.is_set() else [f"{point}: the fault was never injected"]
    failed += [f"mistake: {entry}" for entry in log if entry.get("exc_info")]
    assert not failed, "\n".join(failed)
    measured(f"faults on {variant}: {fault}: {len(all_points)} cells")


def dying(proxy: Proxy, wanted: Callable[[Exchange], bool], *, acts: bool) -> asyncio.Event:
    """Cut the service off for good at its first request of a kind, as a kill would."""
    died = asyncio.Event()

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if not wanted(exchange):
            return await forward()
        if acts and not died.is_set():
            await forward()
        proxy.refuses = True
        died.set()
        return CUT

    proxy.intercept = intercept
    return died


@pytest.mark.parametrize("acts", [False, True], ids=["before it acts", "after it acted"])
async def test_killed_at_each_kind_of_request_it_goes_on_where_it_was(
    person: Owner, variant: Variant, tmp_path: Path, measured: Measured, *, acts: bool
) -> None:
    failed: list[str] = []
    with capture_logs() as captured:
        log = cast("list[Any]", captured)
        async with proxying(person.server.url, person.server.dav_url) as proxy:
            for kind, wanted in KINDS.items():
                sender = f"{kind.replace(' ', '-')}@corp.example".lower()
                _, tapped = await person.receive(
                    message(sender, f"old {sender}"), message(sender, sender)
                )
                async with service_of(person, variant, proxy, tmp_path, log) as service:
                    await until_passes(service, 2)
                    died = dying(proxy, wanted, acts=acts)
                    await person.tap(tapped, "@ToFeed")
                    async with asyncio.timeout(PATIENCE):
                        await died.wait()
                proxy.intercept = pass_through
                proxy.mend()
                async with service_of(person, variant, proxy, tmp_path, log):
                    await person.until_triaged()
                failed += [
                    f"{kind}: {difference}" for difference in await wrong_with(person, sender)
                ]
    failed += [f"mistake: {entry}" for entry in log if entry.get("exc_info")]
    assert not failed, "\n".join(failed)
    measured(f"kills on {variant}: {len(KINDS)} cells, {'after' if acts else 'before'} it acts")
