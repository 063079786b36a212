"""Formats text in lines of a given width, without colours. Pure."""

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final

INDENT: Final = "    "
_FACTS: Final = 10
"""Columns for the name of a fact."""
_GAP: Final = "  "


def visible(text: str) -> str:
    """Return text without characters that a terminal takes for a command."""
    return "".join(character if character.isprintable() else "?" for character in text)


def paragraph(text: str, width: int, *, indent: str = "") -> list[str]:
    """Return wrapped text."""
    return textwrap.wrap(visible(text), width, initial_indent=indent, subsequent_indent=indent)


def fact(name: str, value: str, width: int) -> list[str]:
    """Return a name and a value; the lines of a wrapped value are aligned."""
    first = f"{INDENT}{name:<{_FACTS}}"
    return textwrap.wrap(
        visible(value), width, initial_indent=first, subsequent_indent=" " * len(first)
    )


def columns(rows: Iterable[Sequence[str]], width: int) -> list[str]:
    """Return a line for each row, in aligned columns; long lines are cut."""
    cells = [list(map(visible, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip_longest(*cells, fillvalue="")]
    lines = [INDENT + _GAP.join(map(str.ljust, row, widths)).rstrip() for row in cells]
    return [line if len(line) <= width else line[: width - 3] + "..." for line in lines]


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 mail``, ``2 mails``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def milliseconds(seconds: float) -> str:
    """Return a duration for people."""
    return f"{seconds * 1000:.0f} ms"
