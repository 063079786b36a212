"""An address book in memory: every card in brief, and some cards byte for byte. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

import structlog

from mailroom.contacts.carddav.hrefs import REPLACEMENT
from mailroom.contacts.carddav.resource import LARGEST_CARD, Resource
from mailroom.contacts.index import ContactIndex, IndexBuilder
from mailroom.contacts.model import Group
from mailroom.contacts.vcard.edit import is_readable, to_group
from mailroom.contacts.vcard.fields import all_addresses_of, uid_of, written_uid_of
from mailroom.contacts.vcard.groups import categories_of, category_key, is_group

log = structlog.get_logger(__name__)

_WHOLE_AT_MOST: Final = 16 * 1024 * 1024
"""Octets of cards that are kept byte for byte. Further cards are read again when needed; groups are
kept without a limit."""
_SMALL: Final = 32 * 1024
"""Octets. The length of a card is kept if the card is larger than this."""


@dataclass(frozen=True, slots=True)
class CardChange:
    """A card that is new or changed.

    Attributes:
        etag: the version of the card.
        uid: the uid in the spelling for comparisons; empty for a card that cannot be edited.
        written_uid: the value of UID as written on the card.
        addresses: every address that the card makes known.
        categories: the values of CATEGORIES.
        octets: the length of the card.
    """

    etag: str
    uid: str
    written_uid: str
    addresses: tuple[str, ...]
    categories: tuple[str, ...]
    octets: int


class Changes:
    """The changes of an address book, gathered from several answers.

    If two answers have the same resource, the later one counts.

    Attributes:
        cards: new and changed cards, by path.
        groups: new and changed groups that were read whole, by path.
        unread_groups: lengths of groups that must still be read whole, by path.
        gone: paths of deleted resources.
        etags: the ETag of every resource that was read, by path.
        token: the sync-token after these changes; empty if unknown.
        tag: the tag of the collection, read before these changes; empty if unknown.
    """

    def __init__(self) -> None:
        self.cards: dict[str, CardChange] = {}
        self.groups: dict[str, Resource] = {}
        self.unread_groups: dict[str, int | None] = {}
        self.gone: set[str] = set()
        self.etags: dict[str, str] = {}
        self.token = ""
        self.tag = ""

    def remove(self, path: str) -> None:
        """Record that a resource was deleted."""
        for resources in (self.cards, self.groups, self.etags, self.unread_groups):
            resources.pop(path, None)
        self.gone.add(path)

    def add(self, resource: Resource) -> None:
        """Record a resource that is new or changed."""
        path, card = resource.path, resource.card
        self.remove(path)
        self.gone.discard(path)
        self.etags[path] = resource.etag
        if is_readable(card) and is_group(card):
            if resource.is_as_sent:
                self.groups[path] = resource
            else:
                self.unread_groups[path] = resource.length
            return
        size = max(resource.octets, resource.length or 0)
        uid = uid_of(card) if is_readable(card) else ""
        if size > LARGEST_CARD:
            uid = ""
            log.warning("card is too large to be edited, its addresses are known", path=path)
        elif not uid:
            log.warning("card cannot be edited, its addresses are known", path=path)
        self.cards[path] = CardChange(
            etag=resource.etag,
            uid=uid,
            written_uid=written_uid_of(card),
            addresses=all_addresses_of(card),
            categories=categories_of(card),
            octets=size,
        )


class CategoryMembers:
    """The members of groups that are kept as CATEGORIES on cards.

    Args:
        names: the names of the groups; other categories are ignored.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = {category_key(name): name for name in names}
        self._uids: dict[str, str] = {}
        self._members: dict[str, set[str]] = {key: set() for key in self._names}

    def put(self, path: str, uid: str, categories: Collection[str]) -> None:
        """Store the categories of a card."""
        self.remove(path)
        keys = self._members.keys() & {category_key(name) for name in categories}
        for key in keys:
            self._members[key].add(path)
        if keys:
            self._uids[path] = uid

    def remove(self, path: str) -> None:
        """Remove a card."""
        if self._uids.pop(path, None) is not None:
            for paths in self._members.values():
                paths.discard(path)

    def groups(self) -> Iterator[Group]:
        """Yield every category as a group, even without members."""
        for key, name in self._names.items():
            members = frozenset(self._uids[path] for path in self._members[key])
            yield Group(id=f"categories:{key}", uid="", name=name, members=members)

    def used(self) -> tuple[str, ...]:
        """Return the names of the categories that have members."""
        return tuple(name for key, name in self._names.items() if self._members[key])


class CardCache:
    """One address book in memory.

    Args:
        group_names: the names of the groups that Mailroom uses.
        groups_are_categories: True if groups are CATEGORIES on cards; False if groups are cards.

    Attributes:
        etags: the version of each resource in the index, by path.
        category_members: the members of the groups that are kept as CATEGORIES on cards.
        groups_are_categories: the argument.
    """

    def __init__(
        self, group_names: Collection[str] = (), *, groups_are_categories: bool = False
    ) -> None:
        self.etags: dict[str, str] = {}
        self.category_members = CategoryMembers(group_names)
        self.groups_are_categories = groups_are_categories
        self._index = IndexBuilder()
        self._versions: dict[str, Resource] = {}
        self._octets_of_versions = 0
        self._large: dict[str, int] = {}  # path -> octets, of cards larger than _SMALL
        self._written_uids: dict[str, str] = {}
        self._put_categories()

    @property
    def index(self) -> ContactIndex:
        """The index of all cards and groups as they are cached now."""
        return self._index.build()

    @property
    def too_large(self) -> tuple[str, ...]:
        """The paths of the cards that are too large to be edited."""
        return tuple(path for path, size in self._large.items() if size > LARGEST_CARD)

    def version(self, path: str) -> Resource | None:
        """Return the cached version of a resource, byte for byte; None if there is none."""
        return self._versions.get(path)

    def written_uid(self, uid: str) -> str:
        """Return a contact's uid as it is written on its card."""
        return self._written_uids.get(uid, uid)

    def lengths(self, paths: Collection[str]) -> dict[str, int | None]:
        """Return the length of each card in octets; an upper limit if the card is small."""
        return {path: self._large.get(path, _SMALL) for path in paths}

    def store(self, resource: Resource) -> None:
        """Store a version that was read or written; a group is also put into the index.

        A version is not kept if an edit could not use it (the card is broken, garbled or has no
        ETag), nor if 16 MiB of cards are kept already.
        """
        self.invalidate(resource.path)
        if not is_readable(resource.card):
            return
        group = is_group(resource.card)
        if resource.etag and REPLACEMENT.encode() not in bytes(resource.card):
            size = 0 if group else len(bytes(resource.card))
            if self._octets_of_versions + size <= _WHOLE_AT_MOST:
                self._versions[resource.path] = resource
                self._octets_of_versions += size
        if not group:
            self._put_uid(uid_of(resource.card), written_uid_of(resource.card))
        elif not self.groups_are_categories:
            self._index.put_group(to_group(resource.path, resource.card))

    def store_written(self, resource: Resource) -> None:
        """Store a version that was written, so that the next sync need not read it."""
        self.store(resource)
        if resource.etag:
            changes = Changes()
            changes.add(resource)
            self.apply(changes)
            self.etags[resource.path] = resource.etag

    def invalidate(self, path: str) -> None:
        """Forget the cached version of a resource, so that the next edit reads the resource."""
        resource = self._versions.pop(path, None)
        if resource is not None and not is_group(resource.card):
            self._octets_of_versions -= len(bytes(resource.card))

    def invalidate_cards(self) -> None:
        """Forget the cached versions of cards, but not of groups."""
        versions = self._versions.items()
        self._versions = {path: version for path, version in versions if is_group(version.card)}
        self._octets_of_versions = 0

    def discard(self, path: str) -> None:
        """Discard everything that is known of a resource, because it was deleted."""
        self.invalidate(path)
        self._index.remove(path)
        self.etags.pop(path, None)
        self._large.pop(path, None)
        self.category_members.remove(path)

    def apply(self, changes: Changes) -> None:
        """Apply changes from the server."""
        for path in changes.gone:
            self.discard(path)
        for path, card in changes.cards.items():
            version = self._versions.get(path)
            if version and version.etag != card.etag:
                self.invalidate(path)
            self._large.pop(path, None)
            if card.octets > _SMALL:
                self._large[path] = card.octets
            if card.uid:
                self._index.put_card(path, card.uid, card.addresses)
                self._put_uid(card.uid, card.written_uid)
                self.category_members.put(path, card.uid, card.categories)
            else:
                self._index.put_known(path, card.addresses)
                self.category_members.remove(path)
        for group in changes.groups.values():
            self.store(group)
        if changes.cards or changes.gone:
            self._put_categories()

    def apply_known_only(self, changes: Changes) -> None:
        """Apply changes of an address book that is only read."""
        for path in changes.gone:
            self._index.remove(path)
        for path, card in changes.cards.items():
            self._index.put_known(path, card.addresses)

    def _put_uid(self, uid: str, written: str) -> None:
        if written != uid:
            self._written_uids[uid] = written
        else:
            self._written_uids.pop(uid, None)

    def _put_categories(self) -> None:
        """Put the groups that are kept as CATEGORIES into the index."""
        if self.groups_are_categories:
            for group in self.category_members.groups():
                self._index.put_group(group)
