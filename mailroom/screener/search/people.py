"""Header fields that name people and mailing lists, and the filters that search them. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mailroom.contacts.address import key_of, list_id_of, list_key, spellings, whole_domain
from mailroom.jmap.habits import Habits
from mailroom.jmap.mail import RECIPIENTS, Email, EmailAddress, EmailPeople, Filter
from mailroom.screener.model.lists import list_id
from mailroom.screener.search.filters import Mailboxes, in_mailboxes_and_any


@dataclass(frozen=True, slots=True)
class Fields:
    """Header fields that name people.

    Attributes:
        names: the fields.
        also: the properties of a mail that hold the fields, if they are not always read.
        people: returns the addresses in these fields of a mail.
        finds_lists: True to find mail of mailing lists as well, by their keys.
    """

    names: tuple[str, ...]
    also: tuple[str, ...]
    people: Callable[[Email | EmailPeople], Iterable[EmailAddress]]
    finds_lists: bool = False

    def text_conditions(self, address: str) -> list[Filter]:
        """Return conditions that search the server's index for an address or ``*@domain``.

        The index ignores comments, quotes and folding in an address, but may lack mail.
        """
        if list_id_of(address):
            return []  # no index has the List-Id
        return [
            {name.lower(): spelling.removeprefix("*@")}
            for name in self.names
            for spelling in spellings(address)
        ]

    def header_conditions(self, address: str) -> list[Filter]:
        """Return conditions that search the header fields themselves for an address, as text.

        For a sender, the local part and the domain are separate conditions, because a comment may
        be between them. Recipients are searched for in the user's own mail only, where programs
        write no comments.
        """
        if identifier := list_id_of(address):
            return [{"header": ["List-Id", identifier]}] if self.finds_lists else []
        conditions: list[Filter] = []
        for name in self.names:
            for spelling in spellings(address):
                if name != "From":
                    conditions.append({"header": [name, spelling]})
                    continue
                local, _, domain = spelling.rpartition("@")
                texts = (domain,) if local == "*" else (local.strip('"'), domain)
                both = [{"header": [name, text]} for text in texts]
                conditions.append({"operator": "AND", "conditions": both})
        return conditions

    def keys(self, email: Email | EmailPeople) -> frozenset[str]:
        """Return the keys of the people in a mail, and of its mailing list if lists are found."""
        keys = frozenset(key_of(person.email.strip()) for person in self.people(email))
        identifier = list_id(email.list_id) if self.finds_lists else ""
        return keys | {list_key(identifier)} if identifier else keys


def names_any(keys: Iterable[str], addresses: frozenset[str]) -> bool:
    """Return True if one of the keys, or the ``*@domain`` of one, is among the addresses."""
    return any(key in addresses or whole_domain(key) in addresses for key in keys)


def filters_for(
    fields: Fields, addresses: Iterable[str], mailboxes: Mailboxes, habits: Habits
) -> Iterator[Filter]:
    """Yield filters that find at least all mail in some mailboxes that names any of the addresses.

    A text condition and a header condition are never in one filter: newer versions of Cyrus limit
    the whole result to indexed mail if a filter has any text condition.
    """
    ordered = sorted(addresses)
    for conditions in (fields.text_conditions, fields.header_conditions):
        yield from in_mailboxes_and_any(mailboxes, map(conditions, ordered), habits)


SENDERS: Final = Fields(("From",), (), lambda email: email.from_, finds_lists=True)
RECIPIENTS_OF_MAIL: Final = Fields(("To", "Cc", "Bcc"), RECIPIENTS, lambda email: email.recipients)
