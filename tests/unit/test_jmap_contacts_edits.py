"""Edits of JSContact cards, and what of them is sent."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.jscontact.cards import (
    Patch,
    difference,
    new_card,
    new_group,
    pointer,
    to_card,
    updated,
)
from mailroom.contacts.jscontact.fields import JsCard
from mailroom.contacts.jscontact.form import MARK
from mailroom.contacts.model import Card, ContactType, CreateCard, Names, UpdateCard
from mailroom.sandbox.patch import apply_patch

LINE = "Triaged to Feed on 2026-02-25"
LATER = "Re-triaged to Imbox on 2026-02-26"
READ = Card("1", "1")

THEIRS: dict[str, Any] = {
    "id": "1",
    "uid": "1",
    "name": {"full": "Ann", "sortAs": {"surname": "x"}, "example.com:odd": 1},
    "emails": {"e": {"address": "ann@x.example", "contexts": {"work": True}}},
    "notes": {"n1": {"note": "my\r\nown words", "author": {"name": "Me"}}, "n2": {"note": "2"}},
    "nicknames": {"k": {"name": "Fuzzy, the Bear"}},
    "example.com:theirs": {"a": [1, None]},
}


def patch(card: JsCard, **edit: Any) -> Patch:
    return difference(card, updated(card, UpdateCard(READ, **edit)))


def filled(card: JsCard, *names: str) -> JsCard:
    return updated(card, UpdateCard(READ, fill=Names(*names)))


def forgotten(card: JsCard) -> JsCard:
    return updated(card, UpdateCard(READ, forget=True))


def test_a_line_is_appended_to_the_first_note() -> None:
    assert patch(THEIRS, add_line=LINE) == {"notes/n1/note": f"my\r\nown words\n{LINE}"}


def test_a_line_on_a_card_without_a_note_makes_one() -> None:
    assert patch({"id": "1"}, add_line=LINE) == {"notes": {"mailroom": {"note": LINE}}}
    assert patch({"notes": {}}, add_line=LINE) == {"notes/mailroom": {"note": LINE}}
    assert patch({"notes": {"n": {"note": ""}}}, add_line=LINE) == {"notes/n/note": LINE}


def test_our_id_is_not_taken_from_anybody() -> None:
    card = {"notes": {"mailroom": {"odd": 1}, "mailroom-2": {"odd": 2}}}
    assert patch(card, add_line=LINE) == {"notes/mailroom-3": {"note": LINE}}


def test_a_decision_that_comes_back_is_noted_again() -> None:
    note = f"{LINE}\r\n{LATER}"
    assert patch({"notes": {"n": {"note": note}}}, add_line=LINE) == {
        "notes/n/note": f"{note}\n{LINE}"
    }


def test_a_decision_is_noted_below_the_last_one() -> None:
    card = {"notes": {"a": {"note": "x"}, "b": {"note": f"y\r{LINE}"}}}
    assert patch(card, add_line=LATER) == {"notes/b/note": f"y\r{LINE}\n{LATER}"}


def test_lines_are_taken_out_and_all_others_stay_as_they_are() -> None:
    note = f"{LINE}\r\nmy words\r{LATER}\nmore\n\n{LINE}"
    card = {"notes": {"n": {"note": note, "created": "2026-01-01T00:00:00Z"}}}
    gone = patch(card, remove_lines=frozenset({LINE, LATER}))
    assert gone == {"notes/n/note": "my words\nmore\n"}


def test_a_note_of_ours_alone_goes_whole() -> None:
    card = {"notes": {"n": {"note": f"{LINE}\n{LATER}"}, "theirs": {"note": "x"}}}
    assert patch(card, remove_lines=frozenset({LINE, LATER})) == {"notes/n": None}


def test_names_are_filled_and_remembered() -> None:
    card = {"id": "1", "uid": "1", "emails": {}}
    after = filled(card, "Ann Example", "Ann", "Example", "Example, Inc")
    assert to_card(after).names == Names("Ann Example", "Ann", "Example", "Example, Inc")
    assert not to_card(after).made_by_us
    assert forgotten(after) == {**card, "organizations": {}}


def test_only_what_is_empty_is_filled() -> None:
    assert patch(THEIRS, fill=Names(full="No")) == {}
    after = difference(THEIRS, filled(THEIRS, "No", "Ann", "", "Inc"))
    assert after["name/components"] == [{"kind": "given", "value": "Ann"}]
    assert after["organizations"] == {"mailroom": {"name": "Inc"}}
    assert after.keys() == {"name/components", "organizations", f"name/{MARK}"}


@pytest.mark.parametrize(
    "organizations", [{"a": {"name": "Theirs"}}, {"a": {"units": [{"name": "Sales"}]}}]
)
def test_an_organization_is_not_filled_beside_another(organizations: Any) -> None:
    card = {"name": {"full": "x"}, "organizations": organizations}
    assert patch(card, fill=Names(organization="Inc")) == {}


def test_a_name_of_parts_alone_needs_no_full_name() -> None:
    card = {"name": {"components": [{"kind": "given", "value": "Ann"}]}}
    assert patch(card, fill=Names("Somebody", "Some", "Body")) == {}


def test_other_parts_of_a_name_stay() -> None:
    title = {"kind": "title", "value": "Dr.", "phonetic": "x"}
    card = {"name": {"full": "Dr. Ann", "components": [title]}}
    after = filled(card, "", "Ann")
    assert after["name"]["components"] == [title, {"kind": "given", "value": "Ann"}]
    assert forgotten(after) == card


def test_what_was_changed_since_is_not_taken_back() -> None:
    after = copy.deepcopy(dict(filled({"name": {"full": "x"}}, "", "Ann", "Doe", "Inc")))
    after["name"]["components"][0]["value"] = "Anna"
    after["organizations"]["mailroom"]["units"] = [{"name": "Sales"}]
    kept = forgotten(after)
    assert kept == {**after, "name": {"full": "x", "components": after["name"]["components"]}}


def test_a_name_that_is_ours_alone_goes_whole() -> None:
    card = filled({"id": "1"}, "Ann", "Ann")
    assert difference(card, forgotten(card)) == {"name": None}


def test_filling_twice_remembers_both() -> None:
    card = {"name": {"full": "x"}}
    assert forgotten(filled(filled(card, "", "Ann"), "", "", "", "Inc")) == {
        **card,
        "organizations": {},
    }


def test_without_a_name_nothing_can_be_remembered() -> None:
    card = filled({"id": "1"}, "", "", "", "Inc")
    assert card == {"id": "1", "organizations": {"mailroom": {"name": "Inc"}}}
    assert forgotten(card) == card


def test_a_card_of_ours_stays_ours_when_we_fill_it() -> None:
    create = CreateCard("u", ContactType.PERSON, Names("Ann"), "a@x.example", LINE)
    card = {**new_card(create, "u", "b"), "id": "u"}
    after = filled(card, "", "Ann", "Example", "Inc")
    assert to_card(after).untouched
    touched = filled({**card, "emails": {"a": {"address": "b@x.example"}}}, "", "Ann")
    assert to_card(touched).made_by_us
    assert not to_card(touched).untouched
    assert not to_card(forgotten(after)).made_by_us


def test_a_new_group() -> None:
    assert new_group("Paper\x00 Trail", "u", "b") == {
        "@type": "Card",
        "version": "1.0",
        "kind": "group",
        "uid": "u",
        "addressBookIds": {"b": True},
        "name": {"full": "Paper Trail"},
        "members": {},
    }


def test_a_pointer_may_lead_through_any_key() -> None:
    assert pointer("members", "a/b~c") == "members/a~1b~0c"


keys = st.sampled_from(["a", "b", "a/b", "~1"])
leaves = st.sampled_from([True, 1, "x", [], ["x"], {}])
json_objects = st.dictionaries(keys, leaves | st.dictionaries(keys, st.dictionaries(keys, leaves)))


@given(json_objects, json_objects)
def test_a_difference_makes_the_one_of_the_other(before: Any, after: Any) -> None:
    before = json.loads(json.dumps(before))  # so that nothing in it is the same object twice
    assert apply_patch(before, difference(before, after)) == after


names = st.builds(Names, *[st.sampled_from(["", "Ann", "x y"])] * 4)
notes = st.lists(st.sampled_from([LINE, LATER, "words", ""])).map("\n".join)
cards = st.fixed_dictionaries(
    {"id": st.just("1"), "uid": st.just("1"), "name": st.just({"full": "Ann"})},
    optional={
        "notes": st.dictionaries(st.sampled_from("ab"), st.builds(lambda n: {"note": n}, notes)),
        "organizations": st.just({"o": {"name": "Theirs", "x.example:y": 1}}),
        "phones": st.just({"p": {"number": "1"}}),
    },
)
edits = st.builds(
    UpdateCard,
    st.just(READ),
    fill=names,
    add_line=st.sampled_from(["", LINE]),
    remove_lines=st.frozensets(st.just(LATER)),
)


@given(cards, edits)
def test_an_edit_changes_only_what_is_ours_and_only_once(card: JsCard, edit: UpdateCard) -> None:
    before = copy.deepcopy(card)
    once = updated(card, edit)
    assert card == before
    assert updated(once, edit) == once
    sent = difference(card, once)
    ours = ("notes", "name/components", f"name/{MARK}", "organizations")
    assert all(path.startswith(ours) for path in sent)
    assert "notes" not in sent or "notes" not in card


@given(cards, names)
def test_filling_and_forgetting_leaves_no_trace(card: JsCard, fill: Names) -> None:
    after = forgotten(updated(card, UpdateCard(READ, fill=fill)))
    assert {**after, "organizations": after.get("organizations") or {}} == {
        **card,
        "organizations": card.get("organizations") or {},
    }


def test_an_empty_name_with_more_on_it_is_filled_and_emptied_again() -> None:
    card = {"id": "1", "name": {"full": "", "sortAs": {"surname": "x"}}}
    ours = Card("1", "u")
    fill = UpdateCard(ours, fill=Names(full="Ann", given="Ann"))
    filled = updated(card, fill)
    assert filled["name"]["full"] == "Ann"
    assert updated(filled, UpdateCard(ours, forget=True)) == card
