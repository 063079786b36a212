"""One card as a server shows it, and whether that is what it keeps. Pure.

Many servers keep a vCard 4 and show it as vCard 3 to whoever does not ask for version 4. That
loses some of it (``PREF``, ``VALUE=uri``, ...), for good if it is edited and written back. What
tells is the length: the server gives that of what it keeps.
"""

from dataclasses import dataclass

from mailroom.contacts.carddav.webdav import ADDRESS_DATA, ETAG, LENGTH, Item
from mailroom.contacts.vcard.fields import is_vcard3_without_name, is_vcard4
from mailroom.contacts.vcard.lines import VCard


@dataclass(frozen=True, slots=True)
class Resource:
    """A card as the server shows it.

    Attributes:
        path: of the resource, on the server of the address book.
        etag: its version; empty if the server did not say.
        card: what it holds.
        length: octets of the card as the server keeps it; None if that is not known.
    """

    path: str
    etag: str
    card: VCard
    length: int | None = None

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


def from_item(item: Item) -> Resource:
    """A resource from an answer in XML.

    XML turns CR LF into LF (XML 1.0 section 2.11), vCard demands CR LF: what has lost it gets it
    back.
    """
    text = item.text(ADDRESS_DATA)
    if "\r" not in text:
        text = text.replace("\n", "\r\n")
    length = item.text(LENGTH).strip()
    return Resource(
        path=item.url.raw_path,
        etag=entity_tag(item.text(ETAG)),
        card=VCard.parse(text.encode()),
        length=int(length) if length.isdecimal() else None,
    )


def entity_tag(header: str) -> str:
    """An entity tag that ``If-Match`` can use, which a weak one (RFC 9110 section 8.8) is not.

    Servers and proxies call a tag weak because they compress; the tag itself is the same.
    """
    return header.strip().removeprefix("W/")
