"""The protocol by which the rest of Mailroom uses address books."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from yarl import URL

from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import ContactEdit, Contents, Group


@dataclass(frozen=True, slots=True)
class Description:
    """The address book that is used, described for a person.

    Attributes:
        protocol: ``CardDAV`` or ``JMAP``.
        url: of the address book, or of the server.
        name: of the address book.
    """

    protocol: str
    url: URL
    name: str


class AddressBook(Protocol):
    """One account's address book."""

    async def describe(self) -> Description:
        """Return which address book is used. Raises as :meth:`read`."""
        ...

    async def notes(self) -> tuple[str, ...]:
        """Return sentences on the address book for a person. Raises as :meth:`sync`."""
        ...

    async def sync(self) -> ContactIndex:
        """Read the changes since the last call from the server, and return the updated index.

        Takes one round trip, except for the first call and after many changes.

        Raises:
            HttpError: the server cannot be reached or does not answer as it should.
            JmapError: the server refuses, temporarily or for good.
            AddressBookError: no address book is available.
        """
        ...

    async def read(self, addresses: Collection[str]) -> Contents:
        """Read every card that bears one of ``addresses``, and every group.

        The cards are found in the index of the last :meth:`sync`. One sync serves one read: a
        further read, or a read without a sync before it, begins with a sync of its own.

        Addresses are compared by :func:`mailroom.contacts.address.key_of`. The number of
        consecutive round trips does not depend on the number of addresses.

        Raises: as :meth:`sync`.
        """
        ...

    async def read_cards(self, ids: Collection[str]) -> Contents:
        """Read cards by their ids, as :meth:`sync` returned them, and every group.

        Deleted cards and groups are left out of the cards. One sync serves one read, as in
        :meth:`read`. All cards are in memory at once, so read many cards a few at a time.

        Raises: as :meth:`sync`.
        """
        ...

    async def write(
        self, edits: Sequence[ContactEdit], groups: Collection[Group]
    ) -> Mapping[str, Exception]:
        """Carry out edits: make and change cards, then change groups, then delete cards.

        A contact joins its new groups before it leaves the old ones; a group is written once
        (twice only if contacts swap groups). A contact whose card could not be written is not
        added to groups. If somebody else changes a card or group in the meantime, that change is
        kept: the resource is read again, and the edit is repeated on the new version.

        Args:
            edits: one per card.
            groups: every group, as :meth:`read` returned it; the ids in ``join`` and ``leave``
                are ids of these groups.

        Returns:
            The keys of edits that failed, with the reason. Empty if every edit succeeded.

        Raises:
            HttpError, JmapError: nothing could be written, because the server cannot be reached or
                refuses the credentials.
        """
        ...

    async def create_groups(self, names: Collection[str]) -> None:
        """Make an empty group for each name (the caller knows that there is none yet).

        Raises:
            HttpError, JmapError: as in :meth:`read`.
            AddressBookError: the server refused to make a group.
        """
        ...
