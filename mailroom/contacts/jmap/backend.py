"""The address book on a JMAP server (RFC 9610)."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from mailroom.contacts.address import key_of
from mailroom.contacts.book import Description
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.jmap.calls import Book, get_books
from mailroom.contacts.jmap.card_set import Changes, set_cards
from mailroom.contacts.jmap.cards import is_group, to_card
from mailroom.contacts.jmap.edits import new_group
from mailroom.contacts.jmap.fields import JsCard
from mailroom.contacts.jmap.mirror import Kept, Mirror
from mailroom.contacts.jmap.reading import Cards
from mailroom.contacts.jmap.refusals import is_taken
from mailroom.contacts.jmap.writing import Writing
from mailroom.contacts.model import (
    AddressBookError,
    Card,
    ContactEdit,
    Contents,
    Group,
    ReadOnlyAddressBookError,
)
from mailroom.jmap.client import JmapClient


class JmapAddressBook:
    """One account's contacts; see :class:`mailroom.contacts.book.AddressBook`.

    Cards and groups are made in one address book. Cards in other writable address books may join
    groups, but are not edited. Cards in read-only address books only make their addresses known.
    An index is kept in memory; cards are read with all properties when they may be edited.

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
        self._annotate = annotate
        self._wanted = address_book
        self._client = client
        self._account_id = account_id
        self._cards = Cards(client, account_id)
        self._mirror = Mirror(client, account_id)
        self._synced: Kept | None = None
        self._default: Book | None = None
        self._index = ContactIndex()

    async def describe(self) -> Description:
        """See the protocol."""
        session = await self._client.session()
        return Description("JMAP", session.api_url, (await self._address_book()).name)

    async def notes(self) -> tuple[str, ...]:
        """See the protocol. There are no notes over JMAP."""
        return ()

    async def sync(self) -> ContactIndex:
        """See the protocol. Takes one request, except for the first call and for many changes."""
        return (await self._sync()).index

    async def read(self, addresses: Collection[str]) -> Contents:
        """See the protocol. Without a sync before, the read begins with one."""
        kept = await self._once_synced()
        wanted = {key_of(address) for address in addresses}
        cards = await self._see(kept.index.ids_of(wanted), kept)
        return Contents(
            cards=tuple(card for card in cards if wanted & {*map(key_of, card.addresses)}),
            groups=kept.index.groups,
        )

    async def read_cards(self, ids: Collection[str]) -> Contents:
        """See the protocol."""
        kept = await self._once_synced()
        cards = await self._see(ids, kept)
        return Contents(cards=cards, groups=kept.index.groups)

    async def _once_synced(self) -> Kept:
        kept, self._synced = self._synced or await self._sync(), None
        return kept

    async def _see(self, ids: Collection[str], kept: Kept) -> tuple[Card, ...]:
        """Read cards with all properties, also cards whose ids have changed."""
        found = await self._cards.see(ids, kept.groups, kept.state)
        if missing := {*ids} - {card["id"] for card in found}:
            present = await self._mirror.renew(missing)
            ids = {present[card_id] for card_id in ids if card_id in present}
            found = await self._cards.see(ids, kept.groups, kept.state)
        return tuple(
            self._card(card) for card in found if not is_group(card) and kept.is_writable(card)
        )

    def _card(self, found: JsCard) -> Card:
        """Return a card as it was read. A card in another address book may only join groups."""
        card, books = to_card(found, annotate=self._annotate), found.get("addressBookIds")
        is_ours = self._default is None or not isinstance(books, dict) or self._default.id in books
        return card if is_ours else replace(card, is_editable=False)

    async def write(
        self, edits: Sequence[ContactEdit], groups: Collection[Group]
    ) -> Mapping[str, Exception]:
        """See the protocol."""
        self._synced = None
        address_book = await self._address_book()
        writing = Writing(
            self._cards,
            address_book.id,
            edits,
            groups,
            self._index,
            self._mirror,
            annotate=self._annotate,
        )
        return await writing.run()

    async def create_groups(self, names: Collection[str]) -> None:
        """See the protocol."""
        self._synced = None
        book = await self._address_book()
        groups = {name: new_group(name, str(uuid.uuid4()), book.id) for name in names}
        size = (await self._client.session()).limits.max_objects_in_set
        remaining = iter(groups.items())
        while some := dict(islice(remaining, size)):
            await self._create_groups(some)

    async def _create_groups(self, groups: Mapping[str, JsCard]) -> None:
        """Make groups. Their uids are new: a taken uid means a lost answer, and a group of ours."""
        keyed = {str(number): each for number, each in enumerate(groups.items())}
        create = {key: group for key, (_, group) in keyed.items()}
        (done,) = await self._cards.write(set_cards(self._account_id, Changes(create=create)))
        if done.refusal is not None:
            raise done.refusal
        for key, error in done.failed.items():
            if not is_taken(error):
                raise AddressBookError(f"contact group {keyed[key][0]}: {error}")

    async def _sync(self) -> Kept:
        kept = await self._mirror.sync()
        self._default = choose(kept.books, self._wanted)
        self._synced = kept
        self._index = kept.index
        return kept

    async def _address_book(self) -> Book:
        """Return the address book for new cards, as it was read last."""
        if self._default is None:
            (books,) = await self._client.perform(get_books(self._account_id))
            self._default = choose(books, self._wanted)
        return self._default


def choose(books: Sequence[Book], wanted: str) -> Book:
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
