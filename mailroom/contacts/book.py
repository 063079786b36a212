"""The protocol by which the rest of Mailroom uses address books.

The order of the calls: :meth:`AddressBook.sync` returns a :class:`Snapshot`. The caller decides on
edits from this snapshot. :meth:`AddressBook.write` takes the edits and the same snapshot, and
carries the edits out.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from yarl import URL

from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import Card, ContactEdit, Group
from mailroom.contacts.uid import key_on_card


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An address book as a sync found it.

    Later syncs and writes do not change the index and the groups. Cards are read from the server
    when they are asked for, so a card may be newer than the index.

    Attributes:
        index: every card in brief, and every group.
        fetch: the backend's function that reads cards of the index by their ids.
    """

    index: ContactIndex
    fetch: Callable[[Collection[str]], Awaitable[tuple[Card, ...]]]

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group."""
        return self.index.groups

    async def read(self, addresses: Collection[str]) -> tuple[Card, ...]:
        """Read every card that bears one of ``addresses``, which may be keys of lists as well.

        The index shows which cards to read. A card that no longer bears one of the addresses is
        left out. Addresses are compared by :func:`mailroom.contacts.uid.key_on_card`. The number of
        consecutive round trips does not depend on the number of addresses.

        Raises: as :meth:`AddressBook.sync`.
        """
        keys = frozenset(map(key_on_card, addresses))
        cards = await self.fetch(self.index.ids_of(addresses))
        return tuple(card for card in cards if not keys.isdisjoint(card.keys))

    async def read_cards(self, ids: Collection[str]) -> tuple[Card, ...]:
        """Read cards by their ids in the index; deleted cards and groups are left out.

        All cards are in memory at once, so read many cards a few at a time.

        Raises: as :meth:`AddressBook.sync`.
        """
        return await self.fetch(ids)


class AddressBook(Protocol):
    """One account's address book."""

    async def describe(self) -> Description:
        """Return which address book is used. Raises as :meth:`sync`."""
        ...

    async def remarks(self) -> tuple[str, ...]:
        """Return remarks for ``mailroom check``, each a sentence or two. Raises as :meth:`sync`."""
        ...

    async def sync(self) -> Snapshot:
        """Read from the server the changes since the last sync, and return the address book.

        Takes one round trip if nothing has changed since the last sync.

        Raises:
            HttpError: the server cannot be reached or does not answer as it should.
            JmapError: the server refuses, temporarily or for good.
            AddressBookError: no address book is available, or the server does not return all of it.
        """
        ...

    async def write(
        self, edits: Sequence[ContactEdit], snapshot: Snapshot
    ) -> Mapping[str, Exception]:
        """Carry out edits: make and change cards, then change groups, then delete cards.

        A contact joins its new groups before it leaves the old ones. A contact whose card could not
        be written is not added to groups.

        If somebody else changes a card or group in the meantime, that change is kept: the card or
        group is read again, and the edit is repeated on the new version. But the deletion of a card
        that somebody else has changed fails.

        Args:
            edits: one per card, with unique keys.
            snapshot: the address book from which the edits were decided; the ids in ``join`` and
                ``leave`` are ids of its groups.

        Returns:
            The keys of edits that failed, with the reason. Empty if every edit succeeded.

        Raises:
            CredentialsRefusedError: the server refuses the credentials; some edits may be done.
            HttpError, JmapError: no edit succeeded, because the server failed or cannot be reached.
        """
        ...

    async def create_groups(self, names: Collection[str]) -> None:
        """Make an empty group for each name (the caller knows that no group has the name yet).

        Raises:
            HttpError, JmapError: as in :meth:`sync`.
            AddressBookError: the server refused to make a group.
        """
        ...
