"""Lists every resource in an address book, or fails: a partial list is never used.

A server that truncates an answer reports 507. The token in such an answer cannot be trusted: by RFC
6578 section 3.6 the next page begins at this token, but some servers send the newest token, after
which there are no changes. So a truncated list is replaced by a list made in another way.
"""

from typing import Final

import structlog

from mailroom.contacts.carddav.refusals import RefusedError, SyncRefusedError
from mailroom.contacts.carddav.reports import Listed, Listing, Reports
from mailroom.contacts.model import AddressBookError
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)

_CHARACTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz-_.:{"
_LONGEST_BEGIN: Final = 40
_PAGES: Final = 1000


async def list_everything(reports: Reports, *, can_sync: bool) -> Listing:
    """Return every resource, with a token for ``sync-collection`` if there is one.

    Raises: as :class:`Reports`.
        AddressBookError: the server lists only a part of the cards in every way.
    """
    token, seen = "", dict[str, Listed]()
    if can_sync:
        try:
            first = await reports.changed_since("")
        except SyncRefusedError as error:
            log.info("address book is followed by ETags", reason=str(error))
        else:
            if not first.is_cut:
                return first
            token, seen = await _last_token(reports, first)
    listing = await reports.listed()
    if listing.is_cut or seen.keys() - listing.found.keys():
        log.info("the server cuts lists of cards, they are asked for by their UIDs")
        listing = await _by_uid(reports, {**seen, **listing.found})
    return Listing(listing.found, token=token)


async def _last_token(reports: Reports, page: Listing) -> tuple[str, dict[str, Listed]]:
    """Read the pages to their end; return the last token and the resources in the pages."""
    seen = dict(page.found)
    for _ in range(_PAGES):
        if not page.is_cut:
            break
        following = await reports.changed_since(page.token)
        if following.token == page.token:
            break
        page = following
        seen.update(page.found)
        for path in page.gone:
            seen.pop(path, None)
    return page.token, seen


async def _by_uid(reports: Reports, seen: dict[str, Listed]) -> Listing:
    """List the cards by the beginning of their UIDs, in parts that are small enough."""
    try:
        parts = await all_of([_no_uid(reports), _beginning(reports, "")])
    except RefusedError as error:
        raise _only_a_part(reports, str(error)) from error
    found = {path: listed for part in parts for path, listed in part.items()}
    missed = seen.keys() - found.keys()
    if missed:
        raise _only_a_part(reports, f"{len(missed)} cards are not found by their UIDs")
    return Listing(found)


async def _no_uid(reports: Reports) -> dict[str, Listed]:
    listing = await reports.with_uid(None)
    if listing.is_cut:
        raise _only_a_part(reports, "too many have no UID")
    return dict(listing.found)


async def _beginning(reports: Reports, begin: str) -> dict[str, Listed]:
    """List the cards whose UID begins so; too many are divided by the next character."""
    listing = await reports.with_uid(begin)
    if not listing.is_cut:
        return dict(listing.found)
    if len(begin) >= _LONGEST_BEGIN:
        raise _only_a_part(reports, f"too many UIDs begin with {begin!r}")
    longer = [begin + character for character in _CHARACTERS]
    other = await reports.with_uid(begin, longer)
    if other.is_cut:
        raise _only_a_part(reports, f"too many UIDs begin with {begin!r}")
    parts = await all_of(_beginning(reports, each) for each in longer)
    found = {path: listed for part in parts for path, listed in part.items()}
    missed = listing.found.keys() - found.keys() - other.found.keys()
    if missed:
        raise _only_a_part(reports, f"{len(missed)} cards are not found by their UIDs")
    return {**found, **other.found}


def _only_a_part(reports: Reports, why: str) -> AddressBookError:
    return AddressBookError(
        f"the address book {reports.url} gives only a part of its cards: {why}. Nothing is done"
        " with a part; raise the server's limit on results"
    )
