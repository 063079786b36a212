"""The address-book app of an account's owner, without its protocol.

Its subclasses speak CardDAV (:mod:`tests.support.owner.vcard_app`) and JMAP
(:mod:`tests.support.owner.jscontact_app`). Shares no code with Mailroom.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Contact:
    """A person or company, as an app shows it; ``note`` is all of its notes, by line."""

    uid: str
    full: str
    given: str
    surname: str
    organization: str
    addresses: tuple[str, ...]
    note: tuple[str, ...]


class ContactsApp(ABC):
    """One address book. The uids of cards are written without ``urn:uuid:``."""

    @abstractmethod
    async def contacts(self) -> list[Contact]:
        """Return all contacts; groups are left out."""

    @abstractmethod
    async def groups(self) -> dict[str, set[str]]:
        """Return name -> uids of the members, for every contact group."""

    async def add(
        self,
        uid: str,
        full: str,
        address: str,
        note: str = "",
        *,
        parts: tuple[str, str] = ("", ""),
        more: Sequence[str] = (),
    ) -> None:
        """Add a card that also has properties which Mailroom does not know.

        Args:
            uid: the card's.
            full: the full name.
            address: an e-mail address.
            note: the owner's note.
            parts: the given name and the surname.
            more: further e-mail addresses.
        """
        addresses = (address, *more)
        await self.add_contact(Contact(uid, full, *parts, "", addresses, tuple(note.split("\n"))))

    @abstractmethod
    async def add_contact(self, contact: Contact) -> None:
        """Add the card of a contact, with the same further properties as :meth:`add`."""

    @abstractmethod
    async def add_group(self, uid: str, name: str, members: Sequence[str] = ()) -> None:
        """Add a contact group that also has properties which Mailroom does not know."""

    @abstractmethod
    async def add_odd_cards(self) -> list[str]:
        """Add cards with missing or odd properties; return the uids of the accepted ones."""

    @abstractmethod
    async def add_phone(self, uid: str) -> None:
        """Write a phone number onto a card."""

    @abstractmethod
    async def rename_organization(self, uid: str, name: str) -> None:
        """Change the organization's name on a card."""

    @abstractmethod
    async def change_address(self, uid: str, address: str) -> None:
        """Write another address over the first one on a card."""

    @abstractmethod
    async def rename_group(self, group: str, name: str) -> None:
        """Rename a group."""

    @abstractmethod
    async def join(self, group: str, uid: str) -> None:
        """Put somebody into the group of this name, by uid."""

    @abstractmethod
    async def leave(self, group: str, uid: str) -> None:
        """Take somebody out of the group of this name, by uid."""

    @abstractmethod
    async def delete(self, uid: str) -> None:
        """Delete a card."""

    @abstractmethod
    async def everything_on(self, uid: str) -> Any:
        """Return all properties of a card but the time of its change, for comparison."""

    @abstractmethod
    async def rest_of(self, uid: str) -> Any:
        """Return the properties that Mailroom must not write: all but names, note and mark."""

    async def all_of(self, address: str) -> list[Contact]:
        """Return all contacts with this address."""
        wanted = address.lower()
        return [
            contact
            for contact in await self.contacts()
            if wanted in {address.lower() for address in contact.addresses}
        ]
