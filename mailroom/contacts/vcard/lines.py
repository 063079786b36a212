"""Content lines (RFC 6350 section 3.2 and 3.3): bytes in, the same bytes out.

The module works on bytes, because old software folds in the middle of a UTF-8 sequence. Values are
text with ``surrogateescape``, so that bytes which are not UTF-8 survive an edit.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Final, Self

_LONGEST: Final = 75
"""Octets in a physical line, its end not counted (RFC 6350 section 3.2)."""
_LINE_END: Final = re.compile(rb"\n(?![ \t])")
_FOLD: Final = re.compile(rb"\r?\n[ \t]")
_CHARACTER: Final = re.compile(rb"(?s).[\x80-\xbf]{0,3}")
_HEAD: Final = re.compile(
    rb"(?:(?P<group>[A-Za-z0-9-]+)\.)?(?P<name>[A-Za-z0-9-]+)"
    rb"(?P<params>(?:;(?:\"[^\"]*\"|[^\":;])*)*):"
)
_MEDIA: Final = re.compile(rb"(?i)(?:[A-Za-z0-9-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:]")
"""The beginning of a property whose value may be large, and is never read."""
_LONGEST_MEDIA_HEAD: Final = 4096
"""Octets of a picture, sound or key that are read: enough for its name and its parameters."""
_CONTINUED: Final = (b"=\r\n", b"=\n", b"=")
"""The end of a quoted-printable line that continues in the next one."""
_BOM: Final = b"\xef\xbb\xbf"
_PARAMETER: Final = re.compile(rb";((?:\"[^\"]*\"|[^\":;])*)")


def decode(data: bytes) -> str:
    """Return the bytes of a card as text; bytes that are not UTF-8 become lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Return the bytes of a text; the reverse of :func:`decode`."""
    return text.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class ContentLine:
    """One property, over as many physical lines as it takes.

    Attributes:
        raw: the bytes of the property, with folds and line end.
        name: the name in upper case; empty for an opaque line, which is not a readable property or
            belongs to a card within the card.
        params: the parameters as ``(NAME, value)``; the name is empty in the old short form.
        value: the value, unfolded and still escaped; empty for a picture, a sound or a key, which
            may be large and is never read.
    """

    raw: bytes
    name: str = ""
    params: tuple[tuple[str, str], ...] = ()
    value: str = ""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a line. An unreadable line becomes opaque; no error is raised."""
        media = _MEDIA.match(raw)
        content = _unfold(_body(raw[:_LONGEST_MEDIA_HEAD] if media else raw)).removeprefix(_BOM)
        head = _HEAD.match(content)
        if head is None:
            return cls(raw)
        value = "" if media else decode(content[head.end() :])
        params = []
        for parameter in _PARAMETER.findall(head["params"]) if head["params"] else ():
            name, equals, text = decode(parameter).partition("=")
            params.append((name.upper(), text.strip('"')) if equals else ("", name))
        return cls(raw, decode(head["name"]).upper(), tuple(params), value)

    @property
    def is_blank(self) -> bool:
        """True if the line is empty."""
        return not self.raw.strip()

    @property
    def encodings(self) -> frozenset[str]:
        """The encodings of the value in upper case, beside vCard's own escaping.

        A parameter without a name counts as an encoding, because in the old short form
        ``QUOTED-PRINTABLE`` has no name. So ``HOME`` in ``TEL;HOME:...`` is among them.
        """
        return frozenset(value.upper() for name, value in self.params if name in {"ENCODING", ""})

    @property
    def charset(self) -> str:
        """The value's own character set (vCard 2.1) in upper case; empty if there is none."""
        return next((value.upper() for name, value in self.params if name == "CHARSET"), "")

    def as_opaque(self) -> Self:
        """Return the same bytes as an opaque line."""
        return type(self)(self.raw)

    def with_value(self, value: str, *, eol: bytes) -> Self:
        """Return the same property with another value.

        The bytes up to the first difference stay unchanged, with their folds; the rest is folded
        anew. ``eol`` is used for a line without a line end.
        """
        body, end = _body(self.raw), _line_end(self.raw) or eol
        old = _unfold(body)
        new = old[: len(old) - len(encode(self.value))] + encode(value)
        characters = zip(_CHARACTER.findall(old), _CHARACTER.findall(new), strict=False)
        shared = takewhile(lambda pair: pair[0] == pair[1], characters)
        kept = sum(len(character) for character, _ in shared)
        # The beginning of ``body`` that holds the first ``kept`` octets is longer by its folds.
        length = kept
        for fold_match in _FOLD.finditer(body):
            if fold_match.start() >= length:
                break
            length += len(fold_match[0])
        start = body[:length]
        column = len(start) - (start.rfind(b"\n") + 1)
        return replace(self, raw=start + fold(new[kept:], end, column=column) + end, value=value)


@dataclass(frozen=True, slots=True)
class VCard:
    """A vCard as its content lines. ``bytes(card)`` are the bytes from which the card was read.

    Attributes:
        lines: every content line.
        end: the index of the END line; new lines are added before it.
        is_whole: True if the lines are a single card from BEGIN to END.
    """

    lines: tuple[ContentLine, ...]
    end: int = field(init=False, repr=False)
    is_whole: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ends = [index for index, line in enumerate(self.lines) if _is_delimiter(line, "END")]
        begins = [index for index, line in enumerate(self.lines) if _is_delimiter(line, "BEGIN")]
        whole = len(ends) == len(begins) == 1 and all(
            line.is_blank for line in (*self.lines[: begins[0]], *self.lines[ends[0] + 1 :])
        )
        object.__setattr__(self, "end", ends[0] if ends else len(self.lines))
        object.__setattr__(self, "is_whole", whole)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a card. No error is raised for a broken card; see ``is_whole``."""
        lines, depth = list[ContentLine](), 0
        for line in _logical_lines(data):
            if _is_delimiter(line, "BEGIN"):
                depth += 1
            # The lines of a card inside the card (AGENT in vCard 2.1) are opaque.
            lines.append(line if depth == 1 else line.as_opaque())
            if depth and _is_delimiter(line, "END"):
                depth -= 1
        return cls(tuple(lines))

    def __bytes__(self) -> bytes:
        return b"".join(line.raw for line in self.lines)

    @property
    def eol(self) -> bytes:
        """The line end of this card."""
        return _line_end(self.lines[0].raw) or b"\r\n" if self.lines else b"\r\n"

    def named(self, *names: str) -> tuple[ContentLine, ...]:
        """Return the lines of the properties with these names, in order."""
        return tuple([line for line in self.lines if line.name in names])

    def replaced(self, old: ContentLine, new: ContentLine) -> Self:
        """Return the card with one line instead of another."""
        return type(self)(tuple(new if line is old else line for line in self.lines))

    def with_value(self, line: ContentLine, value: str) -> Self:
        """Return the card with another value in one line."""
        return self.replaced(line, line.with_value(value, eol=self.eol))

    def without(self, *lines: ContentLine) -> Self:
        """Return the card without some of its lines."""
        gone = {id(line) for line in lines}
        return type(self)(tuple(line for line in self.lines if id(line) not in gone))

    def with_new(self, name: str, value: str) -> Self:
        """Return the card with one more property at its end."""
        raw = fold(encode(f"{name}:{value}"), self.eol) + self.eol
        line = ContentLine(raw, name, (), value)
        return type(self)((*self.lines[: self.end], line, *self.lines[self.end :]))


def fold(content: bytes, eol: bytes, *, column: int = 0) -> bytes:
    """Fold a line at 75 octets, never inside a UTF-8 sequence.

    Args:
        content: the line, or a text to append to a line.
        eol: the line end to fold with.
        column: the octets of the line before ``content``.
    """
    folded = bytearray()
    for character in _CHARACTER.findall(content):
        if column + len(character) > _LONGEST:
            folded += eol + b" "
            column = 1
        folded += character
        column += len(character)
    return bytes(folded)


def _logical_lines(data: bytes) -> Iterator[ContentLine]:
    """Yield the lines of a card, each with the physical lines that continue it."""
    parts: list[bytes] = []
    # The ends are found in linear time: a picture may have 100,000 folds.
    ends = [0, *(end.end() for end in _LINE_END.finditer(data)), len(data)]
    for line in (data[start:end] for start, end in pairwise(ends) if start < end):
        # A quoted-printable value (vCard 2.1) that ends in "=" continues in the next line.
        if parts and not (parts[-1].endswith(_CONTINUED) and _is_quoted_printable(parts[0])):
            yield ContentLine.parse(b"".join(parts))
            parts = []
        parts.append(line)
    if parts:
        yield ContentLine.parse(b"".join(parts))


@lru_cache(maxsize=1)
def _is_quoted_printable(line: bytes) -> bool:
    """Return True for a quoted-printable line.

    The result is cached, because all physical lines of one property need it.
    """
    return "QUOTED-PRINTABLE" in ContentLine.parse(line).encodings


def _is_delimiter(line: ContentLine, delimiter: str) -> bool:
    return line.name == delimiter and line.value.strip().upper() == "VCARD"


def _line_end(raw: bytes) -> bytes:
    """Return the line end; empty if there is none."""
    if raw.endswith(b"\r\n"):
        return b"\r\n"
    return b"\n" if raw.endswith(b"\n") else b""


def _body(raw: bytes) -> bytes:
    return raw[: len(raw) - len(_line_end(raw))]


def _unfold(body: bytes) -> bytes:
    return _FOLD.sub(b"", body) if b"\n" in body else body
