"""The lines that Mailroom writes into the note of a contact. Pure.

No other module knows the wording of these lines. Code that reads the lines back, to recognise a
first decision or to remove the lines, uses this module.

    Triaged to Feed on 2026-02-25 at 14:03
    Re-triaged to Paper Trail on 2026-02-25     (written by older versions, without the time)
    Mailing list: dev.lists.example             (what the card stands for, if it is no address)
    Whole domain: corp.example
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

_LINE: Final = re.compile(
    r"(?:Re-triaged|Triaged) to (?P<category>.+) on (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?: at (?P<time>[0-9]{2}:[0-9]{2}))?"
)
_LIST: Final = "Mailing list: "
_DOMAIN: Final = "Whole domain: "


@dataclass(frozen=True, slots=True)
class TriageLine:
    """A line of a note that records a decision.

    Attributes:
        category: the name of the category.
        date: the day of the decision, in Mailroom's time zone.
        time: the time of the decision, in Mailroom's time zone; None in a line of an older version.
        text: the whole line.
    """

    category: str
    date: date
    time: time | None
    text: str


def triage_line(category: str, now: datetime, *, again: bool) -> str:
    """Return the line that records a decision; ``again`` if the note holds an earlier one."""
    verb = "Re-triaged" if again else "Triaged"
    return f"{verb} to {category} on {now:%Y-%m-%d} at {now:%H:%M}"


def list_line(list_id: str) -> str:
    """Return the line that says that a card stands for a mailing list."""
    return _LIST + list_id


def domain_line(domain: str) -> str:
    """Return the line that says that a card stands for everybody at a domain."""
    return _DOMAIN + domain


def list_in(note: str) -> str:
    """Return the identifier in the line of a mailing list; "" if the note has no such line."""
    named = (line.removeprefix(_LIST) for line in note.split("\n") if line.startswith(_LIST))
    return next(named, "")


def lines_of_mailroom(note: str, *, made: bool) -> tuple[str, ...]:
    """Return the lines of a note that Mailroom wrote.

    Only cards that Mailroom ``made`` get a line that says what they stand for. On another card, its
    owner wrote such a line.
    """
    return tuple(line for line in note.split("\n") if (_is_ours(line) if made else _parse(line)))


def triage_lines(note: str) -> tuple[TriageLine, ...]:
    """Return the decisions that Mailroom wrote into a note, in order."""
    parsed = (_parse(line) for line in note.split("\n"))
    return tuple(line for line in parsed if line is not None)


def repeats_last_decision(note: str, line: str) -> bool:
    """Return True if the last decision in a note is the decision that a line records.

    Decisions are compared by their category, not by their time: a decision that is carried out
    again a minute later, by a retry or by another instance, adds no second line. A decision that
    returns to an earlier category adds a line.
    """
    ours, last = triage_lines(line)[-1:], triage_lines(note)[-1:]
    return bool(ours and last) and ours[0].category == last[0].category


def is_only_by_mailroom(note: str) -> bool:
    """Return True if a note is empty, or holds nothing but lines that Mailroom wrote."""
    return all(not line.strip() or _is_ours(line) for line in note.split("\n"))


def _is_ours(line: str) -> bool:
    return line.startswith((_LIST, _DOMAIN)) or _parse(line) is not None


def _parse(line: str) -> TriageLine | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    try:
        day = date.fromisoformat(match["date"])
        at = None if match["time"] is None else time.fromisoformat(match["time"])
    except ValueError:
        return None  # "on 2026-13-45" is not a date, so Mailroom did not write the line.
    return TriageLine(match["category"], day, at, line)
