"""Text inside the values of a vCard: escaping (RFC 6350 section 3.4) and structure."""

import re
from typing import Final

from mailroom.contacts.text import clean
from mailroom.contacts.vcard.lines import encode

_TOKEN: Final = re.compile(r"(?s)\\.|.")
_ESCAPE: Final = re.compile(r"(?s)\\.")
_MEANINGS: Final = {r"\n": "\n", r"\N": "\n", r"\,": ",", r"\;": ";", r"\:": ":", r"\\": "\\"}


def unescape(value: str) -> str:
    """Return a value as a person reads it. An unknown escape is left unchanged."""
    text = _ESCAPE.sub(lambda escaped: _MEANINGS.get(escaped[0], escaped[0]), value)
    return encode(text).decode("utf-8", "replace")


def escape(text: str) -> str:
    """Return a text as an escaped value."""
    return re.sub(r"([\\;,])", r"\\\1", clean(text)).replace("\n", r"\n")


def split(value: str, separator: str) -> list[str]:
    """Return the parts of a structured value, still escaped."""
    return [part for _, part in pieces(value, separator)]


def pieces(value: str, *separators: str) -> list[tuple[str, str]]:
    """Return the parts of a value, still escaped, each with the separator before it.

    Args:
        value: the value; all parts and separators together are the value again. The first
            separator is empty.
        separators: single tokens: ``;``, ``,``, or an escape sequence.
    """
    found, separator, start = [], "", 0
    for token in _TOKEN.finditer(value):
        if token[0] in separators:
            found.append((separator, value[start : token.start()]))
            separator, start = token[0], token.end()
    return [*found, (separator, value[start:])]


def ends_in_escape(value: str) -> bool:
    """Return True if the value ends in an unescaped backslash, so that nothing can be appended."""
    return len(value) - len(value.rstrip("\\")) & 1 == 1
