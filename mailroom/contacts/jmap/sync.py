"""An account's cards in memory, updated by ``ContactCard/changes`` (RFC 9610, RFC 8620)."""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import structlog

from mailroom.contacts.index import ContactIndex, IndexBuilder
from mailroom.contacts.jmap.books import Book, get_books
from mailroom.contacts.jmap.calls import (
    BRIEF,
    EVERYTHING,
    CardChanges,
    CardsResponse,
    find_cards,
    get_changes,
)
from mailroom.contacts.jmap.reading import (
    page_size,
    read_in_one_state,
    read_remaining,
    warn_of_unreadable,
)
from mailroom.contacts.jscontact.cards import is_group, to_group
from mailroom.contacts.jscontact.fields import JsCard, addresses_of, names_of, text, uid_of
from mailroom.jmap.client import JmapClient
from mailroom.jmap.methods import get_state
from mailroom.jmap.request import in_order

log = structlog.get_logger(__name__)

_NUMBERED: Final = re.compile(r"(\D*)(\d+)", re.ASCII)
"""A state that is a number, possibly after a prefix without digits."""


@dataclass(frozen=True, slots=True)
class CardCache:
    """The cards of an account at one moment; immutable.

    For cards that are only in read-only address books, and for cards without a uid, only the
    addresses are kept.

    Attributes:
        books: every address book.
        state: the state of all cards before they were read. Cards that changed during the reading
            may be newer; the next sync reads their changes once more.
        index: cards and groups.
        groups: id -> the group, with its members as written.
        written_uids: uid -> its spelling on the contact's card, if that spelling is different.
    """

    books: tuple[Book, ...]
    state: str
    index: ContactIndex
    groups: Mapping[str, JsCard]
    written_uids: Mapping[str, str]

    def can_apply(self, changes: CardChanges, books: Iterable[Book]) -> bool:
        """Return True if it suffices to apply some changes to these cards.

        False if the server was restored from a backup: it then reports no changes, and a state that
        is not newer than ours. False also if the set of read-only address books has changed,
        because Mailroom may then write to other cards. In both cases, everything must be read
        again.
        """
        if _read_only(books) != _read_only(self.books):
            return False
        if changes.new_state == self.state:
            # If more changes followed, the next request would return the same page again, and the
            # sync would never end.
            return not changes.has_more
        if changes.touched:
            return True
        # The state is another, but no card has changed. If both states are numbers and the new one
        # is larger, the server has counted changes of something else. Any other new state may be
        # that of a backup.
        new, ours = _NUMBERED.fullmatch(changes.new_state), _NUMBERED.fullmatch(self.state)
        if new is None or ours is None or new[1] != ours[1]:
            return False
        return int(new[2]) > int(ours[2])

    def after(self, changes: CardChanges, books: Iterable[Book]) -> "CardCache":
        """Return the cards after some changes."""
        if not changes.touched:
            return replace(self, books=tuple(books), state=changes.new_state)
        builder = _CacheBuilder(books, changes.new_state, self)
        builder.remove(changes.touched)
        builder.put(*changes.parts)
        return builder.build()

    def is_writable(self, card: JsCard) -> bool:
        """Return True if the card is in an address book that the user may write to."""
        return _is_writable(card, _read_only(self.books))


class _CacheBuilder:
    """Builds the cache of an account from an earlier cache, if any, and cards that were read."""

    def __init__(self, books: Iterable[Book], state: str, start: CardCache | None = None) -> None:
        self._books = tuple(books)
        self._state = state
        self._read_only = _read_only(self._books)
        self._index = IndexBuilder(start.index if start else None)
        self._groups = dict(start.groups if start else ())
        self._written_uids = dict(start.written_uids if start else ())

    def remove(self, ids: Iterable[str]) -> None:
        """Remove cards and groups."""
        for card_id in ids:
            self._index.remove(card_id)
            self._groups.pop(card_id, None)

    def put(self, *parts: CardsResponse) -> None:
        """Add cards and groups."""
        warn_of_unreadable(parts)
        for card in (card for part in parts for card in (*part.cards, *part.without_uid)):
            uid = uid_of(card)
            if not uid or not _is_writable(card, self._read_only):
                self._index.put_known(card["id"], () if is_group(card) else addresses_of(card))
            elif is_group(card):
                self._index.put_group(to_group(card))
                self._groups[card["id"]] = card
            else:
                name = names_of(card).full
                self._index.put_card(card["id"], uid, addresses_of(card), name=name)
                if (written := text(card["uid"])) != uid:
                    self._written_uids[uid] = written
                else:
                    self._written_uids.pop(uid, None)

    def build(self) -> CardCache:
        """Return the cache. The builder must not be used afterwards."""
        return CardCache(
            self._books, self._state, self._index.build(), self._groups, self._written_uids
        )


class Synchronizer:
    """Keeps a copy of an account's cards up to date.

    Args:
        client: the client of the server.
        account_id: the id of the account.
    """

    def __init__(self, client: JmapClient, account_id: str) -> None:
        self._client = client
        self._account_id = account_id
        self._cache: CardCache | None = None
        self._lock = asyncio.Lock()

    async def sync(self) -> CardCache:
        """Read the changes since the last call, and return the cards after them.

        Takes one request for each page of changes, usually one in all. The first call reads every
        card, and so does a call for which the changes are not known or do not suffice.

        Raises:
            HttpError, JmapError: the server cannot be asked.
            CardsChangedError: everything had to be read, and the cards changed during every try.
        """
        async with self._lock:
            cache = await self._catch_up()
            if cache is None:
                cache = self._cache = await self._read_everything()
                log.info("contacts read", cards=len(cache.index))
            return cache

    def written_uid(self, uid: str) -> str:
        """Return a contact's uid in the spelling on its card; unchanged if no card is known."""
        return uid if self._cache is None else self._cache.written_uids.get(uid, uid)

    async def renew_ids(
        self, before: ContactIndex, missing: Collection[str]
    ) -> tuple[CardCache, Mapping[str, str]]:
        """Read everything again if the ids of cards or groups have changed.

        Ids can change under a running client while the state stays valid (Fastmail did so to live
        accounts). ``ContactCard/changes`` does not report such a change.

        Args:
            before: an index with the former ids.
            missing: ids of this index that the server does not know.

        Returns:
            The present cards, and the present id of each card and group that still exists, by its
            former id.

        Raises:
            HttpError, JmapError: as :meth:`sync`.
        """
        async with self._lock:
            cache = await self._catch_up()
            # A missing id that is still in the cache has changed: ``ContactCard/changes`` did not
            # report a deletion. If no missing id is in the cache, the cards were deleted.
            if cache is None or not cache.index.ids.isdisjoint(missing):
                cache = self._cache = await self._read_everything()
                log.info("ids of contacts have changed, all contacts were read again")
        present = {uid: card_id for card_id, uid in cache.index.uids_by_id.items()}
        former = before.uids_by_id.items()
        return cache, {card_id: present[uid] for card_id, uid in former if uid in present}

    async def _catch_up(self) -> CardCache | None:
        """Read the changes since the last call; return None if everything must be read again."""
        cache, has_more = self._cache, True
        while cache is not None and has_more:
            size = await page_size(self._client)
            books, changes = await self._client.perform(
                get_books(self._account_id),
                get_changes(self._account_id, cache.state, limit=size),
            )
            if changes is None or not cache.can_apply(changes, books):
                return None
            # Each page is kept, so that a failure costs only the pages that are still to be read.
            cache = self._cache = cache.after(changes, books)
            has_more = changes.has_more
        return cache

    async def _read_everything(self) -> CardCache:
        """Read every card; start again if cards change during the reading."""

        async def read() -> CardCache:
            size = await page_size(self._client)
            page_at = partial(
                find_cards, self._account_id, EVERYTHING, limit=size, properties=BRIEF
            )
            # The state is read first, so that the next sync reports changes during the reading.
            books, (state, first) = await self._client.perform(
                get_books(self._account_id),
                in_order(get_state("ContactCard", self._account_id), page_at()),
            )
            builder = _CacheBuilder(books, state)
            builder.put(first.response)
            await read_remaining(self._client, page_at, first, builder.put)
            return builder.build()

        return await read_in_one_state(read)


def _read_only(books: Iterable[Book]) -> frozenset[str]:
    return frozenset(book.id for book in books if not book.is_writable)


def _is_writable(card: JsCard, read_only: frozenset[str]) -> bool:
    ids = card.get("addressBookIds")
    return not isinstance(ids, dict) or not ids or not ids.keys() <= read_only
