"""The lines that Mailroom writes into notes, and reads back."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.note import is_only_triage, triage_line, triage_lines

names = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1)


def test_a_first_decision_and_a_later_one_are_told_apart() -> None:
    day = date(2026, 2, 25)
    assert triage_line("Feed", day, again=False) == "Triaged to Feed on 2026-02-25"
    assert triage_line("Paper Trail", day, again=True) == "Re-triaged to Paper Trail on 2026-02-25"


@given(category=names, day=st.dates(), again=st.booleans())
def test_what_is_written_is_read_back(category: str, day: date, again: bool) -> None:  # noqa: FBT001 - drawn by name
    line = triage_line(category, day, again=again)
    (parsed,) = triage_lines(line)
    assert (parsed.category, parsed.date, parsed.text) == (category, day, line)


def test_lines_of_a_person_are_passed_over_and_order_is_kept() -> None:
    note = (
        "met in Rome\nTriaged to Feed on 2026-02-25\n\ncalls on Monday\n"
        "Re-triaged to Imbox on 2026-03-01"
    )
    assert [line.category for line in triage_lines(note)] == ["Feed", "Imbox"]
    assert not is_only_triage(note)


@pytest.mark.parametrize(
    "note", ["", "\n", "Triaged to Feed on 2026-02-25", "\nTriaged to F on 2026-02-25\n"]
)
def test_a_note_with_nothing_but_our_lines_is_ours(note: str) -> None:
    assert is_only_triage(note)


@pytest.mark.parametrize(
    "note",
    [
        "Triaged to Feed on 2026-02-31",
        "Triaged to Feed on ٢٠٢٦-٠٢-٢٥",
        "Triaged to Feed on 2026-02-25.",
        " Triaged to Feed on 2026-02-25",
        "triaged to Feed on 2026-02-25",
        "Triaged to  on",
    ],
)
def test_a_line_that_only_looks_like_ours_is_a_persons(note: str) -> None:
    assert triage_lines(note) == ()
    assert not is_only_triage(note)


def test_a_category_that_ends_like_our_line_is_read_whole() -> None:
    line = triage_line("x on 2020-01-01", date(2026, 2, 25), again=False)
    assert triage_lines(line)[0].category == "x on 2020-01-01"
