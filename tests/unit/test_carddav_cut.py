"""Servers that tell of a part only, or leave out parts of a card, as Stalwart does."""

from collections.abc import Iterator

import pytest

from mailroom.contacts.carddav import CardDavAddressBook
from mailroom.contacts.model import AddressBookError
from mailroom.sandbox.contacts.dav_xml import refusal
from tests.support.domain.contents import contents_of
from tests.support.sandbox.carddav import BOOK, DavServer, serving


def a_server_that_cuts(cards: int, cut: int) -> DavServer:
    """Uids of all kinds: with long beginnings in common, in capitals, and none at all."""
    dav = DavServer()
    for number, uid in zip(range(cards), uids(), strict=False):
        line = [f"UID:{uid}"] if uid else []
        dav.put(f"{number}.vcf", *line, "FN:N", f"EMAIL:{number}@x.example")
    dav.put("feed.vcf", "UID:feed", "FN:Feed", "KIND:group", "MEMBER:contact-0003")
    dav.change_quirks(cut=cut)
    return dav


def uids() -> Iterator[str]:
    for number in range(10_000):
        yield f"contact-{number:04}"
        yield f"{number * 7919 % 65_536:04X}0000-0000-4000-8000-000000000000"
        yield f"ümlaut {number}" if number % 50 == 0 else f"urn:uuid:{number:04}"
        yield "" if number % 50 == 0 else f"{number}@host"


@pytest.mark.parametrize("cards", [40, 41, 100])
async def test_every_card_is_known_where_lists_are_cut(cards: int) -> None:
    dav = a_server_that_cuts(cards, cut=41)
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        index = (await book.sync()).index
        assert all(index.knows(f"{number}@x.example") for number in range(cards))
        assert [group.name for group in index.groups] == ["Feed"]
        sent = http.requests_sent
        dav.put("new.vcf", "UID:new", "FN:N", "EMAIL:new@x.example")
        assert (await book.sync()).index.knows("new@x.example")
        assert http.requests_sent == sent + 2


async def test_many_changes_at_once_are_compared_where_lists_are_cut() -> None:
    dav = a_server_that_cuts(60, cut=41)
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        await book.sync()
        for number in range(100):
            dav.put(f"n{number}.vcf", f"UID:n{number}", "FN:N", f"EMAIL:n{number}@x.example")
        del dav.cards[BOOK + "7.vcf"]
        index = (await book.sync()).index
        assert all(index.knows(f"n{number}@x.example") for number in range(100))
        assert not index.knows("7@x.example")


async def test_a_part_is_never_the_whole_where_nothing_tells_the_rest() -> None:
    dav = a_server_that_cuts(60, cut=41)
    dav.fault = lambda request, body: (
        refusal(403, "<d:supported-report/>") if b"addressbook-query" in body else None
    )
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        with pytest.raises(AddressBookError, match="only a part of its cards"):
            await book.sync()
        with pytest.raises(AddressBookError, match="only a part of its cards"):
            await book.create_groups(["Imbox"])
    assert dav.count("PUT") == 0


async def test_cards_of_one_beginning_that_cannot_be_told_apart_are_an_error() -> None:
    dav = DavServer()
    for number in range(30):
        dav.put(f"{number}.vcf", "FN:N", f"EMAIL:{number}@x.example")
    dav.change_quirks(cut=10)
    async with serving(dav) as (url, http):
        with pytest.raises(AddressBookError, match="have no UID"):
            await CardDavAddressBook(http, url).sync()


@pytest.mark.parametrize("cards", [5, 150])
async def test_addresses_with_a_group_are_known(cards: int) -> None:
    """As iPhones write them; of one card the server shows one address and hides the other."""
    dav = DavServer()
    dav.change_quirks(drops_grouped=True)
    for number in range(cards):
        dav.put(
            f"{number}.vcf", f"UID:{number}", "FN:N", f"item1.EMAIL:{number}@x.example", "TEL:1"
        )
    dav.put("two.vcf", "UID:two", "FN:N", "EMAIL:one@x.example", "item1.EMAIL:two@x.example")
    async with serving(dav) as (url, http):
        index = (await CardDavAddressBook(http, url).sync()).index
    assert all(index.knows(f"{number}@x.example") for number in range(cards))
    assert index.uids_standing_for("one@x.example") == {"two"}
    assert index.uids_standing_for("two@x.example") == {"two"}


@pytest.mark.parametrize("spelling", ["%40", "@"])
async def test_one_path_in_two_spellings_is_one_card(spelling: str) -> None:
    dav = DavServer()
    dav.put("ann@x.vcf", "UID:ann", "FN:Ann", "EMAIL:ann@x.example")
    async with serving(dav) as (url, http):
        book = CardDavAddressBook(http, url)
        assert len((await book.sync()).index) == 1
        dav.href = lambda path: path.replace("@", spelling).replace("/books/", "//books/")
        dav.put("ann@x.vcf", "UID:ann", "FN:Ann", "EMAIL:new@x.example")
        index = (await book.sync()).index
        assert index.uids_standing_for("new@x.example") == {"ann"}
        assert (len(index), index.knows("ann@x.example")) == (1, False)
        (card,) = (await contents_of(book, ["new@x.example"])).cards
        assert card.uid == "ann"
