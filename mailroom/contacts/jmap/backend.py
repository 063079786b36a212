"""The address book on a JMAP server (RFC 9610)."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from mailroom.contacts.book import Description, Snapshot
from mailroom.contacts.jmap.calls import Book, CardWrites, get_books, set_cards
from mailroom.contacts.jmap.reading import Cards
from mailroom.contacts.jmap.sync import CardCache, Synchronizer
from mailroom.contacts.jmap.writing import Writing
from mailroom.contacts.jscontact.cards import is_group, new_group, to_card
from mailroom.contacts.model import (
    AddressBookError,
    Card,
    ContactEdit,
    ReadOnlyAddressBookError,
)
from mailroom.jmap.client import JmapClient


class JmapAddressBook:
    """One account's contacts; see :class:`mailroom.contacts.book.AddressBook`.

    Cards and groups are made in one address book. Cards in other writable address books may join
    groups, but are not edited. Cards in read-only address books only make their addresses known.
    The cards are kept in brief in memory, and read with all properties when they may be edited.

    Args:
        client: the client of the server.
        account_id: the account for contacts.
        annotate: True to edit also cards that Mailroom did not make, although servers may lose
            parts of such cards at an edit.
        address_book: the name or id of the address book for new cards and groups; empty: the
            default one, or the only writable one.
    """

    def __init__(
        self,
        client: JmapClient,
        account_id: str,
        *,
        annotate: bool = False,
        address_book: str = "",
    ) -> None:
        self._client = client
        self._account_id = account_id
        self._annotate = annotate
        self._wanted = address_book
        self._cards = Cards(client, account_id)
        self._synchronizer = Synchronizer(client, account_id)
        self._chosen: Book | None = None

    async def describe(self) -> Description:
        """See the protocol."""
        session = await self._client.session()
        return Description("JMAP", session.api_url, (await self._chosen_book()).name)

    async def remarks(self) -> tuple[str, ...]:
        """See the protocol. There are no remarks over JMAP."""
        return ()

    async def sync(self) -> Snapshot:
        """See the protocol. Takes one request, except for the first call and for many changes."""
        cache = await self._synchronizer.sync()
        self._chosen = choose_book(cache.books, self._wanted)
        return Snapshot(cache.index, partial(self._fetch, cache, self._chosen))

    async def _fetch(
        self, cache: CardCache, chosen: Book, ids: Collection[str]
    ) -> tuple[Card, ...]:
        """Read cards with all properties, also cards whose ids have changed since the sync."""
        found = await self._cards.fetch(ids, cache.groups, cache.state)
        if missing := {*ids} - {card["id"] for card in found}:
            cache, present = await self._synchronizer.renew_ids(cache.index, missing)
            ids = {present[card_id] for card_id in ids if card_id in present}
            found = await self._cards.fetch(ids, cache.groups, cache.state)
        cards = []
        for js_card in found:
            if is_group(js_card) or not cache.is_writable(js_card):
                continue
            card, books = to_card(js_card, annotate=self._annotate), js_card.get("addressBookIds")
            if isinstance(books, dict) and chosen.id not in books:
                card = replace(card, is_editable=False)
            cards.append(card)
        return tuple(cards)

    async def write(
        self, edits: Sequence[ContactEdit], snapshot: Snapshot
    ) -> Mapping[str, Exception]:
        """See the protocol."""
        address_book = await self._chosen_book()
        writing = Writing(
            self._cards,
            address_book.id,
            edits,
            snapshot.index,
            self._synchronizer,
            annotate=self._annotate,
        )
        return await writing.run()

    async def create_groups(self, names: Collection[str]) -> None:
        """See the protocol."""
        book = await self._chosen_book()
        remaining = iter([(name, new_group(name, str(uuid.uuid4()), book.id)) for name in names])
        size = (await self._client.session()).limits.max_objects_in_set
        while batch := list(islice(remaining, size)):
            writes = CardWrites(create={str(key): group for key, (_, group) in enumerate(batch)})
            (done,) = await self._cards.write(set_cards(self._account_id, writes))
            if done.refusal is not None:
                raise done.refusal
            for key, error in done.failed.items():
                # The uids are new, so a taken uid means a lost answer, and a group of ours.
                if key not in done.taken:
                    raise AddressBookError(f"contact group {batch[int(key)][0]}: {error}")

    async def _chosen_book(self) -> Book:
        """Return the address book for new cards and groups, as it was read last."""
        if self._chosen is None:
            (books,) = await self._client.perform(get_books(self._account_id))
            self._chosen = choose_book(books, self._wanted)
        return self._chosen


def choose_book(books: Sequence[Book], wanted: str) -> Book:
    """Choose the address book for new cards and groups.

    It is the one that the settings name, else the default one, else the only writable one. Among
    several others a person has to choose.

    Args:
        books: every address book.
        wanted: the name or id from the settings; empty: not set.

    Raises:
        ReadOnlyAddressBookError: no address book, or not the wanted one, may be written to.
        AddressBookError: the wanted one was not found, or there are several to choose from.
    """
    names = ", ".join(sorted(repr(book.name or book.id) for book in books)) or "there is none"
    if wanted:
        named = [book for book in books if wanted == book.id] or [
            book for book in books if book.name.casefold() == wanted.casefold()
        ]
        if len(named) != 1:
            many = "several address books are" if named else "no address book is"
            raise AddressBookError(f"{many} called {wanted!r}; there are: {names}")
        if not named[0].is_writable:
            raise ReadOnlyAddressBookError(f"the user may not write to address book {wanted!r}")
        return named[0]
    writable = [book for book in books if book.is_writable]
    if not writable:
        raise ReadOnlyAddressBookError(f"the user may not write to any address book: {names}")
    default = [book for book in writable if book.is_default] or writable
    if len(default) > 1:
        names = ", ".join(sorted(repr(book.name or book.id) for book in default))
        raise AddressBookError(
            f"which address book is to be used? There are: {names}; set"
            " MAILROOM_CONTACTS_ADDRESS_BOOK to the name or id of one"
        )
    return default[0]
