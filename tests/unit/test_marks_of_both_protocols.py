"""A mark is understood by either protocol, whichever wrote it, and in every spelling of it."""

import pytest

from mailroom.contacts.jscontact import cards as jscontact
from mailroom.contacts.jscontact.cards import to_card as from_jscontact
from mailroom.contacts.jscontact.form import MARK
from mailroom.contacts.model import ContactType, CreateCard, Names, UpdateCard
from mailroom.contacts.vcard.edit import new_card, to_card, updated
from mailroom.contacts.vcard.lines import VCard

LINE = "Triaged to Feed on 2026-02-25 at 14:03"
ACME = CreateCard(
    "u1", ContactType.COMPANY, Names("Acme", organization="Acme"), "n@x.example", LINE
)
ANN = CreateCard("u2", ContactType.PERSON, Names("Ann Lee", "Ann", "Lee"), "a@x.example", LINE)


def mark_over_jmap(create: CreateCard) -> str:
    mark: str = jscontact.new_card(create, create.uid, "b")["name"][MARK]
    return mark


def as_vcard(create: CreateCard, *more: str) -> VCard:
    """The vCard behind a card that was made over JMAP, as servers write it."""
    names = create.names
    lines = [
        *("BEGIN:VCARD", "VERSION:4.0", f"UID:{create.uid}", "KIND:INDIVIDUAL"),
        *(f"FN;PROP-ID=n:{names.full}", "REV:20260225T140300Z", "PRODID:-//x//EN"),
        f'N;JSCOMPS=";1;0":{names.surname};{names.given};;;' if names.given else "N:Acme",
        f"EMAIL;PROP-ID=mailroom:{create.address}",
        f"NOTE;PROP-ID=mailroom:{create.note}",
        *([f"o1.ORG;PROP-ID=mailroom:{names.organization}"] if names.organization else ()),
        *(*more, "END:VCARD", ""),
    ]
    return VCard.parse("\r\n".join(lines).encode())


SPELLINGS = {
    "as in RFC 9555": 'JSPROP;JSPTR="name/mailroom:mark":"{}"',
    "folded": 'JSPROP;JSPTR="name/mailr\r\n oom:mark":"ma\r\n ',
    "small letters": 'jsprop;jsptr="name/mailroom:mark":"{}"',
    "in a group": 'item3.JSPROP;JSPTR="name/mailroom:mark":"{}"',
    "an X- name": 'X-JSPROP;JSPTR="/NAME/MAILROOM:MARK":"{}"',
    "more parameters": 'JSPROP;VALUE=TEXT;JSPTR="name/mailroom:mark";X-A="b;c":"{}"',
    "quotes escaped once more": 'JSPROP;JSPTR="^\'name/mailroom:mark^\'":\\"{}\\"',
    "without the quotes": "JSPROP;JSPTR=name/mailroom:mark:{}",
    "quotes doubled": 'JSPROP;JSPTR=""name/mailroom:mark"":"{}"',
}


@pytest.mark.parametrize("create", [ACME, ANN], ids=["company", "person"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_mark_over_jmap_is_read_and_removed_over_carddav(
    create: CreateCard, spelling: str
) -> None:
    mark = mark_over_jmap(create)
    line = SPELLINGS[spelling]
    line = line.format(mark) if "{}" in line else f'{line}{mark.removeprefix("ma")}"'
    card = to_card("/c", as_vcard(create, line))
    assert card.made_by_us
    assert card.untouched

    forgotten = updated(as_vcard(create, line), UpdateCard(card, forget=True))
    assert bytes(forgotten) == bytes(as_vcard(create))


@pytest.mark.parametrize(
    "line", ['JSPROP;JSPTR="name/example.com:mark":"made=ab"', "JSPROP:x", "JSPROP;JSPTR=:"]
)
def test_other_jscontact_properties_are_a_persons(line: str) -> None:
    card = to_card("/c", as_vcard(ANN, line))
    assert not card.made_by_us
    assert not card.is_bare
    forgotten = updated(as_vcard(ANN, line), UpdateCard(card, forget=True))
    assert bytes(forgotten) == bytes(as_vcard(ANN, line))


def test_a_person_who_changed_a_card_that_was_made_over_jmap_has_touched_it() -> None:
    line = f'JSPROP;JSPTR="name/mailroom:mark":"{mark_over_jmap(ANN)}"'
    for more in ("TEL:1", "NICKNAME:A", "X-MINE:1"):
        card = to_card("/c", as_vcard(ANN, line, more))
        assert (card.made_by_us, card.untouched) == (True, False)


def test_a_field_that_was_filled_over_jmap_is_emptied_over_carddav() -> None:
    theirs = {"id": "1", "uid": "1", "name": {"full": "Ann Lee"}}
    edit = UpdateCard(from_jscontact(theirs), fill=Names("", "Ann", "Lee", "Acme"))
    mark = jscontact.updated(theirs, edit)["name"][MARK]
    lines = ["FN:Ann Lee", "N:Lee;Ann;;;", "ORG:Acme", f'JSPROP;JSPTR="name/{MARK}":"{mark}"']
    vcard = VCard.parse("\r\n".join(["BEGIN:VCARD", *lines, "END:VCARD", ""]).encode())

    assert to_card("/c", vcard).filled_by_us
    after = updated(vcard, UpdateCard(to_card("/c", vcard), forget=True))
    assert (to_card("/c", after).names) == Names("Ann Lee")
    assert not to_card("/c", after).filled_by_us


@pytest.mark.parametrize("create", [ACME, ANN], ids=["company", "person"])
def test_without_a_mark_a_card_with_nothing_else_is_bare(create: CreateCard) -> None:
    assert to_card("/c", as_vcard(create)).is_bare
    shown = {**jscontact.new_card(create, create.uid, "b"), "id": "1"}
    shown["name"] = {key: value for key, value in shown["name"].items() if key != MARK}
    assert from_jscontact(shown).is_bare
    assert not from_jscontact(shown).is_editable
    assert not from_jscontact({**shown, "notes": {}}).is_bare, "nothing tells of Mailroom"
    assert not from_jscontact({**shown, "nicknames": {"n": {"name": "A"}}}).is_bare
    other = {**shown["name"], "full": "Somebody Else"}
    assert not from_jscontact({**shown, "name": other}).is_bare


def test_a_bare_card_gets_the_mark() -> None:
    with_rev = as_vcard(ANN)
    assert updated(with_rev, UpdateCard(to_card("/c", with_rev), mark_as_made=True)) == with_rev
    bare = with_rev.without(*with_rev.named("REV"))
    marked = updated(bare, UpdateCard(to_card("/c", bare), mark_as_made=True))
    assert to_card("/c", marked).untouched
    touched = as_vcard(ANN, "TEL:1")
    assert updated(touched, UpdateCard(to_card("/c", touched), mark_as_made=True)) == touched


def test_a_mark_over_carddav_counts_where_jmap_shows_it() -> None:
    (line,) = new_card(ANN, ANN.uid).named("X-MAILROOM")
    shown = {**jscontact.new_card(ANN, ANN.uid, "b"), "id": "1"}
    shown["name"] = {key: value for key, value in shown["name"].items() if key != MARK}
    shown["vCardProps"] = [["X-MAILROOM", {}, "unknown", line.value]]
    card = from_jscontact(shown)
    assert (card.made_by_us, card.untouched, card.is_editable) == (True, True, True)


def test_what_stalwart_does_to_a_name_is_no_touch() -> None:
    shown = {**jscontact.new_card(ANN, ANN.uid, "b"), "id": "1"}
    shown["name"] = {**shown["name"], "isOrdered": True, "sortAs": None}
    assert from_jscontact(shown).untouched
