"""Reads the addresses in a header field (RFC 8621 section 4.1.2.3), as leniently as servers do.

The standard library's parsers drop or change addresses of real mail.
"""

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Final

_FOLD: Final = re.compile(r"\r\n(?=[ \t])")
_TOKEN: Final = re.compile(
    r"""
    (?P<quoted>"(?:\\.|[^"\\])*"?)
    | (?P<comment>\((?:\\.|[^()\\]|\((?:\\.|[^()\\])*\))*\)?)
    | (?P<angle><(?:"(?:\\.|[^"\\])*"|[^">])*>?)
    | (?P<separator>[,:;])
    | (?P<text>[^"(<,:;]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED: Final = re.compile(r'"((?:\\.|[^"\\])*)"?')


@dataclass(frozen=True, slots=True)
class Address:
    """An EmailAddress; ``email`` may be empty."""

    name: str | None
    email: str

    def to_json(self) -> dict[str, str | None]:
        """Return the EmailAddress object of JMAP."""
        return {"name": self.name, "email": self.email}


def unfolded(value: str) -> str:
    """Return the value of a header field on one line, without the white space around it."""
    return _FOLD.sub("", value).strip()


def decoded(text: str) -> str:
    """Decode the encoded words (RFC 2047) of a text; return an empty text if that fails."""
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return ""


class _Reader:
    """Collects addresses, token by token."""

    def __init__(self) -> None:
        self.addresses: list[Address] = []
        self._words: list[str] = []
        self._comment = ""
        self._in_group = False

    def read(self, kind: str, text: str) -> None:
        """Read the next token."""
        if kind == "angle":
            name = decoded(" ".join("".join(self._words).split()))
            has_name = any(word.strip() for word in self._words)
            inside = re.sub(r"^\s*@[^:]*:", "", text.strip("<>"))  # a route (RFC 5322 section 4.4)
            self.addresses.append(Address(name if has_name else None, _address(inside)))
            self._clear()
        elif kind == "comment":
            self._comment = text.strip("()")
        elif kind == "quoted":
            self._words.append(_unquoted(text))
        elif kind == "text" or (text == ";" and not self._in_group):
            self._words.append(text)
        elif text == ":":
            self._in_group = True
            self._clear()
        else:
            self._in_group = self._in_group and text != ";"
            self.end()

    def end(self) -> None:
        """Add an address without angle brackets, if one was read."""
        bare = "".join("".join(self._words).split()).rstrip(">")
        if "@" in bare:
            self.addresses.append(Address(decoded(self._comment) or None, _address(bare)))
        self._clear()

    def _clear(self) -> None:
        self._words, self._comment = [], ""


def read_addresses(value: str) -> list[Address] | None:
    """Return the addresses in a field's value, also those in groups; None if it is blank."""
    text = unfolded(value)
    if not text:
        return None
    reader = _Reader()
    for token in _TOKEN.finditer(text):
        reader.read(str(token.lastgroup), token[0])
    reader.end()
    return reader.addresses


def _unquoted(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted.removeprefix('"').removesuffix('"'))


def _address(text: str) -> str:
    """Return an address with an unquoted local part, and the domain in lower case and ASCII."""
    local, at, domain = _QUOTED.sub(lambda quoted: _unquoted(quoted[0]), text).rpartition("@")
    if not at:
        return domain.strip()
    try:
        ascii_domain = domain.strip().encode("idna").decode()
    except UnicodeError:
        ascii_domain = domain.strip()
    return f"{local.strip()}@{ascii_domain.lower()}"
