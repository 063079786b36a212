"""The part of vCard (RFC 6350, RFC 2426) that searching needs. Cards stay bytes. Pure."""

import re
from collections.abc import Collection
from typing import Final

_FOLD: Final = re.compile(r"\r?\n[ \t]")
_LINE: Final = re.compile(r'(?:[\w-]+\.)?([\w-]+)((?:;(?:"[^"]*"|[^":])*)?):(.*)')
_RAW_LINE: Final = re.compile(rb"(?:[\w-]+\.)?([\w-]*)[^\n]*(?:\n[ \t][^\n]*)*\n?")
_FRAME: Final = frozenset({b"BEGIN", b"END"})
_ESCAPE: Final = re.compile(r"\\(.)")


def properties(card: bytes) -> list[tuple[str, str]]:
    """Return the name in upper case and the value of each property; other lines are left out."""
    text = _FOLD.sub("", card.decode("utf-8", "surrogateescape"))
    matches = (_LINE.fullmatch(line.strip("\r")) for line in text.split("\n"))
    return [(match[1].upper(), unescaped(match[3])) for match in matches if match]


def unescaped(value: str) -> str:
    """Return a value without its backslashes (RFC 6350 section 3.4)."""
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def uid_of(card: bytes) -> str:
    """Return the uid; empty if the bytes are not one card with one uid."""
    values: dict[str, list[str]] = {}
    for name, value in properties(card):
        values.setdefault(name, []).append(value)
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
