"""The address book on a JMAP server (RFC 9610)."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from mailroom.contacts.book import Description, Snapshot
from mailroom.contacts.jmap.books import Book, choose_book, get_books
from mailroom.contacts.jmap.calls import CardWrites, set_cards
from mailroom.contacts.jmap.reading import Cards
from mailroom.contacts.jmap.sync import CardCache, Synchronizer
from mailroom.contacts.jmap.writing import Writing
from mailroom.contacts.jscontact.cards import is_group, new_group, to_card
from mailroom.contacts.model import AddressBookError, Card, ContactEdit
from mailroom.jmap.client import JmapClient


class JmapAddressBook:
    """One account's contacts; see :class:`mailroom.contacts.book.AddressBook`.

    Cards and groups are made in one address book. Cards in other writable address books may join
    groups, but are not edited. Cards in read-only address books only make their addresses known.
    The cards are kept in brief in memory, and read with all properties before edits are decided.

    Args:
        client: the client of the server.
        account_id: the id of the account for contacts.
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
        """See the protocol. Takes one request, except for the first call and after many changes."""
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
            (result,) = await self._cards.write(set_cards(self._account_id, writes))
            if result.refusal is not None:
                raise result.refusal
            for key, error in result.failed.items():
                # The uids are random, so nobody else uses one. A uid that is taken shows that the
                # request was sent twice, because its response was lost: the group is there.
                if key not in result.taken:
                    raise AddressBookError(f"contact group {batch[int(key)][0]}: {error}")

    async def _chosen_book(self) -> Book:
        """Return the address book for new cards and groups, as it was read last."""
        if self._chosen is None:
            (books,) = await self._client.perform(get_books(self._account_id))
            self._chosen = choose_book(books, self._wanted)
        return self._chosen
