"""What Mailroom reads off a JSContact card, and the mark by which it knows its own."""

from typing import Any

import pytest

from mailroom.contacts.jscontact.cards import is_group, is_readable, new_card, to_card, to_group
from mailroom.contacts.jscontact.form import MARK, JsContactForm
from mailroom.contacts.model import Card, ContactType, CreateCard, Group, Names

LINE = "Triaged to Feed on 2026-02-25"
COMPANY = CreateCard(
    uid="7e1b9c1e",
    contact_type=ContactType.COMPANY,
    names=Names(full="Acme; Inc, \\ 🚀", organization="Acme; Inc, \\ 🚀"),
    address="News@acme.example",
    note=LINE,
)
ANN = CreateCard(
    uid="7e1b9c1f",
    contact_type=ContactType.PERSON,
    names=Names(full="Ann Müller", given="Ann", surname="Müller"),
    address="ann@x.example",
    note=LINE,
)

# As Cyrus shows a card that was made over CardDAV.
RECORDED: dict[str, Any] = {
    "@type": "Card",
    "version": "1.0",
    "kind": "individual",
    "name": {
        "components": [
            {"kind": "surname", "value": "Member"},
            {"kind": "given", "value": "Dave"},
        ],
        "full": "Dave Member",
    },
    "emails": {
        "bd24ca9791ef3ec982f48fd36944cd4b661d3270": {
            "address": "dave@x.example",
            "contexts": {"work": True},
        }
    },
    "organizations": {"ed099798f23767112908578d68d4f5534cea9446": {"name": "Acme"}},
    "notes": {"d1854cae891ec7b29161ccaf79a24b00c274bdaa": {"note": "n"}},
    "uid": "aaaa-member-1",
    "id": "aaaa-member-1",
    "addressBookIds": {"Default": True},
}


def made(create: CreateCard = ANN) -> dict[str, Any]:
    """The card as we make it, and as a server gives it back."""
    card = new_card(create, create.uid, "Default")
    return {**card, "id": "c1", "kind": "individual", "created": "2026-02-25T00:00:00Z"}


def test_a_recorded_card() -> None:
    assert to_card(RECORDED) == Card(
        id="aaaa-member-1",
        uid="aaaa-member-1",
        names=Names("Dave Member", "Dave", "Member", "Acme"),
        addresses=("dave@x.example",),
        note="n",
        is_editable=False,
    )


def test_a_recorded_group() -> None:
    group = {
        "kind": "group",
        "name": {"full": "Apple Group", "components": [{"kind": "surname", "value": "Apple"}]},
        "members": {"aaaa": True, "urn:uuid:dddd": True, "urn:UUID:aaaa": True},
        "uid": "urn:uuid:2222",
        "id": "bbbb",
    }
    assert is_group(group)
    assert not is_group(RECORDED)
    members = frozenset({"aaaa", "dddd"})
    assert to_group(group) == Group(id="bbbb", uid="2222", name="Apple Group", members=members)
    assert to_group({"id": "b", "uid": "b", "kind": "group"}) == Group(id="b", uid="b", name="")


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ({"components": [("surname", "Doe"), ("given", "Jane"), ("title", "Dr.")]}, "Dr. Jane Doe"),
        (
            {"components": [("surname", "Doe"), ("given", "Jane")], "isOrdered": True},
            "Doe Jane",
        ),
        ({"full": " ", "components": [("given", "Jane"), ("separator", "-")]}, "Jane"),
        ({"full": "Whatever", "components": [("given", "Jane")]}, "Whatever"),
        ({"components": [("example.com:odd", "x")]}, ""),
        ({}, ""),
    ],
)
def test_a_full_name_that_is_not_written_out_is_what_its_parts_say(
    name: dict[str, Any], full: str
) -> None:
    parts = [{"kind": kind, "value": value} for kind, value in name.get("components", ())]
    card = {"id": "1", "uid": "1", "name": {**name, "components": parts}}
    assert to_card(card).names.full == full


def test_maps_are_read_in_the_order_of_their_ids() -> None:
    def card(*keys: str) -> Card:
        emails = {key: {"address": f"{key}@x.example"} for key in keys}
        notes = {key: {"note": f"{key}\r\n2"} for key in keys}
        return to_card({"id": "1", "uid": "1", "emails": emails, "notes": notes})

    assert card("b", "a") == card("a", "b")
    assert card("b", "a").addresses == ("a@x.example", "b@x.example")
    assert card("b", "a").note == "a\n2\nb\n2"


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, "x", [], {}, {"id": "1"}, {"uid": "1"}, {"id": 1, "uid": "1"}),
        {"id": "1", "uid": None},
        {"id": "1", "uid": "urn:uuid:"},
    ],
)
def test_what_has_no_id_and_uid_is_no_card(value: Any) -> None:
    assert not is_readable(value)


def test_what_has_not_the_promised_shape_is_passed_over() -> None:
    odd = {
        "id": "1",
        "uid": "1",
        "kind": 5,
        "name": [],
        "emails": {"a": None, "b": {"address": 5}, "c": {"address": " c@x.example "}},
        "notes": "note",
        "nicknames": {"a": {"name": "Annie"}, "b": {"label": "x"}},
        "organizations": {"a": {"units": [{"name": "x"}]}},
        "members": ["x"],
        "vCardProps": None,
    }
    assert is_readable(odd)
    read = Card("1", "1", nicknames=("Annie",), addresses=("c@x.example",))
    assert to_card(odd, annotate=True) == read
    assert to_group(odd).members == frozenset()


@pytest.mark.parametrize("create", [COMPANY, ANN])
def test_a_new_card_says_what_was_asked_and_that_we_made_it(create: CreateCard) -> None:
    assert to_card(made(create)) == Card(
        id="c1",
        uid=create.uid,
        names=create.names,
        addresses=(create.address,),
        note=create.note,
        made_by_us=True,
        untouched=True,
    )


def test_a_company_has_no_name_components_and_a_person_no_organization() -> None:
    assert made(COMPANY)["name"].keys() == {"full", MARK}
    assert "organizations" not in made(ANN)
    assert "kind" not in new_card(ANN, "u", "Default")


def test_a_new_card_has_a_name_whatever_it_is_called() -> None:
    """Servers refuse a name that says nothing, and the mark needs one."""
    card = to_card(made(CreateCard("u", ContactType.PERSON, Names(), "a@x.example", "")))
    assert card.names.full == "a@x.example"
    assert card.untouched


def test_control_characters_are_left_out() -> None:
    names = Names(full="A\x00nn\x1f", organization="O\ud800")
    card = made(CreateCard("u", ContactType.COMPANY, names, "a@x.example", "x\r\ny"))
    assert card["name"]["full"] == "Ann"
    assert to_card(card).names.organization == "O"
    assert to_card(card).note == "x\ny"


def test_what_servers_add_on_their_own_touches_nothing() -> None:
    noise = {
        "updated": "2026-02-26T00:00:00Z",
        "prodId": "-//Server//EN",
        "cyrusimap.org:blobId": "V1",
        "cyrusimap.org:size": 300,
        "vCardProps": [["version", {}, "text", "4.0"]],
        "phones": {},
        "photo": None,
    }
    card = {**made(), **noise}
    card["name"] = {**card["name"], "@type": "Name"}
    card["name"]["components"] = card["name"]["components"][::-1]
    card["emails"] = {key: {"@type": "EmailAddress", **e} for key, e in card["emails"].items()}
    assert to_card(card).untouched


@pytest.mark.parametrize(
    "touch",
    [
        {"phones": {"p": {"number": "1"}}},
        {"kind": "org"},
        {"emails": {"a": {"address": "other@x.example"}}},
        {"emails": {"a": {"address": ANN.address, "label": "private"}}},
        {"notes": {"n": {"note": f"{LINE}\nmy words"}}},
        {"notes": {"n": {"note": LINE, "author": {"name": "Me"}}}},
        {"organizations": {"o": {"name": "Acme"}}},
        {"vCardProps": [["version", {}, "text", "4.0"], ["x-foo", {}, "unknown", "bar"]]},
        {"vCardProps": ["odd"]},
        {"keywords": {"vip": True}},
        {"example.com:note": "x"},
    ],
)
def test_what_somebody_adds_or_changes_makes_a_card_theirs(touch: dict[str, Any]) -> None:
    card = to_card({**made(), **touch})
    assert card.made_by_us
    assert not card.untouched


@pytest.mark.parametrize("change", [{"full": "Anna"}, {"sortAs": {"surname": "M"}}])
def test_so_does_a_change_of_the_name(change: dict[str, Any]) -> None:
    card = made()
    card["name"] = {**card["name"], **change}
    assert not to_card(card).untouched


def test_who_replaces_the_name_takes_the_mark_away() -> None:
    card = to_card({**made(), "name": {"full": "Anna"}})
    assert not card.made_by_us
    assert not card.untouched


def test_a_mark_that_makes_no_sense_is_none() -> None:
    assert str(JsContactForm({"name": {MARK: "what? made= =x"}}).mark) == ""
    assert str(JsContactForm({"name": {MARK: 5}}).mark) == ""
    assert not to_card({"id": "1", "uid": "1", "name": {"full": "x", MARK: "made=ab"}}).untouched
