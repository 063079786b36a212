"""Content lines: the same bytes come out, whatever goes in."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.model import clean
from mailroom.contacts.vcard.fields import ends_in_escape, escape, pieces, split, unescape
from mailroom.contacts.vcard.lines import ContentLine, VCard, fold

fragments = st.sampled_from(
    [
        b"BEGIN:VCARD",
        b"END:VCARD",
        b"FN:x",
        b"NOTE:",
        b"item1.EMAIL;TYPE=HOME:",
        b"\r\n",
        b"\n",
        b" ",
        b"\t",
        b":",
        b";",
        b'"',
        b"=",
        b"\\",
        b"ENCODING=QUOTED-PRINTABLE",
        b"\xc3\xa4",
        b"\xc3",
        b"\xff",
        b"\r",
    ]
)
cards = st.one_of(st.binary(), st.lists(fragments).map(b"".join))


@given(cards)
def test_any_bytes_are_read_and_come_out_again(data: bytes) -> None:
    assert bytes(VCard.parse(data)) == data


@given(cards, st.text(st.characters(exclude_categories=["Cs"])))
def test_a_new_value_leaves_every_other_line_as_it_was(data: bytes, value: str) -> None:
    card = VCard.parse(data)
    for index, line in enumerate(card.lines):
        if line.name:
            after = card.with_value(line, value)
            others = after.lines[:index] + after.lines[index + 1 :]
            assert others == card.lines[:index] + card.lines[index + 1 :]
            assert after.lines[index].value == value
            assert after.lines[index].params == line.params


@given(cards)
def test_a_new_property_goes_before_the_end_and_moves_nothing(data: bytes) -> None:
    card = VCard.parse(data)
    after = card.with_new("X-NEW", "v")
    assert bytes(after.without(after.lines[card.end])) == data
    assert after.lines[card.end].raw.strip() == b"X-NEW:v"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 74))
def test_folded_lines_are_short_whole_utf8_and_unfold_again(text: str, column: int) -> None:
    text = clean(text).replace("\n", "")
    folded = fold(text.encode(), b"\r\n", column=column)
    lines = folded.split(b"\r\n")
    assert len(lines[0]) + column <= 75
    assert all(len(line) <= 75 and line.decode() is not None for line in lines)
    assert folded.replace(b"\r\n ", b"").decode() == text


@pytest.mark.parametrize(
    ("raw", "name", "params", "value"),
    [
        (b"FN:Ann\r\n", "FN", (), "Ann"),
        (b"fn:Ann\n", "FN", (), "Ann"),
        (b"item1.EMAIL;TYPE=HOME,WORK:a@x", "EMAIL", (("TYPE", "HOME,WORK"),), "a@x"),
        (b'X-A;P="a:b;c";Q=d:v:w', "X-A", (("P", "a:b;c"), ("Q", "d")), "v:w"),
        (b"TEL;HOME;VOICE:1", "TEL", (("", "HOME"), ("", "VOICE")), "1"),
        (b"NOTE:a\r\n b\r\n\tc\r\n", "NOTE", (), "abc"),
        (b"NO\r\n TE:a", "NOTE", (), "a"),
        (b"NOTE:\xc3\r\n \xa4\r\n", "NOTE", (), "ä"),
        (b"NOTE:\r\n", "NOTE", (), ""),
        (b"NOTE:a\rb\n", "NOTE", (), "a\rb"),
    ],
)
def test_a_line_is_taken_apart(
    raw: bytes, name: str, params: tuple[tuple[str, str], ...], value: str
) -> None:
    assert ContentLine.parse(raw) == ContentLine(raw, name, params, value)


@pytest.mark.parametrize(
    "raw",
    [b"no colon\r\n", b"X BAD NAME:x\r\n", b":x\n", b" stray\r\n", b'X;P="open:x\r\n', b"\r\n"],
)
def test_a_line_that_makes_no_sense_is_opaque(raw: bytes) -> None:
    assert ContentLine.parse(raw) == ContentLine(raw)


def test_the_bytes_before_a_change_keep_their_folds() -> None:
    line = ContentLine.parse(b"NOTE:H\xc3\r\n \xa4llo\\, \r\n\twhat\r\n")
    assert line.with_value(line.value + "!", eol=b"\n").raw == (
        b"NOTE:H\xc3\r\n \xa4llo\\, \r\n\twhat!\r\n"
    )


def test_folds_behind_a_change_are_made_anew() -> None:
    line = ContentLine.parse(b"NOTE:aa\r\n bb\r\n\tcc\r\n")
    assert line.with_value("aab!cc", eol=b"\n").raw == b"NOTE:aa\r\n b!cc\r\n"


def test_what_is_appended_is_folded_where_the_old_line_ends() -> None:
    line = ContentLine.parse(b"NOTE:" + b"a" * 70 + b"\r\n")
    assert line.with_value("a" * 70 + "bcä", eol=b"\n").raw == (
        b"NOTE:" + b"a" * 70 + b"\r\n bc\xc3\xa4\r\n"
    )


def test_a_line_without_an_end_gets_the_cards() -> None:
    card = VCard.parse(b"BEGIN:VCARD\nFN:a")
    assert bytes(card.with_value(card.lines[1], "b")) == b"BEGIN:VCARD\nFN:b\n"


@pytest.mark.parametrize("eol", [b"\r\n", b"\n"])
def test_a_new_line_ends_as_the_others_do(eol: bytes) -> None:
    card = VCard.parse(eol.join([b"BEGIN:VCARD", b"FN:a", b"END:VCARD", b""]))
    assert bytes(card.with_new("X", "b" * 80)) == eol.join(
        [b"BEGIN:VCARD", b"FN:a", b"X:" + b"b" * 73, b" " + b"b" * 7, b"END:VCARD", b""]
    )


def test_a_quoted_printable_value_goes_on_after_a_soft_line_break() -> None:
    card = VCard.parse(
        b"BEGIN:VCARD\r\nNOTE;ENCODING=QUOTED-PRINTABLE:a=\r\nFN:no name=\r\nEMAIL:x\r\n"
        b"FN:Ann\r\nNICKNAME:x=\r\nEND:VCARD\r\n"
    )
    assert [line.name for line in card.lines] == ["BEGIN", "NOTE", "FN", "NICKNAME", "END"]


def test_a_card_within_the_card_is_opaque() -> None:
    card = VCard.parse(
        b"BEGIN:VCARD\r\nFN:Boss\r\nAGENT:\r\nBEGIN:VCARD\r\nFN:Help\r\nEND:VCARD\r\nEND:VCARD\r\n"
    )
    assert card.is_whole
    assert [line.value for line in card.named("FN")] == ["Boss"]
    assert card.lines[card.end - 1].raw == b"END:VCARD\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"FN:a\r\n",
        b"BEGIN:VCARD\r\nFN:a\r\n",
        b"FN:a\r\nEND:VCARD\r\n",
        b"BEGIN:VCARD\r\nEND:VCARD\r\nBEGIN:VCARD\r\nEND:VCARD\r\n",
        b"x\r\nBEGIN:VCARD\r\nEND:VCARD\r\n",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
    ],
)
def test_what_is_not_one_card_is_not_whole(data: bytes) -> None:
    assert not VCard.parse(data).is_whole


def test_a_large_photo_is_one_line() -> None:
    photo = b"PHOTO;ENCODING=b:" + b"".join(b"A" * 75 + b"\r\n " for _ in range(60_000)) + b"=\r\n"
    card = VCard.parse(b"BEGIN:VCARD\r\n" + photo + b"FN:a\r\nEND:VCARD\r\n")
    assert [line.name for line in card.lines] == ["BEGIN", "PHOTO", "FN", "END"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_text_is_one_token_of_a_list_and_comes_out_again(text: str) -> None:
    value = escape(text)
    assert unescape(value) == clean(text)
    assert split(value, ";") == split(value, ",") == [value]
    assert re.search("[\x00-\x08\x0a-\x1f]", value) is None


@given(st.text(st.sampled_from("\\nN;,a")))
def test_pieces_put_together_are_the_value(value: str) -> None:
    assert "".join(end + part for end, part in pieces(value, r"\n", r"\N")) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (r"a\nb\Nc", "a\nb\nc"),
        (r"\\n\,\;\:", r"\n,;:"),
        (r"\x\ ", r"\x\ "),
        ("a\\", "a\\"),
        ("\udcff", "\ufffd"),
    ],
)
def test_escapes_are_read(value: str, text: str) -> None:
    assert unescape(value) == text


@pytest.mark.parametrize(("value", "open_ended"), [("a", False), ("a\\", True), (r"a\\", False)])
def test_a_value_that_breaks_off_in_an_escape_is_seen(value: str, *, open_ended: bool) -> None:
    assert ends_in_escape(value) is open_ended
