"""Text in lines of a given width. Pure; knows no terminal and no colour."""

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final

INDENT: Final = "    "
_FACTS: Final = 10
"""Columns for the name of a fact."""
_GAP: Final = "  "


def visible(text: str) -> str:
    """Text with nothing in it that a terminal takes for a command."""
    return "".join(each if each.isprintable() else "?" for each in text)


def paragraph(text: str, width: int, *, indent: str = "") -> list[str]:
    """Text, wrapped."""
    return textwrap.wrap(visible(text), width, initial_indent=indent, subsequent_indent=indent)


def fact(name: str, value: str, width: int) -> list[str]:
    """A name, and a value beside it, wrapped below itself."""
    first = f"{INDENT}{name:<{_FACTS}}"
    return textwrap.wrap(
        visible(value), width, initial_indent=first, subsequent_indent=" " * len(first)
    )


def columns(rows: Iterable[Sequence[str]], width: int) -> list[str]:
    """A line for each row, its cells below one another; what is too long is cut."""
    cells = [[visible(each) for each in row] for row in rows]
    widths = [max(map(len, column)) for column in zip_longest(*cells, fillvalue="")]
    lines = [_GAP.join(map(str.ljust, row, widths)).rstrip() for row in cells]
    return [_cut(INDENT + each, width) for each in lines]


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 3] + "..."


def counted(number: int, what: str, several: str = "") -> str:
    """``1 mail``, ``2 mails``."""
    return f"{number} {what if number == 1 else several or what + 's'}"


def milliseconds(seconds: float) -> str:
    """A duration for a person."""
    return f"{seconds * 1000:.0f} ms"
