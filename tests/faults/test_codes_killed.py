"""A code that comes and a code that ends, killed at any request or with a fault at one.

The next run finishes the work. Two old codes end at a time here, so that the run has several parts.
The address book is not used.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from mailroom.account import open_account
from mailroom.sandbox.owner import OwnerConsole
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.screener.passes import mail_run
from mailroom.screener.passes.code_removal import begin_code_removal
from mailroom.settings.load import load_settings
from mailroom.settings.model import Settings
from tests.faults.commands import (
    Command,
    ReferenceRun,
    assert_fault_changes_nothing,
    assert_kills_change_nothing,
    reference_run,
)
from tests.faults.scenarios import UNDO_OF_ONE, environ, prepared
from tests.support.faults.account import copied
from tests.support.faults.faults import FAULTS, Fault
from tests.support.faults.server import Line
from tests.support.owner.new_mail import mail

OF_CONTACTS: Final = {"412", "423", "507"}
OURS: Final = "mx.example.com"
LOOM: Final = "Loom <login@loom.example>"
PASSED: Final = f"Authentication-Results: {OURS}; dmarc=pass header.from=loom.example"
KEYWORDS: Final = ("$mailroom-code", "$mailroom-screened")

pytestmark = pytest.mark.usefixtures("two_at_a_time")


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_run, "_AT_ONCE", 2)


def _settings(line: Line) -> Settings:
    variables = {**environ(line.url), "MAILROOM_ARRIVALS_AUTHSERV_ID": OURS}
    return load_settings(variables, cwd=Path("/"))


def _account() -> SandboxAccount:
    return copied(prepared(UNDO_OF_ONE, "jmap", at_start=True).base)


def _with_new_codes() -> SandboxAccount:
    account = _account()
    console = OwnerConsole(account)
    for subject in ("Loom code: 600160", "Loom code: 600161", "Order code: 600162"):
        console.deliver(mail(LOOM, subject, PASSED))
    return account


def _with_old_codes() -> SandboxAccount:
    account = _account()
    console, old = OwnerConsole(account), datetime.now(UTC) - timedelta(hours=25)
    for subject, mailboxes in {
        "old 1": ("Inbox", "Screener"),
        "old 2": ("Inbox", "Screener"),
        "old 3": ("Inbox", "Screener", "@MailroomWarning"),
        "let in": ("Inbox",),
        "archived": ("Archive", "Screener"),
    }.items():
        console.deliver(
            mail(LOOM, subject), mailboxes=mailboxes, keywords=KEYWORDS, received_at=old
        )
    console.deliver(mail(LOOM, "young"), mailboxes=("Inbox", "Screener"), keywords=KEYWORDS)
    return account


async def _screen(line: Line) -> None:
    async with open_account(_settings(line)) as account:
        report = await (await account.workflow()).run()
    assert report.is_complete


async def _end(line: Line) -> None:
    async with open_account(_settings(line)) as account:
        settings = account.settings
        layout = settings.screener.layout
        run = await begin_code_removal(await account.mail(), settings.categories, layout)
        while run.has_more:
            await run.patch_part()
    assert not run.result.failures, run.result.failures


SCENARIOS: Final[dict[str, Command]] = {"code arrives": _screen, "code expires": _end}


@cache
def _reference(scenario: str) -> ReferenceRun:
    base = _with_new_codes() if scenario == "code arrives" else _with_old_codes()
    return reference_run(SCENARIOS[scenario], base)


def _codes_of(scenario: str) -> list[str]:
    end = _reference(scenario).end
    return [line for line in end if line.startswith("mail ") and "mail new" not in line]


def test_the_reference_run_ends_as_expected() -> None:
    both = "['$mailroom-code', '$mailroom-screened']"
    assert _codes_of("code arrives") == [
        f"mail Loom code: 600160: ['Inbox', 'Screener'] {both}",
        f"mail Loom code: 600161: ['Inbox', 'Screener'] {both}",
        "mail Order code: 600162: ['Screener'] ['$mailroom-screened']",
    ]
    assert _codes_of("code expires") == [
        "mail archived: ['Archive', 'Screener'] ['$mailroom-screened']",
        "mail let in: ['Inbox'] ['$mailroom-screened']",
        "mail old 1: ['Screener'] ['$mailroom-screened']",
        "mail old 2: ['Screener'] ['$mailroom-screened']",
        "mail old 3: ['@MailroomWarning', 'Screener'] ['$mailroom-screened']",
        f"mail young: ['Inbox', 'Screener'] {both}",
    ]


@pytest.mark.parametrize("acts", [False, True], ids=["before it acts", "after it acted"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_any_request_and_run_again(scenario: str, *, acts: bool) -> None:
    assert_kills_change_nothing(_reference(scenario), acts=acts)


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name not in OF_CONTACTS], ids=str
)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_at_any_request_and_run_again(scenario: str, fault: Fault) -> None:
    assert_fault_changes_nothing(_reference(scenario), fault)
