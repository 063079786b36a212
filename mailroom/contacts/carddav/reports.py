"""The requests to an address book that list its resources and read several cards."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeVar

import structlog
from yarl import URL

from mailroom.contacts.carddav.answers import CardAnswer
from mailroom.contacts.carddav.hrefs import Paths, at_path, path_key
from mailroom.contacts.carddav.multistatus import Item, Multistatus, MultistatusReader
from mailroom.contacts.carddav.refusals import (
    GONE,
    AddressBookGoneError,
    RefusedError,
    SyncRefusedError,
    TooManyError,
)
from mailroom.contacts.carddav.resource import Resource, entity_tag, from_item
from mailroom.contacts.carddav.webdav import (
    ANSWERS,
    COLLECTION,
    COLLECTION_TAG,
    ETAG,
    LENGTH,
    LISTED,
    RESOURCE_TYPE,
    explanation,
    multiget,
    propfind,
    query_by_uid,
    sync_collection,
)
from mailroom.contacts.vcard.lines import VCard
from mailroom.http import (
    BrokenAnswerError,
    HttpClient,
    HttpRequest,
    Response,
)
from mailroom.http import refusal as access_refusal

T = TypeVar("T")

log = structlog.get_logger(__name__)

_XML: Final = "application/xml; charset=utf-8"
_TOO_MANY: Final = "number-of-matches-within-limits"


@dataclass(frozen=True, slots=True)
class Listed:
    """A resource in a list.

    Attributes:
        etag: the version of the resource; empty if the server did not report it.
        length: octets; None if the server did not report them.
    """

    etag: str
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of resources of an address book.

    Attributes:
        found: existing resources, by path.
        gone: paths of deleted resources.
        token: the sync-token after this list (RFC 6578); empty if there is none.
        is_cut: True if the server truncated the list.
    """

    found: Mapping[str, Listed] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    token: str = ""
    is_cut: bool = False


class Reports:
    """The requests to one address book.

    Every method raises:
        HttpError: the server cannot be reached, or refuses the credentials.
        AddressBookGoneError: there is no such address book.
        AddressBookError: the server refuses the request.

    Args:
        http: a client with the user's credentials.
        url: the URL of the address book.
        paths: the resources of this server.
    """

    def __init__(self, http: HttpClient, url: URL, paths: Paths) -> None:
        self._http = http
        self.url = url
        self._paths = paths

    async def changed_since(self, token: str) -> Listing:
        """Return the changes since a token; every resource if the token is empty.

        Raises:
            SyncRefusedError: the server does not offer ``sync-collection``, or refuses the token
                (RFC 6578 section 3.2).
        """
        listing = await self._list("REPORT", sync_collection(token), depth=0, refusal=_no_sync)
        if not listing.token:
            raise SyncRefusedError(f"no sync-token for the address book {self.url}")
        return listing

    async def listed(self) -> Listing:
        """Return everything in the address book."""
        return await self._list("PROPFIND", propfind(LISTED), depth=1)

    async def with_uid(self, begin: str | None, others: Iterable[str] = ()) -> Listing:
        """Return the cards whose UID begins in a certain way, see :func:`query_by_uid`."""
        body = query_by_uid(begin, others)
        try:
            return await self._list("REPORT", body, depth=1, refusal=_too_many)
        except TooManyError:
            return Listing(is_cut=True)

    async def cards(
        self,
        paths: Collection[str],
        take: Callable[[Resource], None],
        *,
        whole: bool,
        keep: int,
        enough: int | None,
    ) -> tuple[frozenset[str], bool]:
        """Read certain cards.

        Args:
            paths: of the cards.
            take: called with each existing card while the answer comes in; called again if the
                answer broke off and the request was repeated.
            whole: True to ask for whole cards, False for the properties in the index.
            keep: octets up to which a card is kept unchanged.
            enough: octets after which the rest of the answer is not read; None: no limit.

        Returns:
            The paths in the answer, and True if the server truncated the answer.
        """

        def told(item: Item) -> str:
            path = self._paths.key(item.url.raw_path)
            if item.card is not None and item.status == HTTPStatus.OK:
                take(from_item(path, item, item.card))
            elif item.status not in GONE:
                log.warning("card passed over that cannot be read", path=path, status=item.status)
            return path

        body = multiget(map(self._paths.spelled, paths), whole=whole)
        answer = await self._ask(
            self._request("REPORT", body, depth=1),
            lambda: MultistatusReader(told, self._refuse, keep=keep, enough=enough),
        )
        return frozenset(answer.found), answer.is_cut

    async def card(self, path: str, *, largest: int) -> Resource | None:
        """Read one card by GET, without XML; None if the card is gone or too large."""
        url = at_path(self.url, self._paths.spelled(path))
        request = HttpRequest("GET", url, {"Accept": "text/vcard"}, expected=ANSWERS)
        response, data = await self._http.ask_in_pieces(request, lambda: CardAnswer(largest))
        if response.status != HTTPStatus.OK or data is None:
            log.warning("card passed over that cannot be read", path=path, status=response.status)
            return None
        etag = entity_tag(response.headers.get("ETag", ""))
        return Resource(path, etag, VCard.parse(data), octets=len(data))

    async def collection_tag(self) -> str:
        """Return the tag that changes with the address book; empty if the server has none."""
        request = self._request("PROPFIND", propfind([COLLECTION_TAG]), depth=0)
        answer = await self._ask(
            request, lambda: MultistatusReader(lambda item: item.text(COLLECTION_TAG), self._refuse)
        )
        return next(iter(answer.found), "")

    async def _list(
        self,
        method: str,
        body: bytes,
        *,
        depth: int,
        refusal: Callable[[str, Response], RefusedError] = RefusedError,
    ) -> Listing:
        def refuse(response: Response) -> None:
            self._refuse(response, refusal)

        answer = await self._ask(
            self._request(method, body, depth=depth),
            lambda: MultistatusReader(self._listed, refuse),
        )
        there = {path: each for path, each in filter(None, answer.found) if each is not None}
        gone = {path for path, each in filter(None, answer.found) if each is None}
        return Listing(there, frozenset(gone - there.keys()), answer.sync_token, answer.is_cut)

    def _listed(self, item: Item) -> tuple[str, Listed | None] | None:
        """Return the path and version of a resource; None for a collection."""
        path = self._paths.key(item.url.raw_path)
        if path == path_key(self.url.raw_path) or COLLECTION in (
            item.children(RESOURCE_TYPE) or ()
        ):
            return None
        if item.status != HTTPStatus.OK:
            if item.status not in GONE:
                log.warning("card passed over that cannot be read", path=path, status=item.status)
            return path, None
        length = item.text(LENGTH).strip()
        etag = entity_tag(item.text(ETAG))
        return path, Listed(etag, int(length) if length.isdecimal() else None)

    async def _ask(
        self, request: HttpRequest, open_reader: Callable[[], MultistatusReader[T]]
    ) -> Multistatus[T]:
        return await self._http.ask_in_pieces(request, open_reader)

    def _request(self, method: str, body: bytes, *, depth: int) -> HttpRequest:
        headers = {"Depth": str(depth), "Content-Type": _XML}
        return HttpRequest(method, self.url, headers, body, expected=ANSWERS)

    def _refuse(
        self,
        response: Response,
        refusal: Callable[[str, Response], RefusedError] = RefusedError,
    ) -> None:
        if response.status in GONE:
            raise AddressBookGoneError(f"there is no address book at {self.url}")
        if response.status == HTTPStatus.FORBIDDEN and not explanation(response.body):
            raise access_refusal(response)
        if response.status == HTTPStatus.OK:
            raise response.intermediary or BrokenAnswerError(self.url, "no WebDAV multistatus")
        raise refusal(f"the address book {self.url} cannot be read", response)


def _no_sync(what: str, response: Response) -> RefusedError:
    return SyncRefusedError(what, response)


def _too_many(what: str, response: Response) -> RefusedError:
    """RFC 6352 section 8.6.2: a server may refuse a query that finds too many cards."""
    if response.status == HTTPStatus.INSUFFICIENT_STORAGE or _TOO_MANY in explanation(
        response.body
    ):
        return TooManyError(what, response)
    return RefusedError(what, response)
