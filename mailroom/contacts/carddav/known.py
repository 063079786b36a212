"""What is known of an address book: all of it in brief, and some of it byte for byte.

Pure; kept in step by :mod:`mailroom.contacts.carddav.mirror`.
"""

from mailroom.contacts.carddav.changes import Changes
from mailroom.contacts.carddav.resource import Resource
from mailroom.contacts.carddav.webdav import REPLACEMENT
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.vcard.edit import is_readable, to_group
from mailroom.contacts.vcard.groups import is_group


class Known:
    """One address book.

    Attributes:
        index: everything in it, in brief. Another object when all was read anew: who holds the old
            one never sees it half filled.
        is_fresh: whether the index will do for one more reading.
    """

    def __init__(self) -> None:
        self.index = ContactIndex()
        self.is_fresh = False
        self._whole: dict[str, Resource] = {}

    def whole(self, path: str) -> Resource | None:
        """A version to build an edit on, byte for byte; None if none is known."""
        return self._whole.get(path)

    def see(self, resource: Resource) -> None:
        """Remember a version that was read or written; of a group, what it says as well."""
        self._whole.pop(resource.path, None)
        if resource.etag and REPLACEMENT.encode() not in bytes(resource.card):
            self._whole[resource.path] = resource
        if is_readable(resource.card) and is_group(resource.card):
            self.index.put_group(to_group(resource.path, resource.card))

    def outdate(self, path: str) -> None:
        """Build no edit on the version that was known."""
        self._whole.pop(path, None)

    def outdate_cards(self) -> None:
        """Keep groups only byte for byte."""
        groups = {group.id for group in self.index.groups}
        self._whole = {path: each for path, each in self._whole.items() if path in groups}

    def forget(self, path: str) -> None:
        """This is gone."""
        self.outdate(path)
        self.index.remove(path)

    def apply(self, changes: Changes) -> None:
        """Take in what is different on the server."""
        if changes.is_all:
            self.index = ContactIndex()
            self._whole.clear()
        for path in changes.gone:
            self.forget(path)
        for path, card in changes.cards.items():
            self.index.put_card(path, card.uid, card.addresses)
            whole = self._whole.get(path)
            if whole and whole.etag != card.etag:
                self.outdate(path)
        for resource in changes.groups.values():
            self.see(resource)
