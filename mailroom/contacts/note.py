"""The lines that Mailroom writes into the note of a contact. Pure.

The only place that knows their wording: whatever reads them back, to tell a first decision from a
later one or to take them out again, must use what stands here.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

_LINE: Final = re.compile(
    r"(?:Re-triaged|Triaged) to (?P<category>.+) on (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
)


@dataclass(frozen=True, slots=True)
class TriageLine:
    """A line of a note that records a decision.

    Attributes:
        category: the name of the category.
        date: the day of the decision.
        text: the whole line.
    """

    category: str
    date: date
    text: str


def triage_line(category: str, day: date, *, again: bool) -> str:
    """The line that records a decision; ``again`` if there is an earlier one."""
    verb = "Re-triaged" if again else "Triaged"
    return f"{verb} to {category} on {day.isoformat()}"


def triage_lines(note: str) -> tuple[TriageLine, ...]:
    """The lines of a note that Mailroom wrote, in order."""
    parsed = (_parse(line) for line in note.split("\n"))
    return tuple(line for line in parsed if line is not None)


def says_last(note: str, line: str) -> bool:
    """Whether this line records the last decision in a note.

    A decision that comes back after another one is told again; one that is only carried out again
    is not.
    """
    return line in [each.text for each in triage_lines(note)][-1:]


def is_only_triage(note: str) -> bool:
    """Whether nobody but Mailroom has written anything into a note. True of an empty one."""
    return all(not line.strip() or _parse(line) for line in note.split("\n"))


def _parse(line: str) -> TriageLine | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    try:
        day = date.fromisoformat(match["date"])
    except ValueError:
        return None  # "on 2026-13-45": somebody's own joke
    return TriageLine(match["category"], day, line)
