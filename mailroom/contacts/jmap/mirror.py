"""What is kept of an account's cards, in step with the server by ``ContactCard/changes``."""

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
"""A state that is a number, maybe behind a letter or so."""


class Kept:
    """The cards in brief, and the groups as the server gave them.

    Of cards that are only in address books which may not be written to, and of cards without a uid,
    the addresses are known, and nothing else.

    Attributes:
        books: every address book.
        state: of all cards. What is kept is no older; while the server is in this state, it is
            just so.
        index: cards and groups.
        groups: id -> the group, of which its members are as written.
        written_uids: uid -> how the contact's card writes it, where that is another spelling.
    """

    def __init__(self, books: Sequence[Book], state: str) -> None:
        self.books = books
        self.state = state
        self.index = ContactIndex()
        self.groups: dict[str, JsCard] = {}
        self.written_uids: dict[str, str] = {}
        self._read_only = _read_only(books)

    def put(self, *parts: Found) -> None:
        """Take in cards."""
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
        """Come to a newer state, to which this leads."""
        self.books = books
        for each in delta.touched:
            self.index.remove(each)
            self.groups.pop(each, None)
        self.put(*delta.parts)
        self.state = delta.new_state

    def become(self, other: "Kept") -> None:
        """Take over everything from another reading."""
        self.books, self.state, self.groups = other.books, other.state, other.groups
        self.written_uids = other.written_uids
        self._read_only = _read_only(other.books)
        self.index.become(other.index)

    def is_followed_by(self, delta: Delta, books: Sequence[Book]) -> bool:
        """Whether a delta leads from here to what the server has now.

        It does not where the server was set back to an earlier state: of ours, which it has not
        reached again, it says that nothing happened since, and gives its own. Nor where the user's
        rights have changed, and other cards count.
        """
        if _read_only(books) != self._read_only:
            return False
        if delta.new_state == self.state:
            return not delta.has_more
        return bool(delta.touched) or _is_later(delta.new_state, self.state)

    def is_writable(self, card: JsCard) -> bool:
        """Whether the card is in an address book that may be written to."""
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
        """Bring what is kept into step.

        One request, or one for each page where more is new than the server gives at a time. What
        could not be read leaves what was kept before as it was, or nearer to the present.

        Raises:
            HttpError, JmapError: the server cannot be asked.
            CardsMovedError: nothing was kept, and the cards never held still.
        """
        async with self._syncing:
            if self._kept is None or not await self._catch_up(self._kept):
                self._kept = await undisturbed(self._everything)
                log.info("contacts read", cards=len(self._kept.index))
            return self._kept

    def written_uid(self, uid: str) -> str:
        """Return a contact's uid as it stands on its card, as far as is known."""
        return uid if self._kept is None else self._kept.written_uids.get(uid, uid)

    async def renew(self, missing: Collection[str]) -> Mapping[str, str]:
        """Read everything again if cards or groups that are kept are not there under their ids.

        Ids can change under a running client while the state stays valid (Fastmail did so to live
        accounts), and then no ``ContactCard/changes`` tells of it.

        Args:
            missing: ids that the server does not know.

        Returns:
            The present id of each card and group that was kept, by the former id; without those
            that are gone.

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
        """Take in what is new; tells whether that was to be had."""
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
        """Read all there is. What changes meanwhile comes after the state, and is news later."""
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
    """Whether one state is surely later than another: if they are numbers, servers count up."""
    a, b = _NUMBERED.fullmatch(state), _NUMBERED.fullmatch(than)
    if a is None or b is None or a[1] != b[1]:
        return False
    return int(a[2]) > int(b[2])
