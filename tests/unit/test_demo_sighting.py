"""The demo sees when something is otherwise than it was told."""

from dataclasses import replace

import pytest

from mailroom.contacts.model import Card, Names
from mailroom.demo.mailbox import LOOM
from mailroom.demo.sighting import Outcome, Sighting, differences

FEED = frozenset({"Feed"})
SCREENER = frozenset({"Screener"})
CARD = Card(
    "c1",
    "u1",
    Names(full=LOOM.name, organization=LOOM.name),
    addresses=(LOOM.address,),
    note="Weaves.\nTriaged to Jail on 2026-01-01\nRe-triaged to Feed on 2026-02-25\n",
)
SEEN = Sighting(LOOM, (FEED, FEED), CARD, FEED)
TOLD = Outcome(2, FEED, FEED, note="Re-triaged to Feed on ")


def test_what_is_as_told_differs_in_nothing() -> None:
    assert differences(SEEN, TOLD) == []
    assert SEEN.last_note() == "Re-triaged to Feed on 2026-02-25"


def test_no_contact_is_as_told_where_there_are_to_be_no_groups() -> None:
    seen = Sighting(LOOM, (SCREENER,), None, frozenset())
    assert differences(seen, Outcome(1, SCREENER)) == []
    assert seen.last_note() == ""


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (replace(SEEN, mails=(FEED,)), ["The Daily Loom has 1 mail, not 2"]),
        (
            replace(SEEN, mails=(FEED, SCREENER)),
            ["1 of The Daily Loom's mails in Screener, not in Feed"],
        ),
        (
            replace(SEEN, groups=frozenset({"Feed", "Jail"})),
            ["The Daily Loom is in the groups Feed, Jail, not Feed"],
        ),
        (
            replace(SEEN, card=None, groups=frozenset()),
            [
                "The Daily Loom is in the groups none, not Feed",
                "The Daily Loom is no contact",
            ],
        ),
        (
            replace(SEEN, card=replace(CARD, note="")),
            ["The Daily Loom's note ends in '', not 'Re-triaged to Feed on '"],
        ),
        (
            replace(SEEN, card=replace(CARD, names=Names(full="Loom"))),
            ["The Daily Loom's contact is called Loom, '', ''"],
        ),
    ],
    ids=["mails", "mailbox", "groups", "contact", "note", "name"],
)
def test_every_difference_is_reported(seen: Sighting, told: list[str]) -> None:
    assert differences(seen, TOLD) == told


def test_a_contact_that_should_be_gone_is_reported() -> None:
    seen = replace(SEEN, groups=frozenset())
    assert differences(seen, Outcome(2, FEED)) == ["The Daily Loom is a contact"]
