"""Parses the lines that a visitor types. Pure.

Prefixes of words, other letter case and labels without ``@To`` are understood.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "list": ("list [MAILBOX]", "the mails in the Screener, or in another mailbox"),
    "tap": ("tap N LABEL", "a label on mail N: tap 11 imbox, tap 17 feed wholedomain"),
    "mail": ("mail [N]", "a stranger writes; or the sender of mail N, once more"),
    "sender": ("sender N", "what is known of the sender of mail N"),
    "contacts": ("contacts", "your address book"),
    "help": ("help", "this list"),
    "quit": ("quit", "end (or Ctrl-C, Ctrl-D)"),
}
"""Name -> usage, description."""
_SYNONYMS: Final = {"?": "help", "ls": "list", "exit": "quit", "bye": "quit", "show": "list"}
_TAKE_WORDS: Final = {"list", "tap"}
"""Commands that take words, such as the name of a mailbox, besides a number."""
_LONGEST_QUOTED: Final = 30
"""The longest word that an error text repeats, in characters."""
_NUMBER: Final = re.compile(r"#?(\d{1,9})[.,:]?", re.ASCII)

T = TypeVar("T")


class MisunderstoodError(Exception):
    """A line is not understood; the text says which lines are."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its full name, the number in it, and the other words."""

    name: str
    number: int | None = None
    words: str = ""


def parse(line: str) -> Command | None:
    """Return the command in a line; None if the line is blank.

    Raises:
        MisunderstoodError: there is no command in it.
    """
    words = line.split()
    if not words:
        return None
    if _NUMBER.fullmatch(words[0]):
        words.insert(0, "tap" if len(words) > 1 else "sender")
    first, *others = words
    numbers = [match for word in others if (match := _NUMBER.fullmatch(word))]
    rest = [word for word in others if not _NUMBER.fullmatch(word)]
    name = _SYNONYMS.get(first.casefold())
    name = name or choose(first, {known: known for known in COMMANDS}, "command")
    if len(numbers) > 1:
        raise MisunderstoodError("One mail at a time, please.")
    if rest and name not in _TAKE_WORDS:
        raise MisunderstoodError(f"It goes like this: {COMMANDS[name][0]}")
    return Command(name, int(numbers[0][1]) if numbers else None, " ".join(rest))


def choose(word: str, choices: Mapping[str, T], kind: str) -> T:
    """Return the choice whose name is a word, or begins with the word.

    Args:
        word: letter case, spaces and signs make no difference.
        choices: by name; a choice may have several names.
        kind: the noun for a choice.

    Raises:
        MisunderstoodError: the word fits no choice, or several.
    """
    plain = {_plain(name): choice for name, choice in choices.items()}
    wanted = _plain(word)
    if wanted in plain:
        return plain[wanted]
    fitting = {choice for name, choice in plain.items() if wanted and name.startswith(wanted)}
    if len(fitting) == 1:
        return fitting.pop()
    quoted = f'"{word}"' if len(word) <= _LONGEST_QUOTED else "like that"
    if fitting:
        raise MisunderstoodError(f"{quoted} may be {_listed(fitting, ' or ')}.")
    raise MisunderstoodError(f"There is no {kind} {quoted}, only {_listed(choices.values())}.")


def split_off(words: str, choices: Mapping[str, T]) -> tuple[str, list[T]]:
    """Split the choices off that are named in full; return the other words, and these choices.

    ``feed wholedomain`` with the choice ``@WholeDomain`` becomes ``feed`` and ``["@WholeDomain"]``.
    """
    plain = {_plain(name): choice for name, choice in choices.items()}
    others = [word for word in words.split() if _plain(word) not in plain]
    return " ".join(others), [plain[_plain(word)] for word in words.split() if word not in others]


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _listed(choices: Iterable[object], last: str = " and ") -> str:
    *names, end = sorted(set(map(str, choices)))
    return f"{', '.join(names)}{last}{end}" if names else end
