"""The comparison of e-mail addresses in different spellings. Pure.

Apps show an international domain in Unicode (``bücher.example``). Mail carries it in ASCII
(``xn--bcher-kva.example``, RFC 5890 section 2.3.2.1). A card holds the spelling that a person
typed.
"""

import re
import unicodedata
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

import idna

_LONGEST_DOMAIN: Final = 255
"""Octets (RFC 5321 section 4.5.3.1.2). A longer text is not a domain and is left as it is."""
_ENCODED: Final = "xn--"
_MAILTO: Final = "mailto:"
_ANGLES: Final = re.compile(r"<([^<>]*)>+$")
_COMMENT: Final = re.compile(r'("(?:\\.|[^"\\])*")|\((?:\\.|[^()\\])*\)')
"""A quoted string, which may hold brackets, or a comment (RFC 5322 section 3.2.2)."""
_ONE_ADDRESS: Final = re.compile(r"[^@\"]+@[^@\"]+")
_AT: Final = re.compile(r"\s*@\s*")
_QUOTED: Final = re.compile(r'"([^*]+)"')
"""A local part whose quotes may be removed. A local part with an asterisk keeps its quotes: without
them, ``"*"@x.example`` would be the key of a whole domain."""
_ESCAPED: Final = re.compile(r"\\(.)")
_DOT_ATOM: Final = re.compile(r'[^\s"(),:;<>@\[\\\]]+')
_LIST: Final = "list*"
"""The beginning of the key of a mailing list. No sender's key begins like this, because mail from
an address with an asterisk is unusable. The key of a whole domain begins with ``*@``."""


def key_of(address: str) -> str:
    """Return the form in which addresses are compared: lower case, unquoted, the domain in ASCII.

    A name, angle brackets, ``mailto:`` and the dot at the end of a domain are removed. Unicode is
    composed (NFC). An invalid domain is not converted to ASCII.
    """
    text = _without_wrapping(address).lower()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    local, at, domain = text.rpartition("@")
    if not at:
        return domain
    # A quoted string (RFC 5322 section 3.2.4) stands for the text between the quotes.
    if quoted := _QUOTED.fullmatch(local):
        local = _ESCAPED.sub(r"\1", quoted[1])
    domain = domain.rstrip(".")
    if not domain.isascii() and len(domain) <= _LONGEST_DOMAIN:
        with suppress(UnicodeError):
            domain = idna.encode(domain, uts46=True).decode("ascii")
    return local + at + domain


def typed_address(text: str) -> str:
    """Return the address that somebody typed, without the characters around it.

    Removes a name, angle brackets and ``mailto:``, as :func:`key_of` does; also comments, quotes
    around the whole text, a comma or semicolon at its end, and invisible characters that were
    copied from web pages.
    """
    address = _without_wrapping(_trimmed(text))
    if "(" in address:
        # Comments may be nested: each round removes the innermost ones, but no quoted string.
        while (shorter := _COMMENT.sub(lambda match: match[1] or "", address)) != address:
            address = shorter
    address = _trimmed(address)
    return address if '"' in address else _AT.sub("@", address)


def addresses_in(typed: str, *, by_mailroom: bool) -> list[str]:
    """Return the addresses in a field of a card.

    Args:
        typed: the value of the field.
        by_mailroom: True if Mailroom wrote the field. Such a field holds one address and is never
            split. A stranger chose the characters of this address, and no part of it may count as
            another person's address.
    """
    if by_mailroom:
        addresses = [_without_wrapping(typed)]
    else:
        parts = [part for part in re.split("[,;]", typed) if part.strip()]
        # A name or a quoted local part may hold a comma, which then separates no addresses.
        if not all(_ONE_ADDRESS.fullmatch(part) for part in parts):
            parts = [typed]
        addresses = [typed_address(part) for part in parts]
    return [address for address in addresses if address]


def _without_wrapping(text: str) -> str:
    """Return an address without ``mailto:`` (RFC 6068), angle brackets and a name."""
    address = text.strip()
    if address.endswith(">") and (match := _ANGLES.search(address)):
        address = match[1].strip()
    if address[: len(_MAILTO)].lower() == _MAILTO:
        address = unquote(address[len(_MAILTO) :].partition("?")[0]).strip()
        address = address.removeprefix("<").removesuffix(">")
    return address


def _trimmed(text: str) -> str:
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while start < end and (_is_invisible(text[end - 1]) or text[end - 1] in ",;"):
        end -= 1
    text = text[start:end]
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return _trimmed(text[1:-1]) if is_quoted else text


def _is_invisible(character: str) -> bool:
    """Return True for white space and format characters, such as a zero-width space."""
    return character.isspace() or unicodedata.category(character) == "Cf"


def whole_domain(key: str) -> str:
    """Return the key of a key's whole domain: ``*@x.example`` for ``ann@x.example``."""
    return "*@" + key.rpartition("@")[2]


def list_key(list_id: str) -> str:
    """Return the key of a mailing list, which no address has.

    Args:
        list_id: the identifier in a List-Id field (RFC 2919), in lower case.
    """
    return _LIST + list_id


def list_id_of(key: str) -> str:
    """Return the identifier of the mailing list that a key stands for; "" for another key."""
    return key.removeprefix(_LIST) if key.startswith(_LIST) else ""


def spellings(key: str) -> tuple[str, ...]:
    """Return the spellings under which a server may find the address of a key, the key first.

    The domain may be in Unicode. A local part that is not a dot-atom is quoted (RFC 5322 section
    3.4.1), but not every server shows the quotes.
    """
    local, at, domain = key.rpartition("@")
    locals_ = dict.fromkeys([local, _quoted(local) if at else local])
    domains = [domain]
    if _ENCODED in domain and len(domain) <= _LONGEST_DOMAIN:
        with suppress(UnicodeError):
            domains.append(idna.decode(domain))
    names = dict.fromkeys(domains)
    return tuple(spelled + at + name for spelled in locals_ for name in names)


def quoted_where_needed(key: str) -> str:
    """Return an address with its local part in quotes if needed (RFC 5322 section 3.4.1)."""
    local, at, domain = key.rpartition("@")
    return _quoted(local) + at + domain


def is_quoted_where_needed(address: str) -> bool:
    """Return True if the local part of an address needs no quotes, or has them."""
    local, _, _ = address.rpartition("@")
    return bool(_DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local))


def _quoted(local: str) -> str:
    """Return a local part in quotes if it needs them.

    A text that is not a dot-atom needs quotes. So does a text that begins with an invisible
    character, because :func:`typed_address` would remove this character.
    """
    if _DOT_ATOM.fullmatch(local) and not _is_invisible(local[0]):
        return local
    return '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
