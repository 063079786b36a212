"""Several address books: which one is written, and that the others are known."""

import pytest
from aiohttp import web

from mailroom.contacts.carddav import CardDavAddressBook, Options, make_address_book
from mailroom.contacts.model import AddressBookError
from mailroom.sandbox.contacts.carddav import ROOT
from tests.support.sandbox.carddav import (
    BOOK,
    HOME,
    OWN_PRINCIPAL,
    READ_ONLY,
    DavServer,
    book,
    serving,
)

STAFF = HOME + "staff/"
GROUP = ("UID:feed", "FN:Feed", "KIND:group")


@pytest.fixture
def dav() -> DavServer:
    """A server with two address books, neither of which has a usual name."""
    dav = DavServer()
    del dav.collections[BOOK]
    dav.collections |= {f"{HOME}work/": book("Work"), f"{HOME}home/": book("At home")}
    return dav


async def chosen(dav: DavServer, wanted: str = "", start: str = ROOT) -> str:
    async with serving(dav) as (url, http):
        options = Options(address_book=wanted, group_names=frozenset({"Feed", "Mailroom"}))
        described = await CardDavAddressBook(http, url.with_path(start), options).describe()
        return described.url.path.removeprefix(HOME).rstrip("/")


async def test_where_it_is_not_clear_it_is_asked(dav: DavServer) -> None:
    with pytest.raises(AddressBookError) as asked:
        await chosen(dav)
    text = str(asked.value)
    assert "MAILROOM_CONTACTS_ADDRESS_BOOK" in text
    assert text.index("At home (http://") < text.index("Work (http://")


@pytest.mark.parametrize(
    "wanted",
    ["Work", "work", "WORK", f"{HOME}work/", f"{HOME}work", f"https://x.example{HOME}work"],
)
@pytest.mark.parametrize("start", [ROOT, f"{HOME}home/"])
async def test_it_can_be_named(dav: DavServer, wanted: str, start: str) -> None:
    dav.collections[f"{HOME}home/"] |= OWN_PRINCIPAL
    assert await chosen(dav, wanted, start) == "work"


async def test_one_that_is_not_there_is_named(dav: DavServer) -> None:
    with pytest.raises(AddressBookError, match=r"no address book is called 'Club'.*At home"):
        await chosen(dav, "Club")


async def test_it_is_where_the_groups_are(dav: DavServer) -> None:
    dav.put("feed.vcf", *GROUP, book=f"{HOME}work/")
    dav.put("feed.vcf", "UID:f", "FN:Feed", book=f"{HOME}home/")
    assert await chosen(dav) == "work"


async def test_it_is_asked_where_groups_are_in_both(dav: DavServer) -> None:
    dav.put("feed.vcf", *GROUP, book=f"{HOME}work/")
    dav.put("feed.vcf", *GROUP, book=f"{HOME}home/")
    with pytest.raises(AddressBookError, match="several"):
        await chosen(dav)


@pytest.fixture
def two() -> DavServer:
    """One's own address book, and one that may only be read, with a colleague in it."""
    dav = DavServer()
    dav.collections[STAFF] = book("Staff", READ_ONLY)
    dav.put("ann.vcf", "UID:ann", "FN:Ann", "EMAIL:ann@x.example")
    dav.put("boss.vcf", "UID:boss", "FN:Boss", "item1.EMAIL:boss@corp.example", book=STAFF)
    return dav


async def test_who_is_in_another_book_is_known_and_not_edited(two: DavServer) -> None:
    async with serving(two) as (url, http):
        address_book = CardDavAddressBook(http, url)
        index = (await address_book.sync()).index
        assert index.knows("Boss@corp.example")
        assert (len(index), index.ids_of(["boss@corp.example"])) == (1, frozenset())
        (remark,) = await address_book.remarks()
        assert "other address books: Staff" in remark


@pytest.mark.parametrize("can_sync", [True, False])
async def test_changes_in_other_books_are_followed(two: DavServer, can_sync: bool) -> None:  # noqa: FBT001 - a parameter
    two.change_quirks(sync_collection=can_sync)
    async with serving(two) as (url, http):
        address_book = CardDavAddressBook(http, url)
        await address_book.sync()
        sent = http.requests_sent
        await address_book.sync()
        assert http.requests_sent == sent + 2
        two.put("new.vcf", "UID:new", "FN:New", "EMAIL:new@corp.example", book=STAFF)
        del two.cards[STAFF + "boss.vcf"]
        index = (await address_book.sync()).index
        assert (index.knows("new@corp.example"), index.knows("boss@corp.example")) == (True, False)
        del two.collections[STAFF]
        assert not (await address_book.sync()).index.knows("new@corp.example")
        assert len(index) == 1


async def test_another_book_that_cannot_be_read_stops_nothing(two: DavServer) -> None:
    two.fault = lambda request, body: (
        web.Response(status=403) if request.raw_path == STAFF else None
    )
    async with serving(two) as (url, http):
        index = (await CardDavAddressBook(http, url).sync()).index
    assert index.knows("ann@x.example")


async def test_who_is_on_a_card_that_cannot_be_edited_is_known() -> None:
    dav = DavServer()
    dav.put("none.vcf", "FN:No uid", "EMAIL;INTERNET:none@x.example")
    dav.cards[BOOK + "mac.vcf"] = b"BEGIN:VCARD\rVERSION:2.1\rEMAIL:mac@x.example\rEND:VCARD\r"
    dav.cards[BOOK + "torn.vcf"] = b"BEGIN:VCARD\r\nUID:torn\r\nEMAIL:torn@x.example\r\n"
    dav.cards[BOOK + "bom.vcf"] = (
        b"\xef\xbb\xbfBEGIN:VCARD\r\nUID:bom\r\nEMAIL:mailto:bom@x.example\r\nEND:VCARD\r\n"
    )
    async with serving(dav) as (url, http):
        index = (await CardDavAddressBook(http, url).sync()).index
    assert all(index.knows(f"{name}@x.example") for name in ("none", "mac", "torn", "bom"))


async def test_an_address_book_is_made_where_there_is_none() -> None:
    dav = DavServer()
    del dav.collections[BOOK]
    async with serving(dav) as (url, http):
        with pytest.raises(AddressBookError, match="setup --apply"):
            await CardDavAddressBook(http, url).sync()
        await make_address_book(http, url, "Contacts")
        await make_address_book(http, url, "Contacts")
        address_book = CardDavAddressBook(http, url)
        await address_book.create_groups(["Feed"])
        assert [group.name for group in (await address_book.sync()).groups] == ["Feed"]
    assert dav.count("MKCOL") == 1
