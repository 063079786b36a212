"""The one editing rule, on both forms of a card."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.jscontact import cards
from mailroom.contacts.jscontact.fields import JsCard
from mailroom.contacts.model import Card, ContactType, CreateCard, Names, UpdateCard
from mailroom.contacts.vcard import edit
from mailroom.contacts.vcard.lines import VCard

FEED = "Triaged to Feed on 2026-02-25 at 14:03"
IMBOX = "Triaged to Imbox on 2026-03-01 at 09:00"
OWN = "Met at the fair."
READ = Card("1", "u1")


@dataclass(frozen=True)
class Form:
    """The functions of one format, and a card that its owner wrote."""

    owned: Callable[..., Any]
    new: Callable[[CreateCard], Any]
    updated: Callable[[Any, UpdateCard], Any]
    adopted: Callable[[Any, CreateCard], Any]
    read: Callable[[Any], Card]
    written: Callable[[Any], bytes]


def owned_vcard(*, full: str = "", note: str = "") -> VCard:
    lines = ["VERSION:3.0", "UID:u1", f"FN:{full}", "N:;;;;", "TEL:+49 30 1", "X-CUSTOM:a;b,c"]
    notes = [f"NOTE:{note}"] if note else []
    return VCard.parse("\r\n".join(["BEGIN:VCARD", *lines, *notes, "END:VCARD", ""]).encode())


def owned_js_card(*, full: str = "", note: str = "") -> JsCard:
    card: dict[str, Any] = {
        "@type": "Card",
        "version": "1.0",
        "id": "1",
        "uid": "u1",
        "phones": {"p": {"number": "+49 30 1"}},
    }
    if full:
        card["name"] = {"full": full}
    if note:
        card["notes"] = {"n": {"note": note}}
    return card


FORMS = {
    "vCard": Form(
        owned_vcard,
        lambda create: edit.new_card(create, create.uid),
        edit.updated,
        edit.adopted,
        lambda card: edit.to_card("1", card),
        bytes,
    ),
    "JSContact": Form(
        owned_js_card,
        lambda create: {"id": "1", **cards.new_card(create, create.uid, "book")},
        cards.updated,
        cards.adopted,
        lambda card: cards.to_card(card, annotate=True),
        lambda card: json.dumps(card, sort_keys=True).encode(),
    ),
}


@pytest.fixture(params=list(FORMS))
def form(request: pytest.FixtureRequest) -> Form:
    """The form of a card."""
    return FORMS[request.param]


def created(note: str = FEED) -> CreateCard:
    return CreateCard("u1", ContactType.PERSON, Names("Ann Lee", "Ann", "Lee"), "a@x.example", note)


def test_a_decision_of_mailroom_leaves_its_own_card_untouched(form: Form) -> None:
    card = form.read(form.updated(form.new(created()), UpdateCard(READ, add_line=IMBOX)))
    assert card.untouched
    assert card.note == f"{FEED}\n{IMBOX}"


def test_only_empty_names_are_filled(form: Form) -> None:
    fill = UpdateCard(READ, fill=Names("Ann Lee", "Ann", "Lee", "Acme"))
    card = form.read(form.updated(form.owned(full="A. Lee"), fill))
    assert card.names == Names("A. Lee", "Ann", "Lee", "Acme")
    assert card.filled_by_us


def test_the_same_decision_adds_no_second_line(form: Form) -> None:
    card = form.updated(form.owned(note=OWN), UpdateCard(READ, add_line=FEED))
    again = form.updated(card, UpdateCard(READ, add_line=FEED.replace("14:03", "14:04")))
    assert form.read(again).note == f"{OWN}\n{FEED}"
    assert form.written(again) == form.written(card)


def test_a_decision_that_comes_back_is_noted_again(form: Form) -> None:
    card = form.owned(note=OWN)
    for line in (FEED, IMBOX, FEED):
        card = form.updated(card, UpdateCard(READ, add_line=line))
    assert form.read(card).note.split("\n") == [OWN, FEED, IMBOX, FEED]


def test_a_card_that_is_adopted_gets_the_line_of_a_new_one(form: Form) -> None:
    assert form.read(form.adopted(form.owned(note=OWN), created())).note == f"{OWN}\n{FEED}"


def test_a_bare_card_is_marked_and_no_other(form: Form) -> None:
    bare = form.updated(form.new(created()), UpdateCard(READ, forget=True))
    assert not form.read(bare).made_by_us
    assert form.read(bare).names == created().names
    bare = form.updated(bare, UpdateCard(READ, add_line=FEED))
    assert form.read(bare).is_bare

    assert form.read(form.updated(bare, UpdateCard(READ, mark_as_made=True))).untouched
    others = form.updated(form.owned(full="Ann", note=FEED), UpdateCard(READ, mark_as_made=True))
    assert not form.read(others).made_by_us


WORDS = st.sampled_from(["", "Ann", "Ann Lee", "Lee", "Acme; Inc", "a, b", "\\"])
NAMES = st.builds(Names, WORDS, WORDS, WORDS, WORDS)
TRIAGE = st.builds(
    UpdateCard,
    st.just(READ),
    fill=NAMES,
    add_line=st.sampled_from(["", FEED, IMBOX]),
    mark_as_made=st.booleans(),
)
UNDO = st.builds(
    UpdateCard,
    st.just(READ),
    remove_lines=st.sets(st.sampled_from([FEED, IMBOX, OWN])).map(frozenset),
    forget=st.just(value=True),
)
NOTES = st.sampled_from(["", OWN, FEED])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(full=st.sampled_from(["", "Ann", "Ann Lee"]), note=NOTES, update=TRIAGE | UNDO)
def test_an_edit_done_twice_is_an_edit_done_once(
    form: Form, full: str, note: str, update: UpdateCard
) -> None:
    once = form.updated(form.owned(full=full, note=note), update)
    assert form.written(form.updated(once, update)) == form.written(once)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(note=st.sampled_from(["", OWN]), names=NAMES.filter(lambda names: names.full != ""))
def test_undo_restores_the_card_of_a_person(form: Form, note: str, names: Names) -> None:
    before = form.owned(note=note)
    after = form.updated(before, UpdateCard(READ, fill=names, add_line=FEED))
    undone = form.updated(after, UpdateCard(READ, remove_lines=frozenset({FEED}), forget=True))
    if isinstance(undone, dict):  # a map that became empty says nothing
        undone = {name: value for name, value in undone.items() if value != {}}
    assert form.written(undone) == form.written(before)
