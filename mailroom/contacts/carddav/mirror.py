"""Keeps what is known of an address book in step with the server."""

import asyncio

import structlog

from mailroom.contacts.carddav.changes import Changes
from mailroom.contacts.carddav.following import ByEtags, ByToken, Follower
from mailroom.contacts.carddav.known import Known
from mailroom.contacts.carddav.refusals import SyncRefusedError
from mailroom.contacts.carddav.reports import Reports

log = structlog.get_logger(__name__)


class Mirror:
    """One address book in memory.

    Args:
        reports: where to ask.
        known: what is kept in step.
        can_sync: whether the server offers ``sync-collection``.
    """

    def __init__(self, reports: Reports, known: Known, *, can_sync: bool) -> None:
        self._reports = reports
        self._known = known
        self._follower: Follower = ByToken(reports) if can_sync else ByEtags(reports)
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
        """What is written meanwhile may be missing, and takes the freshness away again."""
        self._known.is_fresh = True
        try:
            self._known.apply(await self._changes())
        except BaseException:
            self._known.is_fresh = False
            raise

    async def _changes(self) -> Changes:
        try:
            return await self._follower.changes()
        except SyncRefusedError as error:
            log.info("address book is followed by ETags", reason=str(error))
            self._follower = ByEtags(self._reports)
            return await self._follower.changes()
