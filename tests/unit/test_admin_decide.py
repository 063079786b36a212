"""The outcomes of decisions by name, as the commands print them."""

import os
import shlex
import subprocess

import pytest

from mailroom.admin.decide import Outcome
from mailroom.screener.model.categories import Answer, Special
from mailroom.screener.model.subject import Subject
from tests.support.domain.builders import category

FEED = category("Feed")
HIDDEN = "\u202e"
"""Has a terminal show the text behind it backwards."""


def test_an_outcome_names_the_command_that_takes_it_back() -> None:
    subject = Subject("news@loom.example")
    (_, line) = Outcome(subject, FEED, (), account="work").text()
    assert line == "  to take it back: mailroom undo news@loom.example --account work"
    (_, line) = Outcome(subject, FEED, ("Paper Trail",)).text()
    assert line == "  to take it back: mailroom decide news@loom.example 'Paper Trail'"


def test_a_stranger_cannot_hide_a_part_of_a_line() -> None:
    outcome = Outcome(Subject(f"news{HIDDEN}@loom.example"), FEED, ())
    assert not any(HIDDEN in line for line in outcome.text())


def test_the_way_back_of_a_hidden_character_can_be_pasted() -> None:
    subject = Subject(f"it's\\{HIDDEN}\u00ad@loom.example")
    command = Outcome(subject, FEED, ()).undo_command.replace("mailroom undo", "printf %s")
    shell = ["bash", "-c", command]
    env = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
    done = subprocess.run(shell, env=env, capture_output=True, check=True)  # noqa: S603
    assert Subject.parse(done.stdout.decode()) == subject


@pytest.mark.parametrize(
    ("answer", "before", "mails", "line"),
    [
        (FEED, (), 2, "news@loom.example -> Feed: 2 mails filed"),
        (FEED, ("Feed",), 0, "news@loom.example is in Feed already: 0 mails filed"),
        (FEED, ("Feed", "Jail"), 1, "news@loom.example -> Feed: 1 mail filed"),
        (None, ("Feed",), 2, "news@loom.example -> the Screener: 2 mails filed"),
        (None, (), 0, "news@loom.example: there is no decision to take back"),
        (None, (), 2, "news@loom.example -> the Screener: 2 mails filed"),
        (Special.SPAM, (), 0, "news@loom.example -> spam: 0 mails filed"),
    ],
)
def test_an_outcome_says_what_has_changed(
    answer: Answer, before: tuple[str, ...], mails: int, line: str
) -> None:
    first, *_ = Outcome(Subject("news@loom.example"), answer, before, mails).text()
    assert first == line


def test_a_failure_has_no_way_back() -> None:
    outcome = Outcome(Subject("*@gmail.com"), FEED, (), failure="no\x1b[2J")
    assert list(outcome.text()) == ["FAILED *@gmail.com: no\\x1b[2J"]
    assert outcome.data()["take_back"] == ""


def test_an_address_that_begins_like_an_option_is_none() -> None:
    outcome = Outcome(Subject("-x@loom.example"), FEED, (), account="work")
    words = shlex.split(outcome.undo_command)
    assert words == ["mailroom", "undo", "--account", "work", "--", "-x@loom.example"]


def test_an_undo_names_the_decision_that_holds_instead() -> None:
    outcome = Outcome(Subject("ann@corp.example"), None, (), mails=1, domain_categories=("Jail",))
    assert list(outcome.text()) == [
        "ann@corp.example -> the Screener: 1 mail filed",
        "  everybody at the domain is in Jail; to take that back: mailroom undo '*@corp.example'",
    ]


@pytest.mark.parametrize(
    ("who", "hint"),
    [
        ("corp.example", "everybody at a domain: mailroom decide '*@corp.example' Feed"),
        ("<ann@home.example>", "the address: mailroom decide ann@home.example Feed"),
    ],
)
def test_a_list_without_mail_may_be_meant_as_something_else(who: str, hint: str) -> None:
    *_, last = Outcome(Subject.parse(who), FEED, ()).text()
    assert last == f"  this is a mailing list; for {hint}"
    assert len(list(Outcome(Subject.parse(who), FEED, (), 3).text())) == 2
