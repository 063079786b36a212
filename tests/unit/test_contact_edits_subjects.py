"""Cards for mailing lists and whole domains: made, changed, and taken back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from mailroom.contacts.address import list_key
from mailroom.contacts.model import (
    Card,
    ContactEdit,
    ContactType,
    CreateCard,
    DeleteCard,
    Names,
    UpdateCard,
)
from mailroom.contacts.uid import is_of_list, uid_for
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.sender import Sender
from mailroom.screener.model.subject import Subject
from mailroom.screener.triage.contact_edits import (
    edits_for_strays,
    edits_for_triage,
    edits_for_undo,
)
from tests.support.domain.builders import NOW, Contacts, card, chain, group_list, groups, written

LIST = Subject(list_key("dev.lists.example"))
DOMAIN = Subject("*@corp.example")
POST = "dev@lists.example"
NAMES = {LIST: "Developers", DOMAIN: "corp.example"}
ADDRESSES = {LIST: POST, DOMAIN: "*@corp.example"}
ABOUT = {LIST: "Mailing list: dev.lists.example", DOMAIN: "Whole domain: corp.example"}
LINE = "Triaged to Feed on 2026-02-25 at 14:03"
LATER = datetime.fromisoformat("2026-02-26T09:05:00+00:00")
CATEGORIES = [category.name for category in DEFAULTS]

Members = Mapping[str, Iterable[str]]
each_subject = pytest.mark.parametrize("subject", [LIST, DOMAIN], ids=["list", "domain"])


def triage(
    subject: Subject,
    *cards: Card,
    name: str = "Feed",
    members: Members | None = None,
    now: datetime = NOW,
) -> ContactEdit:
    profile = Sender(ADDRESSES[subject], NAMES[subject])
    (edit,) = edits_for_triage(
        cards,
        profile,
        chain(name),
        groups(members),
        now,
        collective=NAMES[subject],
        subject=subject,
    )
    return edit


def created(edit: ContactEdit) -> CreateCard:
    assert isinstance(edit.card, CreateCard)
    return edit.card


def made(subject: Subject, note: str = "") -> Card:
    """Return the card that Mailroom made for a subject."""
    return card(
        uid_for(subject.key),
        ADDRESSES[subject],
        names=Names(full=NAMES[subject], organization=NAMES[subject]),
        note=note or f"{ABOUT[subject]}\n{LINE}",
        made_by_us=True,
        untouched=True,
    )


@each_subject
@pytest.mark.parametrize("name", CATEGORIES)
def test_a_new_card_says_what_it_stands_for_before_the_decision(
    subject: Subject, name: str
) -> None:
    edit = triage(subject, name=name)
    new = created(edit)
    assert new.about == ABOUT[subject]
    assert new.note == f"Triaged to {name} on 2026-02-25 at 14:03"
    assert new.whole_note == f"{new.about}\n{new.note}"
    assert edit.join == {link.group for link in chain(name)} | {"Mailroom"}


@each_subject
@pytest.mark.parametrize("name", ["Feed", "Person"])
def test_a_new_card_is_no_persons(subject: Subject, name: str) -> None:
    """Also in a category whose contacts are persons."""
    new = created(triage(subject, name=name))
    assert new.contact_type is ContactType.COMPANY
    assert new.names == Names(full=NAMES[subject], organization=NAMES[subject])
    assert new.address == ADDRESSES[subject]


def test_a_card_of_an_address_says_no_more_than_the_decision() -> None:
    sender = Sender("bob@corp.example", "Bob")
    for subject in (None, Subject("bob@corp.example")):
        edits = edits_for_triage([], sender, chain("Feed"), groups(), NOW, subject=subject)
        assert created(edits[0]).about == ""


def test_a_list_without_a_posting_address_has_a_card_without_an_address() -> None:
    edits = edits_for_triage(
        [],
        Sender("", "Developers"),
        chain("Feed"),
        groups(),
        NOW,
        collective="Developers",
        subject=LIST,
    )
    new = created(edits[0])
    assert new.address == ""
    assert new.uid == uid_for(LIST.key)


def test_the_uid_of_a_card_is_its_subjects() -> None:
    """The posting address, and an address at the domain, have other cards."""
    uids = {
        key: uid_for(key)
        for key in (LIST.key, DOMAIN.key, POST, "bob@corp.example", "corp.example")
    }
    assert created(triage(LIST)).uid == uids[LIST.key]
    assert created(triage(DOMAIN)).uid == uids[DOMAIN.key]
    assert len(set(uids.values())) == len(uids)
    assert [key for key, uid in uids.items() if is_of_list(uid)] == [LIST.key]


@each_subject
def test_another_decision_adds_a_line_and_the_first_line_stays(subject: Subject) -> None:
    before = Contacts.of([made(subject)], group_list({"Feed": [uid_for(subject.key)]}))
    edit = triage(
        subject,
        made(subject),
        name="Jail",
        members={"Feed": [uid_for(subject.key)], "Mailroom": [uid_for(subject.key)]},
        now=LATER,
    )
    assert isinstance(edit.card, UpdateCard)
    assert edit.card.add_line == "Re-triaged to Jail on 2026-02-26 at 09:05"
    assert edit.join == {"Jail"}
    assert edit.leave == {"Feed"}
    (after,) = written(edit, before).cards.values()
    assert after.note.split("\n") == [ABOUT[subject], LINE, edit.card.add_line]


@each_subject
def test_the_same_decision_again_writes_nothing(subject: Subject) -> None:
    uid = uid_for(subject.key)
    edit = triage(subject, made(subject), members={"Feed": [uid], "Mailroom": [uid]}, now=LATER)
    assert (edit.card, edit.join, edit.leave) == (None, frozenset(), frozenset())


@each_subject
def test_decided_and_taken_back_leaves_nothing(subject: Subject) -> None:
    decided = written(triage(subject), Contacts.of())
    (new,) = decided.cards.values()
    assert new == made(subject)
    members = {group.name: group.members for group in decided.groups.values()}
    (edit,) = edits_for_undo([new], groups(members))
    assert edit.card == DeleteCard(new)
    after = written(edit, decided)
    assert not after.cards
    assert not any(group.members for group in after.groups.values())


@each_subject
def test_a_card_that_somebody_changed_loses_all_lines_of_mailroom(subject: Subject) -> None:
    """The line that says what the card stands for is Mailroom's, because Mailroom made the card."""
    note = f"{ABOUT[subject]}\n{LINE}\nMy own words."
    changed = replace(made(subject, note), untouched=False)
    (edit,) = edits_for_undo([changed], groups({"Feed": [changed.uid]}))
    assert isinstance(edit.card, UpdateCard)
    assert edit.card.remove_lines == {ABOUT[subject], LINE}
    assert edit.card.forget
    (after,) = written(edit, Contacts.of([changed])).cards.values()
    assert after.note == "My own words."


@each_subject
def test_a_card_of_another_group_loses_the_lines_too(subject: Subject) -> None:
    ours = made(subject)
    (edit,) = edits_for_undo([ours], groups({"Feed": [ours.uid], "Friends": [ours.uid]}))
    assert isinstance(edit.card, UpdateCard)
    assert edit.card.remove_lines == {ABOUT[subject], LINE}
    assert edit.leave == {"Feed"}


@each_subject
def test_the_same_line_on_a_card_of_its_owner_is_the_owners(subject: Subject) -> None:
    own = replace(made(subject), made_by_us=False, untouched=False)
    (edit,) = edits_for_undo([own], groups({"Feed": [own.uid]}))
    assert isinstance(edit.card, UpdateCard)
    assert edit.card.remove_lines == {LINE}
    (after,) = written(edit, Contacts.of([own])).cards.values()
    assert after.note == ABOUT[subject]


def test_a_domain_on_a_card_of_its_owner_is_decided_on_without_a_first_line() -> None:
    """An owner may have written ``*@corp.example`` on a card beside other addresses."""
    own = card("corp", "*@corp.example", "hello@corp.example", names=Names(full="Corp"))
    edit = triage(DOMAIN, own)
    assert isinstance(edit.card, UpdateCard)
    assert edit.card.add_line == LINE
    assert edit.join == {"Feed"}


@each_subject
def test_a_deleted_card_leaves_the_groups(subject: Subject) -> None:
    uid = uid_for(subject.key)
    found = groups({"Feed": [uid, "other"], "Mailroom": [uid]})
    (edit,) = edits_for_strays([subject.key], found, uids=["other"])
    assert edit.uid == uid
    assert edit.card is None
    assert edit.leave == {"Feed", "Mailroom"}
    assert edits_for_strays([subject.key], found, uids=[uid]) == ()
    assert edits_for_strays([POST, "bob@corp.example"], found, uids=["other"]) == ()
