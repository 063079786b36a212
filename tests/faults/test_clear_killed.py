"""``mailroom clear``, killed at any request or with a fault at one, is finished by the next run.

Two mails are cleared at a time here, so that the run has several parts. The address book is not
used.
"""

from functools import cache
from typing import Final

import pytest

from mailroom.account import open_account
from mailroom.admin.clear import clear
from mailroom.screener.passes import mail_run
from tests.faults.commands import (
    ReferenceRun,
    assert_fault_changes_nothing,
    assert_kills_change_nothing,
    reference_run,
)
from tests.faults.scenarios import BOB, CY, Scenario, prepared, settings
from tests.support.faults.faults import FAULTS, Fault
from tests.support.faults.server import Line
from tests.support.owner.contacts_app import ContactsApp

OF_CONTACTS: Final = {"412", "423", "507"}

pytestmark = pytest.mark.usefixtures("two_at_a_time")


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_run, "_AT_ONCE", 2)


async def _contacts(app: ContactsApp) -> None:
    await app.add("cy", "Cyril Sneer", CY)


SCENARIO: Final = Scenario(
    "waiting",
    _contacts,
    (
        ("al@corp.example", "decided", ("Screener", "@ToFeed")),
        (BOB, "bob 1", ("Screener",)),
        (BOB, "bob 2", ("Screener", "Archive")),
        (BOB, "bob 3", ("Screener", "Inbox")),
        (CY, "cy", ("Screener",)),
        ("di@corp.example", "di", ("Screener", "@MailroomWarning")),
        ("ed@corp.example", "labelled", ("Screener", "@WholeDomain")),
        ("fay@corp.example", "kept", ("Archive",)),
    ),
    lambda console: None,
)


async def _clear(line: Line) -> None:
    async with open_account(settings(line)) as account:
        done = await clear(account, "", None, lambda what, done, total: None, apply=True)
    assert not done.cleared.failures, done.cleared.failures


@cache
def _reference() -> ReferenceRun:
    return reference_run(_clear, prepared(SCENARIO, "jmap", at_start=True).base)


def test_the_reference_run_ends_as_expected() -> None:
    mails = [line for line in _reference().end if line.startswith("mail ")]
    assert mails == [
        "mail bob 1: ['Archive'] ['$mailroom-waived']",
        "mail bob 2: ['Archive'] []",
        "mail bob 3: ['Inbox'] ['$mailroom-screened']",
        "mail cy: ['Archive'] ['$mailroom-waived']",
        "mail decided: ['Feed'] []",
        "mail di: ['Archive'] ['$mailroom-waived']",
        "mail kept: ['Archive'] []",
        "mail labelled: ['@WholeDomain', 'Screener'] []",
    ]


@pytest.mark.parametrize("acts", [False, True], ids=["before it acts", "after it acted"])
def test_killed_at_any_request_and_run_again(*, acts: bool) -> None:
    assert_kills_change_nothing(_reference(), acts=acts)


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name not in OF_CONTACTS], ids=str
)
def test_a_fault_at_any_request_and_run_again(fault: Fault) -> None:
    assert_fault_changes_nothing(_reference(), fault)
