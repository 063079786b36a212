"""The comparison of e-mail addresses in different spellings. Pure.

Apps show an international domain in Unicode (``bücher.example``). Mail carries it in ASCII
(``xn--bcher-kva.example``, RFC 5890 section 2.3.2.1). A card holds the spelling that a person
typed.
"""

import re
import unicodedata
import uuid
from typing import Final
from urllib.parse import unquote

import idna

_UIDS: Final = uuid.UUID("6f1c9f8e-3a54-4a6b-9d0e-52d6c6a1f0b7")
"""The name space of the uids of cards that Mailroom makes."""
_OTHER_UIDS: Final = uuid.UUID("b0a4c7de-6a0f-4d34-9f0b-3a2f4c1d5e86")
"""The name space of uids for cards whose own uid is taken by another contact."""

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
"""A quoted local part without an asterisk: an unquoted ``*`` would stand for the whole domain."""
_ESCAPED: Final = re.compile(r"\\(.)")
_DOT_ATOM: Final = re.compile(r'[^\s"(),:;<>@\[\\\]]+')


def key_of(address: str) -> str:
    """Return the form in which addresses are compared: lower case, unquoted, the domain in ASCII.

    Unicode is composed (NFC), and the dot at the end of a domain is removed. An invalid domain is
    not converted to ASCII. In a text without ``@`` only case and composition are changed.
    """
    text = _without_wrapping(address).lower()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    local, at, domain = text.rpartition("@")
    return _unquoted(local) + at + _as_sent(domain.rstrip(".")) if at else domain


def bare_address(text: str) -> str:
    """Return the address that somebody typed, without the characters around it.

    Removes a name, angle brackets and ``mailto:``, as :func:`key_of` does; also comments, quotes, a
    comma or semicolon at the end, and invisible characters that were copied from web pages.
    """
    address = _without_wrapping(_trimmed(text))
    if "(" in address:
        address = _without_comments(address)
    address = _trimmed(address)
    return address if '"' in address else _AT.sub("@", address)


def _several(text: str) -> list[str]:
    """Return the parts of a text between commas or semicolons, if each of them is an address.

    Otherwise return the whole text, because a name or a quoted local part may hold a comma.
    """
    parts = [part for part in re.split("[,;]", text) if part.strip()]
    return parts if all(_ONE_ADDRESS.fullmatch(part) for part in parts) else [text]


def addresses_in(typed: str, *, by_mailroom: bool) -> list[str]:
    """Return the addresses in a field of a card.

    Args:
        typed: the value of the field.
        by_mailroom: True if Mailroom wrote the field. The field is then one address, whatever its
            characters: a stranger chose them, and no part may pass for another person's address.
    """
    if by_mailroom:
        found = [_without_wrapping(typed)]
    else:
        found = [bare_address(part) for part in _several(typed)]
    return [address for address in found if address]


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
    while start < end and _is_around(text[start]):
        start += 1
    while start < end and (_is_around(text[end - 1]) or text[end - 1] in ",;"):
        end -= 1
    text = text[start:end]
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return _trimmed(text[1:-1]) if is_quoted else text


def _is_around(character: str) -> bool:
    """Return True for white space and format characters, such as a zero-width space."""
    return character.isspace() or unicodedata.category(character) == "Cf"


def _without_comments(address: str) -> str:
    """Return an address without its comments, which may be nested."""
    while (shorter := _COMMENT.sub(lambda match: match[1] or "", address)) != address:
        address = shorter
    return address


def whole_domain(key: str) -> str:
    """Return ``*@domain``, which stands for everybody at the domain of a :func:`key_of`."""
    return "*@" + key.rpartition("@")[2]


def uid_for(key: str) -> str:
    """Return the uid of the card that Mailroom makes for the address of a :func:`key_of`.

    The uid depends on the address alone. So two instances, or one instance that was killed after
    making the card, do not make a second card.
    """
    return str(uuid.uuid5(_UIDS, key))


def other_uid(uid: str, address: str) -> str:
    """Return the uid of a contact's card if ``uid`` is taken by somebody else's card.

    The uid is not random, so that a retry does not make the card twice.
    """
    return str(uuid.uuid5(_OTHER_UIDS, f"{uid} {key_of(address)}"))


def spellings(key: str) -> tuple[str, ...]:
    """Return the spellings of an address, its :func:`key_of` first.

    The domain may be in Unicode. A local part that is not a dot-atom is quoted (RFC 5322 section
    3.4.1), but not every server shows the quotes.
    """
    local, at, domain = key.rpartition("@")
    locals_ = [local] if not at or _DOT_ATOM.fullmatch(local) else [local, _quoted(local)]
    domains = dict.fromkeys([domain, _as_read(domain)])
    return tuple(each + at + name for each in locals_ for name in domains)


def _quoted(local: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'


def _unquoted(local: str) -> str:
    """Return the local part that a quoted string (RFC 5322 section 3.2.4) stands for."""
    quoted = _QUOTED.fullmatch(local)
    return _ESCAPED.sub(r"\1", quoted[1]) if quoted else local


def _as_sent(domain: str) -> str:
    if domain.isascii() or len(domain) > _LONGEST_DOMAIN:
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:
        return domain


def _as_read(domain: str) -> str:
    if _ENCODED not in domain or len(domain) > _LONGEST_DOMAIN:
        return domain
    try:
        return idna.decode(domain)
    except UnicodeError:
        return domain
