"""Proposals as a person reads them and ticks them, and as data."""

import os
from collections.abc import Mapping
from dataclasses import replace

import pytest

from mailroom.admin.decide import name_of
from mailroom.admin.suggest import Suggestions
from mailroom.admin.ticks import TickError, ask
from mailroom.contacts.index import ContactIndex
from mailroom.screener.model.categories import DEFAULTS, Answer
from mailroom.screener.model.subject import Subject
from mailroom.screener.suggest.proposals import Proposals, propose
from mailroom.screener.suggest.signals import Correspondence, Tally
from mailroom.terminal.input import Lines
from tests.support.domain.builders import NOW
from tests.support.domain.headers import DEV, headers

NEWS = "Loom Weekly <news@loom.example>"
POSTERS = ("a@a.example", "b@b.example")


def suggestions(*, limit: int = 50, account: str = "") -> Suggestions:
    """Proposals for a newsletter, a mailing list and a shop; none for strangers."""
    tally = Tally(Correspondence(), ["alice@example.com"], ContactIndex(), NOW)
    tally.add(headers(NEWS, f"Issue \x1b{n}", keywords=frozenset({"$seen"})) for n in range(3))
    tally.add(headers(poster, "Re: warp", **DEV) for poster in POSTERS)
    tally.add([headers("orders@shop.example", "Your order 4711")])
    tally.add(headers(f"Sam\x07 <sam{n}@far.example>") for n in range(7))
    found = propose(
        tally, DEFAULTS, ContactIndex(), lambda key: key == "sam6@far.example", limit=limit
    )
    return Suggestions(found, account)


def test_the_lines_for_a_person() -> None:
    about = "1 of 1 subject line about orders, invoices or deliveries"
    assert list(suggestions().text()) == [
        "  1  Feed         Loom Weekly <news@loom.example>",
        "                  3 mails, 3 read: newsletter, the address is one of newsletters",
        '                  "Issue \\x1b0"',
        '                  "Issue \\x1b1"',
        "  2  Feed         Dev <dev.lists.example>",
        "                  2 mails, 0 read: mailing list, 2 senders in this mailing list",
        '                  "Re: warp"',
        "  3  Paper Trail  orders@shop.example",
        f"                  1 mail, 0 read: receipts, {about}",
        '                  "Your order 4711"',
        "Senders without a proposal, because nothing shows their kind:",
        *(f"     Sam <sam{n}@far.example>, 1 mail, 0 read" for n in range(5)),
        "     and 1 more",
    ]


def test_nothing_to_propose() -> None:
    nothing = Suggestions(Proposals(0, (), ()), "")
    assert list(nothing.text()) == ["Nothing to propose."]
    assert nothing.ticked("all") == {}


def test_the_data() -> None:
    data = suggestions(limit=2).data()
    assert (data["mails_read"], data["days"]) == (13, 365)
    assert data["proposals"][1] == {
        "number": 2,
        "category": "Feed",
        "kind": "mailing list",
        "reason": "2 senders in this mailing list",
        "who": "dev.lists.example",
        "kind_of_subject": "list",
        "name": "Dev",
        "mails": 2,
        "read": 0,
        "answered": 0,
        "written": 0,
        "subjects": ["Re: warp"],
    }
    assert [proposal["who"] for proposal in data["proposals"]] == [
        "news@loom.example",
        "dev.lists.example",
    ]
    assert data["unclear"] == []


def names(answers: Mapping[Subject, Answer]) -> dict[str, str]:
    return {str(subject): name_of(answer) for subject, answer in answers.items()}


def test_proposals_are_ticked_by_number_and_by_sender() -> None:
    found = suggestions()
    assert names(found.ticked("3,dev.lists.example")) == {
        "dev.lists.example": "Feed",
        "orders@shop.example": "Paper Trail",
    }
    assert len(found.ticked("all")) == 3
    with pytest.raises(TickError):
        found.ticked("4")


def test_the_next_step_names_the_account() -> None:
    assert "mailroom suggest --apply all" in suggestions().advice()
    assert "mailroom suggest --account work --apply all" in suggestions(account="work").advice()
    few = replace(suggestions(), limit=5)
    assert "mailroom suggest --limit 5 --apply all" in few.advice()


@pytest.mark.parametrize(
    ("typed", "expected", "mistakes"),
    [
        ("2\n", ["dev.lists.example"], 0),
        ("\n", [], 0),
        ("", [], 0),
        ("9\nfoo\n1\n", ["news@loom.example"], 2),
    ],
)
async def test_the_user_is_asked_until_the_ticks_are_understood(
    typed: str, expected: list[str], mistakes: int
) -> None:
    reading, writing = os.pipe()
    os.write(writing, typed.encode())
    os.close(writing)
    said: list[str] = []
    with os.fdopen(reading) as file:
        assert [*names(await ask(Lines(file), suggestions().ticked, said.append))] == expected
    assert len(said) == 1 + 2 * mistakes
