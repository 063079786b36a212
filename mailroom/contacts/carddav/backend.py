"""The address book on a CardDAV server (RFC 6352)."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from yarl import URL

from mailroom.concurrency import all_of
from mailroom.contacts.address import key_of
from mailroom.contacts.book import (
    AddressBookError,
    Card,
    ContactEdit,
    Contents,
    Description,
    Group,
)
from mailroom.contacts.carddav.discovery import AddressBookCollection, discover
from mailroom.contacts.carddav.known import Known
from mailroom.contacts.carddav.mirror import Mirror
from mailroom.contacts.carddav.refusals import AddressBookGoneError
from mailroom.contacts.carddav.reports import Reports
from mailroom.contacts.carddav.resource import Resource
from mailroom.contacts.carddav.resources import Resources
from mailroom.contacts.carddav.writing import Writing
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.vcard.edit import to_card
from mailroom.contacts.vcard.groups import GroupForm, form_of, is_group
from mailroom.contacts.vcard.new import new_group
from mailroom.http import HttpClient

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    """An address book that was found, and what is done with it."""

    collection: AddressBookCollection
    known: Known
    mirror: Mirror
    resources: Resources


class CardDavAddressBook:
    """One user's address book; see :class:`mailroom.contacts.book.AddressBook`.

    It is looked for once, and again when it is not there any more. Who is in it is kept in memory;
    whole cards are read when they may have to be written.

    Args:
        http: a client with the user's credentials.
        base_url: where to look for it, see :func:`mailroom.contacts.carddav.discovery.discover`.
    """

    def __init__(self, http: HttpClient, base_url: URL) -> None:
        self._http = http
        self._base_url = base_url
        self._found: _Found | None = None
        self._finding = asyncio.Lock()

    async def describe(self) -> Description:
        """See the protocol."""
        collection = (await self._find()).collection
        return Description("CardDAV", collection.url, collection.name)

    async def sync(self) -> ContactIndex:
        """See the protocol."""
        return await self._again_if_gone(self._sync)

    async def read(self, addresses: Collection[str]) -> Contents:
        """See the protocol. A sync serves one read; without one, it is made here."""
        return await self._again_if_gone(partial(self._read, addresses))

    async def read_cards(self, ids: Collection[str]) -> Contents:
        """See the protocol."""
        return await self._again_if_gone(partial(self._read_cards, ids))

    async def write(
        self, edits: Sequence[ContactEdit], groups: Collection[Group]
    ) -> Mapping[str, Exception]:
        """See the protocol."""
        found = await self._find()
        return await Writing(found.resources, edits, groups, partial(_groups_now, found)).run()

    async def create_groups(self, names: Collection[str]) -> None:
        """See the protocol. They take the form of the groups that are there."""
        groups = (await self.sync()).groups
        resources = (await self._find()).resources
        seen = await all_of(resources.seen(group.id) for group in groups)
        form = _common_form(await all_of(resources.as_kept(each) for each in seen if each))
        await all_of(_create_group(resources, name, form) for name in names)

    async def _find(self) -> _Found:
        async with self._finding:
            if self._found is None:
                collection = await discover(self._http, self._base_url)
                log.debug("address book found", url=str(collection.url), name=collection.name)
                self._found = _open(self._http, collection)
            return self._found

    async def _again_if_gone(self, action: Callable[[], Awaitable[T]]) -> T:
        """Do something with the address book; if that is gone, look where it is now."""
        try:
            return await action()
        except AddressBookGoneError:
            self._found = None
            return await action()

    async def _sync(self) -> ContactIndex:
        found = await self._find()
        await found.mirror.sync()
        return found.known.index

    async def _read(self, addresses: Collection[str]) -> Contents:
        found = await self._find()
        await found.mirror.catch_up()
        cards = await _cards(found, found.known.index.ids_of(addresses))
        wanted = {key_of(address) for address in addresses}
        matching = tuple(card for card in cards if _bears_one_of(card, wanted))
        return Contents(cards=matching, groups=found.known.index.groups)

    async def _read_cards(self, ids: Collection[str]) -> Contents:
        found = await self._find()
        await found.mirror.catch_up()
        return Contents(cards=await _cards(found, ids), groups=found.known.index.groups)


def _open(http: HttpClient, collection: AddressBookCollection) -> _Found:
    known, reports = Known(), Reports(http, collection.url)
    return _Found(
        collection=collection,
        known=known,
        mirror=Mirror(reports, known, can_sync=collection.can_sync),
        resources=Resources(http, collection.url, known),
    )


async def _groups_now(found: _Found) -> tuple[Group, ...]:
    """Every group as it is; what changes from now on is news to the next reading."""
    await found.mirror.sync()
    found.known.is_fresh = False
    return found.known.index.groups


async def _cards(found: _Found, paths: Collection[str]) -> tuple[Card, ...]:
    """Read cards whole."""
    return tuple(
        to_card(each.path, each.card)
        for each in await found.resources.read(paths)
        if not is_group(each.card)
    )


def _bears_one_of(card: Card, addresses: Collection[str]) -> bool:
    return any(key_of(address) in addresses for address in card.addresses)


def _common_form(groups: Collection[Resource]) -> GroupForm:
    """The form for new groups: vCard 4 where all groups are, else Apple's, which all apps know."""
    forms = {form_of(group.card) for group in groups}
    return GroupForm.VCARD4 if forms == {GroupForm.VCARD4} else GroupForm.APPLE


async def _create_group(resources: Resources, name: str, form: GroupForm) -> None:
    """Make a group. Its uid is new: if that is taken, an answer was lost, and the group is ours."""
    uid = str(uuid.uuid4())
    try:
        await resources.create(uid, new_group(name, uid, form))
    except AddressBookError as error:
        raise AddressBookError(f"contact group {name}: {error}") from error
