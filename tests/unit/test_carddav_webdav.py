"""The XML between us and the server."""

from xml.etree import ElementTree as ET

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from mailroom.contacts.carddav.hrefs import resolve
from mailroom.contacts.carddav.multistatus import parse_multistatus
from mailroom.contacts.carddav.webdav import (
    ADDRESS_DATA,
    ETAG,
    conflicting_url,
    explanation,
    multiget,
    sync_collection,
)
from mailroom.contacts.model import AddressBookError
from mailroom.http import BrokenAnswerError, Response

BASE = URL("https://dav.example/books/ann/")
DAV = "{DAV:}"


def response(body: str | bytes, status: int = 207) -> Response:
    data = body if isinstance(body, bytes) else body.encode()
    return Response(status, CIMultiDictProxy(CIMultiDict()), data, BASE)


def multistatus(inside: str) -> str:
    return (
        f'<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">{inside}</multistatus>'
    )


def asked_of_cards(body: bytes) -> list[str]:
    """The properties of vCard that a report asks for; none means all of them."""
    data = ET.fromstring(body).find(f"{DAV}prop/{ADDRESS_DATA}")  # noqa: S314 - our own
    assert data is not None
    return [each.attrib["name"] for each in data]


def test_cards_are_asked_for_whole_or_in_brief() -> None:
    brief = [
        *("VERSION", "UID", "EMAIL", "KIND", "X-ADDRESSBOOKSERVER-KIND"),
        *("CATEGORIES", "X-MAILROOM"),
    ]
    assert asked_of_cards(multiget(["/a"], whole=True)) == []
    assert asked_of_cards(multiget(["/a"], whole=False)) == brief


def test_a_multiget_names_paths_as_they_are() -> None:
    root = ET.fromstring(multiget(["/a%20b.vcf", "/a&b.vcf"], whole=True))  # noqa: S314 - our own
    assert [each.text for each in root.findall(DAV + "href")] == ["/a%20b.vcf", "/a&b.vcf"]


def test_changes_are_asked_for_since_a_token_and_never_with_the_cards_themselves() -> None:
    root = ET.fromstring(sync_collection("data:,1&2"))  # noqa: S314 - our own
    assert root.findtext(DAV + "sync-token") == "data:,1&2"
    assert root.findtext(DAV + "sync-level") == "1"
    assert root.find(f"{DAV}limit") is None
    assert root.find(f"{DAV}prop/{ADDRESS_DATA}") is None


def test_an_answer_may_have_a_token() -> None:
    token = "<sync-token> data:,1 </sync-token>"
    assert parse_multistatus(response(multistatus(token))).sync_token == "data:,1"
    assert parse_multistatus(response(multistatus(""))).sync_token == ""


def test_only_properties_that_were_found_count() -> None:
    (item,) = parse_multistatus(
        response(
            multistatus(
                "<response><href>x.vcf</href>"
                "<propstat><prop><getetag>&quot;1&quot;</getetag></prop>"
                "<status>HTTP/1.1 200 OK</status></propstat>"
                "<propstat><prop><c:address-data/></prop><status>HTTP/1.1 404 Not Found</status>"
                "</propstat></response>"
            )
        )
    ).found
    assert item.url == URL("https://dav.example/books/ann/x.vcf")
    assert item.text(ETAG) == '"1"'
    assert ADDRESS_DATA not in item.properties
    assert item.card is None


def test_a_resource_may_have_a_status_of_its_own() -> None:
    gone = "<response><href>/</href><status>HTTP/1.1 404 Not Found</status></response>"
    (item,) = parse_multistatus(response(multistatus(gone))).found
    assert item.status == 404


def test_several_resources_may_share_a_status() -> None:
    gone = "<href>/a</href><href>/b</href><status>HTTP/1.1 404 Not Found</status>"
    items = parse_multistatus(response(multistatus(f"<response>{gone}</response>"))).found
    assert {(item.url.path, item.status) for item in items} == {("/a", 404), ("/b", 404)}


def test_an_answer_that_was_cut_says_so() -> None:
    cut = "<response><href>/</href><status>HTTP/1.1 507 Full</status></response>"
    assert parse_multistatus(response(multistatus(cut))).is_truncated
    assert not parse_multistatus(response(multistatus(""))).is_truncated


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>Welcome",
        "<html/>",
        '<!DOCTYPE x [<!ENTITY e "y">]><multistatus xmlns="DAV:">&e;</multistatus>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><multistatus xmlns="DAV:"/>',
        b"\xff\xfe\x00",
        multistatus("<response><href>http://[</href></response>"),
    ],
)
def test_what_is_no_multistatus_is_a_broken_answer(body: str | bytes) -> None:
    with pytest.raises(BrokenAnswerError):
        parse_multistatus(response(body))


def test_one_card_that_xml_cannot_carry_does_not_hide_the_others() -> None:
    body = multistatus(
        "".join(
            f"<response><href>{name}</href><propstat><prop><c:address-data>{data}</c:address-data>"
            "</prop><status>HTTP/1.1 200 OK</status></propstat></response>"
            for name, data in (("bell", "a\x07b"), ("latin", "LATIN"), ("good", "ä"))
        )
    ).encode()
    items = parse_multistatus(response(body.replace(b"LATIN", b"\xe4"))).found
    cards = [item.card.data.decode() for item in items if item.card]
    assert cards == ["a\ufffdb", "\ufffd", "ä"]


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/a/b.vcf", "https://dav.example/a/b.vcf"),
        ("b.vcf", "https://dav.example/books/ann/b.vcf"),
        ("https://dav.example/a%2Fb%40c.vcf", "https://dav.example/a%2Fb%40c.vcf"),
        ("https://DAV.example:443/a", "https://dav.example/a"),
        ("https://dav.example./a", "https://dav.example/a"),
        ("http://dav.example/a", "https://dav.example/a"),
        ("https://dav.example:8443/a", "https://dav.example/a"),
        ("//dav.example/a", "https://dav.example/a"),
        ("/ä b.vcf", "https://dav.example/%C3%A4%20b.vcf"),
        (" /a+b,c;d.vcf\n", "https://dav.example/a+b,c;d.vcf"),
        ("https://dav.example//evil.example/x", "https://dav.example//evil.example/x"),
    ],
)
def test_an_href_is_kept_as_the_server_wrote_it(href: str, url: str) -> None:
    assert str(resolve(BASE, href)) == url


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/",
        "//evil.example/x",
        "https://dav.example.evil.example/",
        "ftp://dav.example/",
        "http://p42.dav.example/",
    ],
)
def test_an_href_to_another_host_is_refused_and_named(href: str) -> None:
    with pytest.raises(AddressBookError, match=r"another server.*CardDAV URL"):
        resolve(BASE, href)


def test_an_href_to_a_host_of_the_same_owner_is_followed() -> None:
    """As on iCloud: the home set is on another host of the same registrable domain."""
    base = URL("https://contacts.icloud.com/")
    home = "https://p42-contacts.icloud.com/123/carddavhome/"
    assert str(resolve(base, "https://p42-contacts.icloud.com:443/123/carddavhome/")) == home
    with pytest.raises(AddressBookError, match="another server"):
        resolve(URL("https://ann.github.io/"), "https://eve.github.io/")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('<error xmlns="DAV:"><need-privileges/></error>', "need-privileges"),
        (
            """<error xmlns="DAV:"><x:a xmlns:x="y"/><responsedescription>No UID
            </responsedescription></error>""",
            "a: No UID",
        ),
        ("<html>Forbidden</html>", ""),
        ("", ""),
    ],
)
def test_a_refusal_is_explained_in_the_servers_words(body: str, text: str) -> None:
    assert explanation(body.encode()) == text


@pytest.mark.parametrize(
    ("conflict", "path"),
    [
        ("<c:no-uid-conflict><href>other.vcf</href></c:no-uid-conflict>", "/books/ann/other.vcf"),
        ("<c:no-uid-conflict/>", None),
        ("<c:valid-address-data/>", None),
    ],
)
def test_a_conflict_of_uids_names_the_other_card(conflict: str, path: str | None) -> None:
    body = f'<error xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">{conflict}</error>'
    url = conflicting_url(response(body, 403))
    assert (url and url.path) == path
