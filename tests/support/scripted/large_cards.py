"""A CardDAV server of large cards, which it makes while it sends them.

As Radicale does, it lists everything at once and sends whole cards whatever properties are named.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from xml.etree import ElementTree as ET

from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

_BOOK = "/dav/book/"
_OPEN = '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">'
_OK = "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
_THE_BOOK = (
    f"<d:response><d:href>{_BOOK}</d:href><d:propstat><d:prop>"
    "<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype>"
    "<d:supported-report-set><d:supported-report><d:sync-collection/></d:supported-report>"
    f"</d:supported-report-set></d:prop>{_OK}"
)
_PIECE = "\r\n ".join(["A" * 74] * 1000) + "\r\n "


class LargeCards:
    """The server.

    Args:
        octets: the size of the photo on each card, by the name of the card; the photo stands before
            the address.
        gives_lengths: whether the server reports the length of a card.

    Attributes:
        sent: the number of octets sent so far.
    """

    def __init__(self, octets: Mapping[str, int], *, gives_lengths: bool) -> None:
        self._octets = octets
        self._gives_lengths = gives_lengths
        self.sent = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer in pieces."""
        body = await request.read()
        response = web.StreamResponse(status=207, headers={"Content-Type": "application/xml"})
        await response.prepare(request)
        async for piece in self._pieces(body):
            data = piece.encode()
            self.sent += len(data)
            await response.write(data)
        return response

    async def _pieces(self, body: bytes) -> AsyncIterator[str]:
        yield _OPEN
        if b"addressbook-multiget" in body:
            for element in ET.fromstring(body).iter("{DAV:}href"):  # noqa: S314 - our own client's
                async for piece in self._card(element.text or ""):
                    yield piece
        elif b"sync-collection" in body and b"propfind" not in body:
            for name in self._octets:
                yield self._begin(f"{_BOOK}{name}.vcf") + "</d:prop>" + _OK
            yield "<d:sync-token>urn:1</d:sync-token>"
        else:
            yield _THE_BOOK
        yield "</d:multistatus>"

    def _begin(self, path: str) -> str:
        properties = "<d:getetag>&quot;1&quot;</d:getetag>"
        if self._gives_lengths:
            length = self._octets[_name(path)] + 200
            properties += f"<d:getcontentlength>{length}</d:getcontentlength>"
        return f"<d:response><d:href>{path}</d:href><d:propstat><d:prop>{properties}"

    async def _card(self, path: str) -> AsyncIterator[str]:
        name = _name(path)
        yield f"{self._begin(path)}<c:address-data>BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\n"
        yield "FN:\U0001f4f7\r\nPHOTO;ENCODING=b:"
        for _ in range(self._octets[name] // len(_PIECE) + 1):
            yield _PIECE
        yield f"A\r\nitem1.EMAIL:{name}@x.example\r\nEND:VCARD\r\n</c:address-data></d:prop>{_OK}"


def _name(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".vcf")


@asynccontextmanager
async def serving_large(cards: LargeCards) -> AsyncIterator[URL]:
    """Run the server; yield the address of its address book."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", cards.handle)
    async with TestServer(app) as server:
        yield server.make_url(_BOOK)
