"""An address book that was found, with the objects that read and write it."""

from dataclasses import dataclass

from mailroom.contacts.carddav.discovery import AddressBookCollection
from mailroom.contacts.carddav.finding import Found, Options
from mailroom.contacts.carddav.following import Follower
from mailroom.contacts.carddav.hrefs import Paths
from mailroom.contacts.carddav.known import Known
from mailroom.contacts.carddav.mirror import Mirror
from mailroom.contacts.carddav.others import OtherBooks
from mailroom.contacts.carddav.reports import Reports
from mailroom.contacts.carddav.resources import Resources
from mailroom.contacts.model import Card
from mailroom.contacts.vcard.categories import with_categories
from mailroom.contacts.vcard.edit import to_card
from mailroom.contacts.vcard.lines import VCard
from mailroom.http import HttpClient


@dataclass(frozen=True, slots=True)
class OpenedBook:
    """An address book in use.

    Attributes:
        collection: the address book as it was found.
        known: the address book in memory.
        mirror: keeps ``known`` up to date.
        resources: reads and writes the cards.
        others: the user's other address books.
    """

    collection: AddressBookCollection
    known: Known
    mirror: Mirror
    resources: Resources
    others: OtherBooks


def open_book(http: HttpClient, found: Found, options: Options) -> OpenedBook:
    """Make the objects that work on an address book; no request is sent yet."""
    collection, paths = found.collection, Paths()
    known = Known(options.group_names, groups_are_categories=options.groups_are_categories)
    reports = Reports(http, collection.url, paths)
    follower = Follower(reports, known.etags, can_sync=collection.can_sync)
    others = OtherBooks(http, paths, found.homes, collection.url, found.listed)

    def as_contact(path: str, card: VCard) -> Card:
        """Convert a card without its groups: a changed group does not make the card changed."""
        if options.groups_are_categories:
            card = with_categories(card, join=(), leave=options.group_names)
        return to_card(path, card)

    return OpenedBook(
        collection=collection,
        known=known,
        mirror=Mirror(follower, others, known),
        resources=Resources(http, reports, paths, known, as_contact),
        others=others,
    )
