"""The requests to one address book: lists of resources, cards, and writes of one card."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
from yarl import URL

from mailroom.contacts.carddav.hrefs import Paths, at_path, path_key
from mailroom.contacts.carddav.multistatus import Item, MultistatusReader
from mailroom.contacts.carddav.resource import (
    LARGEST_CARD,
    Resource,
    entity_tag,
    from_item,
    version_of,
)
from mailroom.contacts.carddav.webdav import (
    COLLECTION,
    COLLECTION_TAG,
    EXPECTED_STATUSES,
    GONE,
    LISTED,
    RESOURCE_TYPE,
    AddressBookGoneError,
    RefusedError,
    SyncRefusedError,
    TooManyError,
    explanation,
    multiget,
    propfind,
    query_by_uid,
    response_unless_page,
    sync_collection,
    xml_request,
)
from mailroom.contacts.vcard.fields import is_vcard4
from mailroom.contacts.vcard.lines import VCard
from mailroom.http import BrokenAnswerError, HttpClient, HttpRequest, Response
from mailroom.http import refusal as access_refusal

log = structlog.get_logger(__name__)

ACCEPT: Final = "text/vcard"
ACCEPT_VCARD4: Final = "text/vcard; version=4.0, text/vcard; q=0.5"
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
        gone: paths of resources that are deleted or cannot be read.
        token: the sync-token after this list (RFC 6578); empty if there is none.
        is_truncated: True if the server truncated the list.
    """

    found: Mapping[str, Listed] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    token: str = ""
    is_truncated: bool = False


class Requests:
    """Sends requests to one address book.

    Every method raises HttpError if the server cannot be reached, refuses the credentials or sends
    a broken answer. :meth:`get`, :meth:`put` and :meth:`delete` return a refusal as the response.
    The others raise RefusedError for a refusal, and AddressBookGoneError for a missing address
    book, beside the errors that they name.

    Args:
        http: a client with the user's credentials.
        url: the URL of the address book.
        paths: the server's spellings of paths.
    """

    def __init__(self, http: HttpClient, url: URL, paths: Paths) -> None:
        self.url = url
        self.paths = paths
        self._path = path_key(url.raw_path)
        self._http = http

    async def changed_since(self, token: str) -> Listing:
        """Return the changes since a token; without a token, everything with a new token.

        Raises:
            SyncRefusedError: the server does not offer ``sync-collection``, or refuses the token.
        """
        listing = await self._list(
            "REPORT", sync_collection(token), depth=0, make_error=SyncRefusedError
        )
        if not listing.token:
            raise SyncRefusedError(f"no sync-token for the address book {self.url}")
        return listing

    async def list_all(self) -> Listing:
        """Return everything in the address book."""
        return await self._list("PROPFIND", propfind(LISTED), depth=1)

    async def list_by_uid(self, uid_prefix: str | None, excluded: Iterable[str] = ()) -> Listing:
        """Return the cards whose UID begins with a prefix; for None, the cards without a UID.

        An empty prefix stands for any UID; see :func:`query_by_uid`.
        """
        body = query_by_uid(uid_prefix, excluded)
        try:
            return await self._list("REPORT", body, depth=1, make_error=_query_refused)
        except TooManyError:
            return Listing(is_truncated=True)

    async def collection_tag(self) -> str:
        """Return the tag that changes with the address book; empty if the server has none."""
        answer = await self._http.ask_in_pieces(
            xml_request("PROPFIND", self.url, propfind([COLLECTION_TAG]), depth=0),
            lambda: MultistatusReader(lambda item: item.text(COLLECTION_TAG), self._raise_for),
        )
        return next(iter(answer.found), "")

    async def multiget(
        self,
        paths: Collection[str],
        take: Callable[[Resource], None],
        *,
        whole: bool,
        keep_up_to: int,
        enough: int | None,
    ) -> tuple[frozenset[str], bool]:
        """Read certain cards.

        Args:
            paths: the paths of the cards.
            take: called with each existing card while the answer comes in; called again if the
                answer broke off and the request was repeated.
            whole: True to ask for whole cards, False for the properties that the index needs.
            keep_up_to: octets up to which a card is kept unchanged.
            enough: octets after which the rest of the answer is not read; None: no limit.

        Returns:
            The paths in the answer, and True if the server truncated the answer.
        """

        def take_item(item: Item) -> str:
            path = self.paths.key(item.url.raw_path)
            if item.card is not None and item.status == HTTPStatus.OK:
                take(from_item(path, item, item.card))
            elif item.status not in GONE:
                log.warning("card cannot be read, skipped", path=path, status=item.status)
            return path

        body = multiget(map(self.paths.spelled, paths), whole=whole)
        answer = await self._http.ask_in_pieces(
            xml_request("REPORT", self.url, body, depth=1),
            lambda: MultistatusReader(
                take_item, self._raise_for, keep_up_to=keep_up_to, enough=enough
            ),
        )
        return frozenset(answer.found), answer.is_truncated

    async def get(self, path: str, accept: str = ACCEPT) -> tuple[Response, Resource | None]:
        """Read one card by GET, without XML.

        Returns:
            The answer, with any of :data:`EXPECTED_STATUSES`; and the card. The card is None if the
            status is not 200, or if the card has more than :data:`LARGEST_CARD` octets.
        """
        request = HttpRequest(
            "GET", self._url_of(path), {"Accept": accept}, expected=EXPECTED_STATUSES
        )
        response, data = await self._http.ask_in_pieces(request, _CardAnswer)
        if response.status != HTTPStatus.OK or data is None:
            return response, None
        etag = entity_tag(response.headers.get("ETag", ""))
        return response, Resource(path, etag, VCard.parse(data), octets=len(data))

    async def put(self, path: str, card: VCard, condition: Mapping[str, str]) -> Response:
        """Write one card under a condition, and return the answer.

        Args:
            path: the path of the card.
            card: the card.
            condition: ``If-Match`` to replace a version, ``If-None-Match`` to make a card.

        Returns:
            The answer, with any of :data:`EXPECTED_STATUSES`.
        """
        version = "; version=4.0" if is_vcard4(card) else ""
        headers = {**condition, "Content-Type": f"text/vcard{version}; charset=utf-8"}
        url, data = self._url_of(path), bytes(card)
        return await self._http.ask(
            HttpRequest("PUT", url, headers, data, expected=EXPECTED_STATUSES), response_unless_page
        )

    async def delete(self, path: str, condition: Mapping[str, str]) -> Response:
        """Delete one card under a condition (``If-Match``); see :meth:`put` for the answer."""
        request = HttpRequest("DELETE", self._url_of(path), condition, expected=EXPECTED_STATUSES)
        return await self._http.ask(request, response_unless_page)

    async def _list(
        self,
        method: str,
        body: bytes,
        *,
        depth: int,
        make_error: Callable[[str, Response], RefusedError] = RefusedError,
    ) -> Listing:
        raise_for = partial(self._raise_for, make_error=make_error)
        answer = await self._http.ask_in_pieces(
            xml_request(method, self.url, body, depth=depth),
            lambda: MultistatusReader(self._listed, raise_for),
        )
        entries = [entry for entry in answer.found if entry is not None]
        found = {path: listed for path, listed in entries if listed is not None}
        gone = frozenset(path for path, _ in entries) - found.keys()
        return Listing(found, gone, answer.sync_token, answer.is_truncated)

    def _listed(self, item: Item) -> tuple[str, Listed | None] | None:
        """Return the path and the version of a resource; None for a collection.

        The version is None if the resource is gone or cannot be read.
        """
        path = self.paths.key(item.url.raw_path)
        if path == self._path or COLLECTION in (item.element_names(RESOURCE_TYPE) or ()):
            return None
        if item.status != HTTPStatus.OK:
            if item.status not in GONE:
                log.warning("card cannot be read, skipped", path=path, status=item.status)
            return path, None
        return path, Listed(*version_of(item))

    def _url_of(self, path: str) -> URL:
        return at_path(self.url, self.paths.spelled(path))

    def _raise_for(
        self, response: Response, make_error: Callable[[str, Response], RefusedError] = RefusedError
    ) -> None:
        """Raise the error that an answer without a multistatus means."""
        if response.status in GONE:
            raise AddressBookGoneError(f"there is no address book at {self.url}")
        if response.status == HTTPStatus.FORBIDDEN and not explanation(response.body):
            raise access_refusal(response)
        if response.status == HTTPStatus.OK:
            raise response.intermediary or BrokenAnswerError(self.url, "no WebDAV multistatus")
        raise make_error(f"the address book {self.url} cannot be read", response)


class _CardAnswer:
    """Reads the answer to a GET; see :class:`mailroom.http.AnswerReader`.

    The rest of a card that is too large is not read.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._octets = 0

    def begin(self, response: Response) -> bool:
        return response.status == HTTPStatus.OK

    def feed(self, data: bytes) -> bool:
        self._octets += len(data)
        if self._octets > LARGEST_CARD:
            self._pieces.clear()
            return False
        self._pieces.append(data)
        return True

    def result(self, response: Response) -> tuple[Response, bytes | None]:
        return response, None if self._octets > LARGEST_CARD else b"".join(self._pieces)


def _query_refused(text: str, response: Response) -> RefusedError:
    """Return the error of a refused query.

    A server may refuse a query that finds too many cards (RFC 6352 section 8.6.2).
    """
    if response.status == HTTPStatus.INSUFFICIENT_STORAGE or _TOO_MANY in explanation(
        response.body
    ):
        return TooManyError(text, response)
    return RefusedError(text, response)
