"""An address book and its contents as they were read: for the assertions and edits of a test."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from mailroom.contacts.book import AddressBook, Snapshot
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import Card, ContactEdit, Group
from tests.support.domain.contact_edits import ANN

Book = TypeVar("Book", bound=AddressBook)


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


@dataclass(kw_only=True)
class OpenBook(Generic[Book]):
    """An address book, and the contents that were read of it last."""

    book: Book
    seen: Contents = NOTHING

    async def read(self, *addresses: str, snapshot: Snapshot | None = None) -> Contents:
        """Read cards, Ann's by default, after a sync or from an earlier snapshot."""
        snapshot = snapshot or await self.book.sync()
        self.seen = Contents(snapshot, await snapshot.read(addresses or (ANN,)))
        return self.seen

    @property
    def ann(self) -> Card:
        (card,) = self.seen.cards
        return card

    async def write(self, *edits: ContactEdit) -> dict[str, str]:
        """Carry out edits; return the reasons of the failed ones by their keys."""
        failures = await self.book.write(edits, self.seen.snapshot)
        return {key: str(error) for key, error in failures.items()}
