"""The index of an account's cards in memory, updated by ``ContactCard/changes``."""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final

import structlog

from mailroom.contacts.index import ContactIndex
from mailroom.contacts.jmap.calls import (
    BRIEF,
    EVERYTHING,
    Book,
    Delta,
    Found,
    find_cards,
    get_books,
    get_changes,
    get_state,
)
from mailroom.contacts.jmap.cards import is_group, to_group
from mailroom.contacts.jmap.fields import JsCard, addresses_of, names_of, text, uid_of
from mailroom.contacts.jmap.reading import page_size, rest_of, undisturbed, warn_of_unreadable
from mailroom.jmap.client import JmapClient
from mailroom.jmap.errors import MethodError
from mailroom.jmap.request import in_order

log = structlog.get_logger(__name__)

_NUMBERED: Final = re.compile(r"(\D*)(\d+)", re.ASCII)
"""A state that is a number, possibly after a prefix without digits."""


class Kept:
    """The index of the cards, and the groups as the server sent them.

    For cards that are only in read-only address books, and for cards without a uid, only the
    addresses are kept.

    Attributes:
        books: every address book.
        state: the state of all cards. The cards kept are at least as new as this state, and equal
            to the server's while the server is in this state.
        index: cards and groups.
        groups: id -> the group, with its members as written.
        written_uids: uid -> its spelling on the contact's card, if that spelling is different.
    """

    def __init__(self, books: Sequence[Book], state: str) -> None:
        self.books = books
        self.state = state
        self.index = ContactIndex()
        self.groups: dict[str, JsCard] = {}
        self.written_uids: dict[str, str] = {}
        self._read_only = _read_only(books)

    def put(self, *parts: Found) -> None:
        """Add cards."""
        warn_of_unreadable(parts)
        for card in (card for part in parts for card in (*part.cards, *part.without_uid)):
            if not uid_of(card) or not self.is_writable(card):
                known = () if is_group(card) else addresses_of(card)
                self.index.put_known(card["id"], known)
            elif is_group(card):
                self.index.put_group(to_group(card))
                self.groups[card["id"]] = card
            else:
                addresses, name = addresses_of(card), names_of(card).full
                self.index.put_card(card["id"], uid_of(card), addresses, name=name)
                self._note_uid(uid_of(card), text(card["uid"]))

    def _note_uid(self, uid: str, written: str) -> None:
        if written != uid:
            self.written_uids[uid] = written
        else:
            self.written_uids.pop(uid, None)

    def follow(self, delta: Delta, books: Sequence[Book]) -> None:
        """Apply the changes that lead to a newer state."""
        self.books = books
        for each in delta.touched:
            self.index.remove(each)
            self.groups.pop(each, None)
        self.put(*delta.parts)
        self.state = delta.new_state

    def become(self, other: "Kept") -> None:
        """Replace everything by the result of another reading."""
        self.books, self.state, self.groups = other.books, other.state, other.groups
        self.written_uids = other.written_uids
        self._read_only = _read_only(other.books)
        self.index.become(other.index)

    def is_followed_by(self, delta: Delta, books: Sequence[Book]) -> bool:
        """Return True if a delta leads from these cards to the present cards of the server.

        False if the server was restored from a backup: it then reports no changes, and a state that
        is not newer than ours. False also if the set of read-only address books has changed,
        because other cards are editable then. In both cases, everything must be read again.
        """
        if _read_only(books) != self._read_only:
            return False
        if delta.new_state == self.state:
            return not delta.has_more
        return bool(delta.touched) or _is_later(delta.new_state, self.state)

    def is_writable(self, card: JsCard) -> bool:
        """Return True if the card is in an address book that the user may write to."""
        ids = card.get("addressBookIds")
        return not isinstance(ids, dict) or not ids or not ids.keys() <= self._read_only


class Mirror:
    """Keeps an account's cards in step with the server.

    Args:
        client: how to reach the server.
        account_id: which account.
    """

    def __init__(self, client: JmapClient, account_id: str) -> None:
        self._client = client
        self._account_id = account_id
        self._kept: Kept | None = None
        self._syncing = asyncio.Lock()

    async def sync(self) -> Kept:
        """Read the changes since the last call, and return the updated cards.

        Takes one request, or one for each page if the server returns the changes in several pages.
        After a failure, the cards are as they were before or partly updated.

        Raises:
            HttpError, JmapError: the server cannot be asked.
            CardsMovedError: everything had to be read, and the cards changed during every try.
        """
        async with self._syncing:
            if self._kept is None or not await self._catch_up(self._kept):
                self._kept = await undisturbed(self._everything)
                log.info("contacts read", cards=len(self._kept.index))
            return self._kept

    def written_uid(self, uid: str) -> str:
        """Return a contact's uid as it is written on its card, as far as known."""
        return uid if self._kept is None else self._kept.written_uids.get(uid, uid)

    async def renew(self, missing: Collection[str]) -> Mapping[str, str]:
        """Read everything again if the ids of known cards or groups have changed.

        Ids can change under a running client while the state stays valid (Fastmail did so to live
        accounts). ``ContactCard/changes`` does not report such a change.

        Args:
            missing: ids that the server does not know.

        Returns:
            The present id of each known card and group that still exists, by the former id.

        Raises:
            HttpError, JmapError: as :meth:`sync`.
        """
        async with self._syncing:
            if self._kept is None:
                return {}
            before = self._kept.index.uids_by_id
            is_told = await self._catch_up(self._kept)
            if not is_told or self._kept.index.ids & {*missing}:
                self._kept.become(await undisturbed(self._everything))
                log.info("contacts read again, as their ids have changed")
            after = {uid: card_id for card_id, uid in self._kept.index.uids_by_id.items()}
            return {old: after[uid] for old, uid in before.items() if uid in after}

    async def _catch_up(self, kept: Kept) -> bool:
        """Apply the changes since the last state; return False if everything must be read anew."""
        has_more = True
        while has_more:
            size = await page_size(self._client)
            changes = get_changes(self._account_id, kept.state, limit=size)
            try:
                books, delta = await self._client.perform(get_books(self._account_id), changes)
            except MethodError as error:
                if error.type != "cannotCalculateChanges":
                    raise
                return False
            if not kept.is_followed_by(delta, books):
                return False
            kept.follow(delta, books)
            has_more = delta.has_more
        return True

    async def _everything(self) -> Kept:
        """Read every card. A sync finds later changes, because the state was read first."""
        size = await page_size(self._client)
        ask = partial(find_cards, self._account_id, EVERYTHING, limit=size, properties=BRIEF)
        books, (state, first) = await self._client.perform(
            get_books(self._account_id), in_order(get_state(self._account_id), ask())
        )
        kept = Kept(books, state)
        kept.put(first.found)
        async for page in rest_of(self._client, ask, first):
            kept.put(page.found)
        return kept


def _read_only(books: Sequence[Book]) -> frozenset[str]:
    return frozenset(book.id for book in books if not book.is_writable)


def _is_later(state: str, than: str) -> bool:
    """Return True if both states are numbers, which servers count up, and the first is larger."""
    a, b = _NUMBERED.fullmatch(state), _NUMBERED.fullmatch(than)
    if a is None or b is None or a[1] != b[1]:
        return False
    return int(a[2]) > int(b[2])
