"""Reads the changes in an address book since the last time.

``sync-collection`` (RFC 6578) reports the changes in one request. If a server does not offer it,
the ETags of all cards are compared with the known ones, unless the collection's tag is unchanged.
Both ways return only a list of resources; new and changed cards are read afterwards, in parts.

A server that truncates a list reports 507. A truncated list is never taken for a complete one, and
its token cannot be trusted: by RFC 6578 section 3.6 the next page begins at this token, but some
servers send the newest token, after which there are no changes. So a truncated list is replaced by
a list that is made in another way. If no way leads to a complete list, the sync fails.
"""

from collections.abc import Collection, Mapping
from typing import Final

import structlog

from mailroom.contacts.carddav.cache import Changes
from mailroom.contacts.carddav.card_reader import (
    BRIEF,
    WHOLE,
    WHOLE_FOR_INDEX,
    Way,
    read_cards,
)
from mailroom.contacts.carddav.requests import Listed, Listing, Requests
from mailroom.contacts.carddav.resource import Resource
from mailroom.contacts.carddav.webdav import RefusedError, SyncRefusedError
from mailroom.contacts.model import AddressBookError
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)

_READ_WHOLE: Final = 32 * 1024 * 1024
"""Octets. If the new and changed cards have more in total, the server is asked for some properties
of each card only. It may leave out some of these properties."""
_FEW: Final = 100
"""The largest number of cards that are read whole although their lengths are unknown."""
_CHARACTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz-_.:{"
"""The characters with which most UIDs begin or continue; ``A`` and ``a`` find the same UIDs."""
_LONGEST_PREFIX: Final = 40
"""Characters. If too many UIDs begin with the same text of this length, the sync fails."""
_PAGES: Final = 1000
"""The number of pages of one list that are read at most."""


class CollectionSync:
    """Reads changes. Changes that the caller did not accept are read again by the next call.

    Args:
        requests: the requests to the address book.
        etags: the known version of each resource, by path. :meth:`accept` updates this dict. The
            cache holds the same dict, and adds the versions that Mailroom writes.
        can_sync: True if the server offers ``sync-collection``.
    """

    def __init__(self, requests: Requests, etags: dict[str, str], *, can_sync: bool) -> None:
        self._requests = requests
        self._etags = etags
        self._can_sync = can_sync
        self._token = ""
        self._tag = ""
        self._brief_lacks_addresses = False

    async def changes(self) -> Changes:
        """Return the changes since the last accepted ones.

        Raises: as :class:`Requests`, and AddressBookError.
        """
        listing = None
        if self._token:
            try:
                listing = await self._requests.changed_since(self._token)
            except SyncRefusedError as error:
                log.info(
                    "sync token cannot be used, all ETags are compared",
                    error=str(error),
                    is_stale=error.is_stale,
                )
        changes = Changes()
        if listing is not None and not listing.is_truncated:
            gone: Collection[str] = listing.gone
        else:
            # A list of every resource is compared with the known ETags.
            if not self._can_sync:
                changes.tag = await self._requests.collection_tag()
                if changes.tag and changes.tag == self._tag:
                    return changes
            listing = await list_everything(self._requests, can_sync=self._can_sync)
            # If the list has no token, the server refuses sync-collection: it is not tried again.
            self._can_sync = bool(listing.token)
            gone = self._etags.keys() - listing.found.keys()
        for path in gone:
            changes.remove(path)
        changes.token = listing.token
        await self._read(listing.found, changes)
        return changes

    def accept(self, changes: Changes) -> None:
        """Record that these changes were applied."""
        self._token, self._tag = changes.token, changes.tag
        for path in changes.gone:
            self._etags.pop(path, None)
        self._etags.update(changes.etags)

    async def _read(self, found: Mapping[str, Listed], changes: Changes) -> None:
        """Read new and changed cards: whole if they are small in total, else some properties."""
        lengths = {
            path: listed.length
            for path, listed in found.items()
            if not listed.etag or self._etags.get(path) != listed.etag
        }
        for path in lengths:
            # A card counts as deleted until it is read: it may be deleted after it was listed.
            changes.remove(path)
        known = [length for length in lengths.values() if length is not None]
        are_small = len(lengths) - len(known) <= _FEW and sum(known) <= _READ_WHOLE
        if self._brief_lacks_addresses or are_small:
            await self._read_as(WHOLE_FOR_INDEX, lengths, lengths, changes)
        else:
            await self._read_as(BRIEF, lengths, lengths, changes)
            # Some servers leave out properties with a prefix (``item1.EMAIL``, as iPhones write
            # it). So each card without an address is read again, whole. If one of these cards has
            # an address after all, the server leaves out addresses, and a card with one address may
            # lack another one: then the other cards are read whole as well.
            without_address = [path for path, card in changes.cards.items() if not card.addresses]
            await self._read_as(WHOLE_FOR_INDEX, without_address, lengths, changes)
            if any(
                path in changes.cards and changes.cards[path].addresses for path in without_address
            ):
                log.info("server leaves out properties with a prefix, all cards are read whole")
                self._brief_lacks_addresses = True
                rest = changes.cards.keys() - set(without_address)
                await self._read_as(WHOLE_FOR_INDEX, rest, lengths, changes)
        groups = dict(changes.unread_groups)
        await self._read_as(WHOLE, groups, groups, changes)

    async def _read_as(
        self,
        way: Way,
        paths: Collection[str],
        lengths: Mapping[str, int | None],
        changes: Changes,
    ) -> None:
        """Read cards into the changes."""

        def take(resource: Resource) -> None:
            changes.add(resource)
            if way is BRIEF and resource.path in changes.groups:
                # The server was asked for some properties only, so the group may be incomplete.
                del changes.groups[resource.path]
                changes.unread_groups[resource.path] = resource.length

        wanted = {path: lengths[path] for path in paths}
        failed = await read_cards(self._requests, wanted, take, way)
        if failed:
            # Without a token and a tag, the next call compares every resource, and reads the failed
            # cards again.
            changes.token = changes.tag = ""


async def list_everything(requests: Requests, *, can_sync: bool) -> Listing:
    """Return every resource, with a token for ``sync-collection`` if there is one.

    Raises: as :class:`Requests`.
        AddressBookError: the server lists only a part of the cards in every way.
    """
    token, seen = "", dict[str, Listed]()
    if can_sync:
        try:
            page = await requests.changed_since("")
        except SyncRefusedError as error:
            log.info("server does not offer sync-collection, ETags are compared", error=str(error))
        else:
            if not page.is_truncated:
                return page
            # The pages may be incomplete, so a list is made in another way after them. The last
            # token of the pages is older than the list, so no change between the two is missed. If
            # the list lacks a resource that the pages have, the list is incomplete too.
            token, seen = await _read_pages(requests, page)
    listing = await requests.list_all()
    if not listing.is_truncated and seen.keys() <= listing.found.keys():
        return Listing(listing.found, token=token)
    log.info("server truncates lists of cards, they are requested by their UIDs")
    try:
        without_uid, with_uid = await all_of(
            [_list_in_parts(requests, None), _list_in_parts(requests, "")]
        )
    except RefusedError as error:
        raise _only_a_part(requests, str(error)) from error
    found = {**without_uid, **with_uid}
    if missed := len({**seen, **listing.found}.keys() - found.keys()):
        raise _only_a_part(requests, f"{missed} cards are not found by their UIDs")
    return Listing(found, token=token)


async def _read_pages(requests: Requests, page: Listing) -> tuple[str, dict[str, Listed]]:
    """Read the pages after ``page``; return the last token, and the resources in all pages."""
    seen = dict(page.found)
    for _ in range(_PAGES):
        if not page.is_truncated:
            break
        following = await requests.changed_since(page.token)
        if following.token == page.token:
            break
        page = following
        seen.update(page.found)
        for path in page.gone:
            seen.pop(path, None)
    return page.token, seen


async def _list_in_parts(requests: Requests, uid_prefix: str | None) -> dict[str, Listed]:
    """List the cards whose UID begins with a prefix, or for None the cards without a UID.

    If the cards are too many for one answer, they are listed by longer prefixes: for ``c``, the
    cards whose UID begins with ``c0``, with ``c1``, ..., and all others with ``c``.
    """
    listing = await requests.list_by_uid(uid_prefix)
    if not listing.is_truncated:
        return dict(listing.found)
    if uid_prefix is None:
        raise _only_a_part(requests, "too many have no UID")
    if len(uid_prefix) >= _LONGEST_PREFIX:
        raise _only_a_part(requests, f"too many UIDs begin with {uid_prefix!r}")
    longer = [uid_prefix + character for character in _CHARACTERS]
    rest = await requests.list_by_uid(uid_prefix, excluded=longer)
    if rest.is_truncated:
        raise _only_a_part(requests, f"too many UIDs begin with {uid_prefix!r}")
    found = dict(rest.found)
    for part in await all_of(_list_in_parts(requests, longer_prefix) for longer_prefix in longer):
        found |= part
    if missed := len(listing.found.keys() - found.keys()):
        raise _only_a_part(requests, f"{missed} cards are not found by their UIDs")
    return found


def _only_a_part(requests: Requests, why: str) -> AddressBookError:
    return AddressBookError(
        f"the address book {requests.url} returns only a part of its cards: {why}. Mailroom does"
        " nothing with an incomplete list; raise the server's limit on results"
    )
