"""The outcomes of decisions by name, as the commands print them."""

from mailroom.admin.decide import Outcome
from mailroom.screener.model.subject import Subject
from tests.support.domain.builders import category

HIDDEN = "\u202e"
"""Has a terminal show the text behind it backwards."""


def test_an_outcome_names_the_command_that_takes_it_back() -> None:
    subject = Subject("news@loom.example")
    (_, line) = Outcome(subject, category("Feed"), (), account="work").text()
    assert line == "  to take it back: mailroom undo news@loom.example --account work"
    (_, line) = Outcome(subject, category("Feed"), ("Paper Trail",)).text()
    assert line == "  to take it back: mailroom decide news@loom.example 'Paper Trail'"


def test_a_stranger_cannot_hide_a_part_of_a_line() -> None:
    outcome = Outcome(Subject(f"news{HIDDEN}@loom.example"), category("Feed"), ())
    assert not any(HIDDEN in line for line in outcome.text())
