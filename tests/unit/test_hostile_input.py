"""What strangers, apps and people can put before Mailroom: no crash, no hang, nothing lost."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mailroom.contacts.jscontact import cards as jscontact
from mailroom.contacts.jscontact.cards import difference
from mailroom.contacts.jscontact.cards import to_card as from_jscontact
from mailroom.contacts.model import Card, ContactType, CreateCard, Names, UpdateCard, clean
from mailroom.contacts.vcard.edit import is_readable, new_card, to_card, updated
from mailroom.contacts.vcard.lines import VCard
from mailroom.jmap.mail import Email, EmailAddress
from mailroom.jmap.push import StateChange
from mailroom.jmap.sse import SseDecoder
from mailroom.screener.model.names import is_name_of, names_for
from mailroom.screener.model.sender import Sender, UnusableFromError, sender_of
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from tests.support.domain.nasty_vcard import NASTY

LINE = "Triaged to Feed on 2026-02-25"
EARLIER = "Triaged to Jail on 2026-01-31"
ANY = Card("1", "u")
LONG = 1_000_000

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
ODD_TEXT = st.text(st.characters()) | st.lists(
    st.sampled_from(
        [
            *(
                "\r\n",
                "\n",
                "\0",
                "\x85",
                "\u2028",
                "\ud800",
                "\udc80",
                "\ufeff",
                "\u202e",
                "\u0301",
            ),
            *(";", ",", ":", "\\", '"', "'", "<", ">", "@", "=", "&", "]]>", "%0d%0a", " ", "\t"),
            *("END:VCARD", "EMAIL:x@x.example", "X-MAILROOM:made=0", "Ann", "Ä", "👩‍🚀"),
        ]
    )
).map("".join)


def mail_from(*addresses: EmailAddress) -> Email:
    return Email("m", frozenset(), frozenset(), "", addresses)


def made_of(sender: Sender, contact_type: ContactType) -> CreateCard:
    return CreateCard("u-1", contact_type, names_for(sender, contact_type), sender.address, LINE)


# From


@given(name=ODD_TEXT, local=ODD_TEXT, contact_type=st.sampled_from(ContactType))
def test_whatever_stands_in_a_from_the_card_is_one_card_of_that_address(
    name: str, local: str, contact_type: ContactType
) -> None:
    try:
        sender = sender_of(mail_from(EmailAddress(name, f"{local}@corp.example")))
    except UnusableFromError:
        return
    create = made_of(sender, contact_type)
    vcard = new_card(create, create.uid)
    assert is_readable(VCard.parse(bytes(vcard)))
    assert [len(vcard.named(each)) for each in ("UID", "FN", "N", "EMAIL", "NOTE")] == [1] * 5
    assert all(len(line.rstrip(b"\r")) <= 75 for line in bytes(vcard).split(b"\n"))
    read = to_card("1", vcard)
    assert read.uid == create.uid
    assert read.addresses == (clean(sender.address),)
    assert read.note == LINE
    assert read.untouched
    js = from_jscontact({**jscontact.new_card(create, create.uid, "b"), "id": "1"})
    assert js.untouched
    assert is_name_of(sender.name, read) or not sender.name
    assert is_name_of(sender.name, js) or not sender.name


@pytest.mark.parametrize(
    "name",
    [
        "x" * LONG,
        "a " * LONG,
        "A, " * LONG,
        "e\u0301" * LONG,
        "\"'" * LONG,
        "\u0301" * LONG,
        "von " * LONG,
    ],
    ids=lambda name: repr(name[:4]),
)
@pytest.mark.parametrize("contact_type", ContactType)
def test_a_name_that_nobody_would_read_to_its_end_is_cut(
    name: str, contact_type: ContactType
) -> None:
    sender = sender_of(mail_from(EmailAddress(name, "bob@corp.example")))
    assert 0 < len(sender.name) <= 250
    card = new_card(made_of(sender, contact_type), "u")
    assert is_name_of(sender.name, to_card("1", card))


@pytest.mark.parametrize("address", ["x" * LONG + "@corp.example", "x@" + "a." * LONG + "example"])
def test_an_address_beyond_reason_is_none(address: str) -> None:
    with pytest.raises(UnusableFromError):
        sender_of(mail_from(EmailAddress("", address)))


# Cards

PIECES = st.sampled_from(NASTY.split(b"\r\n"))
CARDS = st.one_of(
    st.binary(),
    st.lists(PIECES).map(b"\r\n".join),
    st.builds(
        lambda at, length, put: NASTY[:at] + put + NASTY[at + length :],
        st.integers(0, len(NASTY)),
        st.integers(0, 40),
        st.binary(max_size=20) | PIECES,
    ),
)
WRITTEN = ODD_TEXT.filter(lambda text: bool(clean(text).strip()))
OURS = {"FN", "N", "ORG", "NOTE", "X-MAILROOM"}


@given(data=CARDS, fill=st.builds(Names, *[WRITTEN] * 4))
def test_a_card_keeps_every_byte_that_is_not_ours(data: bytes, fill: Names) -> None:
    before = VCard.parse(data)
    to_card("1", before)
    edit = UpdateCard(ANY, fill=fill, add_line=LINE)
    after = updated(before, edit)
    assert [each for each in after.lines if each.name not in OURS] == [
        each for each in before.lines if each.name not in OURS
    ]
    if is_readable(before):
        assert bytes(updated(VCard.parse(bytes(after)), edit)) == bytes(after)
    updated(after, UpdateCard(ANY, forget=True))


@pytest.mark.parametrize(
    "lines",
    [
        b"NOTE;ENCODING=QUOTED-PRINTABLE:" + b"x" * 300_000 + b"=" + b"\r\n=" * 20_000,
        b"NOTE:" + b"\\" * LONG,
        b"NOTE:" + b"\r\n " * 300_000,
        b"NOTE;A=" + b'"' * 300_001 + b":x",
        b"NOTE" + b";A=B" * 200_000 + b":x",
        b"NOTE:" + b"Triaged to " * 50_000,
        b"ORG:" + b";" * 300_000,
        b"BEGIN:VCARD\r\n" * 50_000,
        b"a." * 300_000 + b"NOTE:x",
    ],
    ids=lambda lines: repr(lines[:40]),
)
@pytest.mark.timeout(60)
def test_a_huge_card_is_read_and_written_in_time(lines: bytes) -> None:
    data = NASTY.replace(b"END:VCARD", lines + b"\r\nEND:VCARD")
    card = VCard.parse(data)
    assert bytes(card) == data
    to_card("1", card)
    after = updated(card, UpdateCard(ANY, add_line=LINE, remove_lines=frozenset({EARLIER})))
    assert bytes(after) != data


@given(card=st.dictionaries(st.sampled_from(["notes", "name", "emails", "organizations"]), JSON))
def test_a_card_of_json_is_read_whatever_is_in_it(card: dict[str, Any]) -> None:
    card = {"id": "1", "uid": "u", "x.example:own": {"a": [1]}, **card}
    before = json.dumps(card)
    from_jscontact(card)
    after = jscontact.updated(card, UpdateCard(ANY, fill=Names("A", "B", "C", "D"), add_line=LINE))
    jscontact.updated(after, UpdateCard(ANY, forget=True, remove_lines=frozenset({LINE})))
    assert json.dumps(card) == before
    assert after["x.example:own"] == {"a": [1]}


def test_deeply_nested_properties_of_a_card_are_left_alone() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    card = {"id": "1", "uid": "u", "name": {"full": "Ann"}, "x.example:own": deep}
    after = jscontact.updated(card, UpdateCard(ANY, add_line=LINE))
    (changed,) = difference(card, after)
    assert changed.startswith("notes")


# Notes

NOTES = st.lists(ODD_TEXT | st.sampled_from([LINE, EARLIER, "", " "]), max_size=5)


@given(NOTES)
@example(["\r"])
def test_a_note_gets_its_line_and_gives_it_back(lines: list[str]) -> None:
    note = "\n".join(lines)
    card = {"id": "1", "uid": "u", "notes": {"n": {"note": note, "x.example:by": "me"}}}
    mine = "Triaged to Truck on 2026-02-26"
    after = jscontact.updated(card, UpdateCard(ANY, add_line=mine))
    assert mine in from_jscontact(after).note.split("\n")
    again = jscontact.updated(after, UpdateCard(ANY, remove_lines=frozenset({mine})))
    assert from_jscontact(again).note == from_jscontact(card).note


# Settings


def are_told(error: SettingsError) -> None:
    assert error.mistakes
    assert all(each.strip() and "\n" not in each for each in error.mistakes)


@given(JSON)
def test_any_categories_are_accepted_or_have_mistakes(value: Any) -> None:
    environ = {"MAILROOM_CATEGORIES": json.dumps(value), "MAILROOM_JMAP_TOKEN": "x"}
    try:
        load_settings(environ, cwd=Path("/nowhere"))
    except SettingsError as error:
        are_told(error)


CATEGORY = st.fixed_dictionaries(
    {},
    optional={
        key: ODD_TEXT | st.sampled_from(["Feed", "Inbox", "Imbox/Feed", "@ToFeed"]) | JSON
        for key in ("name", "parent", "label", "group", "destination", "contact_type", "x")
    },
)


@given(st.lists(CATEGORY, max_size=4))
@example([{"name": "\n", "parent": "\n"}])
def test_categories_of_a_file_are_accepted_or_have_mistakes(
    tmp_path_factory: pytest.TempPathFactory, categories: list[Any]
) -> None:
    file = tmp_path_factory.getbasetemp() / "categories.yaml"
    text = yaml.safe_dump({"categories": categories}, allow_unicode=True)
    file.write_text(text, errors="surrogatepass")
    environ = {"MAILROOM_CONFIG": str(file), "MAILROOM_JMAP_TOKEN": "x"}
    try:
        settings = load_settings(environ, cwd=Path("/nowhere"))
    except SettingsError as error:
        are_told(error)
    else:
        assert [each.name for each in settings.categories]


@given(st.binary())
def test_any_file_is_accepted_or_has_mistakes(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(data)
    environ = {"MAILROOM_CONFIG": str(file), "MAILROOM_JMAP_TOKEN": "x"}
    try:
        load_settings(environ, cwd=Path("/nowhere"))
    except SettingsError as error:
        are_told(error)


# Push


@given(JSON)
def test_any_state_change_can_be_read(value: Any) -> None:
    change = StateChange.parse(value)
    assert change.for_account("a") is None or isinstance(change.for_account("a"), dict)


@given(st.lists(st.binary(max_size=50)), st.integers(1, 100))
def test_any_stream_can_be_read_in_bounded_memory(chunks: list[bytes], limit: int) -> None:
    decoder = SseDecoder(limit=limit)
    for chunk in chunks:
        for event in decoder.feed(chunk):
            assert len(event.data) <= limit
    assert sum(map(len, decoder._data)) + len(decoder._line) <= limit + 1
