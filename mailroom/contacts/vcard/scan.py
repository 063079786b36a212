"""Reading a card while it comes in, without keeping the whole card in memory. Pure.

Photos make cards large, up to some hundred MB, and Mailroom needs nothing from a photo. A small
card is kept unchanged; of a larger one only some lines are kept.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailroom.contacts.mark import VCARD_PROPERTY

_NEXT_LINE: Final = re.compile(rb"\n(?=[^ \t])")
_HEAD: Final = re.compile(rb"(?:\xef\xbb\xbf)?(?:[A-Za-z0-9_-]+\.)?([A-Za-z0-9_-]+)[ \t]*[;:]")
_FOLD: Final = re.compile(rb"\n[ \t]")
_LONGEST_HEAD: Final = 512
"""Octets in which the name of a property has to end."""
_KEPT_AT_MOST: Final = 256 * 1024
"""Octets of lines that are kept of one card; enough for thousands of addresses."""

INDEX_PROPERTIES: Final = (
    "VERSION",
    "UID",
    "EMAIL",
    "KIND",
    "X-ADDRESSBOOKSERVER-KIND",
    "CATEGORIES",
    VCARD_PROPERTY,
)
"""The properties from which the entry of a card in the index is made."""
_KEPT: Final = frozenset(name.encode() for name in (*INDEX_PROPERTIES, "BEGIN", "END"))


@dataclass(frozen=True, slots=True)
class ScannedCard:
    """A card that was read to its end.

    Attributes:
        data: the unchanged card, or some of its lines.
        octets: the length of the card.
        is_as_sent: True if ``data`` is the unchanged card.
    """

    data: bytes
    octets: int
    is_as_sent: bool


class CardScanner:
    """Reads one card in pieces.

    Args:
        keep_up_to: octets up to which the card is kept unchanged. Of a longer card only the lines
            of :data:`INDEX_PROPERTIES` are kept.
    """

    def __init__(self, keep_up_to: int) -> None:
        self._keep_up_to = keep_up_to
        self._octets = 0
        self._pieces: list[bytes] = []
        self._lines: _LineFilter | None = None

    def feed(self, data: bytes) -> None:
        """Add the next octets."""
        self._octets += len(data)
        if self._lines is not None:
            self._lines.feed(data)
            return
        self._pieces.append(data)
        if self._octets > self._keep_up_to:
            self._lines = _LineFilter()
            for piece in self._pieces:
                self._lines.feed(piece)
            self._pieces.clear()

    def result(self) -> ScannedCard:
        """Return the card. Call no other method afterwards."""
        if self._lines is not None:
            return ScannedCard(self._lines.result(), self._octets, is_as_sent=False)
        return ScannedCard(b"".join(self._pieces), self._octets, is_as_sent=True)


class _LineFilter:
    """Keeps the content lines of some properties, with line ends of LF."""

    def __init__(self) -> None:
        self._rest = b"\n"  # so that the first line begins behind a line end, as all others do
        self._keeps_line = False
        self._kept: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        text = self._rest + data
        # If the data ends in CR, the next data may begin with the LF of the same line end.
        last_cr = b"\r" if text.endswith(b"\r") else b""
        text = text[: len(text) - len(last_cr)]
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # Old Macs wrote CR alone.
        self._rest = self._scan(text, is_last=False) + last_cr

    def result(self) -> bytes:
        self._scan(self._rest.replace(b"\r", b"\n"), is_last=True)
        return b"".join(self._kept)

    def _scan(self, text: bytes, *, is_last: bool) -> bytes:
        """Keep lines of the text; return the end of the text that cannot be judged yet.

        The next data decides about this end. ``EMA`` at the beginning of a line may be a part of
        ``EMAIL``, and a line end is a fold if white space follows.
        """
        start = 0
        for end in _NEXT_LINE.finditer(text):
            begin = end.start() + 1
            self._keep(text[start:begin])
            start = begin
            head = text[begin : begin + _LONGEST_HEAD]
            if len(head) < _LONGEST_HEAD and not is_last and not _NEXT_LINE.search(head):
                self._keeps_line = False
                return text[end.start() :]
            match = _HEAD.match(_FOLD.sub(b"", head))
            self._keeps_line = match is not None and match[1].upper() in _KEPT
        if not is_last and text.endswith(b"\n"):
            self._keep(text[start:-1])
            return b"\n"
        self._keep(text[start:])
        return b""

    def _keep(self, part: bytes) -> None:
        if self._keeps_line and self._size + len(part) <= _KEPT_AT_MOST:
            self._kept.append(part)
            self._size += len(part)
