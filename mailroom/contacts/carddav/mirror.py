"""Keeps an address book in memory up to date."""

import asyncio

from mailroom.contacts.carddav.following import Follower
from mailroom.contacts.carddav.known import Known
from mailroom.contacts.carddav.others import OtherBooks
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

    async def sync(self) -> None:
        """Read and apply the changes on the server. Raises as :class:`Reports`."""
        async with self._lock:
            await self._sync()

    async def catch_up(self) -> None:
        """Sync before a read, unless a sync was made since the last read. Raises as above."""
        async with self._lock:
            if not self._known.is_fresh:
                await self._sync()
            self._known.is_fresh = False

    async def _sync(self) -> None:
        """Read every change, then apply them in one step, so that no index is half filled.

        A write during the sync may be missing in the changes, so it sets ``is_fresh`` to False.
        """
        self._known.is_fresh = True
        try:
            changes, of_others = await both(self._follower.changes(), self._others.changes())
        except BaseException:
            self._known.is_fresh = False
            raise
        self._known.apply(changes)
        self._follower.accept(changes)
        for book, of_book, tag in of_others:
            self._known.apply_of_others(of_book)
            book.accept(of_book, tag)
