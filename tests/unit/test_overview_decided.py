"""Decided subjects: their cards, their order, the search, and the categories by name."""

from datetime import date, time

import pytest

from mailroom.admin.decided import Decided
from mailroom.contacts.address import list_key
from mailroom.contacts.model import Names
from mailroom.contacts.note import domain_line, list_line
from mailroom.contacts.uid import uid_for
from mailroom.screener.model.subject import Subject
from mailroom.screener.overview.decided import DecidedCard, decided_card, newest_first
from tests.support.domain.builders import card

LIST_UID = uid_for(list_key("dev.lists.example"))


def test_a_card_with_several_addresses_and_decisions() -> None:
    note = (
        "A friend.\nTriaged to Feed on 2026-02-20\nRe-triaged to Person on 2026-02-25 at 14:03\n"
        "Mailing list: not.mine.example"
    )
    bob = card("bob", "Bob@corp.example", "bob@home.example", note=note, names=Names("Bob"))
    assert decided_card(bob, ("Person",)) == DecidedCard(
        subjects=(Subject("bob@corp.example"), Subject("bob@home.example")),
        name="Bob",
        categories=("Person",),
        date=date(2026, 2, 25),
        time=time(14, 3),
    )


def test_a_list_and_a_whole_domain() -> None:
    note = f"{list_line('dev.lists.example')}\nTriaged to Feed on 2026-02-25 at 14:03"
    of_list = decided_card(card(LIST_UID, "dev@lists.example", note=note), ("Feed",))
    assert of_list.subjects == (Subject.of_list("dev.lists.example"),)
    domain = card("corp", "*@corp.example", note=domain_line("corp.example"))
    assert decided_card(domain, ("Feed",)).subjects == (Subject("*@corp.example"),)


def test_a_card_that_was_put_into_a_group_by_hand() -> None:
    by_hand = decided_card(card("bob", note="Triaged to Feed, I think"), ("Feed",))
    assert (by_hand.date, by_hand.time) == (None, None)


def decided(name: str, day: date | None = None, at: time | None = None, *keys: str) -> DecidedCard:
    subjects = tuple(map(Subject, keys or ("bob@corp.example",)))
    return DecidedCard(subjects, name, ("Feed",), day, at)


def test_the_newest_decision_comes_first() -> None:
    monday, tuesday = date(2026, 2, 23), date(2026, 2, 24)
    expected = [
        decided("evening", tuesday, time(20, 0)),
        decided("morning", tuesday, time(8, 0)),
        decided("older version", tuesday),
        decided("day before", monday, time(23, 0)),
        decided("by hand"),
    ]
    assert list(newest_first(expected[::-1])) == expected


@pytest.mark.parametrize(
    "search",
    [
        *("", " ", "BUILD", "bob@", "corp.EXAMPLE", "dev.lists", "*@all", "bücher", "xn--bcher"),
        "straße",
    ],
)
def test_the_search_finds_names_addresses_domains_and_lists(search: str) -> None:
    every = decided(
        "Bob Builder, STRASSE",
        None,
        None,
        "bob@corp.example",
        "*@all.example",
        "a@xn--bcher-kva.example",
        list_key("dev.lists.example"),
    )
    assert every.matches(search)


@pytest.mark.parametrize("search", ["ann", "list*", "2026"])
def test_the_search_finds_nothing_else(search: str) -> None:
    every = decided("Bob", date(2026, 2, 25), None, list_key("dev.lists.example"))
    assert not every.matches(search)


def test_text_and_data() -> None:
    found = Decided(
        (
            decided("Bob\x1b", date(2026, 2, 25), time(14, 3), "bob@corp.example", "b@x.example"),
            decided("", None, None, list_key("dev@lists.example")),
        )
    )
    assert list(found.text()) == [
        "2026-02-25 14:03  Feed  Bob\\x1b <bob@corp.example, b@x.example>",
        "by hand           Feed  <dev@lists.example>",
    ]
    assert found.data() == {
        "decided": [
            {
                "who": ["bob@corp.example", "b@x.example"],
                "kind": "address",
                "name": "Bob\x1b",
                "categories": ["Feed"],
                "date": "2026-02-25",
                "time": "14:03",
            },
            {
                "who": ["<dev@lists.example>"],
                "kind": "list",
                "name": "",
                "categories": ["Feed"],
                "date": None,
                "time": None,
            },
        ]
    }
    assert list(Decided(()).text()) == ["No decisions found."]
