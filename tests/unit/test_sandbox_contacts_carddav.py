"""The sandbox's contacts over CardDAV, asked as the RFCs say and not through Mailroom's client."""

from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from mailroom.sandbox.quirks import Carddav, Quirks
from mailroom.sandbox.server import Sandbox
from tests.support.sandbox.carddav import NAMESPACES

HOME = "/dav/addressbooks/user/alice/"
BOOK = f"{HOME}Default/"
ANN = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ann\r\nFN:Ann\r\nEMAIL;TYPE=WORK:Ann@X.example\r\n"
    "{}END:VCARD\r\n"
)
DAV, CARDDAV = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"


class Client:
    """A plain HTTP client with alice's password."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.text = ""
        self.headers: Any = {}

    async def __call__(self, method: str, path: str, body: str | bytes = "", **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.request(
            method, self._url + path, data=body, headers=named, allow_redirects=False
        ) as response:
            self.text = await response.text(errors="surrogateescape")
            self.headers = response.headers
            return response.status

    async def put(self, name: str, card: str | bytes, **headers: str) -> int:
        return await self("PUT", BOOK + name, card, **headers)

    async def find(self, conditions: str) -> dict[str, str]:
        """The cards by path that an addressbook-query with this filter gives."""
        body = (
            f"<c:addressbook-query {NAMESPACES}><d:prop><d:getetag/><c:address-data/></d:prop>"
            f"{conditions}</c:addressbook-query>"
        )
        assert await self("REPORT", BOOK, body, Depth="1") == 207
        root = ET.fromstring(self.text)  # noqa: S314 - the sandbox's own
        return {
            each.findtext(DAV + "href", ""): each.findtext(f".//{CARDDAV}address-data", "")
            for each in root.iter(DAV + "response")
        }

    async def properties(self, path: str, *names: str, depth: str = "0") -> dict[str, list[str]]:
        """Path -> the tags of what was found, and of what was not after a ``!``."""
        asked = "".join(f"<{name}/>" for name in names)
        body = f"<d:propfind {NAMESPACES} xmlns:z='urn:z'><d:prop>{asked}</d:prop></d:propfind>"
        assert await self("PROPFIND", path, body, Depth=depth) == 207
        found: dict[str, list[str]] = {}
        for response in ET.fromstring(self.text).iter(DAV + "response"):  # noqa: S314 - as above
            tags = found.setdefault(response.findtext(DAV + "href", ""), [])
            for propstat in response.iter(DAV + "propstat"):
                mark = "" if " 200 " in propstat.findtext(DAV + "status", "") else "!"
                tags += [mark + each.tag for each in propstat.findall(f"{DAV}prop/*")]
        return found


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    sandbox = Sandbox(quirks=Quirks(contacts=False))
    headers = {"Authorization": aiohttp.encode_basic_auth("alice", "secret")}
    async with sandbox.serve(), aiohttp.ClientSession(headers=headers) as session:
        yield Client(session, sandbox.url)


def condition(name: str, text: str = "", *, test: str = "anyof", **attributes: str) -> str:
    facts = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    match = f"<c:text-match{facts}>{text}</c:text-match>"
    return (
        f'<c:filter test="{test}"><c:prop-filter name="{name}">{match}</c:prop-filter></c:filter>'
    )


async def test_the_address_book_is_found_from_the_root(client: Client) -> None:
    assert await client("PROPFIND", "/.well-known/carddav", Depth="0") == 301
    assert client.headers["Location"] == "/dav/"
    assert await client.properties("/dav/", "d:current-user-principal") == {
        "/dav/": [f"{DAV}current-user-principal"]
    }
    principal = "/dav/principals/user/alice/"
    assert principal in client.text
    await client.properties(principal, "c:addressbook-home-set")
    assert HOME in client.text
    found = await client.properties(HOME, "d:resourcetype", "d:displayname", "z:odd", depth="1")
    assert found == {
        HOME: [f"{DAV}resourcetype", f"!{DAV}displayname", "!{urn:z}odd"],
        BOOK: [f"{DAV}resourcetype", f"{DAV}displayname", "!{urn:z}odd"],
    }
    assert "<c:addressbook/>" in client.text


async def test_cards_are_members_with_tags(client: Client) -> None:
    await client.put("a%20b.vcf", ANN.format(""))
    found = await client.properties(BOOK, "d:getetag", depth="1")
    assert found[BOOK + "a%20b.vcf"] == [f"{DAV}getetag"]


async def test_a_card_is_kept_byte_for_byte(client: Client) -> None:
    card = ANN.format("X-FOO:a\\;b;c\r\n d\r\nX BAD:1\r\n").encode()
    odd = card.replace(b"FN:Ann", b"FN:\xe4")
    assert await client.put("a.vcf", odd) == 201
    tag = client.headers["ETag"]
    assert await client("GET", BOOK + "a.vcf") == 200
    assert client.text.encode(errors="surrogateescape") == odd
    assert client.headers["ETag"] == tag


async def test_preconditions(client: Client) -> None:
    card = ANN.format("")
    assert await client.put("a.vcf", card, If_Match='"x"') == 412
    assert await client.put("a.vcf", card, If_None_Match="*") == 201
    old = client.headers["ETag"]
    assert await client.put("a.vcf", card, If_None_Match="*") == 412
    assert await client.put("a.vcf", ANN.format("TEL:1\r\n"), If_Match=old) == 204
    new = client.headers["ETag"]
    assert await client.put("a.vcf", card, If_Match=old) == 412
    assert await client("DELETE", BOOK + "a.vcf", If_Match=old) == 412
    assert await client("DELETE", BOOK + "a.vcf", If_Match=new) == 204
    assert await client("DELETE", BOOK + "a.vcf") == 404


async def test_what_may_not_be_put(client: Client) -> None:
    assert await client.put("a.vcf", ANN.format("")) == 201
    assert await client.put("b.vcf", ANN.format("")) == 403
    assert f"<c:no-uid-conflict><d:href>{BOOK}a.vcf" in client.text
    assert await client.put("a.vcf", ANN.format("").replace("UID:ann", "UID:bob")) == 403
    for broken in ("", "hello", ANN.format("UID:two\r\n"), "BEGIN:VCARD\r\nEND:VCARD\r\n"):
        assert await client.put("c.vcf", broken) == 403
        assert "valid-address-data" in client.text
    for path in (BOOK, HOME + "a.vcf", BOOK + "x/a.vcf"):
        assert await client("PUT", path, ANN.format("")) == 403
    assert await client("DELETE", BOOK) == 403


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        (condition("EMAIL", "ann@x.EXAMPLE", match_type="equals"), True),
        (condition("EMAIL", "ann", match_type="equals"), False),
        (condition("EMAIL", "ann", match_type="starts-with"), True),
        (condition("FN", "Ann", match_type="equals", negate_condition="yes"), False),
        (condition("TEL", "1", match_type="equals"), False),
        (condition("X-FOLDED", "ab,c", match_type="equals"), True),
        ("<c:filter/>", True),
        ('<c:filter><c:prop-filter name="FN"/></c:filter>', True),
        (
            '<c:filter><c:prop-filter name="TEL"><c:is-not-defined/></c:prop-filter></c:filter>',
            True,
        ),
    ],
)
async def test_searching(client: Client, wanted: str, is_found: bool) -> None:  # noqa: FBT001 - a parameter
    card = ANN.format("X-FOLDED:a\r\n b\\,c\r\n")
    await client.put("a.vcf", card)
    found = await client.find(wanted)
    in_xml = card.replace("\r\n", "\n")
    assert found == ({BOOK + "a.vcf": in_xml} if is_found else {})


async def test_all_conditions_or_any(client: Client) -> None:
    await client.put("a.vcf", ANN.format(""))
    both = "".join(condition("FN", name, match_type="equals") for name in ("ann", "bob"))
    inner = both.replace('<c:filter test="anyof">', "").replace("</c:filter>", "")
    assert await client.find(f'<c:filter test="anyof">{inner}</c:filter>')
    assert not await client.find(f'<c:filter test="allof">{inner}</c:filter>')


@pytest.mark.parametrize(
    "beyond",
    [
        "",
        condition("FN", "x", match_type="equals", collation="i;odd"),
        condition("FN", "x"),
        '<c:filter><c:prop-filter name="FN"><c:param-filter name="T"/></c:prop-filter></c:filter>',
        "<c:filter><c:odd/></c:filter>",
    ],
)
async def test_a_search_that_is_not_known_here_is_refused(client: Client, beyond: str) -> None:
    body = f"<c:addressbook-query {NAMESPACES}>{beyond}</c:addressbook-query>"
    assert await client("REPORT", BOOK, body) == 403
    assert "supported-filter" in client.text


async def test_what_else_is_not_known_here_is_refused(client: Client) -> None:
    assert await client("REPORT", BOOK, f"<d:expand-property {NAMESPACES}/>") == 403
    assert "supported-report" in client.text
    assert await client("REPORT", BOOK, "no XML") == 400
    assert await client("REPORT", HOME, "<x/>") == 404
    assert await client("PROPFIND", BOOK, Depth="infinity") == 403
    assert await client("PROPFIND", "/dav/nowhere", Depth="0") == 404
    assert await client("GET", BOOK + "none.vcf") == 404
    assert await client("OPTIONS", BOOK) == 405


async def test_cards_may_be_asked_for_by_path_and_in_part(client: Client) -> None:
    await client.put("a.vcf", ANN.format("item1.EMAIL:a@\r\n y.example\r\nPHOTO:x\r\n"))
    body = (
        f"<c:addressbook-multiget {NAMESPACES}><d:prop><d:getcontentlength/><c:address-data>"
        '<c:prop name="EMAIL"/></c:address-data></d:prop>'
        f"<d:href>{BOOK}a.vcf</d:href><d:href>{BOOK}none.vcf</d:href></c:addressbook-multiget>"
    )
    assert await client("REPORT", BOOK, body) == 207
    assert "PHOTO" not in client.text
    assert "EMAIL;TYPE=WORK:Ann@X.example\nitem1.EMAIL:a@\n y.example\nEND:" in client.text.replace(
        "\r", ""
    )
    assert client.text.count("404 Not Found") == 1


async def test_without_sync_collection_it_is_neither_offered_nor_done() -> None:
    quirks = Quirks(contacts=False, carddav=Carddav(sync_collection=False))
    sandbox = Sandbox(quirks=quirks)
    headers = {"Authorization": aiohttp.encode_basic_auth("alice", "secret")}
    async with sandbox.serve(), aiohttp.ClientSession(headers=headers) as session:
        client = Client(session, sandbox.url)
        found = await client.properties(BOOK, "d:supported-report-set", "d:sync-token")
        assert found == {BOOK: [f"{DAV}supported-report-set", f"!{DAV}sync-token"]}
        assert "addressbook-multiget" in client.text
        assert "sync-collection" not in client.text
        assert await client("REPORT", BOOK, f"<d:sync-collection {NAMESPACES}/>") == 403
        assert "supported-report" in client.text


async def test_there_is_no_carddav_where_contacts_are_over_jmap() -> None:
    sandbox = Sandbox()
    headers = {"Authorization": aiohttp.encode_basic_auth("alice", "secret")}
    async with sandbox.serve(), aiohttp.ClientSession(headers=headers) as session:
        client = Client(session, sandbox.url)
        assert await client("PROPFIND", "/.well-known/carddav") == 404
        assert await client("PROPFIND", BOOK) == 404


async def test_nobody_else_comes_in(client: Client) -> None:
    wrong = aiohttp.encode_basic_auth("alice", "wrong")
    assert await client("PROPFIND", BOOK, Authorization=wrong) == 401
