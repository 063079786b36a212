"""What is different in an address book from what is known of it."""

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
    """A card that is new or changed: its version, and what is kept of it.

    Attributes:
        etag: its version.
        uid: as it is compared; empty for a card that cannot be edited.
        written_uid: the value of UID as it stands on the card.
        addresses: every address that the card makes known.
        categories: the values of CATEGORIES.
        octets: its length.
    """

    etag: str
    uid: str
    written_uid: str
    addresses: tuple[str, ...]
    categories: tuple[str, ...]
    octets: int


class Changes:
    """Gathered from answers, in their order: what comes later counts.

    Attributes:
        cards: by path.
        groups: whole, by path.
        unread_groups: paths of groups that are yet to be read whole, with their lengths.
        gone: paths.
        etags: by path, of everything that was read, whatever it is.
        token: where the next changes begin; empty if that is not known.
        tag: of the collection, when it was asked; empty if that is not known.
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
        """This is not there any more."""
        for known in (self.cards, self.groups, self.etags, self.unread_groups):
            known.pop(path, None)
        self.gone.add(path)

    def find(self, resource: Resource, *, largest: int) -> None:
        """This is there, and new or changed.

        Args:
            resource: it.
            largest: octets of a card that can be edited at most.
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
