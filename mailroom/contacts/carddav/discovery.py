"""From a URL that a person gave to the address book (RFC 6764 section 6, RFC 6352 section 7.1)."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from yarl import URL

from mailroom.contacts.book import AddressBookError, ReadOnlyAddressBookError
from mailroom.contacts.carddav.webdav import (
    ADDRESS_BOOK,
    ANSWERS,
    CURRENT_USER_PRINCIPAL,
    DISPLAY_NAME,
    HOME_SET,
    PRIVILEGES,
    REPORTS,
    RESOURCE_TYPE,
    SYNC_COLLECTION,
    Item,
    at_path,
    parse_multistatus,
    propfind,
)
from mailroom.http import CredentialsRefusedError, HttpClient, HttpRequest, RedirectError, Response

_WELL_KNOWN: Final = "/.well-known/carddav"
_PREFERRED: Final = "default"
_PROPERTIES: Final = (
    RESOURCE_TYPE,
    DISPLAY_NAME,
    CURRENT_USER_PRINCIPAL,
    HOME_SET,
    PRIVILEGES,
    REPORTS,
)
_WRITE_PRIVILEGES: Final = (
    frozenset({"{DAV:}all"}),
    frozenset({"{DAV:}write"}),
    frozenset({"{DAV:}bind", "{DAV:}write-content"}),
)


@dataclass(frozen=True, slots=True)
class AddressBookCollection:
    """An address book on the server.

    Attributes:
        url: of the collection, ending in a slash.
        name: its display name; the last part of its path if it has none.
        is_writable: whether cards may be made and changed in it.
        can_sync: whether it offers ``sync-collection`` (RFC 6578).
    """

    url: URL
    name: str
    is_writable: bool
    can_sync: bool


async def discover(http: HttpClient, base: URL) -> AddressBookCollection:
    """Find the user's address book.

    ``base`` may be the address book itself, an address book home, a principal, or any page of the
    server that tells who the user is; else ``/.well-known/carddav`` is asked.

    Raises:
        HttpError: the server cannot be reached or refuses the credentials.
        AddressBookError: there is no address book to be had here.
    """
    search = _Search(http)
    starts = (base, base.origin().with_path(_WELL_KNOWN))
    for start in starts:
        found = await search.start_at(start)
        if found:
            return _choose(found)
    if search.forbidden is not None:
        raise CredentialsRefusedError(search.forbidden, HTTPStatus.FORBIDDEN)
    asked = " and ".join(str(start.with_user(None).with_query(None)) for start in starts)
    raise AddressBookError(
        f"no address book found at {asked}. Check the CardDAV URL (the server's address or the"
        " address book's own), and that the user, or the app password, may use contacts"
    )


class _Search:
    """One search; it remembers where the user was not let in."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self.forbidden: URL | None = None

    async def start_at(self, url: URL) -> list[AddressBookCollection]:
        """The address books that can be found from here: none, or one or more."""
        items = await self._propfind(url, depth=0)
        found = [_collection(item) for item in items if _is_address_book(item)]
        if found:
            return found
        homes = [home for item in items for home in item.urls(HOME_SET)]
        if not homes:
            homes = await self._homes_of_principals(items)
        return [book for home in homes for book in await self._address_books_in(home)]

    async def _homes_of_principals(self, items: list[Item]) -> list[URL]:
        homes = []
        for principal in [url for item in items for url in item.urls(CURRENT_USER_PRINCIPAL)]:
            for item in await self._propfind(principal, depth=0):
                homes += item.urls(HOME_SET)
        return homes

    async def _address_books_in(self, home: URL) -> list[AddressBookCollection]:
        items = await self._propfind(home, depth=1)
        return [_collection(item) for item in items if _is_address_book(item)]

    async def _propfind(self, url: URL, *, depth: int) -> list[Item]:
        """What the server says of a resource; nothing if that is not a resource of WebDAV."""
        headers = {"Depth": str(depth), "Content-Type": "application/xml; charset=utf-8"}
        body = propfind(_PROPERTIES)
        request = HttpRequest("PROPFIND", url, headers, body, expected=ANSWERS)
        try:
            return await self._http.ask(request, self._items)
        except RedirectError as error:
            raise AddressBookError(
                f"{error}. If that is the right server, set the CardDAV URL to it"
            ) from None

    def _items(self, response: Response) -> list[Item]:
        if response.status == HTTPStatus.FORBIDDEN:
            self.forbidden = response.url
        if response.status != HTTPStatus.MULTI_STATUS:
            return []
        return list(parse_multistatus(response).items)


def _choose(found: list[AddressBookCollection]) -> AddressBookCollection:
    writable = [book for book in found if book.is_writable]
    if not writable:
        names = ", ".join(f"{book.name} ({book.url})" for book in found)
        raise ReadOnlyAddressBookError(f"the user may not write to the address book: {names}")
    return min(
        writable,
        key=lambda book: (_resource_name(book.url).lower() != _PREFERRED, book.name, str(book.url)),
    )


def _is_address_book(item: Item) -> bool:
    return ADDRESS_BOOK in (item.children(RESOURCE_TYPE) or ())


def _collection(item: Item) -> AddressBookCollection:
    url = at_path(item.url, item.url.raw_path.rstrip("/") + "/")
    return AddressBookCollection(
        url=url,
        name=item.text(DISPLAY_NAME).strip() or _resource_name(url),
        is_writable=_is_writable(item.children(PRIVILEGES)),
        can_sync=SYNC_COLLECTION in (item.children(REPORTS) or ()),
    )


def _is_writable(privileges: frozenset[str] | None) -> bool:
    """Whether these privileges (RFC 3744 section 5.4) suffice; without any information, yes."""
    return privileges is None or any(needed <= privileges for needed in _WRITE_PRIVILEGES)


def _resource_name(url: URL) -> str:
    return url.path.rstrip("/").rpartition("/")[2]
