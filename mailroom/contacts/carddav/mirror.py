"""Keeps an address book in memory up to date."""

import asyncio

from mailroom.contacts.carddav.following import Follower
from mailroom.contacts.carddav.known import Known
from mailroom.contacts.carddav.others import OtherBooks
from mailroom.contacts.index import ContactIndex
from mailroom.waiting.concurrency import both


class Mirror:
    """One address book in memory, and the addresses in the user's other ones.

    Args:
        follower: reads the changes in the address book.
        others: reads the changes in the other address books.
        known: the address book in memory.
    """

    def __init__(self, follower: Follower, others: OtherBooks, known: Known) -> None:
        self._follower = follower
        self._others = others
        self._known = known
        self._lock = asyncio.Lock()

    async def sync(self) -> ContactIndex:
        """Read and apply the changes on the server, and return the index after them.

        Raises: as :class:`Reports`.
        """
        async with self._lock:
            # Every change is read before the first is applied, so that no index is half filled.
            changes, of_others = await both(self._follower.changes(), self._others.changes())
            self._known.apply(changes)
            self._follower.accept(changes)
            for book, of_book, tag in of_others:
                self._known.apply_of_others(of_book)
                book.accept(of_book, tag)
            return self._known.index.build()
