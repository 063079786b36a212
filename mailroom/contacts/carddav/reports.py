"""What is asked of an address book as a whole: which cards there are, and what is on some."""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from yarl import URL

from mailroom.contacts.book import AddressBookError
from mailroom.contacts.carddav.refusals import (
    GONE,
    AddressBookGoneError,
    RefusedError,
    SyncRefusedError,
)
from mailroom.contacts.carddav.resource import Resource, entity_tag, from_item
from mailroom.contacts.carddav.webdav import (
    ADDRESS_DATA,
    ANSWERS,
    COLLECTION_TAG,
    ETAG,
    Item,
    Multistatus,
    explanation,
    multiget,
    parse_multistatus,
    propfind,
    sync_collection,
)
from mailroom.http import (
    BrokenAnswerError,
    CredentialsRefusedError,
    HttpClient,
    HttpRequest,
    Response,
)

log = structlog.get_logger(__name__)

AT_ONCE: Final = 100
"""Cards in one answer. With photos they have hundreds of KB each, and the answer must come in
time."""
_BRIEF_PAGE: Final = 1000
"""Cards in one answer to ``sync-collection`` when only their addresses are asked for. Servers sort
all cards for every page, so that small ones take long; large ones hold up all other work here."""
_XML: Final = "application/xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what has changed (RFC 6578 section 3.6).

    Attributes:
        found: cards that are new or changed.
        bare: paths of such cards, of which the answer has no more.
        gone: paths.
        token: where the next part begins, or the next changes.
        is_last: whether that was all.
    """

    found: tuple[Resource, ...]
    bare: tuple[str, ...]
    gone: tuple[str, ...]
    token: str
    is_last: bool


class Reports:
    """Questions to one address book.

    All of them raise:
        HttpError: the server cannot be reached, or refuses the credentials.
        AddressBookGoneError: there is no such address book.
        AddressBookError: the server does not answer this, or only in part.

    Args:
        http: a client with the user's credentials.
        url: of the address book.
    """

    def __init__(self, http: HttpClient, url: URL) -> None:
        self._http = http
        self._url = url

    async def changed_since(self, token: str, *, whole: bool) -> Page:
        """What is different; without a token, everything. ``whole`` as in :meth:`cards`.

        Raises:
            SyncRefusedError: not to be had, or not since then (RFC 6578 section 3.2).
        """
        limit = AT_ONCE if whole else _BRIEF_PAGE
        body = sync_collection(token, limit=limit, whole=whole)
        request = self._request("REPORT", body, depth=0)
        return await self._http.ask(request, self._page)

    async def cards(self, paths: Collection[str], *, whole: bool) -> list[Resource]:
        """Those of certain cards that are there; if not ``whole``, their uid and addresses."""
        request = self._request("REPORT", multiget(paths, whole=whole), depth=1)
        answer = await self._http.ask(request, self._all)
        return [from_item(item) for item in _there(answer.items) if ADDRESS_DATA in item.properties]

    async def etags(self) -> dict[str, str]:
        """Path -> ETag of everything in the address book."""
        request = self._request("PROPFIND", propfind([ETAG]), depth=1)
        answer = await self._http.ask(request, self._all)
        return {
            item.url.raw_path: entity_tag(item.text(ETAG))
            for item in answer.items
            if not self._is_the_book(item)
        }

    async def collection_tag(self) -> str:
        """What changes when anything in the address book does; empty if the server has none."""
        request = self._request("PROPFIND", propfind([COLLECTION_TAG]), depth=0)
        answer = await self._http.ask(request, self._all)
        return next((item.text(COLLECTION_TAG) for item in answer.items), "")

    def _request(self, method: str, body: bytes, *, depth: int) -> HttpRequest:
        headers = {"Depth": str(depth), "Content-Type": _XML}
        return HttpRequest(method, self._url, headers, body, expected=ANSWERS)

    def _page(self, response: Response) -> Page:
        answer = self._answer(response, SyncRefusedError)
        if not answer.sync_token:
            raise SyncRefusedError(f"no sync-token for the address book {self._url}", response)
        items = [item for item in answer.items if not self._is_the_book(item)]
        there = _there(items)
        return Page(
            found=tuple(from_item(item) for item in there if ADDRESS_DATA in item.properties),
            bare=tuple(_path(item) for item in there if ADDRESS_DATA not in item.properties),
            gone=tuple(_path(item) for item in items if item.status != HTTPStatus.OK),
            token=answer.sync_token,
            is_last=not _is_cut(answer),
        )

    def _all(self, response: Response) -> Multistatus:
        answer = self._answer(response)
        if _is_cut(answer):
            raise AddressBookError(f"the address book {self._url} gives only a part of its cards")
        return answer

    def _answer(
        self, response: Response, refusal: type[RefusedError] = RefusedError
    ) -> Multistatus:
        if response.status in GONE:
            raise AddressBookGoneError(f"there is no address book at {self._url}")
        if response.status == HTTPStatus.FORBIDDEN and not explanation(response.body):
            raise CredentialsRefusedError(self._url, response.status)
        if response.status == HTTPStatus.OK:
            raise BrokenAnswerError(self._url, "no WebDAV multistatus")
        if response.status != HTTPStatus.MULTI_STATUS:
            raise refusal(f"the address book {self._url} cannot be read", response)
        return parse_multistatus(response)

    def _is_the_book(self, item: Item) -> bool:
        return _path(item).rstrip("/") == self._url.raw_path.rstrip("/")


def _there(items: Collection[Item]) -> list[Item]:
    """Those that the server did not refuse."""
    for item in items:
        if item.status not in {HTTPStatus.OK, *GONE}:
            log.warning(
                "card passed over that cannot be read", path=_path(item), status=item.status
            )
    return [item for item in items if item.status == HTTPStatus.OK]


def _is_cut(answer: Multistatus) -> bool:
    """Whether the server says that there is more (RFC 6578 section 3.6)."""
    return any(item.status == HTTPStatus.INSUFFICIENT_STORAGE for item in answer.items)


def _path(item: Item) -> str:
    return item.url.raw_path
