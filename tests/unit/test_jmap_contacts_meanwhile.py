"""Writing contacts over JMAP while somebody else does so: what is taken back, and what is not."""

from collections.abc import AsyncIterator

import pytest

from mailroom.contacts.book import ContactEdit, DeleteCard
from mailroom.sandbox.plugin import Arguments, MethodFailure
from tests.unit.jmap_contacts_harness import Account, noting, open_account

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


async def test_whose_card_somebody_else_deleted_is_taken_back_to_no_group(account: Account) -> None:
    account.contacts.refuse_once("other", "rateLimit")
    leave_out = account.contacts.before

    def delete_first(name: str, arguments: Arguments) -> None:
        if name == "ContactCard/set":
            if "ann" in account.contacts.cards.cards:
                account.contacts.cards.destroy_card("ann")
            else:
                leave_out(name, arguments)

    account.contacts.before = delete_first
    edit = ContactEdit("ann", "ann", DeleteCard(account.ann), leave=IMBOX | {"other"})
    assert await account.write(edit) == {"ann": "contact group Other: rateLimit"}
    assert account.contacts.members("imbox") == account.contacts.members("other") == set()
