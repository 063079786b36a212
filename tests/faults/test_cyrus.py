"""A part of the matrix against a real server: a first triage, with a fault at one of its requests.

The service runs in this process and in real time, behind a proxy that meddles. Each fault gets an
account of its own, each of its cells a sender of its own.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import aiohttp
import pytest
from structlog.testing import capture_logs

from mailroom.contacts.note import triage_lines
from tests.support.cyrus import Cyrus
from tests.support.faults import FAULTS, Fault, Spot, Struck
from tests.support.in_process import running_in_process, set_up
from tests.support.passes import until_passes
from tests.support.person import Person, message
from tests.support.proxy import Answer, Ask, Exchange, Meddle, Proxy, leave_alone, proxying
from tests.support.running import environment

pytestmark = pytest.mark.cyrus

FEED: Final = {"Feed"}
CELLS: Final = 2
"""For each fault."""
NOT_HERE: Final = ("server restarted", "answered too late", "half of the answer", "429")
"""They take the server away, or real minutes; tests/e2e/test_outages.py has most of them."""
STRUCK: Final = [each for each in FAULTS if each.name not in NOT_HERE]

Measured = Callable[[str], None]


@asynccontextmanager
async def an_account(cyrus: Cyrus, fault: Fault, cwd: Path) -> AsyncIterator[Person]:
    name = f"f{os.getpid()}n{FAULTS.index(fault)}"
    await cyrus.fresh_user(name)
    async with aiohttp.ClientSession() as session:
        person = Person(cyrus, name, session)
        await set_up(environment(person), cwd)
        yield person


async def triage(person: Person, sender: str) -> None:
    """Tap one of two mails of a sender, and wait until that is done."""
    _, tapped = await person.receive(message(sender, f"old {sender}"), message(sender, sender))
    await person.tap(tapped, "@ToFeed")
    await person.until_triaged()


async def wrong_with(person: Person, sender: str) -> list[str]:
    """What is not as it is after a triage in which nothing goes wrong."""
    contacts = await person.contacts_of(sender)
    notes = [len(triage_lines("\n".join(each.note))) for each in contacts]
    wrong = [f"lines in notes: {notes}"] if notes != [1] else []
    if not wrong and (groups := await person.groups_of(sender)) != {"Feed", "Mailroom"}:
        wrong.append(f"groups: {groups}")
    places = {subject: await person.where(subject) for subject in (sender, f"old {sender}")}
    return [*wrong, *(f"{name} is in {where}" for name, where in places.items() if where != FEED)]


def striking(
    fault: Fault, spot: Spot, exchanges: Sequence[Exchange]
) -> tuple[Meddle, asyncio.Event]:
    """Has a fault strike at a request of the same kind, the same number of them after the tap."""
    before = [each.kind for each in exchanges[: spot.request]].count(spot.kind)
    remaining, struck = [None] * before, asyncio.Event()

    async def meddle(exchange: Exchange, ask: Ask) -> Answer:
        if exchange.kind != spot.kind or struck.is_set():
            return await ask()
        if remaining:
            remaining.pop()
            return await ask()
        struck.set()
        return await fault.strike(Struck(exchange, ask, spot.call))

    return meddle, struck


async def without_fault(person: Person, proxy: Proxy) -> list[Exchange]:
    """What is asked in a triage in which nothing goes wrong."""
    count = len(proxy.exchanges)
    await triage(person, "nobody@corp.example")
    assert await wrong_with(person, "nobody@corp.example") == []
    asked = proxy.since(count)
    first = next(at for at, each in enumerate(asked) if each.kind.startswith(("GET", "PUT")))
    return asked[max(0, first - 2) :]


def spots(fault: Fault, exchanges: Sequence[Exchange]) -> list[Spot]:
    every = list(fault.spots(exchanges, [each.method != "PUT" for each in exchanges]))
    step, number = max(1, len(every) // CELLS), FAULTS.index(fault)
    return every[number % step :: step][:CELLS]


@pytest.mark.parametrize("fault", STRUCK, ids=str)
async def test_in_the_end_nothing_shows_of_a_fault(
    fault: Fault, cyrus: Cyrus, tmp_path: Path, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Real minutes are too long here.
    monkeypatch.setattr("mailroom.failing._PAUSES_WHEN_REFUSED", (1.0,))
    monkeypatch.setattr("mailroom.failing._REFUSED_SPAN", 1.0)
    failed: list[str] = []
    async with an_account(cyrus, fault, tmp_path) as person, proxying(cyrus.url) as proxy:
        env = environment(person, http=proxy.url, MAILROOM_FAILURE_LIMIT="100")
        with capture_logs() as log:
            async with running_in_process(env, tmp_path, cast("list[Any]", log)) as service:
                await service.until_ready()
                await until_passes(service, 2)
                exchanges = await without_fault(person, proxy)
                for number, spot in enumerate(spots(fault, exchanges)):
                    meddle, struck = striking(fault, spot, exchanges)
                    proxy.meddle = meddle
                    await triage(person, f"s{number}@corp.example")
                    wrong = await wrong_with(person, f"s{number}@corp.example")
                    proxy.meddle = leave_alone
                    failed += [f"{spot}: {each}" for each in wrong]
                    failed += [] if struck.is_set() else [f"{spot}: it never came to that"]
    failed += [f"mistake: {each}" for each in log if each.get("exc_info")]
    assert not failed, "\n".join(failed)
    measured(f"faults on Cyrus: {fault}: {len(spots(fault, exchanges))} cells")
