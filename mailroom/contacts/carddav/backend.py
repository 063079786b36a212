"""The address book on a CardDAV server (RFC 6352)."""

import asyncio
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from yarl import URL

from mailroom.contacts.book import Description, Snapshot
from mailroom.contacts.carddav.cache import CardCache
from mailroom.contacts.carddav.collection_sync import CollectionSync
from mailroom.contacts.carddav.discovery import AddressBookCollection
from mailroom.contacts.carddav.hrefs import Paths
from mailroom.contacts.carddav.requests import Requests
from mailroom.contacts.carddav.resource import LARGEST_CARD
from mailroom.contacts.carddav.resources import Resources
from mailroom.contacts.carddav.selection import Options, Selected, select
from mailroom.contacts.carddav.sync import OtherBooks, Synchronizer
from mailroom.contacts.carddav.webdav import AddressBookGoneError
from mailroom.contacts.carddav.writing import Writing
from mailroom.contacts.model import AddressBookError, Card, ContactEdit
from mailroom.contacts.vcard.edit import new_group, to_card
from mailroom.contacts.vcard.groups import GroupForm, form_of, with_categories
from mailroom.contacts.vcard.lines import VCard
from mailroom.http import HttpClient
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _OpenBook:
    """An address book in use.

    Attributes:
        collection: the address book as it was found.
        cache: the address book in memory.
        synchronizer: keeps the cache up to date.
        resources: reads and writes the cards.
        others: the user's other address books.
    """

    collection: AddressBookCollection
    cache: CardCache
    synchronizer: Synchronizer
    resources: Resources
    others: OtherBooks


class CardDavAddressBook:
    """One user's address book; see :class:`mailroom.contacts.book.AddressBook`.

    The address book is looked for once, and again if the server no longer has it. An index is kept
    in memory; whole cards are read when they may be edited.

    Args:
        http: a client with the user's credentials.
        base_url: the URL where the search begins, see
            :func:`mailroom.contacts.carddav.discovery.discover`.
        options: the settings of the address book.
    """

    def __init__(self, http: HttpClient, base_url: URL, options: Options | None = None) -> None:
        self._http = http
        self._base_url = base_url
        self._options = options or Options()
        self._opened: _OpenBook | None = None
        self._opening = asyncio.Lock()

    async def describe(self) -> Description:
        """See the protocol."""
        collection = (await self._open()).collection
        return Description("CardDAV", collection.url, collection.name)

    async def remarks(self) -> tuple[str, ...]:
        """See the protocol."""
        await self.sync()
        book, remarks = await self._open(), []
        if others := book.others.names:
            remarks.append(
                f"other address books: {', '.join(others)}. Mailroom knows their contacts, but"
                " never writes to them; MAILROOM_CONTACTS_ADDRESS_BOOK selects the one to write to"
            )
        if book.cache.too_large:
            paths = ", ".join(sorted(book.cache.too_large))
            remarks.append(
                f"cards that are not edited, because they exceed {LARGEST_CARD >> 20} MiB: {paths}"
            )
        used = book.cache.category_members.used()
        if used and not book.cache.groups_are_categories:
            remarks.append(
                f"contacts have the categories {', '.join(sorted(used))} on their cards, which"
                " Mailroom ignores. If your apps keep groups as categories, set"
                " MAILROOM_CONTACTS_GROUPS=categories"
            )
        return tuple(remarks)

    async def sync(self) -> Snapshot:
        """See the protocol. If the address book is gone, one is looked for again."""
        book = await self._open()
        with suppress(AddressBookGoneError):
            return Snapshot(await book.synchronizer.sync(), book.resources.read)
        self._opened = None
        book = await self._open()
        return Snapshot(await book.synchronizer.sync(), book.resources.read)

    async def write(
        self, edits: Sequence[ContactEdit], snapshot: Snapshot
    ) -> Mapping[str, Exception]:
        """See the protocol."""
        book = await self._open()
        writing = Writing(book.resources, book.cache, book.synchronizer, edits, snapshot.index)
        return await writing.run()

    async def create_groups(self, names: Collection[str]) -> None:
        """See the protocol.

        New groups have the form of vCard 4 if the settings want it or all existing groups have that
        form. Otherwise they have Apple's form.
        """
        groups = (await self.sync()).groups
        resources = (await self._open()).resources
        existing = await all_of(resources.cached(group.id) for group in groups)
        stored = await all_of(resources.in_stored_version(group) for group in existing if group)
        has_only_vcard4 = {form_of(group.card) for group in stored} == {GroupForm.VCARD4}
        form = GroupForm.APPLE
        if has_only_vcard4 or self._options.makes_vcard4_groups:
            form = GroupForm.VCARD4

        async def create(name: str) -> None:
            uid = str(uuid.uuid4())
            try:
                # The uid is random. If it is taken, an earlier request made this group, but its
                # answer was lost.
                await resources.create(uid, new_group(name, uid, form))
            except AddressBookError as error:
                raise AddressBookError(f"contact group {name}: {error}") from error

        await all_of(create(name) for name in names)

    async def _open(self) -> _OpenBook:
        """Return the address book in use; if there is none yet, look for one."""
        async with self._opening:
            if self._opened is None:
                selected = await select(self._http, self._base_url, self._options)
                url, name = selected.collection.url, selected.collection.name
                log.debug("address book found", url=str(url), name=name)
                self._opened = self._open_selected(selected)
            return self._opened

    def _open_selected(self, selected: Selected) -> _OpenBook:
        """Make the objects that work on an address book; no request is sent yet."""
        options, collection, paths = self._options, selected.collection, Paths()
        cache = CardCache(options.group_names, groups_are_categories=options.groups_are_categories)
        requests = Requests(self._http, collection.url, paths)
        collection_sync = CollectionSync(requests, cache.etags, can_sync=collection.can_sync)
        others = OtherBooks(self._http, paths, selected.homes, collection.url, selected.listed)

        def as_contact(path: str, card: VCard) -> Card:
            """Convert a card, without the CATEGORIES that are Mailroom's groups.

            Mailroom itself writes them, so they must not make a card look changed: neither changed
            by a person (see ``untouched``), nor changed since it was read (before a deletion).
            """
            if options.groups_are_categories:
                card = with_categories(card, join=(), leave=options.group_names)
            return to_card(path, card)

        return _OpenBook(
            collection=collection,
            cache=cache,
            synchronizer=Synchronizer(collection_sync, others, cache),
            resources=Resources(requests, cache, as_contact),
            others=others,
        )
