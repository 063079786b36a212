"""The proposals that the user ticks: by number, by range, by the sender, or all."""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from mailroom.terminal.input import Lines

T = TypeVar("T")

_QUESTION: Final = (
    "Decide as proposed? Type numbers, ranges such as 7-9, senders, or all; Enter alone ends."
)

_ALL: Final = "all"
_RANGE: Final = re.compile(r"(\d{1,9})-(\d{1,9})")


class TickError(Exception):
    """A text ticks something that is not in the list; the text of the error says so to a person."""


async def ask(lines: Lines, tick: Callable[[str], T], say: Callable[[str], None]) -> T:
    """Ask the user for ticks, again after each mistake, and return the result of the valid line.

    Args:
        lines: the lines that the user types.
        tick: returns the result for a line, or raises TickError.
        say: shows a line to the user.
    """
    while True:
        say(_QUESTION)
        try:
            return tick(await lines.next() or "")
        except TickError as error:
            say(f"{error}.")


def ticked(text: str, senders: Sequence[str]) -> list[int]:
    """Return the positions of the ticked senders in a list, in order; the first position is 0.

    Args:
        text: ``all``, or numbers (the first is 1), ranges such as ``7-9``, and senders, separated
            by commas or blanks. An empty text ticks nothing.
        senders: the senders of the list.

    Raises:
        TickError: the text names a number or sender that is not in the list.
    """
    positions, count = set[int](), len(senders)
    by_sender = {sender.lower(): position for position, sender in enumerate(senders)}
    for sender, position in [*by_sender.items()]:
        by_sender.setdefault(sender.strip("<>"), position)  # a List-Id with an @ has brackets
    for word in re.split(r"[\s,]+", text.strip().lower()):
        if not word:
            continue
        if word == _ALL:
            positions |= set(range(count))
            continue
        if word in by_sender:
            positions.add(by_sender[word])
            continue
        match = _RANGE.fullmatch(f"{word}-{word}" if word.isdecimal() else word)
        if match is None:
            raise TickError(
                f"{word!r} is neither a number, nor a range such as 7-9, nor a sender in the list"
            )
        first, last = int(match[1]), int(match[2])
        if not 1 <= first <= last <= count:
            raise TickError(f"{word!r} is not in the list, which has the numbers 1 to {count}")
        positions |= set(range(first - 1, last))
    return sorted(positions)
