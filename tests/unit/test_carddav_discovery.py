"""From the URL that a person gave to the address book."""

from collections.abc import Callable
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from mailroom.contacts.carddav import CardDavAddressBook
from mailroom.contacts.carddav.discovery import discover
from mailroom.contacts.model import AddressBookError
from mailroom.http import (
    AllowedHosts,
    BrokenAnswerError,
    Credentials,
    CredentialsRefusedError,
    HttpClient,
    HttpRequest,
    Response,
    ServerFailureError,
)
from mailroom.sandbox.contacts.carddav import RESOURCE_TYPE, ROOT
from mailroom.sandbox.contacts.dav_xml import DAV, href, multistatus, refusal, response
from tests.support.sandbox.carddav import (
    BOOK,
    HOME,
    PRINCIPAL,
    READ_ONLY,
    DavServer,
    book,
    home,
    serving,
)

T = TypeVar("T")

OTHER_SPELLING = "/dav//principals/user/%61nn"

WRITE = "<d:privilege><d:read/></d:privilege><d:privilege><d:write/></d:privilege>"
ADD_AND_EDIT = "<d:privilege><d:bind/><d:write-content/></d:privilege>"


async def find(dav: DavServer, start: str = ROOT) -> tuple[str, str]:
    """Path and name of the address book that is found."""
    async with serving(dav) as (url, http):
        found = await CardDavAddressBook(http, url.join(url.with_path(start))).describe()
        assert found.url.origin() == url.origin()
        return found.url.raw_path, found.name


@pytest.mark.parametrize(
    ("start", "requests"),
    [(ROOT, [ROOT, PRINCIPAL, HOME]), (PRINCIPAL, [PRINCIPAL, HOME]), (BOOK, [BOOK])],
)
async def test_it_is_found_from_any_page_on_the_way(start: str, requests: list[str]) -> None:
    dav = DavServer()
    assert await find(dav, start) == (BOOK, "Personal")
    assert dav.requests == [f"PROPFIND {path}" for path in requests]


async def test_a_page_may_name_the_home_itself() -> None:
    dav = DavServer()
    dav.collections["/me/"] = home(HOME)
    assert (await find(dav, "/me/"))[0] == BOOK


async def test_absolute_hrefs_of_the_same_server_will_do() -> None:
    dav = DavServer()
    async with serving(dav) as (url, http):
        dav.href = lambda path: str(url.join(url.with_path(path)))
        absolute = href(str(url.join(URL(PRINCIPAL))))
        dav.collections[ROOT] = {f"{DAV}current-user-principal": absolute}
        found = await CardDavAddressBook(http, url).describe()
    assert found.url.path == BOOK


async def test_paths_are_used_as_the_server_encoded_them() -> None:
    dav = DavServer()
    where = "/dav/books/ann%40x.example/"
    dav.collections[PRINCIPAL] = home(where)
    dav.collections[where] = {}
    dav.collections[where + "Default/"] = book("")
    assert await find(dav) == (where + "Default/", "Default")


async def test_the_well_known_address_is_the_second_thing_to_try() -> None:
    dav = DavServer()
    del dav.collections[ROOT]

    def redirect(request: web.Request, body: bytes) -> web.Response | None:
        there = request.raw_path == "/.well-known/carddav"
        return web.Response(status=301, headers={"Location": PRINCIPAL}) if there else None

    dav.fault = redirect
    assert (await find(dav, "/nowhere/"))[0] == BOOK
    assert dav.requests[:3] == [
        "PROPFIND /nowhere/",
        "PROPFIND /.well-known/carddav",
        f"PROPFIND {PRINCIPAL}",
    ]


@pytest.mark.parametrize(
    ("books", "chosen"),
    [
        ({"zeta": book("A"), "default": book("Z")}, "default"),
        ({"personal": book("Personal"), "collected": book("Collected")}, "personal"),
        ({"club": book("A Club", shared=True), "zeta": book("Z")}, "zeta"),
        ({"contacts": book("Contacts"), "family": book("A", owner="/dav/bob/")}, "contacts"),
        ({"mine": book("Z", owner=PRINCIPAL), "family": book("A", owner="/dav/bob/")}, "mine"),
        (
            {"mine": book("Z", owner=OTHER_SPELLING), "a": book("A", owner="/b/")},
            "mine",
        ),
        ({"default": book("Z"), "personal": book("A"), "contacts": book("B")}, "default"),
        ({"Default": book("A", READ_ONLY), "other": book("B", WRITE)}, "other"),
        ({"a": book("A", READ_ONLY), "b": book("B", ADD_AND_EDIT)}, "b"),
        ({"a": {RESOURCE_TYPE: "<d:collection/>"}, "b": book("B")}, "b"),
    ],
)
async def test_one_address_book_is_chosen(books: dict[str, dict[str, str]], chosen: str) -> None:
    dav = DavServer()
    del dav.collections[BOOK]
    dav.collections |= {f"{HOME}{name}/": properties for name, properties in books.items()}
    assert (await find(dav))[0] == f"{HOME}{chosen}/"


async def test_a_share_is_not_taken_in_place_of_a_book_that_is_read_only() -> None:
    dav = DavServer()
    dav.collections[BOOK] = book("Mine", READ_ONLY, owner=PRINCIPAL)
    dav.collections[f"{HOME}club/"] = book("Club", owner="/dav/bob/")
    with pytest.raises(AddressBookError, match=r"others share.*ADDRESS_BOOK.*Club"):
        await find(dav)


async def test_only_read_only_address_books_are_none() -> None:
    dav = DavServer()
    dav.collections[BOOK] = book("Shared", READ_ONLY)
    with pytest.raises(AddressBookError, match=r"may not write.*Shared"):
        await find(dav)


async def test_nothing_found_says_what_to_check() -> None:
    dav = DavServer()
    dav.collections.clear()
    with pytest.raises(AddressBookError, match=r"http://127.*/x/ and http.*/\.well-known.*Check"):
        await find(dav, "/x/")


async def test_nothing_found_where_we_were_not_let_in_is_about_credentials() -> None:
    dav = DavServer()
    dav.fault = lambda request, body: refusal(403, "<d:need-privileges/>")
    with pytest.raises(CredentialsRefusedError):
        await find(dav)


async def test_wrong_credentials_are_not_asked_about_twice() -> None:
    dav = DavServer()
    dav.fault = lambda request, body: web.Response(status=401)
    with pytest.raises(CredentialsRefusedError):
        await find(dav)
    assert len(dav.requests) == 1


async def test_a_server_that_cannot_now_is_no_server_without_address_book() -> None:
    dav = DavServer()
    dav.fault = lambda request, body: web.Response(status=503, headers={"Retry-After": "99"})
    with pytest.raises(ServerFailureError):
        await find(dav)


async def test_credentials_do_not_follow_a_redirect_to_another_server() -> None:
    dav, other = DavServer(), DavServer()
    async with serving(other) as (elsewhere, _):
        dav.fault = lambda request, body: web.Response(
            status=302, headers={"Location": str(elsewhere)}
        )
        with pytest.raises(AddressBookError, match=f"{elsewhere}.*set the CardDAV URL"):
            await find(dav)
    assert other.requests == []


async def test_credentials_do_not_follow_an_href_to_another_server() -> None:
    dav, other = DavServer(), DavServer()
    async with serving(other) as (elsewhere, _):
        there = elsewhere.with_host("localhost")
        dav.collections[PRINCIPAL] = home(str(there.join(URL(HOME))))
        with pytest.raises(AddressBookError, match="another server"):
            await find(dav)
    assert other.requests == []


async def test_an_answer_that_is_no_webdav_is_broken() -> None:
    dav = DavServer()
    dav.fault = lambda request, body: web.Response(status=207, text="<html>")
    with pytest.raises(BrokenAnswerError):
        await find(dav)


async def test_it_is_looked_for_once_and_again_when_it_is_gone() -> None:
    dav = DavServer()
    async with serving(dav) as (url, http):
        address_book = CardDavAddressBook(http, url)
        await address_book.sync()
        await address_book.sync()
        assert dav.count("PROPFIND") == 3
        dav.collections[HOME + "New/"] = dav.collections.pop(BOOK)
        await address_book.sync()
        assert (await address_book.describe()).url.path == HOME + "New/"
        assert dav.count("PROPFIND") == 6


async def test_an_address_book_that_is_listed_but_not_there_is_an_error_not_a_loop() -> None:
    dav = DavServer()
    dav.fault = lambda request, body: (
        web.Response(status=404) if request.method == "REPORT" else None
    )
    async with serving(dav) as (url, http):
        with pytest.raises(AddressBookError, match="no address book at"):
            await CardDavAddressBook(http, url).sync()
    assert dav.count("REPORT") == 2


async def test_a_home_that_says_nothing_useful_is_passed_over() -> None:
    dav = DavServer()
    dav.fault = lambda request, body: multistatus("") if request.raw_path == HOME else None
    with pytest.raises(AddressBookError, match=r"no address book at .* yet; `mailroom setup"):
        await find(dav)


async def test_a_home_on_another_host_of_the_same_owner_is_found() -> None:
    """iCloud keeps the address books of ``contacts.icloud.com`` on ``p42-contacts.icloud.com``."""
    where, asked = "https://p42-contacts.icloud.com:443/42/carddavhome/", []
    answers = {
        "https://contacts.icloud.com/": {f"{DAV}current-user-principal": href("/42/principal/")},
        "https://contacts.icloud.com/42/principal/": home(where),
        "https://p42-contacts.icloud.com/42/carddavhome/": book("Card"),
    }

    class Http(HttpClient):
        async def ask(self, request: HttpRequest, read: Callable[[Response], T]) -> T:
            asked.append(str(request.url))
            properties = answers[asked[-1]]
            body = multistatus([response(request.url.raw_path, properties, properties)]).body
            assert isinstance(body, bytes)
            return read(Response(207, CIMultiDictProxy(CIMultiDict()), body, request.url))

    async with aiohttp.ClientSession() as session:
        credentials = Credentials.basic(
            "ann", "x", AllowedHosts(URL("https://contacts.icloud.com/"))
        )
        found = await discover(Http(session, credentials), URL("https://contacts.icloud.com/"))
    assert [str(each.url) for each in found.books] == [asked[-1]]
    assert asked == [*answers]
