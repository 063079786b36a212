"""What the soak would notice: mail that is elsewhere, what grows, what is complained of."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from tests.support.owner import mail
from tests.support.soak.checks import misplaced, wrong_contacts
from tests.support.soak.model import UNDO, Mail, Model, Sender
from tests.support.soak.service import HUGE, Sample, ServiceRuns

T = TypeVar("T")

SAMPLE = Sample(memory=60.0, sockets=9, tasks={"passes": 1, "push": 1}, objects=70_000)


@pytest.fixture
def runs(tmp_path: Path) -> ServiceRuns:
    return ServiceRuns({}, tmp_path / "log")


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


async def test_a_list_has_one_card_of_its_own_and_its_posters_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    posters = ("ann@one.example", "bob@two.example")
    weavers = Sender("Weavers", posters, on_card="dev@lists.example", about="Mailing list: l.x")
    model = Model([weavers])
    model.tap(weavers, [], "@ToFeed")

    async def mistakes(*cards: tuple[str, str, str]) -> int:
        """Return the number of mistakes, if there are cards of this uid, address and note."""
        book = {
            uid: [f"UID:{uid}", f"EMAIL:{address}", f"NOTE:{note}"] for uid, address, note in cards
        }
        owner: Any = SimpleNamespace(contacts=SimpleNamespace(cards=returning(book)))
        owner.groups = returning({"Feed": set(book), "Mailroom": set(book)})
        return len(await wrong_contacts(owner, model))

    right = ("1", "dev@lists.example", "Mailing list: l.x")
    assert await mistakes(right) == 0
    assert await mistakes() == 1
    assert await mistakes(right, ("2", "ann@one.example", "Mailing list: l.x")) == 1
    assert await mistakes(("1", "dev@lists.example", "")) == 1


def returning(value: T) -> Callable[[], Awaitable[T]]:
    async def answer() -> T:
        return value

    return answer


def test_misplaced_mail_is_reported() -> None:
    sender = Sender("Ann", ("ann@example.com",))
    model = Model([sender], [Mail("here", sender, frozenset({"Feed"})), Mail("gone", sender)])
    model.mails[1].mailboxes = frozenset({"Feed"})
    found = [mail.Mail("1", "here", frozenset({"Jail"}), frozenset())]
    assert misplaced(found, model) == ["gone: [], not ['Feed']", "here: ['Jail'], not ['Feed']"]


@pytest.mark.parametrize(
    "grown",
    [
        replace(SAMPLE, sockets=12),
        replace(SAMPLE, tasks={"passes": 1, "push": 2}),
        replace(SAMPLE, memory=80.0),
        replace(SAMPLE, objects=90_000),
    ],
)
def test_what_grows_is_a_leak(runs: ServiceRuns, grown: Sample) -> None:
    runs.samples = [[SAMPLE] * 10, [SAMPLE] * 8 + [grown] * 2]
    assert runs.leaks() == [], "the work of a moment is none"
    runs.samples = [[SAMPLE] * 10, [SAMPLE] * 6 + [grown] * 4]
    assert len(runs.leaks()) == 1


def test_a_socket_more_in_each_round_is_a_leak(runs: ServiceRuns) -> None:
    runs.samples = [[replace(SAMPLE, sockets=number) for number in range(12, 22)]]
    assert len(runs.leaks()) == 1
    runs.samples = [[replace(SAMPLE, sockets=12)] * 6 + [replace(SAMPLE, sockets=14)] * 20]
    assert runs.leaks() == [], "connections that stay open"


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
def test_what_nothing_accounts_for_is_a_complaint(
    runs: ServiceRuns,
    line: str,
    is_one: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    runs._log.write_text(line + "\n")
    assert bool(runs.complaints()) is is_one
