"""What a visitor's line means. Pure, and forgiving: prefixes, letter case, a forgotten ``@To``."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "list": ("list [MAILBOX]", "the mails in the Screener, or in another mailbox"),
    "tap": ("tap N LABEL", "put a label on mail N: tap 11 imbox"),
    "mail": ("mail [N]", "a stranger writes; or the sender of mail N, once more"),
    "sender": ("sender N", "what is known of the sender of mail N"),
    "contacts": ("contacts", "your address book"),
    "help": ("help", "this list"),
    "quit": ("quit", "end (or Ctrl-C, Ctrl-D)"),
}
"""Name -> usage, meaning."""
_OTHER_WORDS: Final = {"?": "help", "ls": "list", "exit": "quit", "bye": "quit", "show": "list"}
_WITH_WORDS: Final = {"list", "tap"}
_LONGEST_SAID: Final = 30
_NUMBER: Final = re.compile(r"#?(\d{1,9})[.,:]?", re.ASCII)

T = TypeVar("T")


class MisunderstoodError(Exception):
    """The line makes no sense; the text says what would."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command, by its full name, the number in it, and the other words."""

    name: str
    number: int | None = None
    words: str = ""


def parse(line: str) -> Command | None:
    """The command in a line; None if it is blank.

    Raises:
        MisunderstoodError: there is none.
    """
    words = line.split()
    if not words:
        return None
    if _NUMBER.fullmatch(words[0]):
        words.insert(0, "tap" if len(words) > 1 else "sender")
    first, *others = words
    numbers = [match for each in others if (match := _NUMBER.fullmatch(each))]
    rest = [each for each in others if not _NUMBER.fullmatch(each)]
    name = _command(first)
    if len(numbers) > 1:
        raise MisunderstoodError("One mail at a time, please.")
    if rest and name not in _WITH_WORDS:
        raise MisunderstoodError(f"It goes like this: {COMMANDS[name][0]}")
    return Command(name, int(numbers[0][1]) if numbers else None, " ".join(rest))


def _command(word: str) -> str:
    other = _OTHER_WORDS.get(word.casefold())
    return other or choose(word, {name: name for name in COMMANDS}, "command")


def choose(word: str, choices: Mapping[str, T], what: str) -> T:
    """What is meant by a word, which may be the beginning of a name.

    Args:
        word: letter case, spaces and signs make no difference.
        choices: by name; several names may stand for the same.
        what: what they are, for a person.

    Raises:
        MisunderstoodError: nothing is meant, or several things are.
    """
    plain = {_plain(name): choice for name, choice in choices.items()}
    wanted = _plain(word)
    if wanted in plain:
        return plain[wanted]
    found = {choice for name, choice in plain.items() if wanted and name.startswith(wanted)}
    if len(found) == 1:
        return found.pop()
    said = f'"{word}"' if len(word) <= _LONGEST_SAID else "like that"
    if found:
        raise MisunderstoodError(f"{said} may be {_listed(found, ' or ')}.")
    raise MisunderstoodError(f"There is no {what} {said}, only {_listed(choices.values())}.")


def _plain(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())


def _listed(choices: Iterable[object], last: str = " and ") -> str:
    *names, end = sorted(set(map(str, choices)))
    return f"{', '.join(names)}{last}{end}" if names else end
