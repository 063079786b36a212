"""Reading a card while it comes in, without having it in memory as a whole. Pure.

Photos make cards large, up to some hundred MB, and nothing that Mailroom must know of every contact
stands in a photo. A small card is kept as it is; of a larger one only certain lines are kept.
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
"""Octets of lines that are kept of one card: thousands of addresses."""

IN_BRIEF: Final = (
    "VERSION",
    "UID",
    "EMAIL",
    "KIND",
    "X-ADDRESSBOOKSERVER-KIND",
    "CATEGORIES",
    VCARD_PROPERTY,
)
"""The properties that tell whose a card is, which addresses it has, whether it is a group, and
whether Mailroom made it."""
_KEPT: Final = frozenset(name.encode() for name in (*IN_BRIEF, "BEGIN", "END"))


@dataclass(frozen=True, slots=True)
class ScannedCard:
    """A card that has come in.

    Attributes:
        data: the card as it came, or some of its lines.
        octets: the length of all that came.
        is_whole: True if ``data`` is the card as it came.
    """

    data: bytes
    octets: int
    is_whole: bool


class CardScanner:
    """Takes one card in pieces.

    Args:
        keep: up to this number of octets the card is kept as it is. Of a longer one only the lines
            of :data:`IN_BRIEF` are kept.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._octets = 0
        self._pieces: list[bytes] = []
        self._lines: _LineFilter | None = None

    def feed(self, data: bytes) -> None:
        """Take the next octets."""
        self._octets += len(data)
        if self._lines is not None:
            self._lines.feed(data)
            return
        self._pieces.append(data)
        if self._octets > self._keep:
            self._lines = _LineFilter()
            for piece in self._pieces:
                self._lines.feed(piece)
            self._pieces.clear()

    def result(self) -> ScannedCard:
        """Return what was kept. Nothing may be fed afterwards."""
        if self._lines is not None:
            return ScannedCard(self._lines.result(), self._octets, is_whole=False)
        return ScannedCard(b"".join(self._pieces), self._octets, is_whole=True)


class _LineFilter:
    """Keeps the content lines of some properties, with line ends of LF."""

    def __init__(self) -> None:
        self._rest = b"\n"  # so that the first line begins behind a line end, as all others do
        self._keeps = False
        self._kept: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        text = self._rest + data
        held = b"\r" if text.endswith(b"\r") else b""  # the next octet tells what it means
        text = text[: len(text) - len(held)]
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # CR alone: the old Mac's
        self._rest = self._scan(text, is_last=False) + held

    def result(self) -> bytes:
        self._scan(self._rest.replace(b"\r", b"\n"), is_last=True)
        return b"".join(self._kept)

    def _scan(self, text: bytes, *, is_last: bool) -> bytes:
        """Go through the text line by line, and return its end that cannot be judged yet."""
        start = 0
        for end in _NEXT_LINE.finditer(text):
            begin = end.start() + 1
            self._keep(text[start:begin])
            start = begin
            head = text[begin : begin + _LONGEST_HEAD]
            if len(head) < _LONGEST_HEAD and not is_last and not _NEXT_LINE.search(head):
                self._keeps = False
                return text[end.start() :]
            self._keeps = _is_kept(head)
        if not is_last and text.endswith(b"\n"):
            self._keep(text[start:-1])
            return b"\n"
        self._keep(text[start:])
        return b""

    def _keep(self, part: bytes) -> None:
        if self._keeps and self._size + len(part) <= _KEPT_AT_MOST:
            self._kept.append(part)
            self._size += len(part)


def _is_kept(head: bytes) -> bool:
    match = _HEAD.match(_FOLD.sub(b"", head))
    return match is not None and match[1].upper() in _KEPT
