"""The decision that holds for a mail: of its sender, its mailing list, or everybody at a domain."""

from collections.abc import Iterable, Mapping

import pytest

from mailroom.contacts.address import list_key
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.uid import uid_for
from mailroom.screener.model.categories import Answer, Special
from mailroom.screener.model.sender import UnusableFromError
from mailroom.screener.triage.standing import Decisions
from tests.support.domain.builders import (
    BOB,
    Contacts,
    card,
    category,
    decisions,
    group_list,
    mail,
)

ADDRESS, DOMAIN = "bob@corp.example", "*@corp.example"
IDENTIFIER = "dev.lists.example"
LIST = list_key(IDENTIFIER)
LIST_ID = f"Developers <{IDENTIFIER}>"
CARDS = {
    "bob": card("bob", ADDRESS),
    "corp": card("corp", DOMAIN),
    "dev": card(uid_for(LIST), "dev@lists.example"),
}
Members = Mapping[str, Iterable[str]]


def book(members: Members) -> ContactIndex:
    cards = [CARDS[name] for names in members.values() for name in names]
    uids = {group: [CARDS[name].uid for name in names] for group, names in members.items() if group}
    return Contacts.of(cards, group_list(uids)).index


def standing(members: Members, of_pass: Mapping[str, Answer] | None = None) -> Decisions:
    """Return decisions by the names of cards: group -> the cards in it; "" for no group."""
    return decisions(book(members), of_pass)


PRECEDENCE = [
    ({}, DOMAIN, DOMAIN, "nobody is known"),
    ({"": ["bob"]}, ADDRESS, ADDRESS, "a card that is in no group"),
    ({"Feed": ["bob"]}, ADDRESS, ADDRESS, "the sender is decided on"),
    ({"Jail": ["bob"]}, ADDRESS, ADDRESS, "the sender is denied"),
    ({"Feed": ["corp"]}, DOMAIN, DOMAIN, "the domain is decided on"),
    ({"Jail": ["corp"]}, DOMAIN, DOMAIN, "the domain is denied"),
    ({"Feed": ["dev"]}, DOMAIN, LIST, "the list is decided on"),
    ({"": ["dev"]}, DOMAIN, DOMAIN, "the list has a card, but no decision"),
    ({"Feed": ["bob"], "Jail": ["corp"]}, ADDRESS, ADDRESS, "the sender beats the domain"),
    ({"": ["bob"], "Feed": ["corp"]}, ADDRESS, ADDRESS, "a card in no group beats the domain"),
    ({"Imbox": ["bob"], "Feed": ["dev"]}, ADDRESS, LIST, "the list beats the sender"),
    ({"": ["bob"], "Feed": ["dev"]}, ADDRESS, LIST, "the list beats a card in no group"),
    ({"Imbox": ["corp"], "Feed": ["dev"]}, DOMAIN, LIST, "the list beats the domain"),
    ({"Jail": ["corp"], "Feed": ["dev"]}, DOMAIN, LIST, "the list beats a denied domain"),
    ({"Jail": ["bob"], "Feed": ["dev"]}, ADDRESS, ADDRESS, "a denied sender beats the list"),
    ({"Feed": ["bob"], "Jail": ["dev"]}, ADDRESS, LIST, "a denied list beats the sender"),
]


@pytest.mark.parametrize(
    ("members", "of_letter", "of_post"),
    [row[:3] for row in PRECEDENCE],
    ids=[row[3] for row in PRECEDENCE],
)
def test_the_subject_by_the_address_book(members: Members, of_letter: str, of_post: str) -> None:
    known = standing(members)
    assert known.subject_key_for(mail("Screener")) == of_letter
    assert known.subject_key_for(mail("Screener", list_id=LIST_ID)) == of_post


@pytest.mark.parametrize("list_id", ["", " <> "])
def test_an_empty_list_id_is_no_list(list_id: str) -> None:
    assert standing({"Feed": ["dev"]}).subject_key_for(mail("Screener", list_id=list_id)) == DOMAIN


def test_another_list_is_not_decided_on() -> None:
    post = mail("Screener", list_id="<other.lists.example>")
    assert standing({"Feed": ["dev"]}).subject_key_for(post) == DOMAIN


def test_letter_case_of_the_identifier_and_of_the_sender_does_not_count() -> None:
    known = standing({"Feed": ["dev"], "": ["bob"]})
    shouted = mail("Screener", sender="BOB@Corp.EXAMPLE", list_id="<DEV.Lists.example>")
    assert known.subject_key_for(shouted) == LIST
    assert known.subject_key_for(mail("Screener", sender="BOB@Corp.EXAMPLE")) == ADDRESS


OF_PASS = [
    ({}, {ADDRESS: category("Feed")}, ADDRESS, ADDRESS, "the sender gets a decision"),
    ({"Feed": ["corp"]}, {ADDRESS: None}, ADDRESS, ADDRESS, "the sender goes back"),
    ({"Feed": ["corp"]}, {ADDRESS: Special.SPAM}, ADDRESS, ADDRESS, "the sender is spam"),
    ({}, {DOMAIN: category("Feed")}, DOMAIN, DOMAIN, "the domain gets a decision"),
    ({}, {LIST: category("Feed")}, DOMAIN, LIST, "the list gets a decision"),
    ({"Feed": ["dev"]}, {LIST: None}, DOMAIN, LIST, "the list goes back"),
    ({"Feed": ["bob"]}, {LIST: None}, ADDRESS, LIST, "the list goes back, not its poster"),
    ({"Feed": ["dev"]}, {ADDRESS: category("Jail")}, ADDRESS, ADDRESS, "the sender is denied"),
    ({"Feed": ["dev"], "Jail": ["bob"]}, {ADDRESS: None}, ADDRESS, LIST, "denied no more"),
    (
        {"Feed": ["dev"], "Jail": ["bob"]},
        {ADDRESS: category("Feed")},
        ADDRESS,
        LIST,
        "denied no more, but accepted",
    ),
    ({"Jail": ["bob"]}, {LIST: category("Feed")}, ADDRESS, ADDRESS, "denied, and the list is new"),
]


@pytest.mark.parametrize(
    ("members", "of_pass", "of_letter", "of_post"),
    [row[:4] for row in OF_PASS],
    ids=[row[4] for row in OF_PASS],
)
def test_the_decisions_of_the_pass_count_more(
    members: Members, of_pass: Mapping[str, Answer], of_letter: str, of_post: str
) -> None:
    known = standing(members, of_pass)
    assert known.subject_key_for(mail("Screener")) == of_letter
    assert known.subject_key_for(mail("Screener", list_id=LIST_ID)) == of_post


def test_categories_of_the_pass_replace_those_of_the_address_book() -> None:
    members = {"Feed": ["bob"], "Paper Trail": ["corp"]}
    known = standing(members)
    assert known.categories_for(ADDRESS) == (category("Feed"),)
    assert known.categories_for(DOMAIN) == (category("Paper Trail"),)
    assert known.categories_for(LIST) == ()
    assert standing(members, {ADDRESS: category("Jail")}).categories_for(ADDRESS) == (
        category("Jail"),
    )
    for answer in (None, Special.SPAM):
        assert standing(members, {ADDRESS: answer}).categories_for(ADDRESS) == ()


@pytest.mark.parametrize(
    ("members", "of_pass", "is_denied"),
    [
        ({"Jail": ["bob"]}, {}, True),
        ({"Feed": ["bob"]}, {}, False),
        ({"": ["bob"]}, {}, False),
        ({"Jail": ["corp"]}, {}, False),
        ({"Jail": ["corp"], "": ["bob"]}, {}, False),
        ({}, {ADDRESS: category("Jail")}, True),
        ({"Jail": ["bob"]}, {ADDRESS: None}, False),
        ({"Jail": ["bob"]}, {ADDRESS: Special.SPAM}, False),
    ],
)
def test_only_a_decision_on_the_sender_denies_the_sender(
    members: Members, of_pass: Mapping[str, Answer], *, is_denied: bool
) -> None:
    assert standing(members, of_pass).denies(ADDRESS) is is_denied


def test_own_categories_are_not_those_of_the_domain() -> None:
    known = standing({"Feed": ["corp"]}).standing
    assert known.categories_for(ADDRESS) == (category("Feed"),)
    assert known.categories_without_stand_in(ADDRESS) == ()
    assert known.categories_without_stand_in(DOMAIN) == (category("Feed"),)
    assert known.knows(ADDRESS)
    assert not known.has_card(ADDRESS)


def test_no_decision_on_a_domain_holds_for_the_users_own_address() -> None:
    known = decisions(book({"Feed": ["corp"]}), identities=[ADDRESS])
    assert known.subject_key_for(mail("Inbox")) == ADDRESS
    assert known.subject_key_for(mail("Inbox", sender="al@corp.example")) == DOMAIN


def test_no_decision_on_a_list_holds_for_the_users_own_posts() -> None:
    known = decisions(book({"Feed": ["dev"]}), identities=[ADDRESS])
    assert known.subject_key_for(mail("Inbox", list_id=LIST_ID)) == ADDRESS


@pytest.mark.parametrize("sender", [(), (BOB, "al@corp.example"), "X <>"])
def test_mail_without_one_sender_has_no_subject(sender: str | tuple[str, ...]) -> None:
    with pytest.raises(UnusableFromError):
        standing({"Feed": ["dev"]}).subject_key_for(
            mail("Screener", sender=sender, list_id=LIST_ID)
        )
