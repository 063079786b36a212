"""Reading contacts over JMAP: exactly, whole, and with suspicion."""

from dataclasses import replace
from typing import Any

import pytest

from mailroom.contacts.jmap.books import Book, get_books
from mailroom.contacts.jmap.calls import (
    CardWrites,
    WriteResult,
    find_cards,
    get_cards,
    set_cards,
)
from mailroom.contacts.model import AddressBookError
from mailroom.jmap.errors import MethodError, SetError
from mailroom.sandbox.context import Arguments
from mailroom.sandbox.errors import MethodFailure
from mailroom.sandbox.quirks import STALWART_LIMITS, Quirks
from tests.support.domain.contact_edits import ANN, creating
from tests.support.domain.contents import contents_of
from tests.support.sandbox.jmap_account import Account, open_account
from tests.support.scripted.jmap import asked, read

FEW = Quirks(limits=replace(STALWART_LIMITS, max_objects_in_get=3))
CARD = {"id": "c1", "uid": "u1"}


def people(account: Account, number: int) -> list[str]:
    """Put so many people's cards there; gives their addresses."""
    addresses = [f"{each}@x.example" for each in range(number)]
    for each, address in enumerate(addresses):
        account.contacts.add(f"u{each}", emails={"e": {"address": address}})
    return addresses


async def test_no_addresses_give_the_groups_alone() -> None:
    async with open_account() as account:
        account.contacts.add_ann()
        account.contacts.add_group("feed", "ann")
        contents = await contents_of(account.book, [""])
        assert contents.cards == ()
        assert [group.name for group in contents.groups] == ["Feed"]


async def test_more_than_the_server_gives_at_a_time_is_read_page_by_page() -> None:
    async with open_account(FEW) as account:
        addresses = people(account, 8)
        for number in range(7):
            account.contacts.add_group(f"g{number}")
        contents = await contents_of(account.book, addresses)
        assert {card.uid for card in contents.cards} == {f"u{number}" for number in range(8)}
        assert len(contents.groups) == 7


async def test_a_refusal_is_raised() -> None:
    async with open_account() as account:

        def refuse(name: str, arguments: Arguments) -> None:
            if name == "ContactCard/query":
                raise MethodFailure("serverUnavailable")

        account.contacts.before = refuse
        with pytest.raises(MethodError, match="serverUnavailable"):
            await account.read()


async def test_the_default_address_book_is_described_and_used() -> None:
    async with open_account() as account:
        described = await account.book.describe()
        assert described.name == "Personal"
        assert described.url == (await account.client.session()).api_url
        await account.write(creating())
        assert account.contacts.cards.cards["uid new"]["addressBookIds"] == {"Default": True}


def books(account: Account, *wanted: tuple[str, bool, bool]) -> None:
    """Have the server tell of these address books: name, is default, may be written to."""

    def tell(name: str, result: Arguments) -> None:
        if name == "AddressBook/get":
            result["list"] = [
                {"id": name, "name": name, "isDefault": default, "myRights": {"mayWrite": write}}
                for name, default, write in wanted
            ]

    account.contacts.after = tell


async def test_an_address_book_that_may_not_be_written_to_is_left_out() -> None:
    async with open_account() as account:
        account.contacts.cards.books["Other"] = {"name": "Other"}
        for uid, book in (("mine", "Other"), ("theirs", "Default")):
            emails = {"e": {"address": ANN}}
            account.contacts.add(uid, emails=emails, addressBookIds={book: True})
        books(account, ("Default", True, False), ("Other", False, True))
        assert [card.uid for card in (await account.read()).cards] == ["mine"]
        assert (await account.book.describe()).name == "Other"


@pytest.mark.parametrize("there", [[], [("Default", True, False)]])
async def test_without_a_writable_address_book_nothing_goes(there: Any) -> None:
    async with open_account() as account:
        books(account, *there)
        for attempt in (account.read(), account.book.describe(), account.write(creating())):
            with pytest.raises(AddressBookError, match="may not write to any address book"):
                await attempt


async def test_unreadable_cards_hide_no_others() -> None:
    async with open_account() as account:
        account.contacts.add_ann()

        def spoil(name: str, result: Arguments) -> None:
            if name == "ContactCard/get":
                result["list"] += [None, {"id": "x"}]

        account.contacts.after = spoil
        assert [card.uid for card in (await account.read()).cards] == ["ann"]


async def test_who_is_on_a_card_without_a_uid_is_known() -> None:
    async with open_account() as account:

        def add(name: str, result: Arguments) -> None:
            if name == "ContactCard/get":
                result["list"] += [{"id": "x", "emails": {"1": {"address": "Bo@x.example (home)"}}}]

        account.contacts.after = add
        index = (await account.book.sync()).index
        assert index.knows("bo@x.example")
        assert index.card_ids == frozenset()


async def test_groups_are_made_within_the_limits_and_named_when_refused() -> None:
    limits = replace(STALWART_LIMITS, max_objects_in_set=2)
    async with open_account(Quirks(limits=limits)) as account:
        await account.book.create_groups(["a", "b", "c"])
        groups = (await account.read()).groups
        assert {group.name for group in groups} == {"a", "b", "c"}
        assert len(account.contacts.sets()) == 2

        def spoil(name: str, arguments: Arguments) -> None:
            for card in arguments.get("create", {}).values():
                card["version"] = "2.0"

        account.contacts.before = spoil
        with pytest.raises(AddressBookError, match="contact group d: invalidProperties version"):
            await account.book.create_groups(["d"])


async def test_a_group_whose_making_was_not_heard_of_is_there() -> None:
    async with open_account() as account:

        def make(name: str, arguments: Arguments) -> None:
            for card in arguments.get("create", {}).values():
                account.contacts.cards.create_card(card)

        account.contacts.before = make
        await account.book.create_groups(["a"])
        assert [group.name for group in (await account.read()).groups] == ["a"]


async def test_a_refused_making_of_groups_is_raised() -> None:
    async with open_account() as account:

        def refuse(name: str, arguments: Arguments) -> None:
            if name == "ContactCard/set":
                raise MethodFailure("serverFail")

        account.contacts.before = refuse
        with pytest.raises(MethodError, match="serverFail"):
            await account.book.create_groups(["a"])
        assert (await account.read()).is_empty


def test_a_search_for_everything_has_no_filter() -> None:
    query, get = asked(find_cards("a", {}, limit=5))
    assert query[1] == {"accountId": "a", "position": 0, "limit": 5, "calculateTotal": True}
    assert get[1]["#ids"] == {"resultOf": "0", "name": "ContactCard/query", "path": "/ids"}


def test_nothing_to_set_takes_no_call() -> None:
    operation = set_cards("a", CardWrites(if_in_state="1"))
    assert operation.calls == ()
    assert read(operation) == WriteResult()


def test_what_a_set_says_nothing_of_has_not_been_done() -> None:
    writes = CardWrites(create={"a": {}, "b": {}}, update={"c": {}}, destroy=["d", "e"])
    answer = {
        "created": {"a": {"id": "1"}},
        "updated": None,
        "destroyed": ["d"],
        "notCreated": {"b": {"type": "forbidden"}},
    }
    failed = read(set_cards("x", writes), answer).failed
    silent = SetError("serverFail", "the answer does not mention this object")
    assert failed == {"b": SetError("forbidden"), "c": silent, "e": silent}


@pytest.mark.parametrize(
    "answer", [{"created": ["a"]}, {"destroyed": {"a": None}}, {"notUpdated": 5}]
)
def test_a_set_without_the_promised_shape_is_refused(answer: Any) -> None:
    done = read(set_cards("x", CardWrites(create={"a": {}})), {"created": {"a": {}}, **answer})
    assert done.refusal is not None
    assert done.refusal.type == "serverFail"
    assert not done.is_outdated


@pytest.mark.parametrize("answer", [{}, {"list": None}, {"list": {}}])
def test_an_answer_without_a_list_is_not_an_empty_one(answer: Any) -> None:
    with pytest.raises(MethodError, match="promised shape"):
        read(get_cards("a", ["1"]), answer)
    with pytest.raises(MethodError, match="promised shape"):
        read(get_books("a"), answer)
    with pytest.raises(MethodError, match="promised shape"):
        read(find_cards("a", {}, limit=1), {"ids": None}, {"list": []})


def test_an_address_book_without_rights_may_be_written_to() -> None:
    answer = {
        "list": [{"id": "a", "name": "A"}, None, {"id": "b", "myRights": {"mayWrite": False}}]
    }
    assert read(get_books("x"), answer) == (
        Book("a", "A", is_default=False, is_writable=True),
        Book("b", "", is_default=False, is_writable=False),
    )
