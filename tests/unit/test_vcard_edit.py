"""Edits of a card that belongs to somebody: what they change, and all that they must not."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.model import Card, Names, UpdateCard, clean
from mailroom.contacts.vcard.edit import is_readable, to_card, updated
from mailroom.contacts.vcard.lines import VCard
from tests.support.domain.nasty_vcard import NASTY

LINE = "Triaged to Feed on 2026-02-25"
ANY = Card(id="", uid="")


def updating(data: bytes, **changes: object) -> bytes:
    return bytes(updated(VCard.parse(data), replace(UpdateCard(ANY), **changes)))  # type: ignore[arg-type]


def a_card(*lines: bytes) -> bytes:
    return b"\r\n".join([b"BEGIN:VCARD", b"VERSION:3.0", b"UID:u", *lines, b"END:VCARD", b""])


def test_everything_is_read_off_a_nasty_card() -> None:
    card = to_card("/x.vcf", VCard.parse(NASTY))
    assert card == Card(
        id="/x.vcf",
        uid="7e1b9c1e-nasty",
        names=Names(full="Jörg , Müller", given="Jörg", surname="Müller"),
        nicknames=("Jöggi", "Fuzzy, the Bear"),
        addresses=("Joerg@X.example", "joerg.mueller@home.example"),
        note="Mütze, blau\n\nsee \\server\nEnd of it\nzweite",
    )


def test_a_line_is_appended_to_a_nasty_card_and_nothing_else_happens() -> None:
    assert updating(NASTY, add_line=LINE) == NASTY.replace(
        b"\r\n it\r\n", b"\r\n it\\nTriaged to Feed on 2026-02-25\r\n"
    )


def test_a_decision_is_noted_below_the_last_one() -> None:
    before = a_card(b"NOTE:x", b"NOTE:" + LINE.encode(), b"NOTE:y")
    other = "Re-triaged to Imbox on 2026-02-25"
    after = updating(before, add_line=other)

    assert to_card("/card", VCard.parse(after)).note.split("\n") == ["x", LINE, other, "y"]
    assert updating(after, add_line=other) == after


def test_nothing_to_do_changes_nothing() -> None:
    assert updating(NASTY) == NASTY
    full = Names(full="Other", given="O", surname="Ther")
    assert updating(NASTY, fill=full, remove_lines=frozenset({LINE}), forget=True) == NASTY


@pytest.mark.parametrize(
    "note",
    [
        b"NOTE;ENCODING=QUOTED-PRINTABLE:a=20b",
        b"NOTE;QUOTED-PRINTABLE:a=20b",
        b"NOTE;ENCODING=BASE64:YWJj",
        b"NOTE;ENCODING=b:YWJj",
        b"NOTE;CHARSET=ISO-8859-1:\xe4",
        b"NOTE:breaks off\\",
    ],
)
def test_a_note_that_is_not_understood_gets_another_one_beside_it(note: bytes) -> None:
    assert updating(a_card(note), add_line=LINE) == a_card(note, b"NOTE:" + LINE.encode())
    assert updating(a_card(note), add_line=LINE, remove_lines=frozenset({"abc"})) == a_card(
        note, b"NOTE:" + LINE.encode()
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [b"NOTE:" + LINE.encode()]),
        ([b"NOTE:"], [b"NOTE:", b"NOTE:" + LINE.encode()]),
        ([b"note:x"], [b"note:x\\n" + LINE.encode()]),
        ([b"item1.NOTE;X=y:x\\n"], [b"item1.NOTE;X=y:x\\n\\n" + LINE.encode()]),
        ([b"NOTE;CHARSET=utf-8:x"], [b"NOTE;CHARSET=utf-8:x\\n" + LINE.encode()]),
        ([b"NOTE:x\\\\"], [b"NOTE:x\\\\\\n" + LINE.encode()]),
    ],
)
def test_where_a_line_goes(before: list[bytes], after: list[bytes]) -> None:
    assert updating(a_card(*before), add_line=LINE) == a_card(*after)


def test_a_category_with_punctuation_is_escaped_and_found_again() -> None:
    line = "Triaged to A; B, \\C on 2026-02-25"
    once = updating(a_card(), add_line=line)
    assert once == a_card(b"NOTE:Triaged to A\\; B\\, \\\\C on 2026-02-25")
    assert to_card("", VCard.parse(once)).note == line
    assert updating(once, add_line=line) == once
    assert updating(once, remove_lines=frozenset({line})) == a_card()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([b"NOTE:L"], []),
        ([b"NOTE:L\\nL"], []),
        ([b"NOTE:a\\nL"], [b"NOTE:a"]),
        ([b"NOTE:L\\na"], [b"NOTE:a"]),
        ([b"NOTE:a\\Nb\\NL\\Nc\\nd"], [b"NOTE:a\\Nb\\Nc\\nd"]),
        ([b"NOTE:a\\\\n\\nL"], [b"NOTE:a\\\\n"]),
        ([b"NOTE:a\\n\\nL"], [b"NOTE:a\\n"]),
        ([b"NOTE:L", b"NOTE:xL"], [b"NOTE:xL"]),
        ([b"NOTE:Ly\\n L"], [b"NOTE:Ly\\n L"]),
        ([b"NOTE:a\r\n b\\nL\\nc"], [b"NOTE:a\r\n b\\nc"]),
    ],
)
def test_lines_are_taken_out_of_notes(before: list[bytes], after: list[bytes]) -> None:
    assert updating(a_card(*before), remove_lines=frozenset({"L"})) == a_card(*after)


@pytest.mark.parametrize(
    ("before", "fill", "after"),
    [
        ([b"FN:"], Names(full="A"), [b"FN:A"]),
        ([b"FN: "], Names(full="A"), [b"FN:A"]),
        ([], Names(full="A;B"), [b"FN:A\\;B"]),
        ([b"FN:X"], Names(full="A"), [b"FN:X"]),
        ([b"FN:", b"FN:X"], Names(full="A"), [b"FN:", b"FN:X"]),
        ([b"N:;;;;"], Names(given="A", surname="B"), [b"N:B;A;;;"]),
        ([b"N:X;;;;"], Names(given="A", surname="B"), [b"N:X;;;;"]),
        ([b"N:;;;Dr.;"], Names(given="A", surname="B"), [b"N:;;;Dr.;"]),
        ([b"item1.ORG;TYPE=w:;"], Names(organization="A, Inc"), [b"item1.ORG;TYPE=w:A\\, Inc"]),
        ([b"ORG:;Sales"], Names(organization="A"), [b"ORG:;Sales"]),
        ([], Names(), []),
    ],
)
def test_only_empty_names_are_filled(before: list[bytes], fill: Names, after: list[bytes]) -> None:
    filled = updating(a_card(*before), fill=fill)
    assert re.sub(rb"X-MAILROOM:.*\r\n", b"", filled) == a_card(*after)
    assert (b"X-MAILROOM" in filled) is (before != after)


def test_what_the_version_demands_is_emptied_but_stays() -> None:
    names = Names(full="A", given="A", organization="B")
    for version, left in ((b"3.0", [b"FN:", b"N:;;;;"]), (b"4.0", [b"FN:"])):
        before = a_card().replace(b"3.0", version)
        after = updating(updating(before, fill=names), forget=True)
        assert after == a_card(*left).replace(b"3.0", version)


def test_what_was_filled_is_kept_if_somebody_changed_it_since() -> None:
    filled = updating(a_card(b"FN:", b"N:;;;;"), fill=Names(full="A", given="A"))
    theirs = filled.replace(b"FN:A", b"FN:Anna")
    assert updating(theirs, forget=True) == a_card(b"FN:Anna", b"N:;;;;")


def test_what_was_filled_in_several_goes_is_all_taken_back() -> None:
    before = a_card(b"FN:", b"N:;;;;")
    once = updating(before, fill=Names(full="A"))
    twice = updating(once, fill=Names(given="A", organization="ignored? no: added"))
    assert twice.count(b"X-MAILROOM") == 1
    assert updating(twice, forget=True) == before


def test_a_field_that_was_emptied_and_filled_again_is_remembered_anew() -> None:
    once = updating(a_card(b"FN:"), fill=Names(full="A"))
    again = updating(once.replace(b"FN:A", b"FN:"), fill=Names(full="B"))
    assert updating(again, forget=True) == a_card(b"FN:")


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
filled_names = st.builds(Names, full=texts, given=texts, surname=texts, organization=texts)
extra_lines = st.lists(
    st.sampled_from(
        [
            b"FN:Ann",
            b"N:Smith;Ann;;;",
            b"ORG:",
            b"NOTE:a\xc3\r\n \xa4",
            b"NOTE;LANGUAGE=de:b\\n",
            b"X-A:b",
            b"odd",
            b"item1.TEL:1",
        ]
    ),
    unique=True,
)


@given(extra_lines, filled_names, texts)
def test_whatever_we_did_can_be_undone_to_the_byte(
    lines: list[bytes], fill: Names, text: str
) -> None:
    before = a_card(b"FN:", b"N:;;;;", *lines)
    line = clean(f"Triaged to {text} on 2026-02-25")
    edit = UpdateCard(ANY, fill=fill, add_line=line)
    after = updated(VCard.parse(before), edit)
    assert bytes(updated(after, edit)) == bytes(after)
    assert line in to_card("", after).note.split("\n")
    undone = updated(after, UpdateCard(ANY, remove_lines=frozenset({line}), forget=True))
    assert bytes(undone) == before


@given(extra_lines, filled_names, texts)
def test_every_line_but_names_notes_and_mark_keeps_its_bytes(
    lines: list[bytes], fill: Names, text: str
) -> None:
    before = VCard.parse(a_card(*lines))
    after = updated(before, UpdateCard(ANY, fill=fill, add_line=text))
    ours = {"FN", "N", "ORG", "NOTE", "X-MAILROOM"}
    others = [line for line in before.lines if line.name not in ours]
    assert [line for line in after.lines if line.name not in ours] == others


@pytest.mark.parametrize(
    ("data", "readable"),
    [
        (NASTY, True),
        (a_card(), True),
        (b"", False),
        (b"BEGIN:VCARD\r\nFN:no uid\r\nEND:VCARD\r\n", False),
        (a_card() + a_card(), False),
    ],
)
def test_one_whole_card_with_a_uid_is_readable(data: bytes, *, readable: bool) -> None:
    assert is_readable(VCard.parse(data)) is readable
