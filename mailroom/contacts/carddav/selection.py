"""Selects the address book that Mailroom writes to, or makes one for a user who has none."""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from yarl import URL

from mailroom.contacts.carddav.discovery import (
    AddressBookCollection,
    books_in,
    discover,
)
from mailroom.contacts.carddav.hrefs import path_key
from mailroom.contacts.carddav.multistatus import Item, MultistatusReader
from mailroom.contacts.carddav.resource import LARGEST_CARD
from mailroom.contacts.carddav.webdav import (
    RefusedError,
    make_address_book_body,
    query_by_name,
    xml_request,
)
from mailroom.contacts.model import (
    AddressBookError,
    NoAddressBookError,
    ReadOnlyAddressBookError,
)
from mailroom.contacts.vcard.edit import to_group
from mailroom.contacts.vcard.groups import is_group
from mailroom.contacts.vcard.lines import VCard
from mailroom.http import HttpClient, HttpError
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)

_SEGMENT: Final = "mailroom-contacts/"
"""The last part of the path of an address book that Mailroom makes."""
_SETTING: Final = "MAILROOM_CONTACTS_ADDRESS_BOOK"
_DEFAULT: Final = "default"
_USUAL_NAMES: Final = frozenset(
    {"default", "personal", "contacts", "card", "addresses", "addressbook"}
)
"""The last part of the path of the address book that servers make for each user: Cyrus, Fastmail
and Baikal; SOGo; Nextcloud; iCloud; DAViCal; others."""


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of an address book.

    Attributes:
        address_book: the name or path of the address book; empty to choose it automatically.
        group_names: the names of the groups that Mailroom uses.
        groups_are_categories: True if groups are CATEGORIES on cards; False if groups are cards.
        makes_vcard4_groups: True to make vCard 4 groups even if existing groups have another form,
            because JMAP shows only vCard 4 groups as groups.
    """

    address_book: str = ""
    group_names: frozenset[str] = frozenset()
    groups_are_categories: bool = False
    makes_vcard4_groups: bool = False


@dataclass(frozen=True, slots=True)
class Selected:
    """The address book that was selected.

    Attributes:
        collection: the address book.
        homes: the collections that hold the user's address books.
        listed: every address book in the homes; None if the homes were not listed.
    """

    collection: AddressBookCollection
    homes: tuple[URL, ...]
    listed: tuple[AddressBookCollection, ...] | None


async def select(http: HttpClient, base: URL, options: Options) -> Selected:
    """Find the user's address books, and select one.

    If the settings name an address book, that one is selected; so is the only one that the user may
    write to. If there are several, those with Mailroom's groups are the candidates, or all if none
    has these groups. The only candidate is selected, else the one called ``default``, else the only
    one with a usual name.

    Raises:
        HttpError: the server cannot be reached or refuses the credentials.
        ReadOnlyAddressBookError: the user may not write to any of these address books.
        AddressBookError: there is no address book, or there are several to choose from.
    """
    discovered = await discover(http, base)
    found = list(discovered.books)
    if discovered.found_by_own_url and options.address_book:
        found = [book for home in discovered.homes for book in await books_in(http, home)] or found
    books = _candidates(found, options.address_book)
    if len(books) > 1:
        has_groups = await all_of(_has_groups(http, book, options.group_names) for book in books)
        with_groups = [book for book, has in zip(books, has_groups, strict=True) if has]
        left = with_groups or books
        usual = [book for book in left if book.resource_name.lower() in _USUAL_NAMES]
        default = [book for book in left if book.resource_name.lower() == _DEFAULT]
        chosen = next((choice for choice in (left, default, usual) if len(choice) == 1), None)
        if chosen is None:
            raise AddressBookError(
                f"there are several address books; set {_SETTING} to the name or path of the one"
                f" that Mailroom is to use: {_listed(books)}"
            )
        books = chosen
    return Selected(
        books[0], discovered.homes, None if discovered.found_by_own_url else discovered.books
    )


async def make_address_book(http: HttpClient, base: URL, name: str) -> None:
    """Make an address book for a user who has none (RFC 5689, RFC 6352 section 6.3.1).

    For a user who has one, nothing is done.

    Raises:
        HttpError: the server cannot be reached or refuses the credentials.
        AddressBookError: there is no home for an address book, or the server refuses to make one.
    """
    try:
        await discover(http, base)
    except NoAddressBookError as error:
        if not error.homes:
            raise
        home = error.homes[0]
        url = URL(f"{home}/{_SEGMENT}", encoded=True)
        if home.raw_path.endswith("/"):
            url = home.join(URL(_SEGMENT))
        request = xml_request("MKCOL", url, make_address_book_body(name))
        response = await http.ask(request, lambda answer: answer)
        if response.status != HTTPStatus.CREATED:
            raise RefusedError(f"no address book can be made at {url}", response) from None


def _candidates(
    found: Collection[AddressBookCollection], wanted: str
) -> list[AddressBookCollection]:
    """Return the address books that Mailroom may write to: one, or several to choose from.

    Args:
        found: every address book of the user.
        wanted: the name or path from the settings; empty if not set.

    Raises:
        ReadOnlyAddressBookError: the user may not write to any of these address books.
        AddressBookError: the wanted one does not exist, or the user may write only to address books
            of others.
    """
    if wanted:
        path = wanted.partition("://")[2].partition("/")[2] if "://" in wanted else wanted
        path, name = path_key(path).strip("/"), wanted.strip().casefold()
        named = [
            book
            for book in found
            if name in {book.name.casefold(), book.resource_name.casefold()}
            or path == path_key(book.url.raw_path).strip("/")
        ]
        if len(named) != 1:
            raise AddressBookError(
                f"{_SETTING}: {'more than one' if named else 'no'} address book is called"
                f" {wanted!r}. There are: {_listed(found)}"
            )
        found = named
    writable = [book for book in found if book.is_writable]
    if not writable:
        raise ReadOnlyAddressBookError(
            f"the user may not write to the address book: {_listed(found)}"
        )
    own = [book for book in writable if book.is_own]
    if not own and not wanted and any(book.is_own for book in found):
        raise AddressBookError(
            "the user may write only to address books that others share; set"
            f" {_SETTING} to the name or path of one if Mailroom is to use it: {_listed(writable)}"
        )
    # A shared one is used if the settings name it, or if every address book seems to be shared.
    return own or writable


async def _has_groups(
    http: HttpClient, book: AddressBookCollection, names: Collection[str]
) -> bool:
    """Return True if an address book has one of these groups; False if it cannot be searched."""
    if not names:
        return False
    wanted = {name.casefold() for name in names}

    def is_wanted(item: Item) -> bool:
        if item.card is None:
            return False
        card = VCard.parse(item.card.data)
        return is_group(card) and to_group("", card).name.casefold() in wanted

    try:
        answer = await http.ask_in_pieces(
            xml_request("REPORT", book.url, query_by_name(names), depth=1),
            lambda: MultistatusReader(is_wanted, keep_up_to=LARGEST_CARD),
        )
    except (AddressBookError, HttpError) as error:
        log.info("address book cannot be searched for groups", url=str(book.url), error=str(error))
        return False
    return any(answer.found)


def _listed(books: Collection[AddressBookCollection]) -> str:
    return ", ".join(sorted(f"{book.name} ({book.url})" for book in books))
