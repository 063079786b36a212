"""A reset that is killed at any request, or has one refused, is finished by the next one.

As in :mod:`tests.faults.test_killed`: from the kill on nothing of it reaches the server any more.
Contacts are gone through two at a time here, so that there is a batch before and one behind.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest
from structlog.testing import capture_logs

from mailroom.account import open_account
from mailroom.admin.reset import Outcome, Scope, senders, survey, take_back
from mailroom.runtime.failure_policy import EXPECTED
from mailroom.sandbox.sandbox_account import SandboxAccount
from tests.faults.scenarios import BACKENDS, Scenario, prepared, settings
from tests.support import virtual_time
from tests.support.faults.account import copied, differences, snapshot
from tests.support.faults.faults import FAULTS, Fault, inject
from tests.support.faults.server import AccountServer, Line, serving
from tests.support.owner.contacts_app import ContactsApp
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward

REFUSED: Final = {"call serverPartialFail", "object rateLimit", "412"}
"""Faults of a part of a request, whose other parts are carried out."""

over_each_backend = pytest.mark.parametrize("backend", BACKENDS)
Cell = Callable[[AccountServer, int], Awaitable[None]]


@pytest.fixture(autouse=True)
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "AT_ONCE", 2)


async def _contacts(app: ContactsApp) -> None:
    await app.add("cy", "Cyril Sneer", "cy@corp.example", "Met at the fair.", more=["cy@x.example"])
    await app.add("fay", "Fay", "fay@friends.example")
    await app.add("dan", "Dan", "dan@corp.example")
    await app.join("Feed", "dan")
    await app.join("Jail", "nobody-any-more")


SCENARIO: Final = Scenario(
    "triaged",
    _contacts,
    (
        ("Bob Builder <bob@corp.example>", "bob 1", ("Screener", "@ToImbox")),
        ("Bob Builder <bob@corp.example>", "bob 2", ("Screener",)),
        ("bob@corp.example", "bob 3", ("Archive",)),
        ("Cy <cy@x.example>", "cy 1", ("Screener", "@ToPerson")),
        ("dan@corp.example", "dan 1", ("Inbox",)),
        ("al@corp.example", "al 1", ("Screener", "@ToFeed")),
        ("al@corp.example", "al 2", ("Screener", "@ToJail")),
        ("stranger@y.example", "stranger 1", ("Inbox",)),
    ),
    lambda console: None,
)


@dataclass(frozen=True)
class Undisturbed:
    """A reset without faults: the account before and after it, and its requests."""

    base: SandboxAccount
    end: list[str]
    exchanges: tuple[Exchange, ...]
    answered: tuple[bool, ...]

    @property
    def first_write(self) -> int:
        """The number of the first request that changes anything."""
        return next(
            at for at, exchange in enumerate(self.exchanges) if "Email/set" in exchange.calls
        )


async def _reset(line: Line) -> Outcome:
    async with open_account(settings(line)) as account:
        scope = await Scope.of(account, lambda what, done, total: None)
        return await take_back(scope, await survey(scope))


async def _to_the_end(line: Line) -> None:
    outcome = await _reset(line)
    assert outcome.is_complete, outcome.failures


@cache
def _undisturbed(backend: str) -> Undisturbed:
    base = prepared(SCENARIO, backend, at_start=True).base

    async def reset() -> Undisturbed:
        account = copied(base)
        async with serving(account) as server:
            line, _ = server.lines
            await _to_the_end(line)
            asked = tuple(line.exchanges), tuple(line.answered)
            return Undisturbed(base, snapshot(account), *asked)

    return virtual_time.run(reset())


@over_each_backend
def test_the_end_is_what_it_should_be(backend: str) -> None:
    undisturbed = _undisturbed(backend)
    mails = [line for line in undisturbed.end if line.startswith("mail ")]
    assert mails == [
        "mail al 1: ['@ToFeed', 'Screener'] []",
        "mail al 2: ['@ToJail', 'Screener'] []",
        "mail bob 1: ['Screener'] []",
        "mail bob 2: ['Screener'] []",
        "mail bob 3: ['Archive'] []",
        "mail cy 1: ['Screener'] []",
        "mail dan 1: ['Screener'] []",
        "mail stranger 1: ['Screener'] []",
    ]
    cards = [line for line in undisturbed.end if line.startswith("card ")]
    assert len(cards) == 3 + 8
    assert not any("ailroom:mark" in card or "X-MAILROOM" in card for card in cards)
    assert not any("riaged to" in card for card in cards)


@over_each_backend
@pytest.mark.parametrize("acts", [False, True], ids=["before it acts", "after it acted"])
def test_killed_at_any_request_and_run_again(*, backend: str, acts: bool) -> None:
    undisturbed = _undisturbed(backend)

    async def cell(server: AccountServer, request: int) -> None:
        line, again = server.lines
        killed = asyncio.Event()
        remaining = [None] * request

        async def intercept(exchange: Exchange, forward: Forward) -> Answer:
            if remaining:
                remaining.pop()
                return await forward()
            if acts:
                await forward()
            line.is_dead = True
            killed.set()
            return CUT

        line.intercept = intercept
        task = asyncio.create_task(_reset(line), name="reset")
        await killed.wait()
        task.cancel()
        await asyncio.wait({task})
        await _to_the_end(again)

    _assert_no_failure(
        undisturbed, cell, range(undisturbed.first_write, len(undisturbed.exchanges))
    )


@over_each_backend
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.name in REFUSED], ids=str)
def test_refused_at_any_request_and_run_again(backend: str, fault: Fault) -> None:
    undisturbed = _undisturbed(backend)
    points = list(fault.points(undisturbed.exchanges, undisturbed.answered))

    async def cell(server: AccountServer, number: int) -> None:
        line, again = server.lines
        line.intercept, injected = inject(fault, points[number], server, line)
        with suppress(*EXPECTED):
            await _reset(line)
        assert injected.is_set()
        await _to_the_end(again)

    _assert_no_failure(undisturbed, cell, range(len(points)))


def _assert_no_failure(undisturbed: Undisturbed, cell: Cell, numbers: range) -> None:
    failed = virtual_time.run(_run(undisturbed, cell, numbers))
    assert not failed, "\n".join(failed)


async def _run(undisturbed: Undisturbed, cell: Cell, numbers: range) -> list[str]:
    """Run one cell for each number, and return the differences of those that failed."""
    failed = []
    async with serving(copied(undisturbed.base)) as server:
        for number in numbers:
            random.seed(number)  # the jitter's, so that a cell can be rerun
            account = copied(undisturbed.base)
            server.serve(account)
            with capture_logs():
                try:
                    await cell(server, number)
                    wrong = differences(account, undisturbed.end)
                except AssertionError as error:
                    wrong = [str(error)]
            failed += [f"n={number}: {difference}" for difference in wrong]
    return failed
