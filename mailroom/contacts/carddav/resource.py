"""One card as a server shows it, and whether that is what it keeps. Pure.

Many servers keep a vCard 4 and show it as vCard 3 to whoever does not ask for version 4. That
loses some of it (``PREF``, ``VALUE=uri``, ...), for good if it is edited and written back. What
tells is the length: the server gives that of what it keeps.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailroom.contacts.carddav.multistatus import Item
from mailroom.contacts.carddav.webdav import ETAG, LENGTH
from mailroom.contacts.vcard.categories import categories_of, category_key
from mailroom.contacts.vcard.fields import (
    is_vcard3_without_name,
    is_vcard4,
    names_of,
    uid_of,
)
from mailroom.contacts.vcard.groups import members_of
from mailroom.contacts.vcard.lines import VCard
from mailroom.contacts.vcard.notes import note_of
from mailroom.contacts.vcard.scan import ScannedCard

_COMPRESSED: Final = re.compile(r"[-;:]+(?:gzip|br|deflate|zstd)$")


@dataclass(frozen=True, slots=True)
class Resource:
    """A card as the server shows it.

    Attributes:
        path: of the resource, on the server of the address book.
        etag: its version; empty if the server did not say.
        card: what it holds.
        length: octets of the card as the server keeps it; None if that is not known.
        octets: the length of the card as the server shows it.
        is_whole: False if ``card`` has only the lines of
            :data:`mailroom.contacts.vcard.scan.IN_BRIEF`, as far as the server's answer goes.
    """

    path: str
    etag: str
    card: VCard
    length: int | None = None
    octets: int = 0
    is_whole: bool = True

    @property
    def may_be_converted(self) -> bool:
        """Whether the server may keep this as vCard 4.

        Without N it is no vCard 3 that many servers would take.
        """
        if is_vcard4(self.card):
            return False
        return is_vcard3_without_name(self.card) or not self.has_length_of(self)

    def is_kept_version_of(self, shown: "Resource") -> bool:
        """Whether this, which was asked for as vCard 4, is what the server keeps.

        It may be a newer version than ``shown``; and lengths that fit nothing say nothing.
        """
        if self.etag != shown.etag or self.has_length_of(shown):
            return True
        return is_vcard3_without_name(shown.card) and not shown.has_length_of(shown)

    def has_length_of(self, other: "Resource") -> bool:
        """Whether this may be what the server keeps, as far as the length of ``other`` tells."""
        return other.length is None or len(bytes(self.card)) == other.length


def says_the_same(one: VCard, other: VCard) -> bool:
    """Whether two cards agree in everything that Mailroom writes."""
    return _written(one) == _written(other)


def _written(card: VCard) -> tuple[object, ...]:
    categories = frozenset(map(category_key, categories_of(card)))
    return uid_of(card), note_of(card), names_of(card), members_of(card), categories


def from_item(path: str, item: Item, scanned: ScannedCard) -> Resource:
    """Make a resource of an answer in XML.

    XML turns CR LF into LF (XML 1.0 section 2.11), vCard demands CR LF: what has lost it gets it
    back.
    """
    data = scanned.data
    if b"\r" not in data:
        data = data.replace(b"\n", b"\r\n")
    length = item.text(LENGTH).strip()
    return Resource(
        path=path,
        etag=entity_tag(item.text(ETAG)),
        card=VCard.parse(data),
        length=int(length) if length.isdecimal() else None,
        octets=scanned.octets,
        is_whole=scanned.is_whole,
    )


def entity_tag(header: str) -> str:
    """Return an entity tag in the spelling that ``If-Match`` can use, and in which tags compare.

    Servers and proxies call a tag weak (RFC 9110 section 8.8), or add ``-gzip`` to it, because they
    compress; the tag itself is the same. Some leave its quotes away, or escape them twice in XML.
    """
    tag = header.strip().replace("&quot;", '"')
    if tag[:2] in {"W/", "w/"}:
        tag = tag[2:].strip()
    # Apache 2.2 adds the suffix behind the closing quote.
    value = _COMPRESSED.sub("", _COMPRESSED.sub("", tag).strip('"'))
    return f'"{value}"' if value else ""
