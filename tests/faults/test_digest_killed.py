"""The digest of a day, killed at any request, with a fault at one, or written by two instances.

One digest of the day is in the Inbox, and the digest before it is in the archive. A stranger's mail
with the Message-ID of the digest stays as it is. The address book is only read.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from mailroom.account import open_account
from mailroom.admin.setup import create, find_lacking
from mailroom.digest.message import Frame
from mailroom.http.client import HttpClient
from mailroom.runtime.digest_schedule import DigestSchedule
from mailroom.sandbox import JAMES, Quirks, User
from mailroom.sandbox.owner import OwnerConsole
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.settings.load import load_settings
from mailroom.settings.model import Settings
from tests.faults.commands import (
    ReferenceRun,
    assert_fault_changes_nothing,
    assert_kills_change_nothing,
    assert_second_instance_changes_nothing,
    reference_run,
)
from tests.faults.scenarios import BOB, CY, environ
from tests.support import virtual_time
from tests.support.faults.faults import FAULTS, Fault
from tests.support.faults.server import Line, serving
from tests.support.owner.person import message

OF_CONTACTS: Final = {"412", "423", "507"}
NOW: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)
DUE: Final = NOW.replace(hour=8)
ME: Final = "alice@example.com"
LINE: Final = "1 new sender waits: Bob Builder"
DIGEST: Final = ("$mailroom-digest", "$mailroom-screened")
SERVERS: Final = {"a server as in the RFC": Quirks(contacts=True), "as James": JAMES}
"""James imports a message in any state, and as often as it is asked to: the second mail of a digest
goes to the Trash."""

pytestmark = pytest.mark.usefixtures("midday")


@pytest.fixture
def midday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpClient, "server_now", lambda _: NOW)


@cache
def _settings(url: str) -> Settings:
    variables = {"MAILROOM_DIGEST_AT": "8:00", "MAILROOM_TIMEZONE": "UTC"}
    return load_settings({**environ(url), **variables}, cwd=Path("/"))


def _account(server: str) -> SandboxAccount:
    account = SandboxAccount(User("alice"), SERVERS[server], clock=lambda: 0.0)
    virtual_time.run(_set_up(account))
    console = OwnerConsole(account)
    for sender, subject, hours in ((BOB, "new", 1), (CY, "has waited", 30)):
        came = DUE - timedelta(hours=hours)
        console.deliver(message(sender, subject), mailboxes=["Screener"], received_at=came)
    yesterday = DUE - timedelta(days=1)
    console.append(message(ME, "yesterday"), keywords=DIGEST, received_at=yesterday)
    message_id = Frame(account.id, ME, DUE, UTC, ()).message_id
    console.deliver(f"From: {ME}\r\nSubject: forged\r\nMessage-ID: <{message_id}>\r\n\r\n".encode())
    return account


async def _set_up(account: SandboxAccount) -> None:
    async with serving(account) as server:
        line, _ = server.lines
        async with open_account(_settings(line.url)) as mailroom:
            await create(mailroom, await find_lacking(mailroom))


async def _write(line: Line) -> None:
    failures = list[bool]()
    async with open_account(_settings(line.url)) as account:
        await DigestSchedule(account, lambda: failures.append(True)).write_if_due()
    assert not failures


@cache
def _reference(server: str) -> ReferenceRun:
    return reference_run(_write, _account(server))


def test_the_reference_run_ends_as_expected() -> None:
    for server in SERVERS:
        assert [line for line in _reference(server).end if line.startswith("mail ")] == [
            f"mail {LINE}: ['Inbox'] {[*DIGEST]}",
            "mail forged: ['Inbox'] []",
            "mail has waited: ['Screener'] []",
            "mail new: ['Screener'] []",
            f"mail yesterday: ['Archive'] {[*DIGEST, '$seen']}",
        ]


@pytest.mark.parametrize("acts", [False, True], ids=["before it acts", "after it acted"])
@pytest.mark.parametrize("server", SERVERS)
def test_killed_at_any_request_and_run_again(server: str, *, acts: bool) -> None:
    assert_kills_change_nothing(_reference(server), acts=acts)


@pytest.mark.parametrize("acts", [False, True], ids=["before it acts", "after it acted"])
@pytest.mark.parametrize("server", SERVERS)
def test_another_instance_writes_it_at_any_request(server: str, *, acts: bool) -> None:
    reference = _reference(server)
    second = f"mail {LINE}: ['Trash'] {[*DIGEST]}" if server == "as James" else ""
    assert_second_instance_changes_nothing(reference, acts=acts, may_be_left=second)


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name not in OF_CONTACTS], ids=str
)
def test_a_fault_at_any_request_and_run_again(fault: Fault) -> None:
    reference = _reference("a server as in the RFC")
    upload = reference.first_write - 1
    assert_fault_changes_nothing(reference, fault, since=upload)
