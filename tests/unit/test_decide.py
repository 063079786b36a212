"""From labelled mail and cards to contacts, and from contacts to decisions or conflicts."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.model import Card, ContactType, CreateCard, DeleteCard, Names, UpdateCard
from mailroom.contacts.uid import uid_for
from mailroom.jmap.mail import Email
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.sender import sender_key
from mailroom.screener.passes.plan import MailsByKey
from mailroom.screener.triage.contacts import Contact, find_contacts
from mailroom.screener.triage.decide import Conflict, Decision, decide
from tests.support.domain.builders import (
    NOW,
    PLACES,
    Contacts,
    card,
    category,
    groups,
    mail,
    sort_mail,
)

BOB = "bob@corp.example"
AL = "al@corp.example"
ME = "me@home.example"


def contacts_of(mails: Sequence[Email], *cards: Card) -> tuple[Contact, ...]:
    senders = sort_mail(mails, [ME], Contacts.of(cards).index).mails_by_key
    own = [ME, "*@mine.example"]
    return find_contacts(senders, cards, own, Contacts.of(cards).index, groups())


def contact_of(mails: Sequence[Email], *cards: Card) -> Contact:
    (contact,) = contacts_of(mails, *cards)
    return contact


def outcome(
    mails: Sequence[Email],
    *cards: Card,
    member_of: Iterable[str] = (),
    at_hand: Sequence[Email] = (),
) -> object:
    found = groups({name: [each.uid for each in cards] for name in member_of})
    uids = {each.uid for each in cards}
    contact = contact_of(mails, *cards)
    return decide(
        contact,
        places=PLACES,
        categories=DEFAULTS,
        groups=found,
        uids=uids,
        now=NOW,
        mails_of=MailsByKey(at_hand, sender_key).of,
    )


def decision(mails: Sequence[Email], *cards: Card, at_hand: Sequence[Email] = ()) -> Decision:
    found = outcome(mails, *cards, at_hand=at_hand)
    assert isinstance(found, Decision)
    return found


def tap(
    label: str, sender: str = BOB, email_id: str = "m1", received: str = "2026-02-25T10:00:00Z"
) -> Email:
    return mail("Screener", label, sender=sender, email_id=email_id, received=received)


# Contacts


def test_a_sender_without_a_card_is_a_contact_of_one_address() -> None:
    contact = contact_of([tap("@ToFeed", "Bob <BOB@Corp.Example>")])

    assert contact.keys == {"bob@corp.example"}
    assert contact.cards == ()


def test_all_addresses_of_the_card_count_in_whatever_case() -> None:
    three = card("bob", "Bob@Corp.example", "BOB@home.example", "b@old.example")
    contact = contact_of([tap("@ToFeed")], three)

    assert contact.keys == {BOB, "bob@home.example", "b@old.example"}
    assert contact.cards == (three,)


def test_two_senders_on_one_card_are_one_contact() -> None:
    shared = card("both", BOB, "bob@home.example")
    contact = contact_of(
        [tap("@ToFeed", email_id="m1"), tap("@ToFeed", "bob@home.example", "m2")], shared
    )

    assert [each.email.id for each in contact.labelled] == ["m1", "m2"]


def test_two_cards_of_one_address_are_one_contact_with_all_their_addresses() -> None:
    one, other = (
        card("one", BOB, "bob@home.example"),
        card("other", "BOB@corp.example", "b@x.example"),
    )
    contact = contact_of([tap("@ToFeed")], other, one)

    assert contact.keys == {BOB, "bob@home.example", "b@x.example"}
    assert contact.cards == (one, other)


def test_three_senders_that_two_cards_tie_together_are_one_contact() -> None:
    mails = [tap("@ToFeed", f"{each}@x.example", each) for each in ("a", "b", "c")]
    ab, bc = card("ab", "a@x.example", "b@x.example"), card("bc", "b@x.example", "c@x.example")

    assert contact_of(mails, ab, bc).keys == {"a@x.example", "b@x.example", "c@x.example"}


def test_senders_without_a_common_card_are_contacts_of_their_own() -> None:
    mails = [tap("@ToFeed", BOB, "m1"), tap("@ToJail", AL, "m2")]
    found = contacts_of(mails, card("bob", BOB))

    assert sorted(sorted(each.keys) for each in found) == [[AL], [BOB]]


def test_a_card_of_nobody_who_was_tapped_is_ignored() -> None:
    assert contact_of([tap("@ToFeed")], card("al", AL)).cards == ()


@pytest.mark.parametrize("own", [ME, "Me@Home.example"])
def test_the_users_own_address_counts_for_nobody_whatever_card_it_is_on(own: str) -> None:
    assert contact_of([tap("@ToFeed")], card("bob", BOB, own)).keys == {BOB}


@pytest.mark.parametrize(
    "similar", ["notbob@corp.example", "bob@corp.example.com", "ob@corp.example"]
)
def test_a_card_with_a_similar_address_is_somebody_elses(similar: str) -> None:
    contact = contact_of([tap("@ToFeed")], card("similar", similar))

    assert not contact.cards
    assert contact.keys == {BOB}


def test_labelled_mails_are_taken_oldest_first() -> None:
    mails = [tap("@ToFeed", email_id=str(day), received=f"2026-02-0{day}") for day in (3, 1, 2)]

    assert [each.email.id for each in contact_of(mails).labelled] == ["1", "2", "3"]


ADDRESSES = [f"{each}@x.example" for each in "abcde"]
SETS = st.sets(st.sampled_from(ADDRESSES), min_size=1)


@given(tapped=SETS, on_cards=st.lists(SETS, max_size=4))
def test_every_labelled_mail_and_every_card_is_in_exactly_one_contact(
    tapped: set[str], on_cards: list[set[str]]
) -> None:
    cards = [card(str(at), *sorted(each)) for at, each in enumerate(on_cards) if each & tapped]
    found = contacts_of([tap("@ToFeed", each, each) for each in sorted(tapped)], *cards)

    assert sorted(each.email.id for contact in found for each in contact.labelled) == sorted(tapped)
    assert sorted(each.uid for contact in found for each in contact.cards) == sorted(
        each.uid for each in cards
    )
    for contact in found:
        assert {one for each in contact.cards for one in each.addresses} <= contact.keys


# Decisions


@pytest.mark.parametrize("name", [each.name for each in DEFAULTS])
def test_a_label_is_the_decision_for_its_category(name: str) -> None:
    label = "@To" + name.replace(" ", "")
    made = decision([tap(label)])

    assert made.answer == category(name)
    assert [type(edit.card) for edit in made.edits] == [CreateCard]


def test_the_way_back_is_a_decision_for_no_category() -> None:
    made = decision([tap("@ToScreener")], card(made_by_us=True, untouched=True))

    assert made.answer is None
    assert [type(edit.card) for edit in made.edits] == [DeleteCard]


def test_the_way_back_of_a_stranger_touches_no_contact() -> None:
    assert decision([tap("@ToScreener")]).edits == ()


def test_many_mails_with_one_label_are_one_decision() -> None:
    made = decision([tap("@ToFeed", email_id=str(number)) for number in range(20)])

    assert len(made.contact.labelled) == 20
    assert len(made.edits) == 1


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["Bob Builder", "", ""], id="the only name there is"),
        pytest.param(["Bob", "Bob Builder"], id="the newest name"),
        pytest.param(["Builder, Bob", "Bob Builder", ""], id="the newest that is a name"),
    ],
)
def test_a_new_card_is_called_by_the_best_name_that_the_mails_have(names: list[str]) -> None:
    mails = [
        tap("@ToFeed", f"{name} <{BOB}>", f"m{at}", f"2026-02-0{at + 1}")
        for at, name in enumerate(names)
    ]
    (edit,) = decision(mails).edits

    assert isinstance(edit.card, CreateCard)
    assert edit.card.names.full == "Bob Builder"


def test_a_decision_is_known_again_when_it_is_tried_again() -> None:
    mails = [tap("@ToFeed", email_id="m1"), tap("@ToFeed", email_id="m2")]

    assert decision(mails).id == decision(mails[::-1], card()).id


@pytest.mark.parametrize(
    "other", [tap("@ToJail"), tap("@ToFeed", email_id="m2")], ids=["category", "mail"]
)
def test_another_decision_has_another_id(other: Email) -> None:
    assert decision([other]).id != decision([tap("@ToFeed")]).id


# Conflicts


@pytest.mark.parametrize(
    "mails",
    [
        pytest.param([mail("Screener", "@ToFeed", "@ToJail", sender=BOB)], id="on one mail"),
        pytest.param([tap("@ToFeed"), tap("@ToJail", email_id="m2")], id="on two mails"),
        pytest.param(
            [tap("@ToFeed"), tap("@ToJail", "BOB@CORP.example", "m2")], id="in another letter case"
        ),
        pytest.param([tap("@ToFeed"), tap("@ToScreener", email_id="m2")], id="with the way back"),
        pytest.param([tap("@ToImbox"), tap("@ToPerson", email_id="m2")], id="parent and child"),
    ],
)
def test_two_different_labels_of_one_sender_are_a_conflict(mails: list[Email]) -> None:
    found = outcome(mails)

    assert isinstance(found, Conflict)
    assert len(found.labels) == 2
    assert {each.email.id for each in found.contact.labelled} == {each.id for each in mails}


def test_two_addresses_of_one_card_with_different_labels_are_a_conflict() -> None:
    shared = card("both", BOB, AL)

    assert isinstance(outcome([tap("@ToFeed"), tap("@ToJail", AL, "m2")], shared), Conflict)


def test_the_error_label_is_no_label_of_its_own() -> None:
    healed = mail("Screener", "@ToFeed", "@MailroomError", "@MailroomWarning", sender=BOB)

    assert decision([healed]).answer == category("Feed")


# Names that do not fit

BOBS = card(names=Names("Bob Builder", "Bob", "Builder"), nicknames=("Bobby",))


@pytest.mark.parametrize(
    ("name", "mismatched"),
    [
        pytest.param("Bob Builder", False, id="the same"),
        pytest.param("BUILDER, Bob", False, id="order and case"),
        pytest.param("bobby", False, id="nickname"),
        pytest.param("", False, id="none"),
        pytest.param("Your Bank", True, id="another"),
    ],
)
def test_a_mail_under_another_name_than_the_cards_is_marked(name: str, *, mismatched: bool) -> None:
    made = decision([tap("@ToFeed", f"{name} <{BOB}>")], BOBS)

    assert made.mismatched == ({"m1"} if mismatched else frozenset())
    assert made.answer == category("Feed")


@pytest.mark.parametrize(("name", "mismatched"), [("Bob Builder", set()), ("Your Bank", {"m1"})])
def test_a_retry_finds_the_same_though_nothing_is_left_to_write(
    name: str, mismatched: set[str]
) -> None:
    done = card(names=BOBS.names, note="Triaged to Feed on 2026-02-25")
    made = decision([tap("@ToFeed", f"{name} <{BOB}>")], done)

    assert [edit.card for edit in made.edits] == [None]
    assert made.mismatched == mismatched


def test_only_the_mail_with_the_odd_name_is_marked() -> None:
    mails = [tap("@ToFeed", f"Your Bank <{BOB}>", "odd"), tap("@ToFeed", f"Bobby <{BOB}>", "fine")]

    assert decision(mails, BOBS).mismatched == {"odd"}


def test_the_name_on_any_of_a_contacts_cards_will_do() -> None:
    corp = card("corp", names=Names(full="Corp", organization="Corp"))

    assert decision([tap("@ToFeed", f"Corp <{BOB}>")], BOBS, corp).mismatched == frozenset()


@pytest.mark.parametrize("names", [Names(), Names(full=BOB)], ids=["empty", "the address"])
@pytest.mark.parametrize("label", ["@ToFeed", "@ToPerson"])
def test_a_card_without_a_name_is_no_mismatch(names: Names, label: str) -> None:
    assert decision([tap(label, f"Bob <{BOB}>")], card(names=names)).mismatched == frozenset()


@pytest.mark.parametrize("label", ["@ToFeed", "@ToPerson"])
@pytest.mark.parametrize(
    "name", ["Bob", "Builder, Bob", "Builder,Bob", "Bob Builder, PhD", "Bob,", ","]
)
def test_a_stranger_is_no_mismatch(name: str, label: str) -> None:
    assert decision([tap(label, f"{name} <{BOB}>")]).mismatched == frozenset()


def test_the_way_back_is_always_clean() -> None:
    made = decision([tap("@ToScreener", f"Your Bank <{BOB}>")], BOBS)

    assert made.mismatched == frozenset()


# Addresses that many share, or write from

INFO = "info@corp.example"
COLLEAGUES = [
    card(
        name, f"{name}@corp.example", INFO, names=Names(f"{name.title()} Lee", organization="Corp")
    )
    for name in ("ann", "ben", "cy", "dee", "eve")
]
OWN = card(uid_for(INFO), INFO, names=Names("Corp", organization="Corp"))


def test_a_shared_address_is_a_contact_of_its_own_and_gets_a_card() -> None:
    made = decision([tap("@ToJail", f"Ann at Corp <{INFO}>")], *COLLEAGUES)

    assert made.contact.keys == {INFO}
    assert made.contact.cards == ()
    (edit,) = made.edits
    assert isinstance(edit.card, CreateCard)
    assert edit.card.address == INFO


@pytest.mark.parametrize(
    "own",
    [
        pytest.param(OWN, id="made for it"),
        pytest.param(replace(OWN, addresses=(INFO, "more@corp.example")), id="and added to"),
        pytest.param(card("own", INFO, names=Names("Reception")), id="somebody's own"),
        pytest.param(card("own", INFO, names=Names("X"), made_by_us=True), id="another uid"),
    ],
)
@pytest.mark.parametrize("label", ["@ToFeed", "@ToScreener"])
def test_the_card_of_a_shared_address_is_the_subject_of_what_follows(own: Card, label: str) -> None:
    made = decision([tap(label, INFO)], *COLLEAGUES, own)

    assert made.contact.cards == (own,)
    assert [edit.uid for edit in made.edits] == [own.uid]


def test_the_way_back_of_a_shared_address_without_a_card_touches_nobody() -> None:
    assert decision([tap("@ToScreener", INFO)], *COLLEAGUES).edits == ()


def test_a_colleague_is_decided_on_without_the_shared_address() -> None:
    made = decision([tap("@ToFeed", "ann@corp.example")], *COLLEAGUES)

    assert made.contact.keys == {"ann@corp.example"}


def test_a_colleague_and_the_shared_address_go_different_ways_at_once() -> None:
    mails = [tap("@ToFeed", "ann@corp.example", "m1"), tap("@ToJail", INFO, "m2")]
    of_ann, of_all = contacts_of(mails, *COLLEAGUES)

    assert of_ann.keys == {"ann@corp.example"}
    assert of_all.keys == {INFO}


@pytest.mark.parametrize(
    "names",
    [Names("Ann Lee"), Names("", "Ann", "Lee"), Names("Lee, Ann"), Names("Ann"), Names()],
)
def test_two_cards_of_one_person_are_one_contact(names: Names) -> None:
    twice = card("twice", INFO, "ann@home.example", names=names)
    contact = contact_of([tap("@ToFeed", INFO)], COLLEAGUES[0], twice)

    assert {each.uid for each in contact.cards} == {"ann", "twice"}
    assert contact.keys == {INFO, "ann@corp.example", "ann@home.example"}


FORGE = "notifications@forge.example"


def from_forge(*names: str, list_id: str = "") -> list[Email]:
    return [
        mail("Screener", sender=f"{name} <{FORGE}>", email_id=name, list_id=list_id)
        for name in names
    ]


@pytest.mark.parametrize(
    ("list_ids", "name"),
    [
        pytest.param(("", ""), "forge.example", id="the domain"),
        pytest.param(("loom <loom.forge.example>", "x <x.forge.example>"), "forge.example", id="2"),
        pytest.param(("loom <loom.forge.example>", ""), "forge.example", id="and other mail"),
        pytest.param(('"The Loom" <loom.x.example>',) * 2, "The Loom", id="the list's phrase"),
        pytest.param(("<loom.x.example>", "<LOOM.x.example>"), "loom", id="the list's label"),
        pytest.param(("loom.x.example",) * 2, "loom", id="no brackets"),
    ],
)
@pytest.mark.parametrize("label", ["@ToFeed", "@ToPerson"])
def test_an_address_with_many_names_gets_no_persons(
    list_ids: tuple[str, str], name: str, label: str
) -> None:
    before = [
        *from_forge("Alice Doe", list_id=list_ids[0]),
        *from_forge("Bob", list_id=list_ids[1]),
    ]
    labelled = mail(
        "Screener", label, sender=f"Cy via dev <{FORGE}>", email_id="m", list_id=list_ids[0]
    )
    made = decision([labelled], at_hand=before)

    (edit,) = made.edits
    assert isinstance(edit.card, CreateCard)
    assert edit.card.names == Names(full=name, organization=name)
    assert edit.card.contact_type is ContactType.COMPANY
    assert made.mismatched == frozenset()


@pytest.mark.parametrize("called", ["forge.example", "Alice Doe"])
def test_no_name_is_a_mismatch_where_names_vary(called: str) -> None:
    """Whether the card has the domain's name, or a person's from before."""
    known = card("forge", FORGE, names=Names(called, organization=called))
    labelled = [tap("@ToImbox", f"Dan <{FORGE}>")]

    assert decision(labelled, known, at_hand=from_forge("Alice Doe", "Bob")).mismatched == set()
    alone = decision(labelled, known).mismatched
    assert alone == (set() if called == "forge.example" else {"m1"})


def test_spellings_of_one_name_are_no_several() -> None:
    made = decision(
        [tap("@ToPerson", f"Doe, Jane <{FORGE}>")], at_hand=from_forge("Jane", "Jane Doe", "")
    )
    (edit,) = made.edits
    assert isinstance(edit.card, CreateCard)
    assert edit.card.names == Names("Jane Doe", "Jane", "Doe")


def test_a_card_without_a_name_is_called_as_the_labelled_mail_unless_names_vary() -> None:
    nameless = card("own", FORGE)
    labelled = [tap("@ToFeed", f"The Forge <{FORGE}>")]
    (one_odd,) = decision(labelled, nameless, at_hand=from_forge("Your Bank")).edits
    (varied,) = decision(labelled, nameless, at_hand=from_forge("Alice Doe", "Bob")).edits

    assert isinstance(one_odd.card, UpdateCard)
    assert one_odd.card.fill.full == "The Forge"
    assert isinstance(varied.card, UpdateCard)
    assert varied.card.fill.full == "forge.example"
