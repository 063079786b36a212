"""The promises of an address book that is kept in step while its owner works in it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from mailroom.contacts.book import AddressBook
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import ContactEdit, ContactType, CreateCard, Names, UpdateCard
from tests.support.domain.contents import contents_of
from tests.support.owner.contacts_app import ContactsApp
from tests.support.servers.address_books import (
    SERVERS,
    Account,
    OpenAccount,
    carddav_without_sync_on_sandbox,
    jmap_on_sandbox,
)

LINE = "Triaged to Feed on 2026-02-25"
ANN, BOB, NEW = "ann@x.example", "bob@x.example", "new@x.example"
EVERYBODY = (ANN, BOB, NEW)

WITHOUT_SYNC = pytest.param(carddav_without_sync_on_sandbox, id="carddav-without-sync-sandbox")


@pytest.fixture(params=[*SERVERS, WITHOUT_SYNC])
async def account(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    """An address book with Ann, who is in Imbox, with Bob, and with an empty group Feed."""
    open_account: OpenAccount = request.param
    async with open_account() as opened:
        await opened.owner.add("u1", "Ann", ANN, "words", more=["Ann@Y.example"])
        await opened.owner.add("u2", "Bob", BOB)
        await opened.owner.add_group("g1", "Imbox", ["u1"])
        await opened.owner.add_group("g2", "Feed")
        yield opened


@pytest.fixture
def book(account: Account) -> AddressBook:
    return account.open_book()


def groups_in(index: ContactIndex) -> dict[str, set[str]]:
    return {group.name: {*group.members} for group in index.groups}


def group_ids(index: ContactIndex, name: str) -> frozenset[str]:
    return frozenset(group.id for group in index.groups if group.name == name)


async def assert_in_step(index: ContactIndex, account: Account) -> None:
    """Check that the index agrees with the owner's app, and with a client that reads everything."""
    contacts = await account.owner.contacts()
    assert len(index) == len(contacts)
    assert groups_in(index) == await account.owner.groups()
    for address in (*EVERYBODY, "ann@y.EXAMPLE"):
        uids = {
            contact.uid
            for contact in contacts
            if address.lower() in map(str.lower, contact.addresses)
        }
        assert index.uids_standing_for(address) == uids
    fresh = (await account.open_book().sync()).index
    assert (index.ids, index.groups) == (fresh.ids, fresh.groups)


async def test_everything_is_known_at_first(account: Account, book: AddressBook) -> None:
    index = (await book.sync()).index
    assert index.uids_standing_for("ANN@y.example") == {"u1"}
    assert groups_in(index) == {"Imbox": {"u1"}, "Feed": set()}
    await assert_in_step(index, account)


async def test_an_empty_address_book_is_kept_in_step_too() -> None:
    async with jmap_on_sandbox() as account:
        book = account.open_book()
        assert not (await book.sync()).index.ids
        await account.owner.add("u1", "Ann", ANN)
        await assert_in_step((await book.sync()).index, account)


async def add_many(owner: ContactsApp) -> None:
    for number in range(5):
        await owner.add(f"n{number}", "New", NEW)


ACTS: dict[str, Callable[[ContactsApp], Awaitable[None]]] = {
    "adds a card": lambda owner: owner.add("u3", "New", NEW),
    "adds many cards": add_many,
    "changes an address": lambda owner: owner.change_address("u1", NEW),
    "removes a card": lambda owner: owner.delete("u1"),
    "adds a group": lambda owner: owner.add_group("g3", "Friends", ["u1", "u2"]),
    "renames a group": lambda owner: owner.rename_group("Imbox", "Letterbox"),
    "removes a group": lambda owner: owner.delete("g1"),
    "puts somebody into a group": lambda owner: owner.join("Feed", "u2"),
    "takes somebody out of a group": lambda owner: owner.leave("Imbox", "u1"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
async def test_what_the_owner_does_is_known_after_the_next_sync(
    account: Account, book: AddressBook, act: Callable[[ContactsApp], Awaitable[None]]
) -> None:
    def contents(index: ContactIndex) -> object:
        uids = [index.uids_standing_for(address) for address in EVERYBODY]
        return len(index), groups_in(index), uids

    before = contents((await book.sync()).index)
    await act(account.owner)
    index = (await book.sync()).index
    assert contents(index) != before
    await assert_in_step(index, account)


async def test_all_acts_of_the_owner_are_known_after_one_sync(
    account: Account, book: AddressBook
) -> None:
    await book.sync()
    for name, act in ACTS.items():
        if name not in {"removes a group", "takes somebody out of a group"}:
            await act(account.owner)
    await assert_in_step((await book.sync()).index, account)


async def test_what_another_client_of_ours_writes_is_known(
    account: Account, book: AddressBook
) -> None:
    await book.sync()
    other = account.open_book()
    snapshot = await other.sync()
    card = CreateCard("c0ffee", ContactType.PERSON, Names(full="New"), NEW, LINE)
    edit = ContactEdit("new", "c0ffee", card, join=group_ids(snapshot.index, "Feed"))
    assert await other.write([edit], snapshot) == {}
    index = (await book.sync()).index
    assert index.uids_standing_for(NEW) == {"c0ffee"}
    assert groups_in(index)["Feed"] == {"c0ffee"}
    await assert_in_step(index, account)


async def test_cards_are_read_as_they_are_now(account: Account, book: AddressBook) -> None:
    await book.sync()
    await account.owner.rename_group("Imbox", "Letterbox")
    await account.owner.add("u3", "New", NEW, "more words")
    contents = await contents_of(book, EVERYBODY)
    notes = {card.uid: card.note for card in contents.cards}
    assert notes == {"u1": "words", "u2": "", "u3": "more words"}
    assert {group.name for group in contents.groups} == {"Letterbox", "Feed"}


@pytest.mark.parametrize("when", ["before it is read", "before it is written"])
async def test_what_the_owner_does_during_a_pass_is_kept(
    account: Account, book: AddressBook, when: str
) -> None:
    async def act() -> None:
        await account.owner.add_phone("u1")
        await account.owner.leave("Imbox", "u1")
        await account.owner.join("Feed", "u2")

    snapshot = await book.sync()
    if when == "before it is read":
        await act()
    (card,) = await snapshot.read([ANN])
    if when == "before it is written":
        await act()
    with_phone = await account.owner.rest_of("u1")
    index = snapshot.index
    ids = {"join": group_ids(index, "Feed"), "leave": group_ids(index, "Imbox")}
    edit = ContactEdit("ann", "u1", UpdateCard(card, add_line=LINE), **ids)
    assert await book.write([edit], snapshot) == {}
    assert await account.owner.rest_of("u1") == with_phone
    assert await account.owner.groups() == {"Imbox": set(), "Feed": {"u1", "u2"}}
    (ann,) = await account.owner.all_of(ANN)
    assert ann.note == ("words", LINE)
    await assert_in_step((await book.sync()).index, account)


async def test_many_at_once_stay_in_step(account: Account) -> None:
    books = [account.open_book() for _ in range(3)]

    async def work(number: int, book: AddressBook) -> None:
        for at in range(4):
            await account.owner.add(f"n{number}-{at}", "New", NEW)
            snapshot = await book.sync()
            card = CreateCard(f"c{number}-{at}", ContactType.PERSON, Names(full="New"), NEW, LINE)
            edit = ContactEdit("new", card.uid, card, join=group_ids(snapshot.index, "Feed"))
            assert await book.write([edit], snapshot) == {}

    await asyncio.gather(*(work(number, book) for number, book in enumerate(books)))
    for book in books:
        index = (await book.sync()).index
        assert len(index.uids_standing_for(NEW)) == 24
        assert len(groups_in(index)["Feed"]) == 12
        await assert_in_step(index, account)
