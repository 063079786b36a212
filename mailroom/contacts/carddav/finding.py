"""Finds the address book that Mailroom writes to, or makes an address book."""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from yarl import URL

from mailroom.contacts.carddav.choice import candidates, choose
from mailroom.contacts.carddav.discovery import (
    AddressBookCollection,
    NoAddressBookError,
    books_in,
    discover,
)
from mailroom.contacts.carddav.multistatus import MultistatusReader
from mailroom.contacts.carddav.reading import LARGEST_CARD
from mailroom.contacts.carddav.refusals import RefusedError
from mailroom.contacts.carddav.webdav import ANSWERS, make_address_book_body, query_by_name
from mailroom.contacts.model import AddressBookError
from mailroom.contacts.vcard.edit import to_group
from mailroom.contacts.vcard.groups import is_group
from mailroom.contacts.vcard.lines import VCard
from mailroom.http import HttpClient, HttpError, HttpRequest
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)

_XML: Final = "application/xml; charset=utf-8"
_SEGMENT: Final = "mailroom-contacts/"


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
class Found:
    """The address book that was found.

    Attributes:
        collection: the address book.
        homes: the collections that hold the user's address books.
        listed: every address book in the homes; None if the homes were not listed.
    """

    collection: AddressBookCollection
    homes: tuple[URL, ...]
    listed: tuple[AddressBookCollection, ...] | None


async def find(http: HttpClient, base: URL, options: Options) -> Found:
    """Find the address book.

    Raises:
        HttpError: the server cannot be reached or refuses the credentials.
        AddressBookError: there is no address book, or there are several to choose from.
    """
    discovered = await discover(http, base)
    found = list(discovered.books)
    if discovered.is_named and options.address_book:
        found = [book for home in discovered.homes for book in await books_in(http, home)] or found
    left = candidates(found, options.address_book)
    if len(left) > 1:
        has_groups = await all_of(_has_groups(http, book, options.group_names) for book in left)
        with_groups = [book for book, has in zip(left, has_groups, strict=True) if has]
        left = [choose(left, with_groups)]
    return Found(left[0], discovered.homes, None if discovered.is_named else discovered.books)


async def make_address_book(http: HttpClient, base: URL, name: str) -> None:
    """Make an address book for a user who has none (RFC 5689, RFC 6352 section 6.3.1).

    Raises:
        HttpError: the server cannot be reached or refuses the credentials.
        AddressBookError: there is no home for an address book, or the server refuses to make one.
    """
    try:
        await discover(http, base)
    except NoAddressBookError as error:
        if not error.homes:
            raise
        url = error.homes[0].join(URL(_SEGMENT)) if _ends_in_slash(error.homes[0]) else None
        url = url or URL(f"{error.homes[0]}/{_SEGMENT}", encoded=True)
        request = HttpRequest(
            "MKCOL", url, {"Content-Type": _XML}, make_address_book_body(name), expected=ANSWERS
        )
        response = await http.ask(request, lambda answer: answer)
        if response.status != HTTPStatus.CREATED:
            raise RefusedError(f"no address book can be made at {url}", response) from None


async def _has_groups(
    http: HttpClient, book: AddressBookCollection, names: Collection[str]
) -> bool:
    """Return True if an address book has one of these groups; False if it cannot be searched."""
    if not names:
        return False
    wanted = {name.casefold() for name in names}

    def is_one(data: bytes) -> bool:
        card = VCard.parse(data)
        return is_group(card) and to_group("", card).name.casefold() in wanted

    request = HttpRequest(
        "REPORT",
        book.url,
        {"Depth": "1", "Content-Type": _XML},
        query_by_name(names),
        expected=ANSWERS,
    )
    try:
        answer = await http.ask_in_pieces(
            request,
            lambda: MultistatusReader(
                lambda item: item.card is not None and is_one(item.card.data), keep=LARGEST_CARD
            ),
        )
    except (AddressBookError, HttpError) as error:
        log.info("address book cannot be searched for groups", url=str(book.url), error=str(error))
        return False
    return any(answer.found)


def _ends_in_slash(url: URL) -> bool:
    return url.raw_path.endswith("/")
