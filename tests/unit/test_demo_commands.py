"""What a visitor of the demo may type, and what is meant by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.demo.commands import COMMANDS, Command, MisunderstoodError, choose, parse, split_off

LABELS = {
    "Feed": "@ToFeed",
    "Paper Trail": "@ToPaperTrail",
    "Person": "@ToPerson",
    "@ToFeed": "@ToFeed",
    "@ToPaperTrail": "@ToPaperTrail",
    "@ToPerson": "@ToPerson",
}


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("list", Command("list")),
        ("LIST Paper Trail", Command("list", words="Paper Trail")),
        ("ls", Command("list")),
        ("tap 3 feed", Command("tap", 3, "feed")),
        ("t feed 3", Command("tap", 3, "feed")),
        ("tap #3. @ToFeed", Command("tap", 3, "@ToFeed")),
        ("3 paper trail", Command("tap", 3, "paper trail")),
        ("3", Command("sender", 3)),
        ("tap", Command("tap")),
        ("ma", Command("mail")),
        ("?", Command("help")),
        ("exit", Command("quit")),
    ],
)
def test_a_line_is_a_command(line: str, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mail -1", "It goes like this: mail [N]"),
        ("sender bob", "It goes like this: sender N"),
        ("tap 1 2 feed", "One mail at a time, please."),
    ],
)
def test_a_line_that_says_too_much_does_nothing(line: str, said: str) -> None:
    with pytest.raises(MisunderstoodError) as caught:
        parse(line)
    assert str(caught.value) == said


@pytest.mark.parametrize("line", ["", "   ", "\t"])
def test_a_blank_line_is_none(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_first_letter_of_its_own(name: str) -> None:
    assert parse(name[0]) == Command(name)
    assert COMMANDS[name][0].startswith(name)


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("feed", "@ToFeed"),
        ("@ToFeed", "@ToFeed"),
        ("tofeed", "@ToFeed"),
        ("FE", "@ToFeed"),
        ("papertrail", "@ToPaperTrail"),
        ("Paper Trail", "@ToPaperTrail"),
        ("pap", "@ToPaperTrail"),
    ],
)
def test_a_label_may_be_called_in_many_ways(word: str, label: str) -> None:
    assert choose(word, LABELS, "label") == label


@pytest.mark.parametrize(
    ("words", "left", "taken"),
    [
        ("feed wholedomain", "feed", ["@WholeDomain"]),
        ("@WholeDomain paper trail", "paper trail", ["@WholeDomain"]),
        ("WHOLEDOMAIN", "", ["@WholeDomain"]),
        ("whole feed", "whole feed", []),
    ],
)
def test_labels_may_stand_beside_others(words: str, left: str, taken: list[str]) -> None:
    assert split_off(words, {"@WholeDomain": "@WholeDomain"}) == (left, taken)


def test_a_whole_name_beats_a_longer_one_that_begins_with_it() -> None:
    assert choose("a", {"a": "A", "ab": "AB"}, "thing") == "A"


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("p", '"p" may be @ToPaperTrail or @ToPerson.'),
        ("foo", 'There is no label "foo", only @ToFeed, @ToPaperTrail and @ToPerson.'),
        ("@", 'There is no label "@", only @ToFeed, @ToPaperTrail and @ToPerson.'),
        ("x" * 99, "There is no label like that, only @ToFeed, @ToPaperTrail and @ToPerson."),
    ],
)
def test_what_is_not_understood_is_answered_with_what_would_be(word: str, told: str) -> None:
    with pytest.raises(MisunderstoodError) as error:
        choose(word, LABELS, "label")
    assert str(error.value) == told


@given(st.text())
def test_no_line_does_harm(line: str) -> None:
    try:
        command = parse(line)
    except MisunderstoodError:
        command = None
    assert command is None or command.name in COMMANDS
