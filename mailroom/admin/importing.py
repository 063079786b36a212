"""Files of subjects for ``mailroom import``. Pure.

A file is a text with one subject on each line, or the JSON that ``hey screener history --json``
prints.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from mailroom.screener.model.subject import Subject

_COMMENT: Final = "#"
_UNREADABLE: Final = "\N{REPLACEMENT CHARACTER}"
"""Python reads bytes that are not UTF-8 as this. It may be in a name, but not in an address."""
_APPROVED: Final = "approved"
_DENIED: Final = "denied"


class FileMistakesError(Exception):
    """The file, or some of its entries, cannot be used; the text has a line for each mistake."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The subjects of a file, each once, in the order of the file.

    Attributes:
        accepted: the subjects that get the chosen category.
        denied: the senders that the user denied in HEY's Screener; only in a file from HEY.
    """

    accepted: tuple[Subject, ...]
    denied: tuple[Subject, ...] = ()


def read_subjects(text: str) -> Imported:
    """Read the text of a file.

    Unless the file is JSON, each line is an address, ``*@domain`` or a List-Id. Empty lines and
    comments after ``#`` are ignored.

    Raises:
        FileMistakesError: some entries cannot be used; nothing is imported.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] in {"{", "["}:
        return _read_history(text)
    subjects, mistakes = dict[Subject, None](), list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.partition(_COMMENT)[0].strip().rstrip(",;")
        if not entry:
            continue
        try:
            subject = Subject.parse(entry)
        except ValueError as error:
            mistakes.append(f"line {number}: {error}")
            continue
        if _UNREADABLE in subject.key:
            mistakes.append(f"line {number}: {entry!r} is not in UTF-8")
        subjects[subject] = None
    if mistakes:
        raise FileMistakesError("\n".join(mistakes))
    return Imported(tuple(subjects))


def _read_history(text: str) -> Imported:
    """Read a history of decisions: a list of objects, or an object that holds one as ``data``."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise FileMistakesError("the file begins like JSON, but is not valid JSON") from None
    entries = document.get("data") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise FileMistakesError("the JSON has no list of decisions")
    by_status: dict[str, dict[Subject, None]] = {_APPROVED: {}, _DENIED: {}}
    mistakes = []
    for number, entry in enumerate(entries, 1):
        fields = entry if isinstance(entry, dict) else {}
        status = str(fields.get("status") or "")
        address = str(fields.get("email_address") or "")
        if not address:
            mistakes.append(f"entry {number}: there is no email_address")
            continue
        try:
            subject = Subject.parse(address)
        except ValueError as error:
            mistakes.append(f"entry {number}: {error}")
            continue
        if status in by_status:
            by_status[status][subject] = None
        else:
            mistakes.append(f"entry {number}: the status {status!r} is not known")
    if mistakes:
        raise FileMistakesError("\n".join(mistakes))
    return Imported(tuple(by_status[_APPROVED]), tuple(by_status[_DENIED]))
