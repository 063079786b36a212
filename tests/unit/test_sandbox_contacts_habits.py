"""The habits of Stalwart's CardDAV, as the sandbox shows them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from yarl import URL

from mailroom.http import Credentials, HttpClient, HttpRequest, Response
from mailroom.sandbox import STALWART, Carddav, Quirks, Sandbox
from tests.support.sandbox.carddav import NAMESPACES

BOOK = "/dav/addressbooks/user/alice/Default/"
CUT = 20
LIKE_STALWART = replace(STALWART.carddav, cut=CUT)
SYNC = f"<d:sync-collection {NAMESPACES}><d:sync-token/></d:sync-collection>"
LIST = f"<d:propfind {NAMESPACES}><d:prop><d:getetag/></d:prop></d:propfind>"
BRIEF = (
    f'<c:addressbook-multiget {NAMESPACES}><d:prop><c:address-data><c:prop name="EMAIL"/>'
    f"</c:address-data></d:prop><d:href>{BOOK}0@x.vcf</d:href></c:addressbook-multiget>"
)


@asynccontextmanager
async def contacts(quirks: Carddav, count: int) -> AsyncIterator[tuple[HttpClient, URL]]:
    """A server with so many contacts, as iPhones write them."""
    sandbox = Sandbox(quirks=Quirks(contacts=False, carddav=quirks))
    async with sandbox.serve(), aiohttp.ClientSession() as session:
        http = HttpClient(session, Credentials.basic("alice", "secret"))
        for number in range(count):
            card = f"UID:u{number}\r\nFN:N\r\nitem1.EMAIL:{number}@x.example\r\nEND:VCARD\r\n"
            data = f"BEGIN:VCARD\r\nVERSION:3.0\r\n{card}".encode()
            url = URL(f"{sandbox.url}{BOOK}{number}@x.vcf")
            await http.request("PUT", url, data=data, expected={201})
        yield http, URL(sandbox.url)


@pytest.mark.parametrize(
    ("method", "body", "holds"),
    [
        ("REPORT", SYNC, lambda text: "507" in text and text.count(".vcf") == CUT),
        ("PROPFIND", LIST, lambda text: "507" in text and "0%40x.vcf" in text),
        ("REPORT", BRIEF, lambda text: "BEGIN:VCARD" in text and "EMAIL" not in text),
    ],
)
async def test_the_habits_are_as_they_were_seen(
    method: str, body: str, holds: Callable[[str], bool]
) -> None:
    async with contacts(LIKE_STALWART, CUT + 5) as (http, url):
        request = HttpRequest(
            method, url.with_path(BOOK), {"Depth": "1"}, body.encode(), expected={207}
        )

        def text(response: Response) -> str:
            return response.body.decode()

        assert holds(await http.ask(request, text))


async def test_without_them_nothing_is_cut() -> None:
    async with contacts(Carddav(), CUT + 5) as (http, url):
        request = HttpRequest(
            "REPORT", url.with_path(BOOK), {"Depth": "0"}, SYNC.encode(), expected={207}
        )
        answer = await http.ask(request, lambda response: response.body.decode())
    assert (answer.count(".vcf"), "507" in answer) == (CUT + 5, False)
