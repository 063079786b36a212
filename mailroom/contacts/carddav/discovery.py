"""Finding the user's address books from a URL (RFC 6764 section 6, RFC 6352 section 7.1)."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from yarl import URL

from mailroom.contacts.carddav.hrefs import at_path, path_key
from mailroom.contacts.carddav.multistatus import Item, parse_multistatus
from mailroom.contacts.carddav.webdav import (
    ADDRESS_BOOK,
    COLLECTION_TAG,
    CURRENT_USER_PRINCIPAL,
    DISPLAY_NAME,
    HOME_SET,
    OWNER,
    PRIVILEGES,
    REPORTS,
    RESOURCE_TYPE,
    SHARED,
    SYNC_COLLECTION,
    SYNC_TOKEN,
    propfind,
    xml_request,
)
from mailroom.contacts.model import AddressBookError, NoAddressBookError
from mailroom.http import HttpClient, RedirectError, Response, refusal

_WELL_KNOWN: Final = "/.well-known/carddav"
_PROPERTIES: Final = (
    RESOURCE_TYPE,
    DISPLAY_NAME,
    CURRENT_USER_PRINCIPAL,
    HOME_SET,
    OWNER,
    PRIVILEGES,
    REPORTS,
    COLLECTION_TAG,
    SYNC_TOKEN,
)
_WRITE_PRIVILEGES: Final = (
    frozenset({"{DAV:}all"}),
    frozenset({"{DAV:}write"}),
    frozenset({"{DAV:}bind", "{DAV:}write-content"}),
)
_READ_PRIVILEGES: Final = (frozenset({"{DAV:}all"}), frozenset({"{DAV:}read"}))


@dataclass(frozen=True, slots=True)
class AddressBookCollection:
    """An address book on the server.

    Attributes:
        url: the URL of the collection, ending in a slash.
        name: the display name; the last part of the path if there is none.
        is_writable: True if the user may make and change cards, or if this is not reported.
        is_readable: True if the user may read cards, or if this is not reported.
        is_own: False if the server shows that somebody else owns the address book, or shares it
            with the user.
        can_sync: True if the address book offers ``sync-collection`` (RFC 6578).
        tag: a text that changes with any change in the address book; empty if there is none.
    """

    url: URL
    name: str
    is_writable: bool
    is_readable: bool
    is_own: bool
    can_sync: bool
    tag: str

    @property
    def resource_name(self) -> str:
        """The last part of the path."""
        return _last_segment(self.url)


@dataclass(frozen=True, slots=True)
class Discovered:
    """The result of a search for address books.

    Attributes:
        books: the address books; :func:`discover` returns at least one.
        homes: the collections that hold the user's address books.
        found_by_own_url: True if the given URL is the address book's own.
    """

    books: tuple[AddressBookCollection, ...]
    homes: tuple[URL, ...]
    found_by_own_url: bool = False


async def discover(http: HttpClient, base: URL) -> Discovered:
    """Find the user's address books.

    ``base`` may be an address book, an address book home, a principal, or any resource that reports
    the principal of the user; else ``/.well-known/carddav`` is asked.

    Raises:
        HttpError: the server cannot be reached or refuses the credentials.
        NoAddressBookError: no address book was found.
        AddressBookError: the server points to another server.
    """
    search = _Search(http)
    starts = (base, base.origin().with_path(_WELL_KNOWN))
    homes: tuple[URL, ...] = ()
    for start in starts:
        found = await search.start_at(start)
        if found.books:
            return found
        homes = homes or found.homes
    if search.forbidden is not None:
        raise refusal(search.forbidden)
    if homes:
        raise NoAddressBookError(
            f"the user has no address book at {homes[0]} yet; `mailroom setup --apply` makes one,"
            " and so does any app for contacts",
            homes,
        )
    asked = " and ".join(str(start.with_user(None).with_query(None)) for start in starts)
    raise NoAddressBookError(
        f"no address book found at {asked}. Check the CardDAV URL (the server's address or the"
        " address book's own), and that the user, or the app password, may use contacts"
    )


async def books_in(http: HttpClient, home: URL) -> list[AddressBookCollection]:
    """Return the readable address books in a home; none if the server does not list them.

    Raises:
        HttpError: the server cannot be reached or refuses the credentials.
    """
    books = await _Search(http).address_books_in(home)
    return [book for book in books if book.is_readable]


class _Search:
    """One search; ``forbidden`` is the last 403 of the server."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self.forbidden: Response | None = None

    async def start_at(self, url: URL) -> Discovered:
        """Return the address books that can be found from a URL, if any."""
        items = await self._propfind(url, depth=0)
        books = tuple(_collection(item) for item in items if _is_address_book(item))
        homes = [home for item in items for home in item.urls(HOME_SET)]
        if not homes:
            for item in items:
                for principal in item.urls(CURRENT_USER_PRINCIPAL):
                    for resource in await self._propfind(principal, depth=0):
                        homes += resource.urls(HOME_SET)
        if books:
            return Discovered(books, tuple(homes), found_by_own_url=True)
        found = {
            path_key(book.url.raw_path): book
            for home in homes
            for book in await self.address_books_in(home)
        }
        return Discovered(tuple(found.values()), tuple(homes))

    async def address_books_in(self, home: URL) -> list[AddressBookCollection]:
        """Return the address books in a home."""
        items = await self._propfind(home, depth=1)
        return [_collection(item) for item in items if _is_address_book(item)]

    async def _propfind(self, url: URL, *, depth: int) -> list[Item]:
        """Return a resource with its properties; with depth 1 also the resources in it.

        Nothing is returned if the URL is not that of a WebDAV resource.
        """

        def read(response: Response) -> list[Item]:
            if response.status == HTTPStatus.FORBIDDEN:
                self.forbidden = response
            if response.status != HTTPStatus.MULTI_STATUS:
                return []
            return list(parse_multistatus(response).found)

        try:
            request = xml_request("PROPFIND", url, propfind(_PROPERTIES), depth=depth)
            return await self._http.ask(request, read)
        except RedirectError as error:
            raise AddressBookError(
                f"{error}. If that is the right server, set the CardDAV URL to it"
            ) from None


def _is_address_book(item: Item) -> bool:
    return ADDRESS_BOOK in (item.element_names(RESOURCE_TYPE) or ())


def _collection(item: Item) -> AddressBookCollection:
    url = at_path(item.url, item.url.raw_path.rstrip("/") + "/")
    privileges = item.element_names(PRIVILEGES)
    is_shared = bool(SHARED & (item.element_names(RESOURCE_TYPE) or frozenset()))
    # The owner of a shared address book is another principal (RFC 3744 section 5.1).
    owners = {path_key(owner.raw_path) for owner in item.urls(OWNER)}
    principals = {path_key(user.raw_path) for user in item.urls(CURRENT_USER_PRINCIPAL)}
    is_of_other = bool(owners) and bool(principals) and owners.isdisjoint(principals)
    return AddressBookCollection(
        url=url,
        name=item.text(DISPLAY_NAME).strip() or _last_segment(url),
        is_writable=_suffice(privileges, _WRITE_PRIVILEGES),
        is_readable=_suffice(privileges, _READ_PRIVILEGES),
        is_own=not is_shared and not is_of_other,
        can_sync=SYNC_COLLECTION in (item.element_names(REPORTS) or ()),
        tag=f"{item.text(COLLECTION_TAG).strip()} {item.text(SYNC_TOKEN).strip()}".strip(),
    )


def _last_segment(url: URL) -> str:
    return url.path.rstrip("/").rpartition("/")[2]


def _suffice(privileges: frozenset[str] | None, needed: tuple[frozenset[str], ...]) -> bool:
    """Return True if these privileges (RFC 3744 section 5.4) suffice or are unknown."""
    return privileges is None or any(sufficient <= privileges for sufficient in needed)
