"""Reads the changes in an address book since the last time.

``sync-collection`` (RFC 6578) reports the changes in one request. If a server does not offer it,
the ETags of all cards are compared with the known ones, unless the collection's tag is unchanged.
Both ways list resources only; new and changed cards are read afterwards, in parts.

A truncated answer (507) is never taken for a complete one. Some servers send the newest token with
a part of the cards and never report the rest; see :mod:`.listing`.
"""

from collections.abc import Collection, Mapping
from typing import Final

import structlog

from mailroom.contacts.carddav.changes import Changes
from mailroom.contacts.carddav.listing import list_everything
from mailroom.contacts.carddav.reading import (
    BRIEF,
    LARGEST_CARD,
    WHOLE,
    WHOLE_IF_SMALL,
    CardReader,
    Take,
    Way,
)
from mailroom.contacts.carddav.refusals import SyncRefusedError
from mailroom.contacts.carddav.reports import Listed, Reports
from mailroom.contacts.carddav.resource import Resource

log = structlog.get_logger(__name__)

_READ_WHOLE: Final = 32 * 1024 * 1024
"""Octets of cards that are read whole. Beyond that the server is asked for some properties only,
and may leave out some of these properties."""
_FEW: Final = 100
"""The number of cards that are read whole although their lengths are unknown."""


class Follower:
    """Reads the changes since the last accepted ones; other changes are returned again.

    Args:
        reports: the requests to the address book.
        etags: the known version of each resource, by path; updated by :meth:`accept`.
        can_sync: True if the server offers ``sync-collection``.
    """

    def __init__(self, reports: Reports, etags: dict[str, str], *, can_sync: bool) -> None:
        self._reports = reports
        self._reader = CardReader(reports)
        self._etags = etags
        self._can_sync = can_sync
        self._token = ""
        self._tag = ""
        self._brief_is_short = False

    async def changes(self) -> Changes:
        """Return the changes since the last accepted ones.

        Raises: as :class:`Reports`, and AddressBookError.
        """
        changes = await self._told() if self._token else None
        return changes or await self._compared()

    def accept(self, changes: Changes) -> None:
        """Record that these changes were applied."""
        self._token, self._tag = changes.token, changes.tag
        for path in changes.gone:
            self._etags.pop(path, None)
        self._etags.update(changes.etags)

    async def _told(self) -> Changes | None:
        """Return the changes since the token; None if the server refuses or reports only a part."""
        try:
            listing = await self._reports.changed_since(self._token)
        except SyncRefusedError as error:
            log.info("address book is compared anew", why=str(error), stale_token=error.is_stale)
            return None
        if listing.is_cut:
            return None
        changes = Changes()
        for path in listing.gone:
            changes.lose(path)
        changes.token = listing.token
        await self._read(listing.found, changes)
        return changes

    async def _compared(self) -> Changes:
        """Return the differences between a list of every resource and the known ETags."""
        changes = Changes()
        if not self._can_sync:
            changes.tag = await self._reports.collection_tag()
            if changes.tag and changes.tag == self._tag:
                return changes
        listing = await list_everything(self._reports, can_sync=self._can_sync)
        self._can_sync = bool(listing.token)
        changes.token = listing.token
        for path in self._etags.keys() - listing.found.keys():
            changes.lose(path)
        await self._read(listing.found, changes)
        return changes

    async def _read(self, found: Mapping[str, Listed], changes: Changes) -> None:
        """Read new and changed cards: whole if they are small in total, else some properties."""
        lengths = {
            path: listed.length
            for path, listed in found.items()
            if not listed.etag or self._etags.get(path) != listed.etag
        }
        for path in lengths:
            changes.lose(path)

        def take(resource: Resource) -> None:
            changes.find(resource, largest=LARGEST_CARD)

        if self._brief_is_short or _is_little(lengths.values()):
            await self._read_in(WHOLE_IF_SMALL, lengths, take, changes)
        else:
            await self._read_in_brief(lengths, changes)
        groups = dict(changes.unread_groups)
        await self._read_in(WHOLE, groups, take, changes)

    async def _read_in(
        self, way: Way, lengths: Mapping[str, int | None], take: Take, changes: Changes
    ) -> None:
        """Read cards. If the server fails to send some, the next call compares every resource."""
        if await self._reader.read(lengths, take, way):
            changes.token = changes.tag = ""

    async def _read_in_brief(self, lengths: Mapping[str, int | None], changes: Changes) -> None:
        """Read some properties of cards, then read the cards without an address whole.

        Some servers leave out properties with a group (``item1.EMAIL``, as iPhones write it). If a
        server does so, a card with one address may lack another one, so every card is read whole.
        """

        def take(resource: Resource) -> None:
            changes.find(resource, largest=LARGEST_CARD)
            if resource.path in changes.groups:
                # The server was asked for some properties only, so the group may be incomplete.
                del changes.groups[resource.path]
                changes.unread_groups[resource.path] = resource.length

        await self._read_in(BRIEF, lengths, take, changes)
        bare = [path for path, card in changes.cards.items() if not card.addresses]
        await self._read_whole(bare, lengths, changes)
        if any(path in changes.cards and changes.cards[path].addresses for path in bare):
            log.info("the server leaves out properties with a group, all cards are read whole")
            self._brief_is_short = True
            rest = changes.cards.keys() - set(bare)
            await self._read_whole(rest, lengths, changes)

    async def _read_whole(
        self, paths: Collection[str], lengths: Mapping[str, int | None], changes: Changes
    ) -> None:
        def take(resource: Resource) -> None:
            changes.find(resource, largest=LARGEST_CARD)

        some = {path: lengths[path] for path in paths}
        await self._read_in(WHOLE_IF_SMALL, some, take, changes)


def _is_little(lengths: Collection[int | None]) -> bool:
    """Return True if cards of these lengths may be read whole."""
    known = [length for length in lengths if length is not None]
    return len(lengths) - len(known) <= _FEW and sum(known) <= _READ_WHOLE
