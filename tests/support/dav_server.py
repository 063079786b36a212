"""A small CardDAV server in memory, which misbehaves when told to.

Written against the RFCs, not against the code under test: it reads cards with regular expressions.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from mailroom.http import Credentials, HttpClient
from tests.support.dav_query import passes, plain
from tests.support.dav_xml import (
    PRINCIPAL,
    as_xml,
    book,
    dav_error,
    href,
    judgement,
    multistatus,
    prop,
)

BOOK = "/dav/books/ann/Default/"
HOME = "/dav/books/ann/"
ADDRESS_BOOK = "<c:addressbook/>"
DAV = "{DAV:}"
CARDDAV = "{urn:ietf:params:xml:ns:carddav}"

Fault = Callable[[web.Request, bytes], web.Response | str | None]
"""Told of every request; may answer it itself, or say "lose it" or "lose the answer"."""


class DavServer:
    """The server's state and its faults.

    Attributes:
        cards: path -> vCard.
        properties: path -> XML of its properties, for PROPFIND.
        requests: method and path of every request, in order.
        bodies: of every request, in order.
        can_sync: whether there is ``sync-collection`` (RFC 6578).
        has_tag: whether the address book has a tag that changes with its cards.
        gives_cards_in_sync: whether an answer to that holds the cards themselves.
        page: how many resources such an answer tells of.
        cut: beyond so many, every list is cut and has the newest token, as Stalwart's; 0: never.
        drops_grouped: whether properties with a group are left out of cards in brief, as there.
    """

    def __init__(self) -> None:
        self.cards: dict[str, bytes] = {}
        self.properties = {
            "/": prop("current-user-principal", href(PRINCIPAL)),
            PRINCIPAL: prop("home", href(HOME)),
            HOME: prop("resourcetype", "<d:collection/>"),
            BOOK: book("Personal"),
        }
        self.past: list[dict[str, str]] = [{}]
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.fault: Fault = lambda request, body: None
        self.can_sync = True
        self.has_tag = True
        self.gives_cards_in_sync = True
        self.page = 1000
        self.cut = 0
        self.drops_grouped = False
        self.gives_etags = True
        self.gives_etag_on_put = True
        self.gives_lengths = False
        self.rewrite: Callable[[bytes], bytes] = lambda card: card
        self.xml: Callable[[bytes], str] = as_xml
        self.href: Callable[[str], str] = lambda path: path

    def put(self, name: str, *lines: str | bytes, book: str = BOOK) -> str:
        """Store a card of these lines."""
        encoded = [line.encode() if isinstance(line, str) else line for line in lines]
        self.cards[book + name] = b"\r\n".join(
            [b"BEGIN:VCARD", b"VERSION:3.0", *encoded, b"END:VCARD", b""]
        )
        return book + name

    def count(self, method: str) -> int:
        """How many requests of a method came."""
        return sum(each.startswith(f"{method} ") for each in self.requests)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer, or misbehave."""
        body = await request.read()
        self.requests.append(f"{request.method} {request.raw_path}")
        self.bodies.append(body)
        if "Authorization" not in request.headers:
            return web.Response(status=401)
        fault = self.fault(request, body)
        if isinstance(fault, web.Response):
            return fault
        answer = web.Response()
        if fault != "lose it":
            answer = getattr(self, f"on_{request.method.lower()}")(request, body)
        if fault and request.transport:
            request.transport.close()
        return answer

    def on_propfind(self, request: web.Request, body: bytes) -> web.Response:
        path, depth = request.raw_path, request.headers["Depth"]
        paths = [each for each in self.properties if each == path]
        if depth == "1":
            paths += [each for each in self.properties if re.fullmatch(path + "[^/]+/", each)]
        if path not in self.properties:
            return web.Response(status=404)
        found = [(each, self.properties[each] + self.state_of(each)) for each in paths]
        if depth == "1" and ADDRESS_BOOK in self.properties[path]:
            found += [(each, self.properties_of(each)) for each in self.versions(path)]
        return self.cut_at(path, [self.response(*each) for each in found])

    def cut_at(self, path: str, responses: list[str], token: str = "") -> web.Response:
        """An answer, or the part of it that such a server gives."""
        if self.cut and len(responses) > self.cut:
            responses = [*responses[: self.cut], judgement(path, "507 Insufficient Storage")]
        return multistatus("".join(responses) + (prop("sync-token", token) if token else ""))

    def state_of(self, path: str) -> str:
        """What an address book says of itself to those who want to keep in step."""
        if ADDRESS_BOOK not in self.properties[path]:
            return ""
        report = prop("supported-report", prop("report", "<d:sync-collection/>"))
        tag = str(self.remember(self.versions(path))) if self.has_tag else ""
        reports = prop("supported-report-set", report) if self.can_sync else ""
        return f'{reports}<s:getctag xmlns:s="http://calendarserver.org/ns/">{tag}</s:getctag>'

    def on_report(self, request: web.Request, body: bytes) -> web.Response:
        if request.raw_path not in self.properties:
            return web.Response(status=404)
        root = ET.fromstring(body)  # noqa: S314 - our own client's
        if root.tag == CARDDAV + "addressbook-multiget":
            is_brief = root.find(f".//{CARDDAV}prop") is not None
            paths = [each.text or "" for each in root.iter(DAV + "href")]
            return self.on_multiget(paths, is_brief=is_brief)
        if root.tag == DAV + "sync-collection" and self.can_sync:
            return self.on_sync(request.raw_path, root.findtext(DAV + "sync-token", ""))
        if root.tag == CARDDAV + "addressbook-query":
            return self.on_query(request.raw_path, root)
        return dav_error(403, "<d:supported-report/>")

    def on_query(self, path: str, root: ET.Element) -> web.Response:
        """Which cards have a property (or lack it) and pass all or any tests of its value."""
        any_or_all = (
            any if root.find(f".//{CARDDAV}prop-filter[@test='anyof']") is not None else all
        )
        found = [
            each
            for each in self.versions(path)
            if all(passes(part, self.cards[each], any_or_all) for part in root[1])
        ]
        whole = root.find(f".//{CARDDAV}address-data") is not None
        show = self.with_card if whole else self.properties_of
        return self.cut_at(path, [self.response(each, show(each)) for each in found])

    def on_multiget(self, paths: Iterable[str], *, is_brief: bool) -> web.Response:
        kept = {plain(each): each for each in self.cards}
        paths = [kept.get(plain(path), path) for path in paths]
        return multistatus(
            "".join(
                self.response(each, self.with_card(each, is_brief=is_brief))
                if each in self.cards
                else judgement(self.href(each), "404 Not Found")
                for each in paths
            )
        )

    def on_sync(self, path: str, token: str) -> web.Response:
        number = token.removeprefix("urn:moment:") or "0"
        if not number.isdecimal() or int(number) >= len(self.past):
            return dav_error(403, "<d:valid-sync-token/>")
        before, now = self.past[int(number)], self.versions(path)
        if self.cut:
            changed = [each for each in now if now[each] != before.get(each)]
            responses = [self.response(each, self.properties_of(each)) for each in changed]
            responses += [judgement(each, "404 Not Found") for each in before if each not in now]
            return self.cut_at(path, responses, f"urn:moment:{self.remember(now)}")
        changed = [path for path in now if now[path] != before.get(path)]
        gone = [path for path in before if path not in now]
        told = [*changed, *gone][: self.page]
        after = {**before, **{path: now[path] for path in told if path in now}}
        after = {path: after[path] for path in after if path in now or path not in told}
        responses = [
            self.response(path, self.in_sync(path))
            if path in now
            else judgement(self.href(path), "404 Not Found")
            for path in told
        ]
        if after != now:
            responses.append(judgement(path, "507 Insufficient Storage"))
        return multistatus(
            "".join(responses) + prop("sync-token", f"urn:moment:{self.remember(after)}")
        )

    def in_sync(self, path: str) -> str:
        return self.with_card(path) if self.gives_cards_in_sync else self.properties_of(path)

    def versions(self, book: str = BOOK) -> dict[str, str]:
        return {path: self.etag(path) for path in self.cards if path.startswith(book)}

    def remember(self, moment: dict[str, str] | None = None) -> int:
        """The number of a state of the cards, by default of the present one."""
        moment = self.versions() if moment is None else moment
        if moment not in self.past:
            self.past.append(moment)
        return self.past.index(moment)

    def on_mkcol(self, request: web.Request, body: bytes) -> web.Response:
        name = re.search(r"displayname>([^<]*)<", body.decode())
        assert name
        self.properties[request.raw_path] = book(name[1])
        return web.Response(status=201)

    def on_get(self, request: web.Request, body: bytes) -> web.Response:
        if request.raw_path not in self.cards:
            return web.Response(status=404)
        headers = {"ETag": self.etag(request.raw_path)} if self.gives_etags else {}
        return web.Response(body=self.cards[request.raw_path], headers=headers)

    def on_put(self, request: web.Request, body: bytes) -> web.Response:
        path = request.raw_path
        if "If-None-Match" in request.headers and path in self.cards:
            return web.Response(status=412)
        if "If-Match" in request.headers and not self.matches(request):
            return web.Response(status=412)
        status = 204 if path in self.cards else 201
        self.cards[path] = self.rewrite(body)
        headers = {"ETag": self.etag(path)} if self.gives_etag_on_put else {}
        return web.Response(status=status, headers=headers)

    def on_delete(self, request: web.Request, body: bytes) -> web.Response:
        if not self.matches(request):
            return web.Response(status=412)
        del self.cards[request.raw_path]
        return web.Response(status=204)

    def matches(self, request: web.Request) -> bool:
        path = request.raw_path
        return path in self.cards and request.headers["If-Match"] == self.etag(path)

    def etag(self, path: str) -> str:
        return f'"{hashlib.sha256(self.cards[path]).hexdigest()[:8]}"'

    def properties_of(self, path: str) -> str:
        etag = f"<d:getetag>{self.etag(path)}</d:getetag>" if self.gives_etags else ""
        length = prop("getcontentlength", str(len(self.cards[path]))) if self.gives_lengths else ""
        return etag + length

    def with_card(self, path: str, *, is_brief: bool = False) -> str:
        data = self.cards[path]
        if is_brief and self.drops_grouped:
            data = re.sub(rb"(?m)^\w+\..*\n", b"", data)
        card = self.xml(data)
        return self.properties_of(path) + f"<c:address-data>{card}</c:address-data>"

    def multistatus(self, found: Iterable[tuple[str, str]]) -> web.Response:
        return multistatus("".join(self.response(path, properties) for path, properties in found))

    def response(self, path: str, properties: str) -> str:
        return (
            f"<d:response><d:href>{escape(self.href(path))}</d:href><d:propstat>"
            f"<d:prop>{properties}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
            "<d:propstat><d:prop><d:quota/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status>"
            "</d:propstat></d:response>"
        )


@asynccontextmanager
async def serving(dav: DavServer) -> AsyncIterator[tuple[URL, HttpClient]]:
    """Run the server; gives its address and a client for it."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", dav.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        http = HttpClient(session, Credentials.basic("ann", "secret"), sleep=_at_once)
        yield server.make_url("/"), http


async def _at_once(seconds: float) -> None:
    """What a client waits between attempts: nothing."""
