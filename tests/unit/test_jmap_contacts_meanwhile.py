"""Writing contacts over JMAP while somebody else does so: what is taken back, and what is not."""

from collections.abc import AsyncIterator, Collection

import pytest

from mailroom.contacts.model import ContactEdit, DeleteCard
from mailroom.sandbox.context import Arguments
from mailroom.sandbox.errors import MethodFailure
from tests.support.domain.contact_edits import noting
from tests.support.sandbox.jmap_account import Account, Hook, WatchedContacts, open_account

FEED, IMBOX = frozenset({"feed"}), frozenset({"imbox"})


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    """Ann is in Imbox and Other; Feed is empty."""
    async with open_account() as opened:
        opened.contacts.add_ann()
        opened.contacts.add_group("feed")
        opened.contacts.add_group("imbox", "ann")
        opened.contacts.add_group("other", "ann")
        await opened.read()
        yield opened


async def test_what_became_of_a_refused_contact_may_not_be_found_out(account: Account) -> None:
    account.contacts.refuse_once("feed", "forbidden")
    leave_out = account.contacts.before

    def refuse_to_tell(name: str, arguments: Arguments) -> None:
        if name == "ContactCard/get":
            raise MethodFailure("serverUnavailable")
        leave_out(name, arguments)

    account.contacts.before = refuse_to_tell
    failures = await account.write(noting(account.ann, join=FEED, leave=IMBOX))
    assert failures == {"ann": "contact group Feed: forbidden"}
    assert account.contacts.members("imbox") == {"ann"}


def deleting(account: Account) -> ContactEdit:
    leave = IMBOX | {"other"}
    return ContactEdit("ann", "ann", DeleteCard(account.ann), leave=leave)


def joining(contacts: WatchedContacts, member: str, moments: Collection[int]) -> Hook:
    """Have somebody put into Feed before some of the steps of a deletion that is disturbed at once.

    Those are: to delete the card, to look at it again, and to delete it after that.
    """
    steps: list[str] = []

    def join(name: str, arguments: Arguments) -> None:
        if name == "ContactCard/set" or arguments.get("ids") == ["ann"]:
            steps.append(name)
            if len(steps) in moments:
                contacts.patch("feed", **{f"members/{member}": True})
            elif len(steps) == 1:
                contacts.patch("feed", **{"members/somebody": True})

    return join


@pytest.mark.parametrize("moment", [1, 2, 3])
async def test_a_card_that_joins_a_group_before_it_is_deleted_stays(
    account: Account, moment: int
) -> None:
    account.contacts.before = joining(account.contacts, "ann", {moment})
    failures = await account.write(deleting(account))
    assert failures == {"ann": "card ann was put into contact group Feed in the meantime"}
    assert "ann" in account.contacts.cards.cards
    for group in ("feed", "imbox", "other"):
        assert "ann" in account.contacts.members(group)


async def test_a_card_is_deleted_whoever_else_joins_a_group(account: Account) -> None:
    account.contacts.before = joining(account.contacts, "bob", {2, 3})
    assert await account.write(deleting(account)) == {}
    assert "ann" not in account.contacts.cards.cards
    assert account.contacts.members("imbox") == account.contacts.members("other") == set()


async def test_whose_card_somebody_else_deleted_is_taken_back_to_no_group(account: Account) -> None:
    account.contacts.refuse_once("other", "forbidden")
    leave_out = account.contacts.before

    def delete_first(name: str, arguments: Arguments) -> None:
        if name == "ContactCard/set":
            if "ann" in account.contacts.cards.cards:
                account.contacts.cards.destroy_card("ann")
            else:
                leave_out(name, arguments)

    account.contacts.before = delete_first
    assert await account.write(deleting(account)) == {"ann": "contact group Other: forbidden"}
    assert account.contacts.members("imbox") == account.contacts.members("other") == set()
