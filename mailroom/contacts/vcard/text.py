"""Text inside the values of a vCard: escaping (RFC 6350 section 3.4) and structure."""

import re
from typing import Final

from mailroom.contacts.vcard.lines import encode

_TOKEN: Final = re.compile(r"(?s)\\.|.")
_ESCAPE: Final = re.compile(r"(?s)\\.")
_MEANINGS: Final = {r"\n": "\n", r"\N": "\n", r"\,": ",", r"\;": ";", r"\:": ":", r"\\": "\\"}
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def unescape(value: str) -> str:
    """A value as a person reads it. An escape that means nothing is left as it stands."""
    text = _ESCAPE.sub(lambda escaped: _MEANINGS.get(escaped[0], escaped[0]), value)
    return encode(text).decode("utf-8", "replace")


def escape(text: str) -> str:
    """A person's text as a value."""
    return re.sub(r"([\\;,])", r"\\\1", clean(text)).replace("\n", r"\n")


def clean(text: str) -> str:
    """Text without what a vCard, or the XML around it, cannot carry; line ends as line feeds."""
    return _CONTROL.sub("", re.sub("\r\n?", "\n", text))


def split(value: str, separator: str) -> list[str]:
    """The parts of a structured value, still escaped."""
    return [part for _, part in pieces(value, separator)]


def pieces(value: str, *separators: str) -> list[tuple[str, str]]:
    """The parts of a value, still escaped, each with the separator before it (at first none).

    Args:
        value: the value; all pieces together are the value again.
        separators: single tokens: ``;``, ``,``, or an escape sequence.
    """
    found, separator, start = [], "", 0
    for token in _TOKEN.finditer(value):
        if token[0] in separators:
            found.append((separator, value[start : token.start()]))
            separator, start = token[0], token.end()
    return [*found, (separator, value[start:])]


def ends_in_escape(value: str) -> bool:
    """Whether the value breaks off after a backslash, so that nothing can be put behind it."""
    return len(value) - len(value.rstrip("\\")) & 1 == 1
