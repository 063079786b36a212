"""One card as a server sends it, and the check that it is the stored version. Pure.

Many servers store a vCard 4 but send a vCard 3 to a client that does not ask for version 4. The
conversion loses properties (``PREF``, ``VALUE=uri``, ...), for good if the card is edited and
written back. The length shows a conversion, because servers report the length of the stored card.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailroom.contacts.carddav.multistatus import Item
from mailroom.contacts.carddav.webdav import ETAG, LENGTH
from mailroom.contacts.vcard.fields import (
    is_vcard4,
    lacks_demanded_n,
    names_of,
    note_of,
    uid_of,
)
from mailroom.contacts.vcard.groups import categories_of, category_key, members_of
from mailroom.contacts.vcard.lines import VCard
from mailroom.contacts.vcard.scan import ScannedCard

LARGEST_CARD: Final = 8 * 1024 * 1024
"""Octets. A larger card cannot be edited, but its addresses are known."""
_COMPRESSED: Final = re.compile(r"[-;:]+(?:gzip|br|deflate|zstd)$")


@dataclass(frozen=True, slots=True)
class Resource:
    """A card as the server sent it.

    Attributes:
        path: the path of the resource on the server.
        etag: the version; empty if the server did not report it.
        card: the card.
        length: octets of the card as the server stores it; None if unknown.
        octets: octets of the card as the server sent it.
        is_as_sent: True if ``card`` is the card as the server sent it, even if the server was
            asked for some properties only. False if the card was too large to be kept, and only the
            lines of :data:`mailroom.contacts.vcard.scan.INDEX_PROPERTIES` are left.
    """

    path: str
    etag: str
    card: VCard
    length: int | None = None
    octets: int = 0
    is_as_sent: bool = True

    @property
    def may_be_converted(self) -> bool:
        """True if the server may store this card as vCard 4.

        A vCard 3 without N is invalid and refused by many servers, so it is a converted card. A
        card whose length is not the reported length of the stored card may be converted as well.
        """
        if is_vcard4(self.card):
            return False
        return lacks_demanded_n(self.card) or not self.fits_length(self.length)

    def is_stored_version_of(self, shown: "Resource") -> bool:
        """Return True if this card, which was asked for as vCard 4, is the stored version.

        Args:
            shown: the same resource, as the server sent it without being asked for version 4.
        """
        if self.etag != shown.etag:
            return True  # This card is a newer version; the length was reported for the older one.
        if self.fits_length(shown.length):
            return True
        if shown.fits_length(shown.length):
            return False
        # The length fits neither card, so the length is wrong and shows nothing. But a shown card
        # that lacks N is a converted card, and then this card is the stored one.
        return lacks_demanded_n(shown.card)

    def fits_length(self, length: int | None) -> bool:
        """Return True if this card has ``length`` octets, or if ``length`` is unknown."""
        return length is None or len(bytes(self.card)) == length


def says_the_same(one: VCard, other: VCard) -> bool:
    """Return True if two cards agree in uid, names, notes, members and categories.

    These are the parts that Mailroom edits. Servers may change the form of all other parts.
    """
    parts = [
        (
            *(uid_of(card), note_of(card), names_of(card), members_of(card)),
            frozenset(map(category_key, categories_of(card))),
        )
        for card in (one, other)
    ]
    return parts[0] == parts[1]


def from_item(path: str, item: Item, scanned: ScannedCard) -> Resource:
    """Return the resource in an item of a multistatus.

    XML turns CR LF into LF (XML 1.0 section 2.11), but vCard demands CR LF, so a card without any
    CR gets its CR LF back.
    """
    data = scanned.data
    if b"\r" not in data:
        data = data.replace(b"\n", b"\r\n")
    etag, length = version_of(item)
    return Resource(
        path=path,
        etag=etag,
        card=VCard.parse(data),
        length=length,
        octets=scanned.octets,
        is_as_sent=scanned.is_as_sent,
    )


def version_of(item: Item) -> tuple[str, int | None]:
    """Return the ETag of a resource and its length in octets, as far as the server reports them.

    An ETag that is not reported is empty, and a length that is not reported is None.
    """
    length = item.text(LENGTH).strip()
    return entity_tag(item.text(ETAG)), int(length) if length.isdecimal() else None


def entity_tag(header: str) -> str:
    """Return an entity tag in the spelling in which tags are compared, and sent in ``If-Match``.

    A server or proxy that compresses answers may call a tag weak (``W/"1"``, RFC 9110 section 8.8)
    or add a suffix (``"1-gzip"``): both stand for ``"1"``. Some servers leave the quotes away, or
    escape them twice in XML.
    """
    tag = header.strip().replace("&quot;", '"')
    if tag[:2] in {"W/", "w/"}:
        tag = tag[2:].strip()
    # Apache 2.2 adds the suffix behind the closing quote.
    value = _COMPRESSED.sub("", _COMPRESSED.sub("", tag).strip('"'))
    return f'"{value}"' if value else ""
