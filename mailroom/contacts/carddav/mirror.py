"""Keeps what is known of an address book in step with the server."""

import asyncio

from mailroom.concurrency import both
from mailroom.contacts.carddav.following import Follower
from mailroom.contacts.carddav.known import Known
from mailroom.contacts.carddav.others import OtherBooks


class Mirror:
    """One address book in memory, and the addresses in the user's other ones.

    Args:
        follower: tells what has changed in the address book.
        others: tells what has changed in the other ones.
        known: what is kept in step.
    """

    def __init__(self, follower: Follower, others: OtherBooks, known: Known) -> None:
        self._follower = follower
        self._others = others
        self._known = known
        self._lock = asyncio.Lock()

    async def sync(self) -> None:
        """Take in what has changed on the server. Raises as :class:`Reports`."""
        async with self._lock:
            await self._sync()

    async def catch_up(self) -> None:
        """Do so before a reading, unless that was done since the last one. Raises as above."""
        async with self._lock:
            if not self._known.is_fresh:
                await self._sync()
            self._known.is_fresh = False

    async def _sync(self) -> None:
        """Take in what has changed, all at once, so that nobody sees an index half filled.

        A change that is written meanwhile may be missing, and takes the freshness away again.
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
