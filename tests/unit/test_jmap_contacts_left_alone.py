"""Over JMAP a card that Mailroom did not make is put into groups, and nothing else."""

import copy
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mailroom.contacts.model import AddressBookError, ContactEdit, Names, UpdateCard
from mailroom.sandbox.context import Arguments
from tests.support.domain.contact_edits import ANN, LINE, creating, noting
from tests.support.sandbox.jmap_account import Account, open_account


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    async with open_account(annotate=False) as opened:
        yield opened


async def test_somebodys_card_joins_a_group_and_stays_as_it_is(account: Account) -> None:
    account.contacts.add_ann(nicknames={"n": {"name": "Annie"}})
    account.contacts.add_group("feed")
    before = copy.deepcopy(account.contacts.cards.cards["ann"])
    await account.read()
    assert not account.ann.is_editable
    fill = UpdateCard(account.ann, fill=Names(given="Ann"), add_line=LINE, forget=True)
    edit = ContactEdit("ann", "ann", fill, join=frozenset({"feed"}))

    assert await account.write(edit) == {}
    assert account.contacts.members("feed") == {"ann"}
    assert account.contacts.cards.cards["ann"] == before
    (only,) = account.contacts.sets()
    assert [*only["update"]] == ["feed"]


async def test_a_card_that_mailroom_made_gets_lines_until_something_could_be_lost(
    account: Account,
) -> None:
    await account.read()
    assert await account.write(creating("ann")) == {}
    await account.read(ANN)
    assert account.ann.is_editable
    again = replace(noting(account.ann), card=UpdateCard(account.ann, add_line=f"Re-t{LINE[1:]}"))
    assert await account.write(again) == {}
    assert account.contacts.cards.cards["uid ann"]["notes"]["mailroom"]["note"] == LINE

    account.contacts.patch("uid ann", nicknames={"n": {"name": "Annie"}})
    before = copy.deepcopy(account.contacts.cards.cards["uid ann"])
    (theirs,) = (await account.read(ANN)).cards
    assert not theirs.is_editable
    later = UpdateCard(theirs, add_line="Re-triaged to Jail on 2026-02-26 at 10:00")
    assert await account.write(ContactEdit("ann", "uid ann", later)) == {}
    assert account.contacts.cards.cards["uid ann"] == before


async def test_a_group_whose_members_have_digits_for_uids_is_written_whole(
    account: Account,
) -> None:
    """Stalwart up to 0.16.4 refuses a path in which a token is a number."""
    account.contacts.add("7", name={"full": "Ann"}, emails={"e": {"address": ANN}})
    account.contacts.add_group("feed", "other")
    account.contacts.add_group("jail", "7", "third")
    refused: list[str] = []

    def refuse_digits(name: str, arguments: Arguments) -> None:
        updates = arguments.get("update", {})
        for group, patch in [*updates.items()]:
            if name == "ContactCard/set" and any(path.endswith("/7") for path in patch):
                refused.append(group)
                del updates[group]

    def say_so(name: str, result: Arguments) -> None:
        if name == "ContactCard/set" and refused:
            error = {"type": "invalidProperties", "properties": ["members/7"]}
            result["notUpdated"] = dict.fromkeys(refused, error)
            refused.clear()

    account.contacts.before, account.contacts.after = refuse_digits, say_so
    await account.read()
    edit = ContactEdit("7", "7", join=frozenset({"feed"}), leave=frozenset({"jail"}))
    assert await account.write(edit) == {}
    assert account.contacts.members("feed") == {"other", "7"}
    assert account.contacts.members("jail") == {"third"}
    assert account.contacts.sets()[-1]["ifInState"]


@pytest.mark.parametrize(
    ("kind", "is_lasting"),
    [("forbidden", True), ("overQuota", True), ("invalidProperties", True), ("willDestroy", False)],
)
async def test_a_failure_tells_whether_it_lasts(
    account: Account, kind: str, *, is_lasting: bool
) -> None:
    account.contacts.add_ann()
    account.contacts.add_group("feed")
    await account.read()
    for _ in range(2):
        account.contacts.refuse_once("feed", kind)
    edit = ContactEdit("ann", "ann", join=frozenset({"feed"}))
    failures = await account.book.write([edit], account.seen.snapshot)
    if kind == "invalidProperties":
        assert failures == {}, "written whole"
        return
    error = failures["ann"]
    assert isinstance(error, AddressBookError)
    assert error.is_lasting is is_lasting
