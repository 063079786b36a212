"""The differences between an address book on the server and the index in memory."""

from dataclasses import dataclass

import structlog

from mailroom.contacts.carddav.resource import Resource
from mailroom.contacts.vcard.categories import categories_of
from mailroom.contacts.vcard.edit import is_readable
from mailroom.contacts.vcard.fields import all_addresses_of, uid_of, written_uid_of
from mailroom.contacts.vcard.groups import is_group

log = structlog.get_logger(__name__)


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
    """The changes gathered from answers. A later answer replaces an earlier one.

    Attributes:
        cards: new and changed cards, by path.
        groups: new and changed groups that were read whole, by path.
        unread_groups: lengths of groups that must still be read whole, by path.
        gone: paths of deleted resources.
        etags: the ETag of every resource that was read, by path.
        token: the sync-token after these changes; empty if unknown.
        tag: the tag of the collection when these changes were asked for; empty if unknown.
    """

    def __init__(self) -> None:
        self.cards: dict[str, CardChange] = {}
        self.groups: dict[str, Resource] = {}
        self.unread_groups: dict[str, int | None] = {}
        self.gone: set[str] = set()
        self.etags: dict[str, str] = {}
        self.token = ""
        self.tag = ""

    def lose(self, path: str) -> None:
        """Record that a resource was deleted."""
        for known in (self.cards, self.groups, self.etags, self.unread_groups):
            known.pop(path, None)
        self.gone.add(path)

    def find(self, resource: Resource, *, largest: int) -> None:
        """Record a resource that is new or changed.

        Args:
            resource: the resource.
            largest: octets of a card at most; a larger card cannot be edited.
        """
        path, card = resource.path, resource.card
        self.lose(path)
        self.gone.discard(path)
        self.etags[path] = resource.etag
        size = max(resource.octets, resource.length or 0)
        if is_readable(card) and is_group(card):
            if resource.is_whole:
                self.groups[path] = resource
            else:
                self.unread_groups[path] = resource.length
            return
        uid = uid_of(card) if is_readable(card) else ""
        if size > largest:
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
