"""One user's address book over CardDAV (RFC 6352), in memory: what a client like ours asks for.

Cards are bytes, kept and given as they came. There is one address book; sharing and locks are not
to be had, and say so.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from aiohttp import web

from mailroom.sandbox.contacts.dav_history import DavHistory, InvalidTokenError
from mailroom.sandbox.contacts.dav_query import CARDDAV, UnsupportedFilterError, compile_query
from mailroom.sandbox.contacts.dav_xml import (
    CALENDAR_SERVER,
    DAV,
    asked_for,
    href,
    judgement,
    multistatus,
    parse,
    refusal,
    response,
)
from mailroom.sandbox.contacts.vcard import only, uid_of
from mailroom.sandbox.quirks import Carddav

ROOT: Final = "/dav/"
_ALLOW: Final = {
    "Allow": "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, REPORT",
    "DAV": "1, addressbook",
}
_COLLECTION: Final = "<d:collection/>"
_ETAG: Final = f"{DAV}getetag"
_TYPE: Final = f"{DAV}resourcetype"
_DATA: Final = f"{CARDDAV}address-data"
_QUERY: Final = f"{CARDDAV}addressbook-query"
_MULTIGET: Final = f"{CARDDAV}addressbook-multiget"
_SYNC: Final = f"{DAV}sync-collection"
_SUPPORTED: Final = "<d:supported-report><d:report><{}/></d:report></d:supported-report>"
_NOT_FOUND: Final = "404 Not Found"


class CardDav:
    """An address book and its answers to requests.

    Args:
        user: the name of the user.
        quirks: the deviations to imitate.

    Attributes:
        cards: path -> vCard.
        book: the path of the address book.
        on_change: called with the path of each card that a request made, changed or removed.
    """

    def __init__(self, user: str, quirks: Carddav) -> None:
        name = quote(user, safe="")
        self._principal = f"{ROOT}principals/user/{name}/"
        self._home = f"{ROOT}addressbooks/user/{name}/"
        self.book = f"{self._home}Default/"
        self.cards: dict[str, bytes] = {}
        self.on_change: Callable[[str], None] = lambda _: None
        self._history = DavHistory()
        self._reports = {_QUERY: self._query, _MULTIGET: self._multiget}
        self._quirks = quirks
        if quirks.sync_collection:
            self._reports[_SYNC] = self._changes

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> web.Response:
        """Carry out a request; ``path`` is encoded, as it was sent."""
        match method:
            case "PROPFIND":
                answer = self._propfind(path, headers.get("Depth", "1"), body)
            case "REPORT":
                answer = self._report(path, body)
            case "GET" | "HEAD":
                answer = self._get(path)
            case "PUT":
                answer = self._put(path, headers, body)
            case "DELETE":
                answer = self._delete(path, headers)
            case _:
                answer = web.Response(status=200 if method == "OPTIONS" else 405, headers=_ALLOW)
        return answer

    def _propfind(self, path: str, depth: str, body: bytes) -> web.Response:
        collections = self._collections()
        path = path if path in self.cards or path.endswith("/") else f"{path}/"
        if path not in {*collections, *self.cards}:
            return web.Response(status=404)
        if depth not in {"0", "1"}:
            return refusal(403, "<d:propfind-finite-depth/>")
        paths = [path, *self._members(path)] if depth == "1" else [path]
        asked = asked_for(parse(body))
        answers = [response(self._listed(each), asked, self._properties(each)) for each in paths]
        return multistatus(self._cut(answers))

    def _listed(self, path: str) -> str:
        """Return a path as it is written in a list."""
        return path.replace("@", "%40") if self._quirks.encodes_at else path

    def _cut(self, answers: list[str]) -> list[str]:
        """Return the part of a list that is sent."""
        most = self._quirks.cut
        if most is None or len(answers) <= most:
            return answers
        return [*answers[:most], judgement(self.book, "507 Insufficient Storage")]

    def _collections(self) -> dict[str, dict[str, str]]:
        """Path -> the properties of every collection."""
        user = {
            f"{DAV}current-user-principal": href(self._principal),
            f"{CARDDAV}addressbook-home-set": href(self._home),
        }
        rights = "<d:privilege><d:all/></d:privilege>"
        return {
            ROOT: {_TYPE: _COLLECTION, **user},
            self._principal: {_TYPE: f"{_COLLECTION}<d:principal/>", **user},
            self._home: {_TYPE: _COLLECTION, **user},
            self.book: {
                _TYPE: f"{_COLLECTION}<c:addressbook/>",
                f"{DAV}displayname": "Personal",
                f"{DAV}current-user-privilege-set": rights,
                **self._state(),
                **user,
            },
        }

    def _state(self) -> dict[str, str]:
        """Return the properties of the address book that clients use to follow changes."""
        names = [name.replace(DAV, "d:").replace(CARDDAV, "c:") for name in self._reports]
        token = {f"{DAV}sync-token": self._history.token} if _SYNC in self._reports else {}
        return {
            f"{DAV}supported-report-set": "".join(map(_SUPPORTED.format, names)),
            f"{CALENDAR_SERVER}getctag": self._history.tag,
            **token,
        }

    def _members(self, path: str) -> list[str]:
        if path == self._home:
            return [self.book]
        return list(self.cards) if path == self.book else []

    def _properties(self, path: str) -> dict[str, str]:
        if path not in self.cards:
            return self._collections()[path]
        return {
            _TYPE: "",
            _ETAG: self._etag(path),
            f"{DAV}getcontentlength": str(len(self.cards[path])),
            f"{DAV}getcontenttype": "text/vcard",
        }

    def _report(self, path: str, body: bytes) -> web.Response:
        if path != self.book:
            return web.Response(status=404)
        root = parse(body)
        if root is None:
            return web.Response(status=400)
        report = self._reports.get(root.tag)
        return report(root) if report else refusal(403, "<d:supported-report/>")

    def _query(self, root: ET.Element) -> web.Response:
        try:
            is_match = compile_query(root)
        except UnsupportedFilterError:
            return refusal(403, "<c:supported-filter/>")
        found = [each for each, card in self.cards.items() if is_match(card)]
        return multistatus(self._cut([self._card_or_404(each, root) for each in found]))

    def _multiget(self, root: ET.Element) -> web.Response:
        paths = [(each.text or "").strip() for each in root.findall(f"{DAV}href")]
        if self._quirks.encodes_at:
            paths = [path.replace("%40", "@") if path not in self.cards else path for path in paths]
        return multistatus(self._card_or_404(each, root) for each in paths)

    def _changes(self, root: ET.Element) -> web.Response:
        """Changes since a token (RFC 6578), as many as are wanted."""
        since = root.findtext(f"{DAV}sync-token", "").strip()
        try:
            changes = self._history.since(since)
        except InvalidTokenError:
            return refusal(403, "<d:valid-sync-token/>")
        paths = [each for each in changes if since or each in self.cards]
        limit = int(root.findtext(f"{DAV}limit/{DAV}nresults", "") or len(paths))
        answers = [self._card_or_404(each, root) for each in paths[:limit]]
        if self._quirks.cut is not None:
            return multistatus(self._cut(answers), sync_token=self._history.token)
        if limit >= len(paths):
            return multistatus(answers, sync_token=self._history.token)
        answers.append(judgement(self.book, "507 Insufficient Storage"))
        return multistatus(answers, sync_token=changes[paths[limit - 1]])

    def _card_or_404(self, path: str, root: ET.Element) -> str:
        """Return the response for one card in a report, or a 404."""
        if path not in self.cards:
            return judgement(path, _NOT_FOUND)
        names = [each.get("name", "") for each in root.iterfind(f"{DAV}prop/{_DATA}/{CARDDAV}prop")]
        card = self.cards[path]
        if names:
            card = only(card, names, grouped=not self._quirks.drops_grouped)
        text = escape(card.decode("utf-8", "surrogateescape"))
        return response(
            self._listed(path), asked_for(root), {**self._properties(path), _DATA: text}
        )

    def _get(self, path: str) -> web.Response:
        if path not in self.cards:
            return web.Response(status=404)
        headers = {"ETag": self._etag(path), "Content-Type": "text/vcard; charset=utf-8"}
        return web.Response(body=self.cards[path], headers=headers)

    def _put(self, path: str, headers: Mapping[str, str], body: bytes) -> web.Response:
        if path.rpartition("/")[0] + "/" != self.book or path == self.book:
            return web.Response(status=403)
        if not self._is_met(path, headers):
            return web.Response(status=412)
        uid = uid_of(body)
        if not uid:
            return refusal(403, "<c:valid-address-data/>")
        same = [each for each, card in self.cards.items() if uid_of(card) == uid and each != path]
        if same:
            return refusal(403, f"<c:no-uid-conflict>{href(same[0])}</c:no-uid-conflict>")
        if path in self.cards and uid_of(self.cards[path]) != uid:
            return refusal(403, f"<c:no-uid-conflict>{href(path)}</c:no-uid-conflict>")
        status = 204 if path in self.cards else 201
        self.store(path, body)
        self.on_change(path)
        return web.Response(status=status, headers={"ETag": self._etag(path)})

    def _delete(self, path: str, headers: Mapping[str, str]) -> web.Response:
        if path not in self.cards:
            return web.Response(status=403 if path in self._collections() else 404)
        if not self._is_met(path, headers):
            return web.Response(status=412)
        self.store(path, None)
        self.on_change(path)
        return web.Response(status=204)

    def store(self, path: str, card: bytes | None) -> None:
        """Store a card; None removes it."""
        if card is None:
            del self.cards[path]
        else:
            self.cards[path] = card
        self._history.touch(path)

    def _is_met(self, path: str, headers: Mapping[str, str]) -> bool:
        """Return True if the preconditions hold (RFC 9110 section 13.1)."""
        etag = self._etag(path) if path in self.cards else None
        wanted, unwanted = headers.get("If-Match"), headers.get("If-None-Match")
        if wanted is not None and not _names(wanted, etag):
            return False
        return unwanted is None or not _names(unwanted, etag)

    def _etag(self, path: str) -> str:
        return f'"{hashlib.sha256(self.cards[path]).hexdigest()[:20]}"'


def _names(header: str, etag: str | None) -> bool:
    """Return True if a list of tags names ``etag``; ``etag`` is None if there is no resource."""
    tags = {each.strip() for each in header.split(",")}
    return etag is not None and bool(tags & {etag, "*"})
