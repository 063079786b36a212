"""One :meth:`AddressBook.write` on a CardDAV server: cards, then groups, then deletions.

A failure concerns its own edits only: the later steps leave these edits out and carry out all
others.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from mailroom.contacts.carddav.cache import CardCache
from mailroom.contacts.carddav.membership import GroupWrite, waves
from mailroom.contacts.carddav.resource import Resource
from mailroom.contacts.carddav.resources import Resources
from mailroom.contacts.carddav.sync import Synchronizer
from mailroom.contacts.edit_report import EditReport
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import (
    AddressBookError,
    Card,
    ContactEdit,
    CreateCard,
    DeleteCard,
    Group,
    UpdateCard,
)
from mailroom.contacts.uid import other_uid, uid_key
from mailroom.contacts.vcard.edit import adopted, is_readable, new_card, updated
from mailroom.contacts.vcard.fields import addresses_of, uid_of
from mailroom.contacts.vcard.groups import with_categories, with_members
from mailroom.contacts.vcard.lines import VCard
from mailroom.waiting.concurrency import all_of

_UIDS_TRIED: Final = 3


class Writing:
    """The work of one call.

    Args:
        resources: reads and writes the cards.
        cache: the address book in memory.
        synchronizer: reads every group before a deletion.
        edits: the edits, with unique keys.
        index: the cards and groups from which the edits were decided.
    """

    def __init__(
        self,
        resources: Resources,
        cache: CardCache,
        synchronizer: Synchronizer,
        edits: Sequence[ContactEdit],
        index: ContactIndex,
    ) -> None:
        self._resources = resources
        self._cache = cache
        self._synchronizer = synchronizer
        self._edits = edits
        self._index = index
        self._groups = index.groups
        # A 500 is about the card: servers send it for a card that they cannot parse, or that is too
        # large for them. The server itself is well, because it has just listed the cards.
        self._report = EditReport(edits, statuses_of_cards={HTTPStatus.INTERNAL_SERVER_ERROR})
        # Key of an edit -> uid of its card, which may be another one than the edit wants.
        self._uids = {edit.key: edit.uid for edit in edits}

    async def run(self) -> Mapping[str, Exception]:
        """Carry out the edits, and return the reasons of failed ones by key.

        Raises:
            CredentialsRefusedError: the server refuses the credentials; some edits may be done.
            HttpError: no edit succeeded, because the server failed or cannot be reached.
        """
        await all_of(self._write_card(edit) for edit in self._edits)
        if not self._cache.groups_are_categories:
            left = [edit for edit in self._edits if edit.key not in self._report.failures]
            edits = [replace(edit, uid=self._uids[edit.key]) for edit in left]
            for wave in waves(edits, self._groups):
                await all_of(self._write_group(write) for write in wave)
        await self._delete_cards()
        self._report.raise_if_nothing_worked()
        return self._report.failures

    async def _write_card(self, edit: ContactEdit) -> None:
        """Make or change the card of an edit; deletions follow later, after the groups."""

        def categorized(card: VCard) -> VCard:
            """Return the card after joining and leaving groups that are kept as CATEGORIES."""
            if not self._cache.groups_are_categories:
                return card
            names = {group.id: group.name for group in self._groups}
            join = [names[group] for group in edit.join]
            leave = [names[group] for group in edit.leave]
            return with_categories(card, join=join, leave=leave)

        with self._report.failing(edit.key):
            match edit.card:
                case CreateCard() as create:
                    self._uids[edit.key] = await self._create(create, categorized)
                case UpdateCard() as update:
                    await self._resources.change(
                        update.card.id, lambda card: categorized(updated(card, update))
                    )
                case None if self._cache.groups_are_categories:
                    if (path := self._index.id_of(edit.uid)) is not None:
                        await self._resources.change(path, categorized)

    async def _create(self, create: CreateCard, categorized: Callable[[VCard], VCard]) -> str:
        """Make a card, or use the existing one; return its uid."""
        uid = create.uid
        for _ in range(_UIDS_TRIED):
            path = await self._resources.create(uid, categorized(new_card(create, uid)))
            if path is None:
                return uid_key(uid)
            existing = await self._resources.get(path)
            if (
                existing is not None
                and is_readable(existing.card)
                and create.is_for(uid_of(existing.card), addresses_of(existing.card))
            ):
                await self._resources.change(path, lambda card: categorized(adopted(card, create)))
                return uid_of(existing.card)
            uid = other_uid(uid, create.address)
        raise AddressBookError(
            f"no card can be made: the uid {create.uid} and other uids are taken"
        )

    async def _write_group(self, write: GroupWrite) -> None:
        joining = [edit for edit in write.joining if edit.key not in self._report.failures]
        leaving = [edit for edit in write.leaving if edit.key not in self._report.failures]
        join = [edit.uid for edit in joining]
        leave = [edit.uid for edit in leaving]
        with self._report.failing(*(edit.key for edit in joining + leaving)):
            try:
                await self._resources.change(
                    write.group,
                    lambda card: with_members(
                        card, join=join, leave=leave, written_uid=self._cache.written_uid
                    ),
                )
            except AddressBookError as error:
                names = (group.name for group in self._groups if group.id == write.group)
                name = next(names, write.group)
                raise AddressBookError(f"contact group {name}: {error}") from error

    async def _delete_cards(self) -> None:
        """Delete cards, after all other writes.

        A card does not name its groups, so the groups are read once more. The versions to delete
        are determined before the groups are read, because that reading may put newer versions of
        the cards into the cache.
        """
        versions: dict[ContactEdit, Resource] = {}

        async def find_version(edit: ContactEdit, card: Card) -> None:
            with self._report.failing(edit.key):
                if (version := await self._resources.unchanged_version(card)) is not None:
                    versions[edit] = version

        async def delete(edit: ContactEdit, version: Resource, now: Collection[Group]) -> None:
            with self._report.failing(edit.key):
                edit.refuse_if_joined(self._groups, now)
                await self._resources.delete(version)

        await all_of(
            find_version(edit, edit.card.card)
            for edit in self._edits
            if isinstance(edit.card, DeleteCard) and edit.key not in self._report.failures
        )
        if versions:
            with self._report.failing(*(edit.key for edit in versions)):
                now = (await self._synchronizer.sync()).groups
                await all_of(delete(edit, version, now) for edit, version in versions.items())
