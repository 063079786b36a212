"""An address book as it was read: for the assertions and the edits of a test."""

from collections.abc import Collection
from dataclasses import dataclass

from mailroom.contacts.book import AddressBook, Snapshot
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import Card, Group


@dataclass(frozen=True)
class Contents:
    """A snapshot, and the cards that were read of it."""

    snapshot: Snapshot
    cards: tuple[Card, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.cards and not self.groups

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.snapshot.groups


async def contents_of(book: AddressBook, addresses: Collection[str] = ()) -> Contents:
    """Sync an address book, and read the cards that bear some addresses."""
    snapshot = await book.sync()
    return Contents(snapshot, await snapshot.read(addresses))


def snapshot_of(index: ContactIndex) -> Snapshot:
    """Return a snapshot with this index and without any card to read."""

    async def fetch(_: Collection[str]) -> tuple[Card, ...]:
        return ()

    return Snapshot(index, fetch)


NOTHING = Contents(snapshot_of(ContactIndex()))
"""The contents before anything is read."""
