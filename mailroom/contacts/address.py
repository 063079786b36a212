"""When two spellings are one e-mail address. Pure.

Apps show an international domain as it is read (``bücher.example``), and mail carries it as it is
sent (``xn--bcher-kva.example``, RFC 5890 section 2.3.2.1); on a card stands what somebody typed.
"""

from typing import Final

import idna

_LONGEST_DOMAIN: Final = 255
"""Octets (RFC 5321 section 4.5.3.1.2): what is longer is no domain, and not worth the work."""
_ENCODED: Final = "xn--"


def key_of(address: str) -> str:
    """What addresses are compared by: lower case, and the domain as it is sent.

    A domain that is none stays as it is, but for case. A text without ``@`` has only that done.
    """
    local, at, domain = address.lower().rpartition("@")
    return local + at + _as_sent(domain) if at else domain


def whole_domain(key: str) -> str:
    """The address that stands for everybody at the domain of a :func:`key_of`: ``*@domain``."""
    return "*@" + key.rpartition("@")[2]


def spellings(key: str) -> tuple[str, ...]:
    """How an address may be written: as its :func:`key_of`, and with the domain as it is read."""
    local, at, domain = key.rpartition("@")
    read = local + at + _as_read(domain)
    return (key,) if read == key else (key, read)


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
