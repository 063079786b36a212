"""The category for each kind of sender, in the default configuration and in others."""

import pytest

from mailroom.contacts.model import ContactType
from mailroom.screener.model.categories import DEFAULTS, Categories, Category
from mailroom.screener.suggest.category_choice import category_for
from mailroom.screener.suggest.classify import SenderKind

OUTSIDE_INBOX = [
    SenderKind.NEWSLETTER,
    SenderKind.NOTIFICATIONS,
    SenderKind.MAILING_LIST,
    SenderKind.RECEIPTS,
]


def names(categories: Categories) -> dict[SenderKind, str | None]:
    found = {kind: category_for(kind, categories) for kind in SenderKind}
    return {kind: category.name if category else None for kind, category in found.items()}


def test_the_default_categories() -> None:
    assert names(DEFAULTS) == {
        SenderKind.PERSON: "Person",
        SenderKind.COMPANY: "Imbox",
        SenderKind.NEWSLETTER: "Feed",
        SenderKind.NOTIFICATIONS: "Feed",
        SenderKind.MAILING_LIST: "Feed",
        SenderKind.RECEIPTS: "Paper Trail",
    }


def test_names_in_another_language() -> None:
    categories = Categories(
        [
            Category.named("Belege"),
            Category.named("Lesestoff"),
            Category.named("Nein", denies=True),
            Category.named("Wichtig", add_to_inbox=True),
        ]
    )
    assert names(categories) == {
        SenderKind.PERSON: "Wichtig",
        SenderKind.COMPANY: "Wichtig",
        **dict.fromkeys(OUTSIDE_INBOX, "Lesestoff"),
        SenderKind.RECEIPTS: "Belege",
    }


def test_a_category_of_any_name_is_used_if_it_is_the_only_one() -> None:
    categories = Categories(
        [
            Category.named("Top", add_to_inbox=True),
            Category.named("Rest"),
            Category.named("Out", denies=True),
            Category.named("Below", parent="Rest"),
        ]
    )
    assert {names(categories)[kind] for kind in OUTSIDE_INBOX} == {"Rest"}


def test_no_category_is_guessed_from_several() -> None:
    categories = Categories([Category.named("One"), Category.named("Two")])
    assert set(names(categories).values()) == {None}


def test_receipts_do_not_go_to_the_feed() -> None:
    categories = Categories([Category.named("Feed"), Category.named("In", add_to_inbox=True)])
    assert category_for(SenderKind.RECEIPTS, categories) is None


@pytest.mark.parametrize("kind", [SenderKind.PERSON, SenderKind.COMPANY])
def test_people_and_companies_go_to_the_category_of_their_contact_type(kind: SenderKind) -> None:
    people = Category.named("Folks", add_to_inbox=True, contact_type=ContactType.PERSON)
    firms = Category.named("Firms", add_to_inbox=True)
    found = category_for(kind, Categories([people, firms]))
    assert found == (people if kind is SenderKind.PERSON else firms)
    only = category_for(kind, Categories([people]))
    assert only == people
