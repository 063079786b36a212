"""Which address book is written, what is known of the others, and ids that change."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mailroom.contacts.jmap.books import Book, choose_book
from mailroom.contacts.model import (
    AddressBookError,
    ContactEdit,
    DeleteCard,
    ReadOnlyAddressBookError,
    UpdateCard,
)
from mailroom.sandbox.context import Arguments
from mailroom.sandbox.history import History
from mailroom.screener.model.missing import MissingError
from tests.support.domain.contact_edits import ANN, LINE, creating, noting
from tests.support.sandbox.jmap_account import Account, open_account

ALPHA = Book("a", "Alpha", is_default=False, is_writable=True)
MINE = Book("m", "My contacts", is_default=True, is_writable=True)
STAFF = Book("s", "Staff", is_default=False, is_writable=False)


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    async with open_account() as opened:
        yield opened


@pytest.mark.parametrize(
    ("books", "wanted", "chosen"),
    [
        ([ALPHA, MINE, STAFF], "", MINE),
        ([ALPHA, STAFF], "", ALPHA),
        ([ALPHA, MINE], "alpha", ALPHA),
        ([ALPHA, MINE], "a", ALPHA),
        ([Book("d", "D", is_default=True, is_writable=False), ALPHA], "", ALPHA),
    ],
)
def test_the_right_address_book_is_chosen(books: list[Book], wanted: str, chosen: Book) -> None:
    assert choose_book(books, wanted) == chosen
    assert choose_book(books[::-1], wanted) == chosen


@pytest.mark.parametrize(
    ("books", "wanted", "error", "words"),
    [
        ([ALPHA, Book("z", "Zoo", is_default=False, is_writable=True)], "", "", "'Alpha', 'Zoo'"),
        ([ALPHA, MINE], "Club", "", "there are: 'Alpha', 'My contacts'"),
        ([STAFF, MINE], "Staff", "read-only", "may not write"),
        ([STAFF], "", "read-only", "may not write to any"),
        ([], "", "read-only", "there are: none"),
    ],
)
def test_where_a_person_has_to_choose_nothing_is_guessed(
    books: list[Book], wanted: str, error: str, words: str
) -> None:
    expected = ReadOnlyAddressBookError if error else AddressBookError
    with pytest.raises(expected, match=words):
        choose_book(books, wanted)


async def test_everybody_in_a_readable_address_book_is_known(account: Account) -> None:
    account.contacts.cards.books |= {name: {"name": name} for name in ("Staff", "Club")}
    for uid, book in (("boss", "Staff"), ("pal", "Club")):
        emails = {"e": {"address": f"{uid}@x.example"}}
        account.contacts.add(uid, emails=emails, addressBookIds={book: True})

    def tell(name: str, result: Arguments) -> None:
        for book in result["list"] if name == "AddressBook/get" else ():
            book["myRights"] = {"mayWrite": book["id"] != "Staff"}

    account.contacts.after = tell
    index = (await account.book.sync()).index
    assert index.knows("boss@x.example")
    assert index.ids_of(["boss@x.example"]) == frozenset()
    (pal,) = (await account.read("boss@x.example", "pal@x.example")).cards
    assert (pal.uid, pal.is_editable) == ("pal", False)


def change_ids(account: Account) -> None:
    """Give new ids to all cards and groups; the state stays as it is, and nothing is told."""
    store = account.contacts.cards
    store.cards = {f"new-{card_id}": card for card_id, card in store.cards.items()}
    store.card_history = History()
    for card_id in store.cards:
        store.card_history.record_created(card_id, store.state())


async def test_cards_whose_ids_have_changed_are_read_again(account: Account) -> None:
    account.contacts.add_ann()
    account.contacts.add_group("feed")
    await account.read()
    change_ids(account)
    await account.read()
    assert account.ann.id == "new-ann"
    assert await account.write(noting(account.ann, join=frozenset({"feed"}))) == {}
    assert account.contacts.members("new-feed") == {"ann"}
    await account.read()
    assert [group.id for group in account.seen.groups] == ["new-feed"]


@pytest.mark.parametrize("kind", ["join", "update", "delete", "create"])
async def test_an_edit_finds_cards_and_groups_under_new_ids(account: Account, kind: str) -> None:
    account.contacts.add_ann()
    account.contacts.add_group("feed", "other")
    account.contacts.add_group("jail", "ann")
    await account.read()
    join, leave = frozenset({"feed"}), frozenset({"jail"})
    edits: dict[str, Any] = {
        "join": ContactEdit("ann", "ann", join=join, leave=leave),
        "update": ContactEdit("ann", "ann", UpdateCard(account.ann, add_line=LINE), join, leave),
        "delete": ContactEdit("ann", "ann", DeleteCard(account.ann), leave=leave),
        "create": creating(join=join),
    }
    change_ids(account)
    assert await account.write(edits[kind]) == {}
    cards = account.contacts.cards.cards
    joined = {"join": {"ann"}, "update": {"ann"}, "delete": set[str](), "create": {"uid new"}}
    assert {*cards["new-feed"]["members"]} == {"other", *joined[kind]}
    assert ("ann" in cards["new-jail"]["members"]) is (kind == "create")
    assert ("new-ann" in cards) is (kind != "delete")
    if kind == "update":
        assert LINE in str(cards["new-ann"]["notes"])


async def test_a_group_that_is_gone_for_good_still_fails(account: Account) -> None:
    account.contacts.add_ann()
    account.contacts.add_group("feed")
    await account.read()
    account.contacts.cards.destroy_card("feed")
    failures = await account.write(ContactEdit("ann", "ann", join=frozenset({"feed"})))
    assert failures.keys() == {"ann"}
    assert (await account.read(ANN)).groups == ()


async def test_groups_that_are_there_for_carddav_only_are_named(account: Account) -> None:
    """On Stalwart a group that was made over CardDAV in Apple's form is a plain card over JMAP."""
    account.contacts.add("feed", name={"full": "Feed"})
    account.contacts.add_ann()
    index = (await account.book.sync()).index
    assert index.names_without_address(["Jail", "Feed", "Ann"]) == ["Feed"]
    error = MissingError(groups=["Jail", "Feed"], only_carddav=["Feed"])
    assert "over CardDAV there are groups of these names, but not over JMAP: Feed" in str(error)
    account.contacts.patch("feed", emails={"e": {"address": "feed@x.example"}})
    assert (await account.book.sync()).index.names_without_address(["Feed"]) == []
