"""The promises of an address book (:class:`mailroom.contacts.book.AddressBook`), on every server.

The same behaviour over CardDAV on Cyrus, Radicale, Xandikos and the sandbox, and over JMAP on the
sandbox.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mailroom.contacts.book import AddressBook
from mailroom.contacts.model import (
    Card,
    ContactEdit,
    ContactType,
    CreateCard,
    DeleteCard,
    Names,
    UpdateCard,
)
from tests.support.domain.contents import NOTHING, contents_of
from tests.support.servers.address_books import SERVERS, Account, OpenAccount

LINE = "Triaged to Feed on 2026-02-25"
LATER = "Re-triaged to Imbox on 2026-02-26"
ANN = "ann@x.example"
NONE: frozenset[str] = frozenset()


@pytest.fixture(params=SERVERS)
async def account(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    open_account: OpenAccount = request.param
    async with open_account() as opened:
        yield opened


@pytest.fixture
def book(account: Account) -> AddressBook:
    return account.open_book()


def creating(
    number: int = 0, *, join: frozenset[str] = NONE, address: str = "", names: Names | None = None
) -> ContactEdit:
    """Make a card for ``<number>@x.example``."""
    uid = f"c0ffee00-0000-4000-8000-{number:012}"
    names = names or Names(full=f"Ann {number}", given="Ann", surname=str(number))
    address = address or f"{number}@x.example"
    card = CreateCard(uid, ContactType.PERSON, names, address, LINE)
    return ContactEdit(uid, uid, card, join=join)


async def the_card(book: AddressBook, address: str = ANN) -> Card:
    (card,) = (await contents_of(book, [address])).cards
    return card


async def groups_of(book: AddressBook) -> dict[str, set[str]]:
    return {group.name: {*group.members} for group in (await contents_of(book, [])).groups}


async def make_groups(book: AddressBook, *names: str) -> dict[str, frozenset[str]]:
    """Make groups; name -> its id, as edits want it."""
    await book.create_groups(names)
    return {group.name: frozenset({group.id}) for group in (await contents_of(book, [])).groups}


async def write(book: AddressBook, *edits: ContactEdit) -> None:
    """Carry out edits on the present contents; nothing may fail."""
    assert await book.write(edits, await book.sync()) == {}


async def update(book: AddressBook, address: str = ANN, **wanted: Any) -> None:
    card = await the_card(book, address)
    await write(book, ContactEdit("a", card.uid, UpdateCard(card, **wanted)))


async def test_a_new_address_book_is_empty(book: AddressBook) -> None:
    assert (await contents_of(book, [ANN])).is_empty


async def test_new_groups_are_found_and_empty(book: AddressBook) -> None:
    await book.create_groups(["Feed", "Paper; Trail, 🚀"])
    assert await groups_of(book) == {"Feed": set(), "Paper; Trail, 🚀": set()}


@pytest.mark.parametrize(
    "names",
    [
        Names(full="Jane Mary Doe", given="Jane Mary", surname="Doe"),
        Names(full="Acme; Inc, \\ 🚀", organization="Acme; Inc, \\ 🚀"),
        Names(full="Jane", given="Jane"),
    ],
)
async def test_a_new_card_says_what_was_asked_and_is_ours(book: AddressBook, names: Names) -> None:
    edit = creating(names=names, address="Jane.Doe@X.example")
    await write(book, edit)
    card = await the_card(book, "jane.doe@x.example")
    assert card == Card(
        id=card.id,
        uid=edit.uid,
        names=names,
        addresses=("Jane.Doe@X.example",),
        note=LINE,
        made_by_us=True,
        untouched=True,
    )


async def test_sixty_senders_join_their_groups(book: AddressBook) -> None:
    groups = await make_groups(book, "Feed", "Mailroom")
    edits = [creating(number, join=groups["Feed"] | groups["Mailroom"]) for number in range(60)]
    await write(book, *edits)
    contents = await contents_of(book, [f"{number}@X.example" for number in range(60)])
    assert {card.uid for card in contents.cards} == {edit.uid for edit in edits}
    assert all(card.untouched for card in contents.cards)
    assert await groups_of(book) == {
        "Feed": {edit.uid for edit in edits},
        "Mailroom": {edit.uid for edit in edits},
    }


async def test_addresses_are_compared_exactly_but_for_case(
    account: Account, book: AddressBook
) -> None:
    await account.owner.add("u1", "Ann", "Ann@X.example", "")
    await account.owner.add("u2", "Jo", "joann@x.example", "")
    await account.owner.add("u3", "Other", "x@ann.example", "")
    assert [card.uid for card in (await contents_of(book, ["aNN@x.example"])).cards] == ["u1"]
    assert (await contents_of(book, ["x.example", "ann", "ann@x.example.org"])).cards == ()


async def test_only_our_line_is_new_on_somebodys_card(account: Account, book: AddressBook) -> None:
    await account.owner.add("u1", "Ann", ANN, "my own\nwords")
    before = await account.owner.everything_on("u1")
    await update(book, add_line=LINE)
    card = await the_card(book)
    assert card.note == f"my own\nwords\n{LINE}"
    assert not card.made_by_us
    await update(book, remove_lines=frozenset({LINE}))
    assert await account.owner.everything_on("u1") == before


async def test_what_we_filled_can_be_taken_back(account: Account, book: AddressBook) -> None:
    await account.owner.add("u1", "Ann", ANN, "words")
    before = await account.owner.everything_on("u1")
    await update(book, fill=Names("No", "Ann", "Example", "Example, Inc"), add_line=LINE)
    card = await the_card(book)
    assert card.names == Names("Ann", "Ann", "Example", "Example, Inc")
    assert not card.made_by_us
    await update(book, forget=True, remove_lines=frozenset({LINE}))
    assert await account.owner.everything_on("u1") == before


async def test_what_somebody_made_of_what_we_filled_stays(
    account: Account, book: AddressBook
) -> None:
    await account.owner.add("u1", "Ann", ANN, "words")
    await update(book, fill=Names(organization="Example"))
    await account.owner.rename_organization("u1", "Theirs")
    await update(book, fill=Names(organization="Example"))
    await update(book, forget=True)
    assert (await the_card(book)).names.organization == "Theirs"


async def test_the_same_edit_twice_writes_once(account: Account, book: AddressBook) -> None:
    await account.owner.add("u1", "Ann", ANN, "words")
    groups = await make_groups(book, "Feed")
    edit = UpdateCard(await the_card(book), fill=Names(organization="Example"), add_line=LINE)
    await write(book, ContactEdit("a", "u1", edit, join=groups["Feed"]))
    seen = await contents_of(book, [ANN])
    sent = account.http.requests_sent
    again = ContactEdit("a", "u1", replace(edit, card=seen.cards[0]), join=groups["Feed"])
    assert await book.write([again], seen.snapshot) == {}
    assert account.http.requests_sent == sent


async def test_a_new_card_stays_ours_through_our_updates_until_somebody_touches_it(
    account: Account, book: AddressBook
) -> None:
    edit = creating()
    await write(book, edit)
    await update(book, "0@x.example", add_line=LATER)
    await update(book, "0@x.example", fill=Names(organization="Late"))
    card = await the_card(book, "0@x.example")
    assert card.untouched
    assert card.note == f"{LINE}\n{LATER}"
    assert card.names.organization == "Late"
    await account.owner.add_phone(edit.uid)
    card = await the_card(book, "0@x.example")
    assert card.made_by_us
    assert not card.untouched


async def test_a_person_s_own_word_in_the_note_makes_a_card_theirs(book: AddressBook) -> None:
    await write(book, creating())
    await update(book, "0@x.example", add_line="met her in Rome")
    card = await the_card(book, "0@x.example")
    assert card.made_by_us
    assert not card.untouched


async def test_contacts_move_between_groups(account: Account, book: AddressBook) -> None:
    groups = await make_groups(book, "Feed", "Imbox", "Friends")
    feed, imbox = groups["Feed"], groups["Imbox"]
    ann, bob = creating(0, join=feed | groups["Friends"]), creating(1, join=imbox)
    await write(book, ann, bob)
    await write(
        book,
        ContactEdit("a", ann.uid, join=imbox, leave=feed),
        ContactEdit("b", bob.uid, join=feed, leave=imbox),
    )
    assert await groups_of(book) == {
        "Feed": {bob.uid},
        "Imbox": {ann.uid},
        "Friends": {ann.uid},
    }
    await write(book, ContactEdit("a", ann.uid, join=imbox, leave=imbox | feed))
    assert await groups_of(book) == {
        "Feed": {bob.uid},
        "Imbox": {ann.uid},
        "Friends": {ann.uid},
    }


async def test_a_card_made_by_two_at_once_is_one_card(account: Account, book: AddressBook) -> None:
    groups = await make_groups(book, "Feed")
    seen = await contents_of(book, [])
    edit = creating(join=groups["Feed"])
    answers = await asyncio.gather(
        *(account.open_book().write([edit], seen.snapshot) for _ in range(2))
    )
    assert answers == [{}, {}]
    card = await the_card(book, "0@x.example")
    assert (card.uid, card.note) == (edit.uid, LINE)
    assert card.untouched
    assert await groups_of(book) == {"Feed": {edit.uid}}


async def test_a_card_changed_by_some_at_once_keeps_all_changes(
    account: Account, book: AddressBook
) -> None:
    await account.owner.add("u1", "Ann", ANN, "words")
    lines = [f"Triaged to {number} on 2026-02-25" for number in range(3)]

    async def change(line: str) -> None:
        client = account.open_book()
        edit = UpdateCard(await the_card(client), add_line=line)
        assert await client.write([ContactEdit("a", "u1", edit)], NOTHING.snapshot) == {}

    await asyncio.gather(*map(change, lines))
    assert {*(await the_card(book)).note.split("\n")} == {"words", *lines}


async def test_a_change_between_reading_and_writing_is_kept(
    account: Account, book: AddressBook
) -> None:
    await account.owner.add("u1", "Ann", ANN, "words")
    groups = await make_groups(book, "Feed")
    seen = await contents_of(book, [ANN])
    await account.owner.add_phone("u1")
    with_phone = await account.owner.everything_on("u1")
    edit = UpdateCard(seen.cards[0], add_line=LINE)
    failures = await book.write([ContactEdit("a", "u1", edit, join=groups["Feed"])], seen.snapshot)
    assert failures == {}
    await update(book, remove_lines=frozenset({LINE}))
    assert await account.owner.everything_on("u1") == with_phone
    assert await groups_of(book) == {"Feed": {"u1"}}


async def test_a_uid_that_somebody_else_s_card_has_is_left_to_it(
    account: Account, book: AddressBook
) -> None:
    groups = await make_groups(book, "Feed")
    edit = creating(join=groups["Feed"])
    await account.owner.add(edit.uid, "Other", "other@x.example", "words")
    before = await account.owner.everything_on(edit.uid)
    await write(book, edit)
    card = await the_card(book, "0@x.example")
    assert card.uid != edit.uid
    assert card.untouched
    assert await groups_of(book) == {"Feed": {card.uid}}
    assert await account.owner.everything_on(edit.uid) == before


async def test_a_card_is_deleted_and_leaves_its_groups(account: Account, book: AddressBook) -> None:
    groups = await make_groups(book, "Feed")
    await write(book, creating(join=groups["Feed"]))
    card = await the_card(book, "0@x.example")
    await write(book, ContactEdit("a", card.uid, DeleteCard(card), leave=groups["Feed"]))
    assert (await contents_of(book, ["0@x.example"])).cards == ()
    assert await groups_of(book) == {"Feed": set()}


async def test_a_card_that_somebody_changed_is_not_deleted_and_others_are(
    account: Account, book: AddressBook
) -> None:
    await write(book, creating(0), creating(1))
    seen = await contents_of(book, ["0@x.example", "1@x.example"])
    await account.owner.add_phone(seen.cards[0].uid)
    edits = [ContactEdit(card.uid, card.uid, DeleteCard(card)) for card in seen.cards]
    failures = await book.write(edits, NOTHING.snapshot)
    assert list(failures) == [seen.cards[0].uid]
    assert "changed in the meantime" in str(failures[seen.cards[0].uid])
    left = await contents_of(book, ["0@x.example", "1@x.example"])
    assert [card.uid for card in left.cards] == [seen.cards[0].uid]


async def test_a_card_that_its_owner_puts_into_a_group_meanwhile_is_not_deleted_and_others_are(
    account: Account, book: AddressBook
) -> None:
    await account.owner.add_group("b0b0b0b0-0000-4000-8000-000000000001", "Friends")
    groups = await make_groups(book, "Feed")
    await write(book, *(creating(number, join=groups["Feed"]) for number in range(2)))
    seen = await contents_of(book, ["0@x.example", "1@x.example"])
    friend, other = (card.uid for card in seen.cards)
    await account.owner.join("Friends", friend)
    edits = [
        ContactEdit(card.uid, card.uid, DeleteCard(card), leave=groups["Feed"])
        for card in seen.cards
    ]
    failures = await book.write(edits, seen.snapshot)
    assert list(failures) == [friend]
    assert "was put into contact group Friends in the meantime" in str(failures[friend])
    left = await contents_of(book, ["0@x.example", "1@x.example"])
    assert [card.uid for card in left.cards] == [friend]
    now = await groups_of(book)
    assert now["Friends"] == {friend}
    assert other not in now["Feed"]


async def test_deleting_what_is_gone_is_no_failure(account: Account, book: AddressBook) -> None:
    await write(book, creating())
    seen = await contents_of(book, ["0@x.example"])
    await account.owner.delete(seen.cards[0].uid)
    edit = ContactEdit("a", seen.cards[0].uid, DeleteCard(seen.cards[0]))
    assert await book.write([edit], NOTHING.snapshot) == {}


async def test_a_card_that_is_gone_fails_alone_and_stays_out_of_the_groups(
    account: Account, book: AddressBook
) -> None:
    groups = await make_groups(book, "Feed")
    await account.owner.add("u1", "Ann", ANN, "words")
    seen = await contents_of(book, [ANN])
    await account.owner.delete("u1")
    other = creating(join=groups["Feed"])
    gone = ContactEdit("gone", "u1", UpdateCard(seen.cards[0], add_line=LINE), join=groups["Feed"])
    failures = await book.write([gone, other], seen.snapshot)
    assert list(failures) == ["gone"]
    assert "is gone" in str(failures["gone"])
    assert await groups_of(book) == {"Feed": {other.uid}}


async def test_nothing_to_write_takes_no_request(account: Account, book: AddressBook) -> None:
    await account.owner.add("u1", "Ann", ANN, "words")
    seen = await contents_of(book, [ANN])
    sent = account.http.requests_sent
    assert await book.write([ContactEdit("a", "u1")], seen.snapshot) == {}
    assert account.http.requests_sent == sent
