"""What is different in an address book from what is known of it."""

from dataclasses import dataclass

import structlog

from mailroom.contacts.carddav.resource import Resource
from mailroom.contacts.vcard.edit import is_readable
from mailroom.contacts.vcard.fields import addresses_of, uid_of
from mailroom.contacts.vcard.groups import is_group

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CardChange:
    """A card that is new or changed: its version, and what is kept of it."""

    etag: str
    uid: str
    addresses: tuple[str, ...]


class Changes:
    """Gathered from answers, in their order: what comes later counts.

    Args:
        is_all: whether this is all that is there, so that everything else is gone.

    Attributes:
        cards: by path.
        groups: whole, by path.
        unread_groups: paths of groups that are yet to be read whole.
        gone: paths.
        etags: by path, of everything that was read, whatever it is.
    """

    def __init__(self, *, is_all: bool) -> None:
        self.is_all = is_all
        self.cards: dict[str, CardChange] = {}
        self.groups: dict[str, Resource] = {}
        self.unread_groups: set[str] = set()
        self.gone: set[str] = set()
        self.etags: dict[str, str] = {}

    def lose(self, path: str) -> None:
        """This is not there any more."""
        for known in (self.cards, self.groups, self.etags):
            known.pop(path, None)
        self.unread_groups.discard(path)
        self.gone.add(path)

    def find(self, resource: Resource, *, whole: bool) -> None:
        """This is there, and new or changed. An unreadable card is as good as gone."""
        path, card = resource.path, resource.card
        self.lose(path)
        self.etags[path] = resource.etag
        if not is_readable(card):
            log.warning("unreadable card passed over", path=path)
            return
        self.gone.discard(path)
        if not is_group(card):
            self.cards[path] = CardChange(resource.etag, uid_of(card), addresses_of(card))
        elif whole:
            self.groups[path] = resource
        else:
            self.unread_groups.add(path)
