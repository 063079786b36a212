"""Keeping contacts in step over JMAP, and what reading and writing make of what is kept."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from mailroom.contacts.index import ContactIndex
from mailroom.contacts.jmap import JmapAddressBook
from mailroom.contacts.jmap.books import Book
from mailroom.contacts.jmap.calls import BRIEF, CardChanges
from mailroom.contacts.jmap.reading import CardsChangedError
from mailroom.contacts.jmap.sync import CardCache
from mailroom.contacts.model import AddressBookError, ContactEdit, DeleteCard, Group, UpdateCard
from mailroom.jmap.errors import MethodError
from mailroom.sandbox.context import Arguments
from mailroom.sandbox.errors import MethodFailure
from mailroom.sandbox.history import History
from mailroom.sandbox.quirks import STALWART_LIMITS, Quirks
from tests.support.domain.contact_edits import ANN, LINE, creating, noting
from tests.support.sandbox.jmap_account import Account, Hook, WatchedContacts, open_account

FEW = Quirks(limits=replace(STALWART_LIMITS, max_objects_in_get=3))
FEED, IMBOX = frozenset({"feed"}), frozenset({"imbox"})
NEWS = ["AddressBook/get", "ContactCard/changes", "ContactCard/get", "ContactCard/get"]
EVERYTHING = ["AddressBook/get", "ContactCard/get", "ContactCard/query", "ContactCard/get"]


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    """Ann is in Imbox; Feed is empty. Nothing was read yet."""
    async with open_account() as opened:
        opened.contacts.add_ann(notes={"n": {"note": "words"}})
        opened.contacts.add_group("feed")
        opened.contacts.add_group("imbox", "ann")
        await opened.client.session()
        yield opened


def asked(account: Account) -> list[str]:
    """The methods that were called since this was asked last."""
    names = [name for name, _ in account.contacts.calls]
    account.contacts.calls.clear()
    return names


def add(contacts: WatchedContacts, name: str, *addresses: str) -> None:
    """Put somebody's card there."""
    emails = {str(at): {"address": each} for at, each in enumerate(addresses)}
    contacts.add(name, name={"full": name}, emails=emails, media={"m": {"uri": "data:,photo"}})


def people(account: Account, number: int) -> list[str]:
    """Put so many people's cards there; gives their addresses."""
    for each in range(number):
        add(account.contacts, f"u{each}", f"{each}@x.example")
    return [f"{each}@x.example" for each in range(number)]


def before(name: str, act: Callable[[], None], *, at: int = 1) -> Hook:
    """Do something before the n-th call of a method."""
    calls: list[str] = []

    def hook(called: str, _: Arguments) -> None:
        if called == name:
            calls.append(called)
            if len(calls) == at:
                act()

    return hook


def refusing(kind: str) -> Callable[[], None]:
    def refuse() -> None:
        raise MethodFailure(kind)

    return refuse


def said_by(index: ContactIndex, *addresses: str) -> tuple[object, ...]:
    """All that an index says."""
    return index.ids, index.groups, [index.uids_standing_for(each) for each in addresses]


async def assert_in_step(account: Account, *addresses: str) -> None:
    """The index says what that of a new client says, who reads everything."""
    followed = (await account.book.sync()).index
    fresh = (await JmapAddressBook(account.client, "alice", annotate=True).sync()).index
    assert said_by(followed, *addresses) == said_by(fresh, *addresses)


# The first sync


async def test_everything_is_read_in_brief_in_one_request(account: Account) -> None:
    add(account.contacts, "bob", "Bob@X.example", "b@y.example")
    sent = account.http.requests_sent
    index = (await account.book.sync()).index
    assert account.http.requests_sent == sent + 1
    assert index.ids == {"ann", "bob", "feed", "imbox"}
    assert index.ids_of(["bob@x.EXAMPLE"]) == {"bob"}
    assert index.uids_standing_for("b@y.example") == {"bob"}
    assert index.groups == (
        Group("feed", "feed", "Feed"),
        Group("imbox", "imbox", "Imbox", frozenset({"ann"})),
    )
    _, _, (_, query), (_, get) = account.contacts.calls
    assert "filter" not in query
    assert get["properties"] == list(BRIEF)
    assert asked(account) == EVERYTHING


@pytest.mark.parametrize("total", [True, False])
async def test_pages_go_by_what_the_server_returns(total: bool) -> None:  # noqa: FBT001 - a parameter
    quirks = Quirks(limits=replace(STALWART_LIMITS, max_query=2))
    async with open_account(quirks) as account:
        addresses = people(account, 5)

        def forget(_: str, result: Arguments) -> None:
            if not total:
                result.pop("total", None)

        account.contacts.after = forget
        assert len((await account.book.sync()).index.ids_of(addresses)) == 5


async def test_cards_that_change_between_pages_are_read_again() -> None:
    async with open_account(FEW) as account:
        addresses = people(account, 8)
        gone = before("ContactCard/query", lambda: account.contacts.cards.destroy_card("u7"), at=2)
        account.contacts.before = gone
        index = (await account.book.sync()).index
        assert index.ids_of(addresses) == {f"u{number}" for number in range(7)}


async def test_cards_that_never_hold_still_are_given_up() -> None:
    async with open_account(FEW) as account:
        people(account, 8)

        def move(_: str, arguments: Arguments) -> None:
            if arguments.get("position"):
                account.contacts.patch("u0", name={"full": str(account.contacts.cards.state())})

        account.contacts.before = move
        with pytest.raises(CardsChangedError, match="while they were being read"):
            await account.book.sync()
        account.contacts.before = lambda *_: None
        await assert_in_step(account)


async def test_what_is_made_while_the_server_answers_is_news_to_the_next(account: Account) -> None:
    names = iter(["bob", "eve"])

    def make(name: str, _: Arguments) -> None:
        if name in {"ContactCard/query", "ContactCard/changes"} and (made := next(names, "")):
            add(account.contacts, made)

    account.contacts.after = make
    assert len((await account.book.sync()).index) == 1
    assert len((await account.book.sync()).index) == 2
    assert (await account.book.sync()).index.ids == {"ann", "bob", "eve", "feed", "imbox"}


async def test_two_at_once_read_everything_once(account: Account) -> None:
    first, second = await asyncio.gather(account.book.sync(), account.book.sync())
    assert first.index is second.index
    assert asked(account) == EVERYTHING + NEWS


# The following ones


async def test_nothing_new_is_reported_in_one_request(account: Account) -> None:
    index = (await account.book.sync()).index
    sent = account.http.requests_sent
    asked(account)
    assert (await account.book.sync()).index is index
    assert account.http.requests_sent == sent + 1
    assert asked(account) == NEWS


def _edit(contacts: WatchedContacts) -> None:
    contacts.patch("ann", **{"emails/e/address": "new@x.example"})


def _rename(contacts: WatchedContacts) -> None:
    contacts.patch("feed", **{"name/full": "Other"})


def _leave(contacts: WatchedContacts) -> None:
    contacts.patch("imbox", **{"members/ann": None})


def _replace_by_a_group(contacts: WatchedContacts) -> None:
    contacts.cards.destroy_card("ann")
    contacts.add_group("ann", "bob")


@pytest.mark.parametrize(
    "act",
    [
        lambda contacts: add(contacts, "bob", "new@x.example"),
        lambda contacts: contacts.cards.destroy_card("ann"),
        lambda contacts: contacts.add_group("new", "ann"),
        lambda contacts: contacts.cards.destroy_card("imbox"),
        *(_edit, _rename, _leave, _replace_by_a_group),
    ],
)
async def test_what_somebody_else_did_is_known_after_one_request(
    account: Account, act: Callable[[WatchedContacts], None]
) -> None:
    index = (await account.book.sync()).index
    unlike = said_by(index, ANN, "new@x.example")
    act(account.contacts)
    asked(account)
    assert said_by((await account.book.sync()).index, ANN, "new@x.example") != unlike
    assert asked(account) == NEWS
    await assert_in_step(account, ANN, "new@x.example")


async def test_more_news_than_the_server_gives_at_a_time_come_page_by_page() -> None:
    async with open_account(FEW) as account:
        await account.book.sync()
        addresses = people(account, 8)
        asked(account)
        assert len((await account.book.sync()).index.ids_of(addresses)) == 8
        assert asked(account) == NEWS * 3


async def test_news_that_break_off_are_gone_on_with() -> None:
    async with open_account(FEW) as account:
        await account.book.sync()
        addresses = people(account, 8)
        account.contacts.before = before("ContactCard/changes", refusing("forbidden"), at=2)
        with pytest.raises(MethodError, match="forbidden"):
            await account.book.sync()
        asked(account)
        assert len((await account.book.sync()).index.ids_of(addresses)) == 8
        assert asked(account) == NEWS * 2


async def test_a_server_that_cannot_tell_what_changed_gives_everything(account: Account) -> None:
    await account.book.sync()
    account.contacts.before = before("ContactCard/changes", refusing("cannotCalculateChanges"))
    add(account.contacts, "bob")
    asked(account)
    assert "bob" in (await account.book.sync()).index.ids
    assert asked(account) == ["AddressBook/get", "ContactCard/changes", *EVERYTHING]
    await assert_in_step(account)


async def test_a_server_that_was_set_back_to_an_earlier_state_gives_everything(
    account: Account,
) -> None:
    before_that = (await account.book.sync()).index
    store = account.contacts.cards
    store.cards, store.card_history = {}, History()
    store.context.states.highest = 0
    add(account.contacts, "bob", ANN)
    assert (await account.book.sync()).index.uids_standing_for(ANN) == {"bob"}
    assert "ann" in before_that.ids, "who reads it meanwhile has the whole of the old one"
    asked(account)
    await assert_in_step(account, ANN)
    assert asked(account)[: len(NEWS)] == NEWS


async def test_an_address_book_that_is_renamed_is_not_all_read_anew(account: Account) -> None:
    """Address books and cards may have one state: it moves, and no card was touched."""
    await account.book.sync()
    asked(account)
    store = account.contacts.cards
    store.books["Default"]["name"] = "Other"
    store.record_change()
    await account.book.sync()
    assert (await account.book.describe()).name == "Other"
    assert asked(account) == NEWS


NOBODY: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("changes", "follows"),
    [
        (CardChanges(NOBODY, (), "J9", has_more=False), True),
        (CardChanges(NOBODY, (), "J10", has_more=False), True),
        (CardChanges(NOBODY, (), "J10", has_more=True), True),
        (CardChanges(frozenset("a"), (), "xyz", has_more=False), True),
        (CardChanges(NOBODY, (), "J8", has_more=False), False),
        (CardChanges(NOBODY, (), "K10", has_more=False), False),
        (CardChanges(NOBODY, (), "xyz", has_more=False), False),
        (CardChanges(frozenset("a"), (), "J9", has_more=True), False),
    ],
)
def test_which_news_follow_what_is_kept(changes: CardChanges, follows: bool) -> None:  # noqa: FBT001 - a parameter
    mine, theirs = (Book(each, each, each == "a", is_writable=each == "a") for each in "ab")
    kept = CardCache((mine,), "J9", ContactIndex(), {}, {})
    assert kept.can_apply(changes, [mine]) is follows
    assert not kept.can_apply(changes, [mine, theirs])


async def test_rights_that_change_make_other_cards_count(account: Account) -> None:
    account.contacts.cards.books["Other"] = {"name": "Other"}
    account.contacts.add("bob", emails={"e": {"address": ANN}}, addressBookIds={"Other": True})
    assert (await account.book.sync()).index.uids_standing_for(ANN) == {"ann", "bob"}

    def tell(name: str, result: Arguments) -> None:
        for book in result["list"] if name == "AddressBook/get" else ():
            book["myRights"] = {"mayWrite": book["id"] == "Other"}

    account.contacts.after = tell
    index = (await account.book.sync()).index
    assert index.uids_standing_for(ANN) == {"bob"}
    assert index.groups == ()
    assert (await account.book.describe()).name == "Other"
    account.contacts.after = lambda *_: None
    assert (await account.book.sync()).index.uids_standing_for(ANN) == {"ann", "bob"}


async def test_without_a_writable_address_book_nothing_is_to_be_known(account: Account) -> None:
    account.contacts.after = lambda name, result: (
        result.update(list=[]) if name == "AddressBook/get" else None
    )
    with pytest.raises(AddressBookError, match="may not write to any address book"):
        await account.book.sync()


async def test_a_card_that_becomes_unreadable_can_be_edited_no_more(account: Account) -> None:
    await account.book.sync()
    account.contacts.patch("ann", **{"name/full": "Other"})

    def spoil(name: str, result: Arguments) -> None:
        for card in result["list"] if name == "ContactCard/get" else ():
            card.pop("uid", None)

    account.contacts.after = spoil
    index = (await account.book.sync()).index
    assert index.card_ids == frozenset()
    assert index.knows(ANN)


@pytest.mark.parametrize("seed", range(20))
async def test_it_stays_in_step_whatever_others_do(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    addresses = [f"{name}@x.example" for name in "abc"]
    async with open_account(FEW) as account:
        contacts = account.contacts
        for _ in range(60):
            name = chance.choice("12345678")
            there = contacts.cards.cards.get(name)
            match chance.randrange(4):
                case 0 if there:
                    contacts.cards.destroy_card(name)
                case 1 if there and there["kind"] == "group":
                    contacts.patch(name, members={chance.choice("123"): True})
                case 1 if there:
                    contacts.patch(name, **{"emails/0/address": chance.choice(addresses)})
                case 2 if not there:
                    contacts.add_group(name, chance.choice("123"))
                case 3 if not there:
                    add(contacts, name, chance.choice(addresses))
                case _:
                    await account.book.sync()
        await assert_in_step(account, *addresses)


# Reading


async def test_only_cards_of_the_addresses_are_read_whole(account: Account) -> None:
    people(account, 3)
    snapshot = await account.book.sync()
    asked(account)
    account.contacts.after = lambda _, result: result["list"].reverse()
    cards = await snapshot.read([ANN.upper(), "1@x.example", "nobody@x.example", ""])
    assert [card.id for card in cards] == ["ann", "u1"]
    assert [group.name for group in snapshot.groups] == ["Feed", "Imbox"]
    ((name, arguments),) = account.contacts.calls
    assert (name, arguments["ids"]) == ("ContactCard/get", ["ann", "u1"])
    assert "properties" not in arguments


async def test_of_strangers_nothing_is_asked(account: Account) -> None:
    snapshot = await account.book.sync()
    sent = account.http.requests_sent
    assert await snapshot.read(["nobody@x.example"]) == ()
    assert account.http.requests_sent == sent


async def test_a_snapshot_stays_as_it_is_and_the_next_one_has_the_changes(account: Account) -> None:
    snapshot = await account.book.sync()
    add(account.contacts, "bob", ANN)
    later = await account.book.sync()
    assert [card.id for card in await snapshot.read([ANN])] == ["ann"]
    assert {card.id for card in await later.read([ANN])} == {"ann", "bob"}
    assert await account.write(creating("eve")) == {}
    after_a_write = await account.book.sync()
    assert [card.id for card in await after_a_write.read(["eve@x.example"])] == ["uid eve"]
    await account.book.create_groups(["New"])
    assert [len(each.groups) for each in (after_a_write, await account.book.sync())] == [2, 3]


async def test_a_card_that_changes_before_it_is_read_is_left_out(
    account: Account,
) -> None:
    """The card was deleted, or lost the address that it is looked up by."""
    add(account.contacts, "bob", "bob@x.example")
    add(account.contacts, "eve", "eve@x.example")
    snapshot = await account.book.sync()
    account.contacts.cards.destroy_card("bob")
    account.contacts.patch("eve", emails={})
    addresses = [ANN, "bob@x.example", "eve@x.example"]
    assert [card.id for card in await snapshot.read(addresses)] == ["ann"]


async def test_any_number_of_cards_is_read_in_one_request() -> None:
    async with open_account(FEW) as account:
        addresses = people(account, 8)
        snapshot = await account.book.sync()
        sent = account.http.requests_sent
        asked(account)
        assert len(await snapshot.read(addresses)) == 8
        assert account.http.requests_sent == sent + 1
        assert asked(account) == ["ContactCard/get"] * 3


# Writing on what is kept


async def test_an_edit_between_sync_and_read_is_kept(account: Account) -> None:
    snapshot = await account.book.sync()
    account.contacts.patch("ann", **{"notes/n/note": "new words"})
    account.contacts.patch("imbox", **{"members/ann": None, "members/bob": True})
    account.contacts.patch("feed", members={"ann": True})
    await account.read(snapshot=snapshot)
    account.contacts.patch("feed", members={})
    assert await account.write(noting(account.ann, join=FEED, leave=IMBOX)) == {}
    assert account.contacts.cards.cards["ann"]["notes"]["n"] == {"note": f"new words\n{LINE}"}
    assert account.contacts.members("feed") == {"ann"}
    assert account.contacts.members("imbox") == {"bob"}


async def test_an_edit_between_read_and_write_is_kept(account: Account) -> None:
    snapshot = await account.book.sync()
    await account.read(snapshot=snapshot)
    account.contacts.patch("ann", **{"notes/n/note": "new words"})
    account.contacts.cards.destroy_card("imbox")
    account.contacts.add_group("imbox", "urn:uuid:ann")
    asked(account)
    assert await account.write(noting(account.ann, join=FEED, leave=IMBOX)) == {}
    assert account.contacts.cards.cards["ann"]["notes"]["n"] == {"note": f"new words\n{LINE}"}
    assert account.contacts.members("feed") == {"ann"}
    assert account.contacts.members("imbox") == set()


async def test_somebody_who_was_taken_out_of_a_group_since_the_sync_joins_it(
    account: Account,
) -> None:
    snapshot = await account.book.sync()
    account.contacts.patch("imbox", members={})
    await account.read(snapshot=snapshot)
    assert await account.write(ContactEdit("ann", "ann", join=IMBOX)) == {}
    assert account.contacts.members("imbox") == {"ann"}


async def test_an_edit_between_the_parts_of_a_read_is_seen() -> None:
    """The parts show different states, and a write on them could undo it."""
    async with open_account(FEW) as account:
        addresses = people(account, 8)
        snapshot = await account.book.sync()
        edit = {"notes": {"n": {"note": "words"}}}
        account.contacts.before = before(
            "ContactCard/get", lambda: account.contacts.patch("u0", **edit), at=2
        )
        seen = await account.read(*addresses, snapshot=snapshot)
        assert await account.write(*(noting(card) for card in seen.cards)) == {}
        assert account.contacts.cards.cards["u0"]["notes"] == {"n": {"note": f"words\n{LINE}"}}


async def test_a_write_right_after_a_write_goes_by_what_is_there_now(account: Account) -> None:
    snapshot = await account.book.sync()
    await account.read(snapshot=snapshot)
    ann = account.ann
    assert await account.write(noting(ann, join=FEED), creating("eve", join=FEED)) == {}
    account.contacts.patch("feed", **{"members/uid eve": None})
    later = UpdateCard(ann, add_line="Re-triaged to Imbox on 2026-02-26")
    edits = ContactEdit("ann", "ann", later, leave=FEED), ContactEdit("eve", "uid eve", join=FEED)
    assert await account.write(*edits) == {}
    note = f"words\n{LINE}\n{later.add_line}"
    assert account.contacts.cards.cards["ann"]["notes"]["n"] == {"note": note}
    assert account.contacts.members("feed") == {"uid eve"}


async def test_a_write_on_a_sync_alone_looks_at_the_cards_first(account: Account) -> None:
    await account.read()
    ann = account.ann
    snapshot = await account.book.sync()
    await snapshot.read(["nobody@x.example"])
    account.contacts.patch("ann", **{"notes/n/note": "new words"})
    assert await account.write(ContactEdit("ann", "ann", DeleteCard(ann))) == {
        "ann": "card ann was changed in the meantime"
    }
    assert await account.write(noting(ann)) == {}
    assert account.contacts.cards.cards["ann"]["notes"]["n"] == {"note": f"new words\n{LINE}"}


async def test_cards_that_never_hold_still_for_a_look_are_not_written() -> None:
    async with open_account(FEW) as account:
        seen = await account.read(*people(account, 8))

        def disturb(name: str, _: Arguments) -> None:
            if name == "ContactCard/get":
                account.contacts.patch("u0", name={"full": str(account.contacts.cards.state())})

        assert await account.write(noting(seen.cards[0])) == {}
        account.contacts.before = disturb
        failures = await account.write(*(noting(card) for card in seen.cards))
        assert {*failures.values()} == {"contacts changed while they were being read"}
        account.contacts.before = lambda *_: None
        assert await account.write(*(noting(card) for card in seen.cards)) == {}


async def test_what_was_written_is_known_after_the_next_sync(account: Account) -> None:
    index = (await account.book.sync()).index
    assert await account.write(creating("eve", join=FEED)) == {}
    assert index.uids_standing_for("eve@x.example") == set()
    later = (await account.book.sync()).index
    assert index.uids_standing_for("eve@x.example") == set()
    assert later.uids_standing_for("eve@x.example") == {"uid eve"}
    assert later.groups[0].members == {"uid eve"}
