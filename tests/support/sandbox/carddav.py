"""The sandbox's CardDAV without the rest of the sandbox, for tests that watch or break requests."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from mailroom.http import Credentials, HttpClient
from mailroom.sandbox import Carddav
from mailroom.sandbox.contacts import CardDav
from mailroom.sandbox.contacts.carddav import ADDRESS_BOOK, RESOURCE_TYPE, ROOT
from mailroom.sandbox.contacts.dav_query import CARDDAV
from mailroom.sandbox.contacts.dav_xml import DAV, href

HOME = "/dav/addressbooks/user/ann/"
BOOK = f"{HOME}Default/"
NAMESPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
PRINCIPAL = "/dav/principals/user/ann/"
OWN_PRINCIPAL = {f"{DAV}current-user-principal": href(PRINCIPAL)}
READ_ONLY = "<d:privilege><d:read/></d:privilege>"

Fault = Callable[[web.Request, bytes], web.Response | str | None]
"""Called with each request; may return the answer. "lose it": the connection is closed, and the
server never sees the request. "lose the answer": the server carries it out before."""


class DavServer(CardDav):
    """The address books of a user called ann.

    Attributes:
        requests: method and path of every request, in order.
        bodies: the body of every request, in order.
        fault: called with every request.
        rewrite: changes each card that is put.
        xml: returns a card as reports show it.
        href: returns a path as answers show it.
    """

    def __init__(self, **quirks: Any) -> None:
        super().__init__("ann", Carddav(**quirks))
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.fault: Fault = lambda request, body: None
        self.rewrite = super().stored
        self.xml = super().shown
        self.href = super().listed

    def change_quirks(self, **quirks: Any) -> None:
        """Change some quirks."""
        self.quirks = replace(self.quirks, **quirks)

    def stored(self, card: bytes) -> bytes:
        return self.rewrite(card)

    def shown(self, card: bytes) -> str:
        return self.xml(card)

    def listed(self, path: str) -> str:
        return self.href(path)

    def put(self, name: str, *lines: str | bytes, book: str = BOOK) -> str:
        """Store a card of these lines, and return its path."""
        encoded = [line.encode() if isinstance(line, str) else line for line in lines]
        frame = [b"BEGIN:VCARD", b"VERSION:3.0", *encoded, b"END:VCARD", b""]
        self.cards[book + name] = b"\r\n".join(frame)
        return book + name

    def count(self, method: str) -> int:
        """Return the number of requests of a method."""
        return sum(request.startswith(f"{method} ") for request in self.requests)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer, or misbehave."""
        body = await request.read()
        self.requests.append(f"{request.method} {request.raw_path}")
        self.bodies.append(body)
        fault = self.fault(request, body)
        if isinstance(fault, web.Response):
            return fault
        answer = web.Response()
        if fault != "lose it":
            answer = self.answer(request.method, request.raw_path, request.headers, body)
        if fault and request.transport:
            request.transport.close()
        return answer


def book(
    name: str, privileges: str = "", *, owner: str = "", shared: bool = False
) -> dict[str, str]:
    """Return the properties of an address book."""
    kind = ADDRESS_BOOK + ("<s:shared/>" if shared else "")
    properties = {RESOURCE_TYPE: kind, f"{DAV}displayname": name}
    if privileges:
        properties[f"{DAV}current-user-privilege-set"] = privileges
    if owner:
        properties |= {f"{DAV}owner": href(owner), **OWN_PRINCIPAL}
    return properties


def home(path: str) -> dict[str, str]:
    """Return the property that says where the address books are."""
    return {f"{CARDDAV}addressbook-home-set": href(path)}


@asynccontextmanager
async def serving(dav: DavServer) -> AsyncIterator[tuple[URL, HttpClient]]:
    """Run the server; yield its address and a client that does not wait between attempts."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", dav.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        http = HttpClient(session, Credentials.basic("ann", "secret"), sleep=_at_once)
        yield server.make_url(ROOT), http


async def _at_once(seconds: float) -> None:
    """Do not wait."""
