"""The header fields in which people are looked for, and how a server is asked for them. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mailroom.contacts.address import key_of, spellings, whole_domain
from mailroom.jmap.habits import Habits
from mailroom.jmap.mail import RECIPIENTS, Email, EmailAddress, EmailPeople, Filter
from mailroom.screener.filters import Mailboxes, in_mailboxes_and_any


@dataclass(frozen=True, slots=True)
class Fields:
    """Header fields that name people.

    Attributes:
        names: the fields.
        also: the properties of a mail that hold them, beyond those that are always read.
        people: reads them.
    """

    names: tuple[str, ...]
    also: tuple[str, ...]
    people: Callable[[Email | EmailPeople], Iterable[EmailAddress]]

    def text(self, address: str) -> list[Filter]:
        """Conditions that ask the server's search index for an address; ``*@domain`` is allowed.

        The index sees through comments, quotes and folding in an address, but may lack mail.
        """
        return [
            {name.lower(): each.removeprefix("*@")}
            for name in self.names
            for each in spellings(address)
        ]

    def header(self, address: str) -> list[Filter]:
        """Conditions that have the server read the mail itself for an address, letter by letter.

        Both ends of a sender's address are asked for, as a comment may stand between them. The
        user's own mail is written by programs that put none there.
        """
        written = [(name, each) for name in self.names for each in spellings(address)]
        return [_written(name, each) for name, each in written]

    def keys(self, email: Email | EmailPeople) -> frozenset[str]:
        """The people that a mail names, as :func:`mailroom.contacts.address.key_of` has them."""
        return frozenset(key_of(each.email.strip()) for each in self.people(email))


def _written(name: str, address: str) -> Filter:
    local, _, domain = address.rpartition("@")
    if name != "From":
        return {"header": [name, address]}
    parts = (domain,) if local == "*" else (local.strip('"'), domain)
    return {"operator": "AND", "conditions": [{"header": [name, each]} for each in parts]}


def names_any(keys: Iterable[str], addresses: frozenset[str]) -> bool:
    """Return True if one of the keys is among the addresses, or at a domain that is."""
    return any(key in addresses or whole_domain(key) in addresses for key in keys)


def searches(
    fields: Fields, addresses: Iterable[str], mailboxes: Mailboxes, habits: Habits
) -> Iterator[Filter]:
    """Filters that find at least all mail in some mailboxes that names any of the addresses.

    A text criterion and a header are never in one filter: a text criterion limits the whole answer
    to indexed mail on newer versions of Cyrus, whatever stands beside it.
    """
    ordered = sorted(addresses)
    for conditions in (fields.text, fields.header):
        yield from in_mailboxes_and_any(mailboxes, map(conditions, ordered), habits)


SENDERS: Final = Fields(("From",), (), lambda email: email.from_)
RECIPIENTS_OF_MAIL: Final = Fields(("To", "Cc", "Bcc"), RECIPIENTS, lambda email: email.recipients)
