"""A reset that is killed at any request, or has a request refused, is finished by the next reset.

As in :mod:`tests.faults.test_killed`, no request reaches the server after the kill. The reset takes
two contacts at a time here, so that it has several batches.
"""

from functools import cache
from typing import Final

import pytest

from mailroom.account import open_account
from mailroom.admin.reset import Scope, senders, survey, take_back
from tests.faults.commands import (
    ReferenceRun,
    assert_fault_changes_nothing,
    assert_kills_change_nothing,
    reference_run,
)
from tests.faults.scenarios import BACKENDS, Scenario, prepared, settings
from tests.support.faults.faults import FAULTS, Fault
from tests.support.faults.server import Line
from tests.support.owner.contacts_app import ContactsApp

REFUSED: Final = {"call serverPartialFail", "object rateLimit", "412"}
"""Faults of a part of a request, whose other parts are carried out."""

over_each_backend = pytest.mark.parametrize("backend", BACKENDS)


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


async def _reset(line: Line) -> None:
    async with open_account(settings(line)) as account:
        scope = await Scope.of(account, lambda what, done, total: None)
        outcome = await take_back(scope, await survey(scope))
    assert outcome.is_complete, outcome.failures


@cache
def _reference(backend: str) -> ReferenceRun:
    return reference_run(_reset, prepared(SCENARIO, backend, at_start=True).base)


@over_each_backend
def test_the_reference_run_ends_as_expected(backend: str) -> None:
    reference = _reference(backend)
    mails = [line for line in reference.end if line.startswith("mail ")]
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
    cards = [line for line in reference.end if line.startswith("card ")]
    assert len(cards) == 3 + 8
    assert not any("ailroom:mark" in card or "X-MAILROOM" in card for card in cards)
    assert not any("riaged to" in card for card in cards)


@over_each_backend
@pytest.mark.parametrize("acts", [False, True], ids=["before it acts", "after it acted"])
def test_killed_at_any_request_and_run_again(*, backend: str, acts: bool) -> None:
    assert_kills_change_nothing(_reference(backend), acts=acts)


@over_each_backend
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.name in REFUSED], ids=str)
def test_refused_at_any_request_and_run_again(backend: str, fault: Fault) -> None:
    assert_fault_changes_nothing(_reference(backend), fault)
