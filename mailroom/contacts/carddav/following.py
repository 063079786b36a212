"""Two ways to learn what has changed in an address book since it was last asked.

``sync-collection`` (RFC 6578) tells in one request; where it is missing, the ETags of all cards are
compared with those of last time, if the collection's tag says that this is worth while.
"""

from collections.abc import Collection
from typing import Protocol

import structlog

from mailroom.concurrency import all_of
from mailroom.contacts.book import AddressBookError
from mailroom.contacts.carddav.changes import Changes
from mailroom.contacts.carddav.refusals import SyncRefusedError
from mailroom.contacts.carddav.reports import AT_ONCE, Reports
from mailroom.contacts.carddav.webdav import chunks

log = structlog.get_logger(__name__)


class Follower(Protocol):
    """Remembers how far it has told; what failed is told again."""

    async def changes(self) -> Changes:
        """What has changed since last time. Raises as :class:`Reports`, and AddressBookError."""
        ...


class ByToken:
    """By ``sync-collection``."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._token = ""

    async def changes(self) -> Changes:
        """See the protocol. What has changed comes whole in the answer; at first, all in brief."""
        if self._token:
            try:
                return await self._since(self._token)
            except SyncRefusedError as error:
                log.info("address book is read anew", reason=str(error))
                self._token = ""
        return await self._since("")

    async def _since(self, token: str) -> Changes:
        changes = Changes(is_all=not token)
        whole, is_last, bare = bool(token), False, dict[str, None]()
        while not is_last:
            page = await self._reports.changed_since(token, whole=whole)
            if page.token == token and not page.is_last:
                raise AddressBookError("the address book gives only a part of its cards")
            for each in page.found:
                changes.find(each, whole=whole)
            for path in page.gone:
                changes.lose(path)
            bare |= dict.fromkeys(page.bare)
            token, is_last = page.token, page.is_last
        await _read(self._reports, bare, changes)
        self._token = token
        return changes


class ByEtags:
    """By comparing what is listed."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._tag = ""
        self._etags: dict[str, str] | None = None

    async def changes(self) -> Changes:
        """See the protocol."""
        tag = await self._reports.collection_tag()
        if tag and tag == self._tag:
            return Changes(is_all=False)
        known, listed = self._etags or {}, await self._reports.etags()
        changes = Changes(is_all=self._etags is None)
        for path in known.keys() - listed.keys():
            changes.lose(path)
        same = {path: etag for path, etag in listed.items() if etag and known.get(path) == etag}
        await _read(self._reports, [path for path in listed if path not in same], changes)
        self._tag, self._etags = tag, same | changes.etags
        return changes


async def _read(reports: Reports, paths: Collection[str], changes: Changes) -> None:
    """Read what is new or changed, whole if it is little; groups always whole."""
    await _read_cards(reports, paths, changes, whole=len(paths) <= AT_ONCE)
    await _read_cards(reports, sorted(changes.unread_groups), changes, whole=True)


async def _read_cards(
    reports: Reports, paths: Collection[str], changes: Changes, *, whole: bool
) -> None:
    async def read(part: Collection[str]) -> None:
        found = await reports.cards(part, whole=whole)
        for path in part:
            changes.lose(path)
        for each in found:
            changes.find(each, whole=whole)

    await all_of(map(read, chunks(paths, AT_ONCE)))
