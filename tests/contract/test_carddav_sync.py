"""Sync reports of CardDAV servers (RFC 6578), requested without Mailroom's client.

Cyrus, and the sandbox, which must answer alike.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.server import Sandbox
from tests.support.owner.vcard_app import VCardApp, default_book
from tests.support.servers.cyrus import PASSWORD, Cyrus

DAV, CARDDAV = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"
CALENDAR_SERVER = "{http://calendarserver.org/ns/}"
NAMESPACES = (
    'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
    ' xmlns:s="http://calendarserver.org/ns/"'
)
BRIEF = '<c:address-data><c:prop name="UID"/><c:prop name="EMAIL"/></c:address-data>'
_numbers = count()


@dataclass(frozen=True)
class Answer:
    """The answer to a report.

    Attributes:
        cards: name of the resource -> its card.
        statuses: name of the resource -> its status; resources with a card have none.
        token: the sync token; empty if there is none.
        conditions: the names of the conditions in an error.
    """

    status: int
    cards: dict[str, str]
    statuses: dict[str, str]
    token: str
    conditions: frozenset[str]


class Client(VCardApp):
    """Plain CardDAV, with reports."""

    async def report(self, name: str, inside: str, data: str = "<c:address-data/>") -> Answer:
        """Send a report that asks for ETags and cards."""
        wanted = f"<d:prop><d:getetag/>{data}</d:prop>"
        body = f"<{name} {NAMESPACES}>{wanted}{inside}</{name}>"
        depth = "0" if name == "d:sync-collection" else "1"
        status, text, _ = await self.dav(
            "REPORT", self.book_url, body, Depth=depth, Content_Type="application/xml"
        )
        return _read(status, ET.fromstring(text))  # noqa: S314 - our own server

    async def changes(self, token: str = "", data: str = "") -> Answer:
        """Return the changes since a token."""
        inside = f"<d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level>"
        return await self.report("d:sync-collection", inside, data or "<c:address-data/>")

    async def property_of_book(self, name: str) -> ET.Element:
        """A property of the address book."""
        body = f"<d:propfind {NAMESPACES}><d:prop><{name}/></d:prop></d:propfind>"
        status, text, _ = await self.dav(
            "PROPFIND", self.book_url, body, Depth="0", Content_Type="application/xml"
        )
        assert status == 207, text
        (element,) = ET.fromstring(text).iterfind(f".//{DAV}prop/*")  # noqa: S314 - our own server
        return element


def _read(status: int, root: ET.Element) -> Answer:
    responses = {
        response.findtext(DAV + "href", "").rstrip("/").rpartition("/")[2]: response
        for response in root.iter(DAV + "response")
    }
    cards = {
        name: response.findtext(f".//{CARDDAV}address-data") for name, response in responses.items()
    }
    return Answer(
        status=status,
        cards={name: card for name, card in cards.items() if card},
        statuses={
            name: response.findtext(DAV + "status", "").split()[1]
            for name, response in responses.items()
            if response.find(DAV + "status") is not None
        },
        token=root.findtext(DAV + "sync-token", ""),
        conditions=frozenset(element.tag for element in root if root.tag == DAV + "error"),
    )


@asynccontextmanager
async def on_sandbox() -> AsyncIterator[Client]:
    sandbox = Sandbox(quirks=Quirks(contacts=False))
    name = sandbox.users[0].name
    async with sandbox.serve(), aiohttp.ClientSession() as session:
        yield Client(session, default_book(sandbox.url, name), name, PASSWORD)


@asynccontextmanager
async def on_cyrus() -> AsyncIterator[Client]:
    cyrus = await Cyrus.start("contract")
    user = f"s{os.getpid()}n{next(_numbers)}"
    await cyrus.fresh_user(user)
    async with aiohttp.ClientSession() as session:
        yield Client(session, default_book(cyrus.url, user), user, PASSWORD)


SERVERS: list[Any] = [
    pytest.param(on_cyrus, id="cyrus", marks=pytest.mark.cyrus),
    pytest.param(on_sandbox, id="sandbox"),
]


@pytest.fixture(params=SERVERS)
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A client of an address book with Ann and Bob."""
    open_client: Callable[[], AbstractAsyncContextManager[Client]] = request.param
    async with open_client() as client:
        await client.add("ann", "Ann", "ann@x.example", more=["ann@y.example"])
        await client.add("bob", "Bob", "bob@x.example")
        yield client


async def test_reports_and_tokens_are_offered(client: Client) -> None:
    supported = await client.property_of_book("d:supported-report-set")
    reports = {element.tag for element in supported.iter()}
    assert {DAV + "sync-collection", CARDDAV + "addressbook-multiget"} <= reports
    token = (await client.property_of_book("d:sync-token")).text
    assert token == (await client.changes()).token


async def test_the_tag_changes_with_the_cards_and_only_then(client: Client) -> None:
    async def tag() -> str | None:
        return (await client.property_of_book("s:getctag")).text

    first = await tag()
    assert first == await tag()
    await client.add_phone("ann")
    second = await tag()
    await client.delete("bob")
    assert len({first, second, await tag()}) == 3


async def test_without_a_token_everything_is_reported_that_is_there(client: Client) -> None:
    await client.delete("bob")
    answer = await client.changes()
    assert answer.cards.keys() == {"ann.vcf"}
    assert answer.statuses == {}


async def test_with_a_token_changes_and_removals_are_reported(client: Client) -> None:
    token = (await client.changes()).token
    assert await client.changes(token) == Answer(207, {}, {}, token, frozenset())
    await client.add("eve", "Eve", "eve@x.example")
    await client.add_phone("ann")
    await client.delete("bob")
    answer = await client.changes(token)
    assert answer.cards.keys() == {"eve.vcf", "ann.vcf"}
    assert "TEL" in answer.cards["ann.vcf"]
    assert answer.statuses == {"bob.vcf": "404"}
    again = await client.changes(answer.token)
    assert (again.cards, again.statuses) == ({}, {})


async def test_what_came_and_went_is_reported_as_gone(client: Client) -> None:
    token = (await client.changes()).token
    await client.add("eve", "Eve", "eve@x.example")
    await client.delete("eve")
    assert (await client.changes(token)).statuses == {"eve.vcf": "404"}


@pytest.mark.parametrize("token", ["data:,1-1", "https://x.example/1", "{}9"])
async def test_a_token_from_elsewhere_or_from_the_future_is_refused(
    client: Client, token: str
) -> None:
    answer = await client.changes(token.format((await client.changes()).token))
    assert answer.status == 403
    assert DAV + "valid-sync-token" in answer.conditions


async def test_a_card_may_be_asked_for_in_part(client: Client) -> None:
    answer = await client.changes(data=BRIEF)
    lines = [line.partition(":") for line in answer.cards["ann.vcf"].splitlines()]
    names = {name.partition(";")[0] for name, _, _ in lines}
    assert names == {"BEGIN", "UID", "EMAIL", "END"}
    assert [value for name, _, value in lines if name.startswith("EMAIL")] == [
        "ann@x.example",
        "ann@y.example",
    ]


async def test_cards_may_be_asked_for_by_path(client: Client) -> None:
    book = client.book_url.partition("//")[2].partition("/")[2]
    paths = "".join(f"<d:href>/{book}{name}.vcf</d:href>" for name in ("bob", "none"))
    answer = await client.report("c:addressbook-multiget", paths)
    assert answer.cards.keys() == {"bob.vcf"}
    assert "NICKNAME" in answer.cards["bob.vcf"]
    assert answer.statuses == {"none.vcf": "404"}
