"""The sender of a mail, by its From. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from mailroom.contacts.address import key_of, whole_domain
from mailroom.jmap.mail import Email

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""Control codes, and surrogates and non-characters, which no card can hold."""
_LONGEST_NAME: Final = 250
"""Characters. A display name is cut to this length, because it is written on the card."""
_LONGEST_ADDRESS: Final = 500
"""Characters. RFC 5321 section 4.5.3.1 allows fewer, but some servers allow more than the RFC."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A sender.

    Attributes:
        address: as written in the mail.
        name: the display name, white space folded; empty if there is none, or only the address.
    """

    address: str
    name: str = ""

    @property
    def key(self) -> str:
        """The key by which senders are compared: see :func:`mailroom.contacts.address.key_of`."""
        return key_of(self.address)


class UnusableFromError(Exception):
    """The From names no sender or several; the text says which."""


def sender_of(email: Email) -> Sender:
    """Return the sender of a mail.

    Several From fields count like several addresses in one field. An address that is repeated
    counts once.

    Raises:
        UnusableFromError: there is no address, a broken address, or more than one address.
    """
    senders: dict[str, Sender] = {}
    for author in email.from_:
        # The name is written on the card: one line, without control codes and quotes around it.
        name = CONTROL.sub(" ", unicodedata.normalize("NFC", author.name))
        name = " ".join(name.split())
        if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
            name = name[1:-1].strip()
        sender = Sender(author.email.strip(), name[:_LONGEST_NAME].strip())
        senders[sender.key] = sender
    if not senders:
        raise UnusableFromError("From is missing or empty")
    if len(senders) > 1:
        raise UnusableFromError(f"From has {len(senders)} addresses")
    (sender,) = senders.values()
    if not is_address(sender.address):
        raise UnusableFromError("From has no usable address")
    if key_of(sender.name) == sender.key:
        return Sender(sender.address)
    return sender


def sender_key(email: Email) -> str:
    """Return the key of the sender of a mail. Raises as :func:`sender_of`."""
    return sender_of(email).key


def is_address(text: str) -> bool:
    """Return True if a text can be an address: a local part, ``@``, a domain, no control codes.

    An address must not be too long, and must not have a ``*``, because ``*@domain`` on a card means
    every address of the domain.
    """
    local, at, domain = text.rpartition("@")
    return bool(
        at
        and local
        and domain
        and len(text) <= _LONGEST_ADDRESS
        and "*" not in text
        and not CONTROL.search(text)
        and not re.search(r"[\s<>,;]", domain)
    )


def is_own(address: str, own_addresses: Collection[str]) -> bool:
    """Return True if ``address`` is one of the user's own.

    An identity ``*@domain`` (RFC 8621 section 6) does not count: the user may send from every
    address at the domain, but other people and machines may have addresses there, too.
    """
    return key_of(address) in own_keys(own_addresses)


def own_keys(own_addresses: Iterable[str]) -> frozenset[str]:
    """Return the keys of the user's own addresses, for many comparisons; see :func:`is_own`."""
    return frozenset(key_of(own) for own in own_addresses if not own.startswith("*@"))


def may_be_own(address: str, own_addresses: Collection[str]) -> bool:
    """Return True if ``address`` is at a domain of which the user may use every address."""
    return whole_domain(key_of(address)) in set(map(key_of, own_addresses))
