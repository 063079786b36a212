"""The address book on a CardDAV server (RFC 6352)."""

import asyncio
import uuid
from collections.abc import Collection, Mapping, Sequence

import structlog
from yarl import URL

from mailroom.contacts.book import Description, Snapshot
from mailroom.contacts.carddav.finding import Options, find
from mailroom.contacts.carddav.notes import notes_on
from mailroom.contacts.carddav.opened import OpenedBook, open_book
from mailroom.contacts.carddav.refusals import AddressBookGoneError
from mailroom.contacts.carddav.resource import Resource
from mailroom.contacts.carddav.resources import Resources
from mailroom.contacts.carddav.writing import Writing
from mailroom.contacts.model import AddressBookError, ContactEdit
from mailroom.contacts.vcard.groups import GroupForm, form_of
from mailroom.contacts.vcard.new import new_group
from mailroom.http import HttpClient
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)


class CardDavAddressBook:
    """One user's address book; see :class:`mailroom.contacts.book.AddressBook`.

    The address book is searched once, and again if the server no longer has it. An index is kept in
    memory; whole cards are read when they may be edited.

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
        self._opened: OpenedBook | None = None
        self._finding = asyncio.Lock()

    async def describe(self) -> Description:
        """See the protocol."""
        collection = (await self._find()).collection
        return Description("CardDAV", collection.url, collection.name)

    async def notes(self) -> tuple[str, ...]:
        """See the protocol."""
        await self.sync()
        return notes_on(await self._find())

    async def sync(self) -> Snapshot:
        """See the protocol. If the address book is gone, it is searched again."""
        try:
            return await self._sync()
        except AddressBookGoneError:
            self._opened = None
            return await self._sync()

    async def write(
        self, edits: Sequence[ContactEdit], snapshot: Snapshot
    ) -> Mapping[str, Exception]:
        """See the protocol."""
        book = await self._find()
        return await Writing(book.resources, book.known, book.mirror, edits, snapshot.index).run()

    async def create_groups(self, names: Collection[str]) -> None:
        """See the protocol. New groups have the form of the existing ones."""
        groups = (await self.sync()).groups
        resources = (await self._find()).resources
        seen = await all_of(resources.seen(group.id) for group in groups)
        form = _common_form(await all_of(resources.as_kept(each) for each in seen if each))
        if self._options.makes_vcard4_groups:
            form = GroupForm.VCARD4
        await all_of(_create_group(resources, name, form) for name in names)

    async def _find(self) -> OpenedBook:
        async with self._finding:
            if self._opened is None:
                found = await find(self._http, self._base_url, self._options)
                url, name = found.collection.url, found.collection.name
                log.debug("address book found", url=str(url), name=name)
                self._opened = open_book(self._http, found, self._options)
            return self._opened

    async def _sync(self) -> Snapshot:
        book = await self._find()
        return Snapshot(await book.mirror.sync(), book.resources.read)


def _common_form(groups: Collection[Resource]) -> GroupForm:
    """Return the form for new groups: vCard 4 if every group has it, else Apple's."""
    forms = {form_of(group.card) for group in groups}
    return GroupForm.VCARD4 if forms == {GroupForm.VCARD4} else GroupForm.APPLE


async def _create_group(resources: Resources, name: str, form: GroupForm) -> None:
    """Make a group. Its uid is new: a taken uid means a lost answer, and a group of ours."""
    uid = str(uuid.uuid4())
    try:
        await resources.create(uid, new_group(name, uid, form))
    except AddressBookError as error:
        raise AddressBookError(f"contact group {name}: {error}") from error
