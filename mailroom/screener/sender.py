"""Who sent a mail, as far as its From can tell. Pure."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from mailroom.contacts.address import key_of, whole_domain
from mailroom.jmap.mail import Email

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""Besides controls: halves of characters and non-characters, which no card can hold."""
_LONGEST_NAME: Final = 250
"""Characters; more of a display name nobody reads, and all of it would be written on the card."""
_LONGEST_ADDRESS: Final = 500
"""Characters: more than RFC 5321 section 4.5.3.1 allows, for some servers do, too."""


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
        """What senders are compared by: see :func:`mailroom.contacts.address.key_of`."""
        return key_of(self.address)


class UnusableFromError(Exception):
    """A From that names nobody, or more than one; the text says which."""


def sender_of(email: Email) -> Sender:
    """The one sender of a mail.

    Several From fields count like several addresses in one; an address that is repeated counts
    once.

    Raises:
        UnusableFromError: there is no address, a broken one, or more than one.
    """
    senders = {
        sender.key: sender
        for sender in (Sender(each.email.strip(), _tidy(each.name)) for each in email.from_)
    }
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


def is_address(text: str) -> bool:
    """Whether this can be somebody's address: something, an ``@``, a domain, no control codes.

    And not beyond all length; and no ``*``, for on a card ``*@domain`` stands for everybody there.
    """
    local, at, domain = text.rpartition("@")
    return bool(
        at
        and local
        and domain
        and len(text) <= _LONGEST_ADDRESS
        and "*" not in text
        and not _CONTROL.search(text)
        and not re.search(r"[\s<>,;]", domain)
    )


def is_own(address: str, identities: Collection[str]) -> bool:
    """Return True if ``address`` is one of the user's.

    An identity ``*@domain`` (RFC 8621 section 6) says which addresses the user may send as. Others
    have addresses there, too: the family, a printer.
    """
    return key_of(address) in {key_of(each) for each in identities if not each.startswith("*@")}


def may_be_own(address: str, identities: Collection[str]) -> bool:
    """Return True if ``address`` is at a domain of which the user may use every address."""
    return whole_domain(key_of(address)) in set(map(key_of, identities))


def _tidy(name: str) -> str:
    """A display name as one line, without what cannot be seen and without quotes around it."""
    text = _CONTROL.sub(" ", unicodedata.normalize("NFC", name))
    text = " ".join(text.split())
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text[:_LONGEST_NAME].strip()
