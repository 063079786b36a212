"""Reads the properties of vCards (RFC 6350, RFC 2426). Cards stay bytes. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_FOLD: Final = re.compile(r"\r?\n[ \t]")
_LINE: Final = re.compile(r'(?:[\w-]+\.)?([\w-]+)((?:;(?:"[^"]*"|[^":;])*)*):(.*)', re.DOTALL)
_RAW_LINE: Final = re.compile(rb"(?:[\w-]+\.)?([\w-]*)[^\n]*(?:\n[ \t][^\n]*)*\n?")
_FRAME: Final = frozenset({b"BEGIN", b"END"})
_ESCAPE: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a vCard: the name in capitals, parameters and value unchanged."""

    name: str
    params: str
    value: str

    @property
    def text(self) -> str:
        """The value without escapes."""
        return _unescaped(self.value)

    def parts(self, separator: str) -> list[str]:
        """Return the parts of a structured value, without escapes."""
        return list(map(_unescaped, re.split(rf"(?<!\\){separator}", self.value)))


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def properties(card: bytes) -> list[Property]:
    """Return the properties of a vCard; other lines are left out."""
    text = _FOLD.sub("", card.decode("utf-8", "surrogateescape"))
    matches = (_LINE.fullmatch(line.removesuffix("\r")) for line in text.split("\n"))
    return [Property(match[1].upper(), match[2], match[3]) for match in matches if match]


def uid_of(card: bytes) -> str:
    """Return the uid; empty if the bytes are not one card with one uid."""
    values: dict[str, list[str]] = {}
    for prop in properties(card):
        values.setdefault(prop.name, []).append(prop.text)
    is_one = values.get("BEGIN") == ["VCARD"] and values.get("END") == ["VCARD"]
    uids = values.get("UID", [])
    return uids[0].strip() if is_one and "VERSION" in values and len(uids) == 1 else ""


def only(card: bytes, names: Collection[str], *, grouped: bool = True) -> bytes:
    """Return a card with certain properties alone (RFC 6352 section 10.4), byte for byte.

    Without ``grouped``, properties with a group (``item1.EMAIL``) are left out.
    """
    wanted = _FRAME | {name.upper().encode() for name in names}
    return b"".join(
        match[0]
        for match in _RAW_LINE.finditer(card)
        if match[1].upper() in wanted and match[0] and (grouped or match.start(1) == match.start())
    )
