"""One user's address books over CardDAV (RFC 6352), in memory.

Cards are bytes, stored and sent unchanged. There are no locks.
"""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from aiohttp import web

from mailroom.sandbox.contacts.dav_cards import DavCards, InvalidTokenError
from mailroom.sandbox.contacts.dav_query import CARDDAV, UnsupportedFilterError, compile_query
from mailroom.sandbox.contacts.dav_xml import (
    CALENDAR_SERVER,
    DAV,
    href,
    multistatus,
    parse,
    refusal,
    requested,
    response,
    status_only,
)
from mailroom.sandbox.contacts.vcard import only, uid_of
from mailroom.sandbox.quirks import Carddav

ROOT: Final = "/dav/"
RESOURCE_TYPE: Final = f"{DAV}resourcetype"
ADDRESS_BOOK: Final = "<d:collection/><c:addressbook/>"
"""The resource type of an address book."""
_COLLECTION: Final = "<d:collection/>"
_DATA: Final = f"{CARDDAV}address-data"
_SYNC: Final = f"{DAV}sync-collection"
_REPORTS: Final = ("c:addressbook-query", "c:addressbook-multiget", "d:sync-collection")
_SUPPORTED: Final = "<d:supported-report><d:report><{}/></d:report></d:supported-report>"
_CUT: Final = "507 Insufficient Storage"
_Headers = Mapping[str, str]


class CardDav:
    """The address books of one user, and the answers to requests.

    Args:
        user: the name of the user.
        quirks: the deviations to imitate.

    Attributes:
        quirks: the deviations to imitate.
        principal: the path of the user's principal.
        home: the path of the collection of the address books.
        book: the path of the first address book.
        collections: path -> the properties of each collection, as XML by name.
        cards: path -> vCard, of all address books.
        on_change: called with the path of each card that a request made, changed or removed.
    """

    def __init__(self, user: str, quirks: Carddav) -> None:
        name = quote(user, safe="")
        self.quirks = quirks
        self.principal = f"{ROOT}principals/user/{name}/"
        self.home = f"{ROOT}addressbooks/user/{name}/"
        self.book = f"{self.home}Default/"
        self.cards = DavCards()
        self.on_change: Callable[[str], None] = lambda _: None
        self.collections: dict[str, dict[str, str]] = {
            ROOT: {
                RESOURCE_TYPE: _COLLECTION,
                f"{DAV}current-user-principal": href(self.principal),
            },
            self.principal: {
                RESOURCE_TYPE: f"{_COLLECTION}<d:principal/>",
                f"{CARDDAV}addressbook-home-set": href(self.home),
            },
            self.home: {RESOURCE_TYPE: _COLLECTION},
            self.book: {
                RESOURCE_TYPE: ADDRESS_BOOK,
                f"{DAV}displayname": "Personal",
                f"{DAV}current-user-privilege-set": "<d:privilege><d:all/></d:privilege>",
            },
        }

    def answer(self, method: str, path: str, headers: _Headers, body: bytes) -> web.Response:
        """Carry out a request; ``path`` is encoded, as it was sent."""
        match method:
            case "PROPFIND":
                answer = self._propfind(path, headers.get("Depth", "1"), body)
            case "REPORT":
                answer = self._report(path, body)
            case "GET":
                answer = self._get(path)
            case "PUT":
                answer = self._put(path, headers, body)
            case "DELETE":
                answer = self._delete(path, headers)
            case "MKCOL":
                answer = self._mkcol(path, body)
            case _:
                answer = web.Response(status=405)
        return answer

    # What subclasses may change

    def stored(self, card: bytes) -> bytes:
        """Return a card that was put, in the form in which it is stored."""
        return card

    def shown(self, card: bytes) -> str:
        """Return a card in the form in which a report has it."""
        return escape(card.decode("utf-8", "surrogateescape"))

    def listed(self, path: str) -> str:
        """Return a path in the form in which a multistatus answer has it."""
        return path.replace("@", "%40") if self.quirks.encodes_at else path

    # Reading

    def _propfind(self, path: str, depth: str, body: bytes) -> web.Response:
        path = path if path.endswith("/") else f"{path}/"
        if path not in self.collections:
            return web.Response(status=404)
        if depth not in {"0", "1"}:
            return refusal(403, "<d:propfind-finite-depth/>")
        paths = [path]
        if depth == "1":
            below = (other for other in self.collections if other.startswith(path))
            paths += [other for other in below if other.count("/") == path.count("/") + 1]
            paths += self.cards.members(path) if self._is_book(path) else []
        names = requested(parse(body))
        answers = [
            response(self.listed(member), names, self._properties(member)) for member in paths
        ]
        return multistatus(self._cut(path, answers))

    def _is_book(self, path: str) -> bool:
        return "<c:addressbook/>" in self.collections.get(path, {}).get(RESOURCE_TYPE, "")

    def _properties(self, path: str) -> dict[str, str]:
        """Return the properties of a card or a collection."""
        quirks = self.quirks
        if path in self.cards:
            length = str(len(self.cards[path]))
            return {
                RESOURCE_TYPE: "",
                **({f"{DAV}getetag": self.cards.etag(path)} if quirks.etags else {}),
                **({f"{DAV}getcontentlength": length} if quirks.lengths else {}),
            }
        properties = dict(self.collections[path])
        if self._is_book(path):
            reports = _REPORTS if quirks.sync_collection else _REPORTS[:-1]
            properties[f"{DAV}supported-report-set"] = "".join(map(_SUPPORTED.format, reports))
            if quirks.sync_collection:
                properties[f"{DAV}sync-token"] = self.cards.token()
            if quirks.tag:
                properties[f"{CALENDAR_SERVER}getctag"] = self.cards.tag(path)
        return properties

    def _cut(self, path: str, answers: list[str]) -> list[str]:
        """Return the part of a list that is sent."""
        most = self.quirks.cut
        if most is None or len(answers) <= most:
            return answers
        return [*answers[:most], status_only(path, _CUT)]

    def _report(self, path: str, body: bytes) -> web.Response:
        root = parse(body)
        if not self._is_book(path) or root is None:
            return web.Response(status=400 if self._is_book(path) else 404)
        if root.tag == _SYNC and self.quirks.sync_collection:
            return self._changes(path, root)
        if root.tag == f"{CARDDAV}addressbook-multiget":
            hrefs = [(element.text or "").strip() for element in root.findall(f"{DAV}href")]
            paths = list(map(self.cards.path_of, hrefs))
            return multistatus(self._card_or_404(card_path, root) for card_path in paths)
        if root.tag != f"{CARDDAV}addressbook-query":
            return refusal(403, "<d:supported-report/>")
        try:
            is_match = compile_query(root)
        except UnsupportedFilterError:
            return refusal(403, "<c:supported-filter/>")
        paths = [member for member in self.cards.members(path) if is_match(self.cards[member])]
        answers = [self._card_or_404(card_path, root) for card_path in paths]
        return multistatus(self._cut(path, answers))

    def _changes(self, book: str, root: ET.Element) -> web.Response:
        """Answer a ``sync-collection`` (RFC 6578) with the changes since a token."""
        since = root.findtext(f"{DAV}sync-token", "").strip()
        try:
            changes = self.cards.since(book, since)
        except InvalidTokenError:
            return refusal(403, "<d:valid-sync-token/>")
        paths = [path for path in changes if since or path in self.cards]
        page, token = self.quirks.page, self.cards.token()
        is_cut = page is not None and len(paths) > page
        if is_cut:
            token = changes[paths[:page][-1]]
        answers = [self._card_or_404(path, root) for path in paths[:page]]
        answers += [status_only(book, _CUT)] if is_cut else []
        return multistatus(self._cut(book, answers), sync_token=token)

    def _card_or_404(self, path: str, root: ET.Element) -> str:
        """Return the response for one card in a report, or a 404."""
        if path not in self.cards:
            return status_only(self.listed(path), "404 Not Found")
        card, properties = self.cards[path], self._properties(path)
        if root.find(f"{DAV}prop/{_DATA}") is not None:
            brief = root.iterfind(f"{DAV}prop/{_DATA}/{CARDDAV}prop")
            if names := [prop.get("name", "") for prop in brief]:
                card = only(card, names, grouped=not self.quirks.drops_grouped)
            properties[_DATA] = self.shown(card)
        return response(self.listed(path), requested(root), properties)

    def _get(self, path: str) -> web.Response:
        if path not in self.cards:
            return web.Response(status=404)
        etag = {"ETag": self.cards.etag(path)} if self.quirks.etags else {}
        headers = {"Content-Type": "text/vcard; charset=utf-8", **etag}
        return web.Response(body=self.cards[path], headers=headers)

    # Writing

    def _put(self, path: str, headers: _Headers, body: bytes) -> web.Response:
        book = path.rpartition("/")[0] + "/"
        if not self._is_book(book) or path == book:
            return web.Response(status=403)
        if not self._is_met(path, headers):
            return web.Response(status=412)
        uid = uid_of(body)
        if not uid:
            return refusal(403, "<c:valid-address-data/>")
        uids = {other: uid_of(self.cards[other]) for other in self.cards.members(book)}
        conflicts = [other for other in uids if uids[other] == uid and other != path]
        if uids.get(path, uid) != uid:
            conflicts.append(path)
        if conflicts:
            return refusal(403, f"<c:no-uid-conflict>{href(conflicts[0])}</c:no-uid-conflict>")
        status = 204 if path in self.cards else 201
        self.cards[path] = self.stored(body)
        self.on_change(path)
        has_etag = self.quirks.etags and self.quirks.etag_after_put
        etag = {"ETag": self.cards.etag(path)} if has_etag else {}
        return web.Response(status=status, headers=etag)

    def _delete(self, path: str, headers: _Headers) -> web.Response:
        if path not in self.cards:
            return web.Response(status=403 if path in self.collections else 404)
        if not self._is_met(path, headers):
            return web.Response(status=412)
        del self.cards[path]
        self.on_change(path)
        return web.Response(status=204)

    def _is_met(self, path: str, headers: _Headers) -> bool:
        """Return True if the preconditions hold (RFC 9110 section 13.1)."""
        tags = {"*", self.cards.etag(path)} if path in self.cards else set()
        wanted, unwanted = headers.get("If-Match"), headers.get("If-None-Match")
        return (wanted is None or wanted in tags) and (unwanted is None or unwanted not in tags)

    def _mkcol(self, path: str, body: bytes) -> web.Response:
        """Make an address book (RFC 6352 section 6.3.1)."""
        root = parse(body)
        if path in self.collections or root is None:
            return web.Response(status=405 if root is not None else 400)
        self.collections[path] = {
            RESOURCE_TYPE: ADDRESS_BOOK,
            f"{DAV}displayname": escape(root.findtext(f".//{DAV}displayname", "")),
        }
        return web.Response(status=201)
