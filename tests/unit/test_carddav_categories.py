"""Groups kept as CATEGORIES on the cards of their members."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from mailroom.contacts.carddav import CardDavAddressBook, Options
from mailroom.contacts.model import Card, ContactEdit, DeleteCard, UpdateCard
from mailroom.contacts.vcard.groups import categories_of, with_categories
from mailroom.contacts.vcard.lines import VCard
from tests.support.domain.contact_edits import creating
from tests.support.sandbox.carddav import BOOK, DavServer, serving
from tests.support.sandbox.carddav_account import Account

NAMES = frozenset({"Feed", "Imbox", "Paper Trail", "Mailroom"})
FEED, IMBOX, MAILROOM = "categories:feed", "categories:imbox", "categories:mailroom"
LONG = "Z" * 70


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    dav = DavServer()
    dav.put("ann.vcf", "UID:ann", "FN:Ann", "EMAIL:ann@x.example", "item1.categories:Friends,imbox")
    dav.put("bob.vcf", "UID:bob", "FN:Bob", "EMAIL:bob@x.example", "X-OTHER:1")
    dav.put("old.vcf", "UID:old", "FN:Feed", "KIND:group", "MEMBER:bob")
    async with serving(dav) as (url, http):
        options = Options(group_names=NAMES, groups_are_categories=True)
        yield Account(book=CardDavAddressBook(http, url, options), dav=dav)


async def members(account: Account) -> dict[str, frozenset[str]]:
    return {group.name: group.members for group in (await account.book.sync()).groups}


def moving(
    card: Card, join: str = "", leave: str = "", change: UpdateCard | None = None
) -> ContactEdit:
    return ContactEdit(
        card.uid,
        card.uid,
        change,
        frozenset(filter(None, [join])),
        frozenset(filter(None, [leave])),
    )


async def test_every_group_is_there_and_its_members_are_those_that_say_so(account: Account) -> None:
    assert await members(account) == {
        "Feed": frozenset(),
        "Imbox": {"ann"},
        "Paper Trail": frozenset(),
        "Mailroom": frozenset(),
    }


async def test_a_contact_joins_and_leaves_and_its_card_is_as_before(account: Account) -> None:
    before = dict(account.dav.cards)
    for name in ("ann", "bob"):
        (card,) = (await account.read(f"{name}@x.example")).cards
        assert await account.write(moving(card, join=FEED, change=UpdateCard(card))) == {}
        assert (await members(account))["Feed"] == {name}
        (card,) = (await account.read(f"{name}@x.example")).cards
        assert await account.write(moving(card, leave=FEED)) == {}
        assert account.dav.cards == before
    assert (await members(account))["Imbox"] == {"ann"}


async def test_a_new_card_has_its_categories_and_is_deleted_untouched(account: Account) -> None:
    await account.read("new@x.example")
    assert await account.write(creating(join=frozenset({FEED, MAILROOM}))) == {}
    assert "\r\nCATEGORIES:Feed,Mailroom\r\n" in account.text("uid%20new.vcf")
    assert (await members(account))["Mailroom"] == {"uid new"}
    (card,) = (await account.read("new@x.example")).cards
    assert card.untouched
    leave = frozenset({FEED, MAILROOM})
    edit = ContactEdit("new", card.uid, DeleteCard(card), leave=leave)
    assert await account.write(edit) == {}
    assert BOOK + "uid%20new.vcf" not in account.dav.cards
    assert (await members(account))["Mailroom"] == frozenset()


async def test_a_card_that_came_into_a_further_group_is_not_deleted(account: Account) -> None:
    await account.read("new@x.example")
    assert await account.write(creating(join=frozenset({FEED}))) == {}
    (card,) = (await account.read("new@x.example")).cards
    text = account.dav.cards[BOOK + "uid%20new.vcf"]
    account.dav.cards[BOOK + "uid%20new.vcf"] = text.replace(b":Feed", b":Feed,Imbox")
    edit = ContactEdit("new", card.uid, DeleteCard(card), leave=frozenset({FEED}))
    assert list(await account.write(edit)) == ["new"]
    assert BOOK + "uid%20new.vcf" in account.dav.cards


async def test_the_setting_is_named_where_cards_have_these_categories(account: Account) -> None:
    assert await account.book.remarks() == ()
    async with serving(account.dav) as (url, http):
        (remark,) = await CardDavAddressBook(http, url, Options(group_names=NAMES)).remarks()
    assert "categories Imbox" in remark
    assert "MAILROOM_CONTACTS_GROUPS=categories" in remark


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "CATEGORIES:Friends\r\n",
        "CATEGORIES:\r\n",
        "CATEGORIES:A\\,B,C\\;D\r\nCATEGORIES:E\r\n",
        "item2.CATEGORIES;X=y:F\r\n",
        f"CATEGORIES:{LONG}\r\n",
        f"CATEGORIES:Fri\r\n ends,{LONG}\r\n {LONG}\r\n",
        "NOTE:x\r\nCATEGORIES:a\\\r\n",
    ],
)
def test_joining_and_leaving_gives_every_byte_back(lines: str) -> None:
    card = VCard.parse(f"BEGIN:VCARD\r\nUID:a\r\n{lines}X-LAST:1\r\nEND:VCARD\r\n".encode())
    joined = with_categories(card, join={"Paper, Trail", "Feed"}, leave=())
    assert {"Paper, Trail", "Feed"} <= set(categories_of(joined))
    assert set(categories_of(card)) <= set(categories_of(joined))
    left = with_categories(joined, join=(), leave={"FEED", "paper,  trail"})
    assert bytes(left) == bytes(card)


@pytest.mark.parametrize("what", ["written", "not written"])
async def test_a_put_that_is_answered_200_is_looked_at_again(account: Account, what: str) -> None:
    """RFC 9110 wants 201 or 204: a proxy may have answered in place of the server."""

    def fault(request: web.Request, body: bytes) -> web.Response | None:
        if request.method != "PUT":
            return None
        if what == "written":
            account.dav.cards[BOOK + "bob.vcf"] = body
        return web.Response(status=200, text="<html>Welcome")

    (card,) = (await account.read("bob@x.example")).cards
    account.dav.fault = fault
    failures = await account.write(moving(card, join=FEED))
    assert list(failures) == ([] if what == "written" else ["bob"])
