"""The lines that Mailroom writes into notes, and reads back."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.note import (
    is_only_by_mailroom,
    repeats_last_decision,
    triage_line,
    triage_lines,
)

NOW = datetime(2026, 2, 25, 14, 3, tzinfo=UTC)
names = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1)


def test_a_first_decision_and_a_later_one_are_told_apart() -> None:
    first = triage_line("Feed", NOW, again=False)
    assert first == "Triaged to Feed on 2026-02-25 at 14:03"
    later = triage_line("Paper Trail", NOW, again=True)
    assert later == "Re-triaged to Paper Trail on 2026-02-25 at 14:03"


@given(category=names, now=st.datetimes(min_value=datetime(1000, 1, 1)), again=st.booleans())  # noqa: DTZ001 - hypothesis wants it so
def test_what_is_written_is_read_back(category: str, now: datetime, again: bool) -> None:  # noqa: FBT001 - drawn by name
    line = triage_line(category, now, again=again)
    (parsed,) = triage_lines(line)
    assert (parsed.category, parsed.date, parsed.text) == (category, now.date(), line)
    assert parsed.time == now.time().replace(second=0, microsecond=0)


def test_a_line_of_an_older_version_has_no_time() -> None:
    (parsed,) = triage_lines("Triaged to Feed on 2026-02-25")
    assert (parsed.category, parsed.date, parsed.time) == ("Feed", date(2026, 2, 25), None)
    (parsed,) = triage_lines("Triaged to Feed on 2026-02-25 at 14:03")
    assert (parsed.category, parsed.time) == ("Feed", time(14, 3))


@pytest.mark.parametrize(
    ("note", "is_said"),
    [
        ("Triaged to Feed on 2026-02-25", True),
        ("Triaged to Feed on 2026-02-25 at 14:02", True),
        ("Mine.\nRe-triaged to Feed on 2026-02-25 at 14:02\nMine.", True),
        (
            "Triaged to Feed on 2026-02-25 at 14:03\nRe-triaged to Jail on 2026-02-25 at 14:04",
            False,
        ),
        ("Triaged to Jail on 2026-02-25 at 14:03", False),
        ("", False),
    ],
)
def test_the_same_decision_is_known_again_at_another_minute(note: str, is_said: bool) -> None:  # noqa: FBT001 - a table
    assert repeats_last_decision(note, "Triaged to Feed on 2026-02-25 at 14:03") is is_said


def test_lines_of_a_person_are_passed_over_and_order_is_kept() -> None:
    note = (
        "met in Rome\nTriaged to Feed on 2026-02-25\n\ncalls on Monday\n"
        "Re-triaged to Imbox on 2026-03-01"
    )
    assert [line.category for line in triage_lines(note)] == ["Feed", "Imbox"]
    assert not is_only_by_mailroom(note)


@pytest.mark.parametrize(
    "note", ["", "\n", "Triaged to Feed on 2026-02-25", "\nTriaged to F on 2026-02-25\n"]
)
def test_a_note_with_nothing_but_our_lines_is_ours(note: str) -> None:
    assert is_only_by_mailroom(note)


@pytest.mark.parametrize(
    "note",
    [
        "Triaged to Feed on 2026-02-31",
        "Triaged to Feed on ٢٠٢٦-٠٢-٢٥",
        "Triaged to Feed on 2026-02-25.",
        "Triaged to Feed on 2026-02-25 at 25:03",
        "Triaged to Feed on 2026-02-25 at 2:03 pm",
        " Triaged to Feed on 2026-02-25",
        "triaged to Feed on 2026-02-25",
        "Triaged to  on",
    ],
)
def test_a_line_that_only_looks_like_ours_is_a_persons(note: str) -> None:
    assert triage_lines(note) == ()
    assert not is_only_by_mailroom(note)


def test_a_category_that_ends_like_our_line_is_read_whole() -> None:
    line = triage_line("x on 2020-01-01", NOW, again=False)
    assert triage_lines(line)[0].category == "x on 2020-01-01"
