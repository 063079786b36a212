"""Writing to a CardDAV address book that does what it should, and shares it with others."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from mailroom.contacts.model import AddressBookError, ContactEdit, CreateCard, DeleteCard
from mailroom.sandbox.contacts.dav_xml import refusal
from tests.support.domain.contact_edits import ANN, LINE, creating, noting
from tests.support.sandbox.carddav import BOOK
from tests.support.sandbox.carddav_account import (
    FEED,
    IMBOX,
    Account,
    answering,
    once,
    open_account,
)

OTHER = "X-OTHER:somebody else was here"


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    async with open_account() as account:
        yield account


async def test_a_card_is_made_and_put_into_its_groups(account: Account) -> None:
    assert await account.write(creating(join=frozenset({FEED, IMBOX}))) == {}
    (card,) = (await account.read("new@x.example")).cards
    assert (card.id, card.uid, card.note) == (f"{BOOK}uid%20new.vcf", "uid new", LINE)
    assert card.untouched
    assert "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:uid new\r\n" in account.text("feed.vcf")
    assert "\r\nMEMBER:uid new\r\n" in account.text("imbox.vcf")


async def test_an_update_keeps_every_other_line(account: Account) -> None:
    before = account.text("ann.vcf")
    assert await account.write(noting(account.ann)) == {}
    assert account.text("ann.vcf") == before.replace("END:", f"NOTE:{LINE}\r\nEND:")


async def test_sixty_contacts_take_one_request_each_and_one_for_the_group(account: Account) -> None:
    edits = [creating(f"n{number}", join=frozenset({FEED})) for number in range(60)]
    assert await account.write(*edits) == {}
    assert account.dav.count("PUT") == 61
    assert account.dav.count("GET") == 0
    assert account.text("feed.vcf").count("MEMBER") == 60


async def test_what_changes_nothing_writes_nothing(account: Account) -> None:
    await account.write(noting(account.ann, join=frozenset({FEED}), leave=frozenset({IMBOX})))
    await account.read()
    before = len(account.dav.requests)
    again = noting(account.ann, join=frozenset({FEED}), leave=frozenset({IMBOX}))
    assert await account.write(again) == {}
    assert len(account.dav.requests) == before


async def test_a_contact_joins_before_it_leaves_and_places_are_changed_safely(
    account: Account,
) -> None:
    await account.write(creating("bob", join=frozenset({FEED})))
    await account.read(ANN, "bob@x.example")
    before = len(account.dav.requests)
    swap = [
        ContactEdit("a", "ann", join=frozenset({FEED}), leave=frozenset({IMBOX})),
        ContactEdit("b", "uid bob", join=frozenset({IMBOX}), leave=frozenset({FEED})),
    ]
    assert await account.write(*swap) == {}
    members = {group.name: group.members for group in (await account.read()).groups}
    assert members == {"Feed": {"ann"}, "Imbox": {"uid bob"}}
    puts = [each for each in account.dav.requests[before:] if each.startswith("PUT")]
    assert len(puts) == 4
    assert set(puts[:2]) == {f"PUT {FEED}", f"PUT {IMBOX}"}


async def test_somebody_elses_change_is_kept(account: Account) -> None:
    card = account.text("ann.vcf").replace("END:", f"{OTHER}\r\nEND:")
    account.dav.cards[BOOK + "ann.vcf"] = card.encode()
    group = account.text("feed.vcf").replace("END:", "X-ADDRESSBOOKSERVER-MEMBER:x\r\nEND:")
    account.dav.cards[FEED] = group.encode()
    assert await account.write(noting(account.ann, join=frozenset({FEED}))) == {}
    assert account.text("ann.vcf") == card.replace("END:", f"NOTE:{LINE}\r\nEND:")
    assert {"x", "ann"} in [group.members for group in (await account.read()).groups]


async def test_a_card_that_another_instance_made_is_taken(account: Account) -> None:
    await account.write(creating())
    theirs = account.text("uid%20new.vcf").replace("END:", f"{OTHER}\r\nEND:")
    account.dav.cards[f"{BOOK}uid%20new.vcf"] = theirs.encode()
    edit = creating(join=frozenset({FEED}))
    assert isinstance(edit.card, CreateCard)
    again = replace(edit, card=replace(edit.card, note="Triaged to Jail on 2026-02-26"))
    assert await account.write(again) == {}
    assert account.text("uid%20new.vcf") == theirs.replace(
        LINE + "\r\n", LINE + "\\nTriaged to Jail on 2026-02-26\r\n"
    )
    assert "uid new" in account.text("feed.vcf")
    assert account.dav.count("GET") == 1


async def test_a_uid_that_is_somebody_elses_is_left_to_them(account: Account) -> None:
    account.dav.put("uid%20new.vcf", "UID:uid new", "FN:Eve", "EMAIL:eve@x.example")
    theirs = account.text("uid%20new.vcf")
    for _ in range(2):
        assert await account.write(creating(join=frozenset({FEED}))) == {}
        (card,) = (await account.read("new@x.example")).cards
        assert card.uid in account.text("feed.vcf")
    assert account.text("uid%20new.vcf") == theirs
    assert account.text("feed.vcf").count("MEMBER") == 1


async def test_a_conflict_of_uids_leads_to_the_other_card(account: Account) -> None:
    account.dav.put("elsewhere.vcf", "UID:uid new", "FN:New", "N:;;;;", "EMAIL:NEW@x.example")
    conflict = f"<c:no-uid-conflict><d:href>{BOOK}elsewhere.vcf</d:href></c:no-uid-conflict>"
    account.dav.fault = answering("PUT", "uid", lambda: refusal(403, conflict))
    assert await account.write(creating()) == {}
    assert f"NOTE:{LINE}" in account.text("elsewhere.vcf")


async def test_a_card_whose_uids_are_all_taken_fails(account: Account) -> None:
    account.dav.fault = answering("PUT", "", lambda: web.Response(status=412))
    assert "taken" in (await account.write(creating()))["new"]


async def test_a_card_is_deleted_after_it_left_its_groups(account: Account) -> None:
    edit = ContactEdit("a", "ann", DeleteCard(account.ann), leave=frozenset({IMBOX}))
    assert await account.write(edit) == {}
    assert BOOK + "ann.vcf" not in account.dav.cards
    look = f"REPORT {BOOK}"
    assert account.dav.requests[-3:] == [f"PUT {IMBOX}", look, f"DELETE {BOOK}ann.vcf"]


async def test_a_card_that_somebody_changed_is_not_deleted(account: Account) -> None:
    changed = account.text("ann.vcf").replace("END:", "TEL:1\r\nEND:").encode()
    account.dav.cards[BOOK + "ann.vcf"] = changed
    edit = ContactEdit("a", "ann", DeleteCard(account.ann))
    assert await account.write(edit) == {"a": f"{BOOK}ann.vcf was changed in the meantime"}
    assert account.dav.cards[BOOK + "ann.vcf"] == changed


async def test_a_card_read_long_ago_is_not_deleted_on_newer_knowledge(account: Account) -> None:
    old = account.ann
    await account.write(noting(old))
    await account.read()
    failures = await account.write(ContactEdit("a", "ann", DeleteCard(old)))
    assert failures == {"a": f"{BOOK}ann.vcf was changed in the meantime"}


async def test_a_card_that_is_gone_already_is_deleted(account: Account) -> None:
    del account.dav.cards[BOOK + "ann.vcf"]
    assert await account.write(ContactEdit("a", "ann", DeleteCard(account.ann))) == {}


@pytest.mark.parametrize("what", ["", "lose it", "lose the answer"])
async def test_groups_are_made_in_the_common_form(account: Account, what: str) -> None:
    account.dav.fault = once("PUT", what)
    await account.book.create_groups(["Paper; Trail", "Jail"])
    groups = {group.name: group for group in (await account.read()).groups}
    assert set(groups) == {"Feed", "Imbox", "Paper; Trail", "Jail"}
    made = account.dav.cards[groups["Jail"].id]
    assert b"VERSION:3.0\r\n" in made
    assert b"X-ADDRESSBOOKSERVER-KIND:group\r\n" in made


async def test_groups_are_made_as_vcard_4_where_all_are(account: Account) -> None:
    del account.dav.cards[FEED]
    await account.book.create_groups(["Jail"])
    (jail,) = (group for group in (await account.read()).groups if group.name == "Jail")
    assert b"VERSION:4.0\r\n" in account.dav.cards[jail.id]
    assert b"KIND:group\r\n" in account.dav.cards[jail.id]


async def test_a_refused_group_is_named(account: Account) -> None:
    account.dav.fault = answering("PUT", "", lambda: web.Response(status=403))
    with pytest.raises(AddressBookError, match=r"contact group Jail: .* cannot be made \(403"):
        await account.book.create_groups(["Jail"])
