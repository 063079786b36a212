"""Keeping a CardDAV address book in step with its server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import AddressBookError
from mailroom.http import ServerFailureError
from mailroom.sandbox.contacts.dav_xml import multistatus, refusal, response, status_only
from tests.support.domain.contact_edits import ANN, creating, noting
from tests.support.domain.contents import contents_of
from tests.support.sandbox.carddav import BOOK, DavServer
from tests.support.sandbox.carddav_account import FEED, IMBOX, Account, answering, open_account

ANN_PATH = BOOK + "ann.vcf"


def without_sync(dav: DavServer) -> None:
    dav.change_quirks(sync_collection=False)


def without_sync_and_tag(dav: DavServer) -> None:
    dav.change_quirks(sync_collection=False, tag=False)


def by_the_page(dav: DavServer) -> None:
    dav.change_quirks(page=1)


def refusing_what_it_offers(dav: DavServer) -> None:
    dav.fault = lambda request, body: (
        refusal(403, "<d:supported-report/>") if b"sync-collection" in body else None
    )


def as_it_is(dav: DavServer) -> None:
    """Everything is there."""


KINDS = [
    as_it_is,
    without_sync,
    without_sync_and_tag,
    by_the_page,
    refusing_what_it_offers,
]


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    async with open_account() as account:
        yield account


@pytest.fixture(params=KINDS)
async def any_account(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    """An account on each kind of server, read by nobody yet."""
    async with open_account(request.param) as account:
        yield account


def add(dav: DavServer, name: str, *lines: str) -> None:
    dav.put(f"{name}.vcf", f"UID:{name}", "FN:Name", "N:;;;;", f"EMAIL:{name}@x.example", *lines)


def names_of(index: ContactIndex) -> dict[str, frozenset[str]]:
    """Group name -> members."""
    return {group.name: group.members for group in index.groups}


def requests_for(account: Account) -> Iterator[list[str]]:
    """The methods of the requests since last time."""
    done = len(account.dav.requests)
    while True:
        new = account.dav.requests[done:]
        done += len(new)
        yield [each.partition(" ")[0] for each in new]


async def test_everything_is_known_after_the_first_time(any_account: Account) -> None:
    index = (await any_account.book.sync()).index
    assert len(index) == 1
    assert index.uids_standing_for("ANN@x.example") == {"ann"}
    assert names_of(index) == {"Feed": frozenset(), "Imbox": {"ann"}}


async def test_what_others_do_is_known_after_the_next_time(any_account: Account) -> None:
    dav, book = any_account.dav, any_account.book
    add(dav, "bob")
    await book.sync()
    add(dav, "eve")
    add(dav, "ann", "EMAIL:ann@home.example")
    del dav.cards[BOOK + "bob.vcf"]
    dav.put("feed.vcf", "UID:feed", "FN:Read", "KIND:group", "MEMBER:eve")
    del dav.cards[IMBOX]
    dav.put("jail.vcf", "UID:jail", "FN:Jail", "KIND:group")
    index = (await book.sync()).index
    assert len(index) == 2
    assert index.uids_standing_for("bob@x.example") == frozenset()
    assert index.uids_standing_for("eve@x.example") == {"eve"}
    assert index.uids_standing_for("ann@home.example") == {"ann"}
    assert names_of(index) == {"Read": {"eve"}, "Jail": frozenset()}
    dav.cards[BOOK + "moved.vcf"] = dav.cards.pop(BOOK + "eve.vcf")
    index = (await book.sync()).index
    assert index.ids_of(["eve@x.example"]) == {BOOK + "moved.vcf"}


async def test_a_card_may_become_a_group_or_nothing_and_one_again(any_account: Account) -> None:
    dav, book = any_account.dav, any_account.book
    dav.put("ann.vcf", "UID:ann", "FN:Group", "KIND:group")
    assert "Group" in names_of((await book.sync()).index)
    dav.put("ann.vcf", "FN:no uid", f"EMAIL:{ANN}")
    index = (await book.sync()).index
    assert (len(index), names_of(index)) == (0, {"Feed": frozenset(), "Imbox": {"ann"}})
    add(dav, "ann")
    assert (await book.sync()).index.uids_standing_for(ANN) == {"ann"}


async def test_many_changes_at_once_are_all_known(any_account: Account) -> None:
    await any_account.book.sync()
    for number in range(120):
        add(any_account.dav, f"n{number}")
        dav_group = (f"UID:g{number}", f"FN:Group {number}", "KIND:group")
        any_account.dav.put(f"g{number}.vcf", *dav_group)
    index = (await any_account.book.sync()).index
    assert (len(index), len(index.groups)) == (121, 122)


async def test_our_own_writes_are_known_at_once(any_account: Account) -> None:
    await any_account.read()
    edit = creating(join=frozenset({FEED}))
    assert await any_account.book.write([edit], any_account.seen.snapshot) == {}
    seen = await contents_of(any_account.book, ["new@x.example"])
    assert [card.uid for card in seen.cards] == ["uid new"]
    assert {group.id: group.members for group in seen.groups}[FEED] == {"uid new"}
    index = (await any_account.book.sync()).index
    assert index.uids_standing_for("new@x.example") == {"uid new"}
    assert names_of(index)["Feed"] == {"uid new"}


async def test_an_unreadable_card_is_complained_of_once(any_account: Account) -> None:
    any_account.dav.put("odd.vcf", "FN:no uid")
    with capture_logs() as logs:
        for number in range(3):
            add(any_account.dav, f"n{number}")
            await any_account.book.sync()
    assert [each["path"] for each in logs if each["log_level"] == "warning"] == [BOOK + "odd.vcf"]


async def test_nothing_new_takes_one_request_and_changes_two(account: Account) -> None:
    asked = requests_for(account)
    next(asked)
    await account.book.sync()
    assert next(asked) == ["REPORT"]
    add(account.dav, "bob")
    account.dav.put("feed.vcf", "UID:feed", "FN:Feed", "KIND:group", "MEMBER:bob")
    await account.book.sync()
    assert next(asked) == ["REPORT", "REPORT"]


async def test_our_own_writes_are_not_read_again(account: Account) -> None:
    assert await account.write(creating(join=frozenset({FEED}))) == {}
    asked = requests_for(account)
    next(asked)
    index = (await account.book.sync()).index
    assert next(asked) == ["REPORT"]
    assert index.uids_standing_for("new@x.example") == {"uid new"}
    assert names_of(index)["Feed"] == {"uid new"}


async def test_without_sync_collection_etags_are_compared_when_the_tag_has_changed() -> None:
    async with open_account(without_sync) as account:
        await account.book.sync()
        asked = requests_for(account)
        next(asked)
        await account.book.sync()
        assert next(asked) == ["PROPFIND"]
        add(account.dav, "bob")
        await account.book.sync()
        assert next(asked) == ["PROPFIND", "PROPFIND", "REPORT"]
        assert account.dav.bodies[-1].count(b".vcf") == 1
        del account.dav.cards[BOOK + "bob.vcf"]
        await account.book.sync()
        assert next(asked) == ["PROPFIND", "PROPFIND"]


async def test_without_etags_everything_is_read_when_the_tag_has_changed() -> None:
    async with open_account(without_sync) as account:
        account.dav.change_quirks(etags=False)
        await account.book.sync()
        add(account.dav, "bob")
        add(account.dav, "ann", "EMAIL:ann@home.example")
        index = (await account.book.sync()).index
        assert index.uids_standing_for("bob@x.example") == {"bob"}
        assert index.uids_standing_for("ann@home.example") == {"ann"}
        assert account.dav.bodies[-1].count(b".vcf") == 4


async def test_an_answer_without_a_token_leads_to_etags(account: Account) -> None:
    account.dav.fault = lambda request, body: (
        multistatus("") if b"sync-collection" in body else None
    )
    assert len((await account.book.sync()).index) == 1
    assert account.dav.requests[-1].startswith("PROPFIND")
    account.dav.fault = lambda request, body: None
    add(account.dav, "bob")
    assert len((await account.book.sync()).index) == 2
    assert account.dav.requests[-1].startswith("REPORT")


async def test_a_group_that_was_followed_is_written_without_another_look(
    any_account: Account,
) -> None:
    dav = any_account.dav
    await any_account.read()
    dav.put("feed.vcf", "UID:feed", "N:;;;;", "KIND:group", "MEMBER:somebody", "X-OTHER:1")
    await any_account.read()
    assert await any_account.write(noting(any_account.ann, join=frozenset({FEED}))) == {}
    assert dav.count("GET") == 0
    assert "X-OTHER:1" in any_account.text("feed.vcf")
    assert "MEMBER:ann" in any_account.text("feed.vcf")


async def test_a_card_changed_since_it_was_read_is_read_again_before_it_is_written(
    account: Account,
) -> None:
    await contents_of(account.book, [ANN])
    add(account.dav, "ann", "X-OTHER:1")
    await account.book.sync()
    assert await account.write(noting(account.ann)) == {}
    assert (account.dav.count("GET"), account.dav.count("PUT")) == (1, 1)
    assert "X-OTHER:1" in account.text("ann.vcf")


@pytest.mark.parametrize("status", [403, 409, 412])
async def test_when_the_token_is_refused_everything_is_compared_anew(
    account: Account, status: int
) -> None:
    await account.book.sync()
    del account.dav.cards[ANN_PATH]
    add(account.dav, "bob")
    refusals = [refusal(status, "<d:valid-sync-token/>")]
    account.dav.fault = lambda request, body: refusals.pop() if refusals else None
    index = (await account.book.sync()).index
    assert index.uids_standing_for("bob@x.example") == {"bob"}
    assert len(index) == 1
    assert account.dav.count("PROPFIND") == 3


async def test_a_server_that_was_set_back_is_read_anew(account: Account) -> None:
    add(account.dav, "bob")
    await account.book.sync()
    del account.dav.cards[BOOK + "bob.vcf"]
    account.dav.cards.invalidate_tokens()
    index = (await account.book.sync()).index
    assert (len(index), index.uids_standing_for("bob@x.example")) == (1, frozenset())


async def test_a_card_that_goes_between_the_report_and_its_reading_is_gone() -> None:
    async with open_account(as_it_is) as account:
        add(account.dav, "bob")
        add(account.dav, "eve")

        def fault(request: web.Request, body: bytes) -> None:
            if b"multiget" in body:
                account.dav.cards.pop(BOOK + "bob.vcf", None)

        account.dav.fault = fault
        index = (await account.book.sync()).index
        assert index.uids_standing_for("eve@x.example") == {"eve"}
        assert index.uids_standing_for("bob@x.example") == frozenset()
        assert len((await account.book.sync()).index) == 2


async def test_a_card_that_goes_after_it_was_listed_is_gone() -> None:
    async with open_account(without_sync) as account:
        add(account.dav, "bob")

        def fault(request: web.Request, body: bytes) -> None:
            if b"multiget" in body:
                account.dav.cards.pop(BOOK + "bob.vcf", None)

        account.dav.fault = fault
        assert len((await account.book.sync()).index) == 1
        add(account.dav, "bob", "X-OTHER:1")
        account.dav.fault = lambda request, body: None
        assert len((await account.book.sync()).index) == 2


async def test_what_may_not_be_read_and_the_book_itself_are_no_cards(account: Account) -> None:
    properties = account.dav.collections[BOOK]
    found = response(BOOK, properties, properties)
    forbidden = status_only(ANN_PATH, "403 Forbidden")
    answer = [found, forbidden]
    account.dav.fault = answering(
        "REPORT", "", lambda: multistatus(answer, sync_token="urn:moment:0")
    )
    with capture_logs() as logs:
        assert len((await account.book.sync()).index) == 0
    assert [each["path"] for each in logs if each["log_level"] == "warning"] == [ANN_PATH]


async def test_pages_that_lead_nowhere_are_an_error_not_a_loop(account: Account) -> None:
    full = status_only(BOOK, "507 Insufficient Storage")
    account.dav.fault = answering("", "", lambda: multistatus([full], sync_token="urn:moment:1"))
    with pytest.raises(AddressBookError, match="only a part"):
        await account.book.sync()


async def test_changes_that_could_not_be_reported_come_next_time(any_account: Account) -> None:
    await any_account.book.sync()
    add(any_account.dav, "bob")
    before = any_account.dav.fault
    any_account.dav.fault = answering("REPORT", "", lambda: web.Response(status=503))
    with pytest.raises(ServerFailureError):
        await any_account.book.sync()
    any_account.dav.fault = before
    assert len((await contents_of(any_account.book, ["bob@x.example"])).cards) == 1


async def test_an_index_is_never_seen_half_filled(account: Account) -> None:
    account.dav.change_quirks(page=1)
    numbers = count()
    for number in range(5):
        add(account.dav, f"n{number}")
    await account.book.sync()
    account.dav.cards.invalidate_tokens()
    sizes = set()

    def fault(request: web.Request, body: bytes) -> None:
        next(numbers)
        sizes.add(len(index))

    index = (await account.book.sync()).index
    account.dav.cards.invalidate_tokens()
    account.dav.fault = fault
    await account.book.sync()
    assert sizes == {6}
    assert next(numbers) > 5


async def test_two_at_once_both_know(account: Account) -> None:
    add(account.dav, "bob")
    first, second = await asyncio.gather(account.book.sync(), account.book.sync())
    assert first.index is second.index
    assert len(first.index) == 2
