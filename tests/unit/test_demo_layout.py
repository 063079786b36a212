"""The demo's lines fit, line up, and have nothing in them that a terminal obeys."""

from hypothesis import given
from hypothesis import strategies as st

from mailroom.demo.layout import columns, counted, fact, milliseconds, paragraph, visible

WIDTHS = st.integers(min_value=30, max_value=100)


def test_a_fact_goes_on_below_itself() -> None:
    assert fact("contact", "The Daily Loom, hello@dailyloom.example", 40) == [
        "    contact   The Daily Loom,",
        "              hello@dailyloom.example",
    ]


def test_columns_line_up_and_end_without_blanks() -> None:
    assert columns([("1", "Ann", "Hello"), ("2", "Brook & Sons", "")], 80) == [
        "    1  Ann           Hello",
        "    2  Brook & Sons",
    ]


def test_what_is_too_long_for_a_row_is_cut() -> None:
    assert columns([("1", "a" * 50)], 30) == ["    1  " + "a" * 20 + "..."]
    assert columns([], 80) == []


@given(st.text(), WIDTHS)
def test_nothing_is_wider_than_it_may_be(text: str, width: int) -> None:
    lines = [
        *paragraph(text, width, indent="    "),
        *fact("contact", text, width),
        *columns([(text, text), ("x", text)], width),
    ]
    assert all(len(line) <= width and line.isprintable() for line in lines)


def test_what_a_terminal_would_obey_is_not_there() -> None:
    assert visible("a\x1b[31mb\nc\x9d") == "a?[31mb?c?"


def test_numbers_for_people() -> None:
    assert [counted(1, "mail"), counted(2, "mail")] == ["1 mail", "2 mails"]
    assert counted(0, "mailbox", "mailboxes") == "0 mailboxes"
    assert milliseconds(0.1126) == "113 ms"
