"""The address book in memory: an index of every card, and some cards byte for byte.

Pure; updated by :mod:`mailroom.contacts.carddav.mirror`.
"""

from collections.abc import Collection
from typing import Final

from mailroom.contacts.carddav.changes import Changes
from mailroom.contacts.carddav.hrefs import REPLACEMENT
from mailroom.contacts.carddav.members import CategoryMembers
from mailroom.contacts.carddav.reading import LARGEST_CARD
from mailroom.contacts.carddav.resource import Resource
from mailroom.contacts.index import IndexBuilder
from mailroom.contacts.model import Group
from mailroom.contacts.vcard.edit import is_readable, to_group
from mailroom.contacts.vcard.fields import uid_of, written_uid_of
from mailroom.contacts.vcard.groups import is_group

_WHOLE_AT_MOST: Final = 16 * 1024 * 1024
"""Octets of cards that are kept byte for byte. Further cards are read again when needed."""
_SMALL: Final = 32 * 1024
"""Octets. The length of a card is kept if the card is larger than this."""


class Known:
    """One address book.

    Args:
        names: the names of the groups that Mailroom uses.
        groups_are_categories: True if groups are CATEGORIES on cards; False if groups are cards.

    Attributes:
        index: builds the index of cards and groups.
        etags: the version of each resource in the index, by path.
        members: the cards that have these names as CATEGORIES.
        groups_are_categories: the argument.
    """

    def __init__(self, names: Collection[str] = (), *, groups_are_categories: bool = False) -> None:
        self.index = IndexBuilder()
        self.etags: dict[str, str] = {}
        self.members = CategoryMembers(names)
        self.groups_are_categories = groups_are_categories
        self._whole: dict[str, Resource] = {}
        self._whole_octets = 0
        self._octets: dict[str, int] = {}
        self._written_uids: dict[str, str] = {}
        self._put_categories()

    def whole(self, path: str) -> Resource | None:
        """Return the known version of a resource, byte for byte; None if there is none."""
        return self._whole.get(path)

    @property
    def too_large(self) -> tuple[str, ...]:
        """The paths of the cards that are too large to be edited."""
        return tuple(path for path, size in self._octets.items() if size > LARGEST_CARD)

    def written_uid(self, uid: str) -> str:
        """Return a contact's uid as it is written on its card."""
        return self._written_uids.get(uid, uid)

    def lengths(self, paths: Collection[str]) -> dict[str, int | None]:
        """Return the octets that each of some cards has at most."""
        return {path: self._octets.get(path, _SMALL) for path in paths}

    def see(self, resource: Resource) -> None:
        """Store a version that was read or written; a group is also put into the index."""
        self.outdate(resource.path)
        if not is_readable(resource.card):
            return
        group = is_group(resource.card)
        if resource.etag and REPLACEMENT.encode() not in bytes(resource.card):
            size = 0 if group else len(bytes(resource.card))
            if self._whole_octets + size <= _WHOLE_AT_MOST:
                self._whole[resource.path] = resource
                self._whole_octets += size
        if group:
            self._put_group(to_group(resource.path, resource.card))
        else:
            self._note_uid(uid_of(resource.card), written_uid_of(resource.card))

    def wrote(self, resource: Resource) -> None:
        """Store a version that was written, so that the next sync need not read it."""
        self.see(resource)
        if resource.etag:
            changes = Changes()
            changes.find(resource, largest=LARGEST_CARD)
            self.apply(changes)
            self.etags[resource.path] = resource.etag

    def outdate(self, path: str) -> None:
        """Discard the known version of a resource, so that no edit is built on it."""
        resource = self._whole.pop(path, None)
        if resource is not None and not is_group(resource.card):
            self._whole_octets -= len(bytes(resource.card))

    def outdate_cards(self) -> None:
        """Discard the known versions of cards, but not of groups."""
        self._whole = {path: each for path, each in self._whole.items() if is_group(each.card)}
        self._whole_octets = 0

    def forget(self, path: str) -> None:
        """Remove a resource that was deleted."""
        self.outdate(path)
        self.index.remove(path)
        self.etags.pop(path, None)
        self._octets.pop(path, None)
        self.members.forget(path)

    def apply(self, changes: Changes) -> None:
        """Apply changes from the server."""
        for path in changes.gone:
            self.forget(path)
        for path, card in changes.cards.items():
            whole = self._whole.get(path)
            if whole and whole.etag != card.etag:
                self.outdate(path)
            if card.octets > _SMALL:
                self._octets[path] = card.octets
            else:
                self._octets.pop(path, None)
            if card.uid:
                self.index.put_card(path, card.uid, card.addresses)
                self._note_uid(card.uid, card.written_uid)
                self.members.put(path, card.uid, card.categories)
            else:
                self.index.put_known(path, card.addresses)
                self.members.forget(path)
        for resource in changes.groups.values():
            self.see(resource)
        if changes.cards or changes.gone:
            self._put_categories()

    def apply_of_others(self, changes: Changes) -> None:
        """Apply changes of an address book that is only read."""
        for path in changes.gone:
            self.index.remove(path)
        for path, card in changes.cards.items():
            self.index.put_known(path, card.addresses)

    def _note_uid(self, uid: str, written: str) -> None:
        if written != uid:
            self._written_uids[uid] = written
        else:
            self._written_uids.pop(uid, None)

    def _put_group(self, group: Group) -> None:
        if not self.groups_are_categories:
            self.index.put_group(group)

    def _put_categories(self) -> None:
        """Put the groups that are kept as CATEGORIES into the index."""
        if self.groups_are_categories:
            for group in self.members.groups():
                self.index.put_group(group)
