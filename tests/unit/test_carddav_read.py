"""Looking into a CardDAV address book."""

from collections.abc import Callable

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from mailroom.contacts.carddav import CardDavAddressBook
from mailroom.contacts.model import AddressBookError, ContactEdit, UpdateCard
from mailroom.http import (
    BrokenAnswerError,
    CredentialsRefusedError,
    IntermediaryError,
    ServerFailureError,
)
from mailroom.sandbox.contacts.dav_xml import multistatus, refusal, status_only
from tests.support.domain.contents import NOTHING, Contents, contents_of
from tests.support.sandbox.carddav import BOOK, HOME, DavServer, Fault, serving


async def read(dav: DavServer, *addresses: str) -> Contents:
    async with serving(dav) as (url, http):
        return await contents_of(CardDavAddressBook(http, url), addresses)


def refusing_reports(response: Callable[[], web.Response]) -> Fault:
    return lambda request, body: response() if request.method == "REPORT" else None


@pytest.fixture
def dav() -> DavServer:
    """Ann with two addresses, Bob with none that is asked for, and a group in each form."""
    dav = DavServer()
    dav.put(
        "ann.vcf",
        "UID:ann",
        "FN:Ann",
        "N:;;;;",
        "EMAIL:Ann@X.example",
        "item1.EMAIL;TYPE=x:a@y.example",
    )
    dav.put("bob.vcf", "UID:bob", "FN:Bob", "EMAIL:bob@x.example")
    dav.put("g3.vcf", "UID:g3", "FN:Feed", "X-ADDRESSBOOKSERVER-KIND:GROUP")
    dav.put("g4.vcf", "UID:urn:uuid:g4", "FN:Imbox", "KIND:group", "MEMBER:urn:uuid:ann")
    return dav


async def test_cards_are_read_whole_and_groups_are_known(dav: DavServer) -> None:
    contents = await read(dav, "ANN@x.example", "a@y.example", "nobody@x.example")
    assert [(card.id, card.uid, card.addresses) for card in contents.cards] == [
        (BOOK + "ann.vcf", "ann", ("Ann@X.example", "a@y.example"))
    ]
    assert [(group.id, group.name, group.members) for group in contents.groups] == [
        (BOOK + "g3.vcf", "Feed", frozenset()),
        (BOOK + "g4.vcf", "Imbox", frozenset({"ann"})),
    ]


async def test_a_snapshot_stays_as_it_is_and_the_next_one_has_the_changes(dav: DavServer) -> None:
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        snapshot = await book.sync()
        dav.put("eve.vcf", "UID:eve", "FN:Eve", "EMAIL:eve@x.example")
        del dav.cards[BOOK + "bob.vcf"]
        later = await book.sync()
        assert await snapshot.read(["eve@x.example"]) == ()
        assert snapshot.index.card_uids == {"ann", "bob"}
        assert await snapshot.read(["bob@x.example"]) == ()
        assert [card.uid for card in await later.read(["eve@x.example"])] == ["eve"]
        assert later.index.card_uids == {"ann", "eve"}


async def test_strangers_take_no_request(dav: DavServer) -> None:
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        snapshot = await book.sync()
        sent = http.requests_sent
        assert await snapshot.read(["nobody@x.example"]) == ()
        assert http.requests_sent == sent


async def test_many_cards_take_a_request_per_hundred(dav: DavServer) -> None:
    for number in range(250):
        dav.put(f"{number}.vcf", f"UID:{number}", "FN:N", f"EMAIL:{number}@x.example")
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        snapshot = await book.sync()
        sent = http.requests_sent
        cards = await snapshot.read([f"{number}@x.example" for number in range(250)])
        assert len(cards) == 250
        assert http.requests_sent == sent + 3


async def test_groups_are_read_when_no_address_is_asked_for(dav: DavServer) -> None:
    contents = await read(dav)
    assert contents.cards == ()
    assert len(contents.groups) == 2


async def test_a_card_that_only_resembles_is_left_out(dav: DavServer) -> None:
    dav.put("joann.vcf", "UID:joann", "FN:J", "EMAIL:joann@x.example", "X-EMAIL:ann@x.example")
    assert [card.uid for card in (await read(dav, "ann@x.example")).cards] == ["ann"]


async def test_a_card_that_lost_the_address_meanwhile_is_left_out(dav: DavServer) -> None:
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        snapshot = await book.sync()
        dav.put("ann.vcf", "UID:ann", "FN:Ann", "EMAIL:new@x.example")
        assert await snapshot.read(["ann@x.example"]) == ()


@pytest.mark.parametrize("lines", [None, ("FN:no uid",), ("UID:ann", "KIND:group")])
async def test_a_card_that_is_gone_or_another_is_left_out(
    dav: DavServer, lines: tuple[str, ...] | None
) -> None:
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        snapshot = await book.sync()
        del dav.cards[BOOK + "ann.vcf"]
        if lines:
            dav.put("ann.vcf", *lines)
        assert await snapshot.read(["ann@x.example"]) == ()


async def test_an_address_book_that_moved_is_found_again(dav: DavServer) -> None:
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        await book.sync()
        moved = HOME + "New/"
        dav.collections[moved] = dav.collections.pop(BOOK)
        for path in list(dav.cards):
            dav.cards[path.replace(BOOK, moved)] = dav.cards.pop(path)
        (card,) = (await contents_of(book, ["ann@x.example"])).cards
        assert card.id == moved + "ann.vcf"


async def test_odd_cards_are_passed_over_and_logged_by_path_alone(dav: DavServer) -> None:
    dav.put("nouid.vcf", "FN:Secret", "EMAIL:ann@x.example")
    dav.put("twice.vcf", "UID:t", "END:VCARD", "BEGIN:VCARD", "EMAIL:ann@x.example")
    dav.put("empty.vcf", "KIND:group")
    with capture_logs() as logs:
        contents = await read(dav, "ann@x.example")
    assert [card.uid for card in contents.cards] == ["ann"]
    warned = sorted(entry["path"] for entry in logs if entry["log_level"] == "warning")
    assert warned == [BOOK + "empty.vcf", BOOK + "nouid.vcf", BOOK + "twice.vcf"]
    assert "Secret" not in str(logs)


async def test_broken_lines_do_not_make_a_card_unreadable(dav: DavServer) -> None:
    dav.put(
        "odd.vcf",
        "UID:odd",
        "FN:Odd",
        "X BAD NAME:1",
        "PHOTO;ENCODING=b:!!!",
        "no colon",
        b"NOTE:\xe4\x07",
        "EMAIL:odd@x.example",
    )
    (card,) = (await read(dav, "odd@x.example", "ann@x.example")).cards[1:]
    assert (card.uid, card.names.full, card.note) == ("odd", "Odd", "\ufffd\x07")


@pytest.mark.parametrize("eol", ["\r\n", "&#13;\n"])
async def test_line_ends_that_xml_takes_away_are_given_back(dav: DavServer, eol: str) -> None:
    before = dav.cards[BOOK + "ann.vcf"]
    shown = dav.xml
    dav.xml = lambda card: shown(card).replace("\r\n", eol)
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        (card,) = (await contents_of(book, ["ann@x.example"])).cards
        edit = ContactEdit("a", "ann", UpdateCard(card, add_line="ours"))
        assert await book.write([edit], NOTHING.snapshot) == {}
    assert dav.cards[BOOK + "ann.vcf"] == before.replace(b"END:", b"NOTE:ours\r\nEND:")


async def test_a_refused_report_is_explained(dav: DavServer) -> None:
    dav.fault = refusing_reports(lambda: refusal(403, "<c:supported-filter/>"))
    with pytest.raises(AddressBookError, match=r"cannot be read.*403.*supported-filter"):
        await read(dav)


async def test_a_server_without_reports_is_told_apart(dav: DavServer) -> None:
    dav.fault = refusing_reports(lambda: web.Response(status=501))
    with pytest.raises(AddressBookError, match=r"cannot be read.*501"):
        await read(dav)


PAGE = "<html><head><title>Blocked</title></head></html>"


@pytest.mark.parametrize("status", [200, 403])
async def test_a_page_of_something_in_between_is_no_word_about_credentials(
    dav: DavServer, status: int
) -> None:
    dav.fault = refusing_reports(
        lambda: web.Response(status=status, text=PAGE, content_type="text/html")
    )
    with pytest.raises(IntermediaryError, match="Blocked"):
        await read(dav)


@pytest.mark.parametrize(
    "answer", [lambda: web.Response(status=401), lambda: refusal(403, "")], ids=["401", "403"]
)
async def test_refused_credentials_are_reported_as_such(
    dav: DavServer, answer: Callable[[], web.Response]
) -> None:
    dav.fault = refusing_reports(answer)
    with pytest.raises(CredentialsRefusedError):
        await read(dav)


async def test_a_part_of_the_cards_is_not_taken_for_all(dav: DavServer) -> None:
    dav.fault = lambda request, body: (
        multistatus(status_only(BOOK, "507 Insufficient Storage")) if b"multiget" in body else None
    )
    with pytest.raises(AddressBookError, match="only a part"):
        await read(dav)


async def test_a_page_of_a_proxy_is_a_broken_answer(dav: DavServer) -> None:
    dav.fault = refusing_reports(lambda: web.Response(status=207, text="<html>Log in"))
    with pytest.raises(BrokenAnswerError):
        await read(dav)


async def test_a_broken_answer_is_asked_for_again(dav: DavServer) -> None:
    pages = [web.Response(status=207, text="<html>Try again")]
    dav.fault = lambda request, body: pages.pop() if pages and request.method == "REPORT" else None
    assert len((await read(dav, "ann@x.example")).cards) == 1


async def test_a_server_that_cannot_now_is_said_to(dav: DavServer) -> None:
    dav.fault = refusing_reports(lambda: web.Response(status=503, headers={"Retry-After": "60"}))
    with pytest.raises(ServerFailureError):
        await read(dav)
