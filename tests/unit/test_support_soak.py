"""What the soak would notice: mail that is elsewhere, what grows, what is complained of."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.owner import mail
from tests.support.soak.checks import misplaced
from tests.support.soak.model import UNDO, Mail, Model, Sender
from tests.support.soak.service import HUGE, Lives, Sample

SAMPLE = Sample(memory=60.0, sockets=9, tasks={"passes": 1, "push": 1}, objects=70_000)


@pytest.fixture
def lives(tmp_path: Path) -> Lives:
    return Lives({}, tmp_path / "log")


def test_mail_follows_its_sender() -> None:
    sender = Sender("Ann", ("ann@example.com",))
    model = Model([sender], [])
    early, late = Mail("early", sender), Mail("late", sender)
    model.arrive(early)
    assert early.mailboxes == {"Screener"}
    model.tap(sender, [early], "@ToPerson")
    model.arrive(late)
    assert early.mailboxes == late.mailboxes == {"Person", "Imbox", "Inbox"}
    assert sender.groups == {"Person", "Imbox", "Mailroom"}
    model.tap(sender, [late], "@ToFeed")
    assert model.totals() == {"Feed": 2}
    model.tap(sender, [late], UNDO)
    assert model.totals() == {"Screener": 2}
    assert not sender.card


def test_a_card_that_its_owner_edited_survives_an_undo() -> None:
    sender = Sender("Ann", ("ann@example.com",), label="@ToFeed", card="ours", phone=True)
    model = Model([sender], [])
    model.tap(sender, [], UNDO)
    mail = Mail("mail", sender)
    model.arrive(mail)
    assert mail.mailboxes == {"Inbox"}
    assert sender.groups == set()


def test_misplaced_mail_is_reported() -> None:
    sender = Sender("Ann", ("ann@example.com",))
    model = Model([sender], [Mail("here", sender, frozenset({"Feed"})), Mail("gone", sender)])
    model.mails[1].mailboxes = frozenset({"Feed"})
    found = [mail.Mail("1", "here", frozenset({"Jail"}), frozenset())]
    assert misplaced(found, model) == ["gone: [], not ['Feed']", "here: ['Jail'], not ['Feed']"]


@pytest.mark.parametrize(
    "grown",
    [
        replace(SAMPLE, sockets=10),
        replace(SAMPLE, tasks={"passes": 1, "push": 2}),
        replace(SAMPLE, memory=80.0),
        replace(SAMPLE, objects=90_000),
    ],
)
def test_what_grows_is_a_leak(lives: Lives, grown: Sample) -> None:
    lives.samples = [[SAMPLE] * 8, [SAMPLE] * 6 + [grown, SAMPLE]]
    assert lives.leaks() == [], "a moment's work is none"
    lives.samples = [[SAMPLE] * 8, [SAMPLE] * 6 + [grown] * 2]
    assert len(lives.leaks()) == 1


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ('{"event": "pass done", "level": "info", "logger": "mailroom.runtime.service"}', False),
        ('{"event": "giving up", "level": "error", "logger": "mailroom.runtime.service"}', True),
        ('{"event": "x is serving", "level": "info", "logger": "asyncio"}', False),
        ('{"event": "Task was destroyed", "level": "error", "logger": "asyncio"}', True),
        (f'{{"event": "Executing <x> took {HUGE - 1} seconds", "logger": "asyncio"}}', False),
        (f'{{"event": "Executing <x> took {HUGE + 1} seconds", "logger": "asyncio"}}', True),
        ("Exception ignored in: <coroutine>", True),
    ],
)
def test_what_nothing_accounts_for_is_a_complaint(lives: Lives, line: str, is_one: bool) -> None:  # noqa: FBT001 - a parameter of the test
    lives._log.write_text(line + "\n")
    assert bool(lives.complaints()) is is_one
