"""Writing to a CardDAV address book when something goes wrong."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from aiohttp import web

from mailroom.contacts.model import ContactEdit, DeleteCard, is_lasting
from mailroom.http import CredentialsRefusedError, ServerFailureError
from mailroom.sandbox.contacts.dav_xml import refusal
from tests.support.domain.contact_edits import ANN, LINE, creating, noting
from tests.support.domain.contents import contents_of
from tests.support.sandbox.carddav import BOOK, DavServer
from tests.support.sandbox.carddav_account import (
    FEED,
    IMBOX,
    Account,
    answering,
    once,
    open_account,
)


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    async with open_account() as account:
        yield account


async def test_a_card_that_never_holds_still_fails_and_only_that(account: Account) -> None:
    account.dav.fault = answering("PUT", "ann.vcf", lambda: web.Response(status=412))
    failures = await account.write(noting(account.ann, join=frozenset({FEED})), creating())
    assert failures == {"ann": f"{BOOK}ann.vcf is changed by somebody else all the time"}
    assert account.dav.count("GET") == 3
    assert "ann" not in account.text("feed.vcf")
    assert f"{BOOK}uid%20new.vcf" in account.dav.cards


PAGE = "<html><head><title>Blocked</title></head></html>"


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (lambda: web.Response(status=403), "cannot be changed (403 Forbidden)"),
        (lambda: web.Response(status=403, text=PAGE), "something in between answered 403"),
        (lambda: web.Response(status=413), "413"),
        (lambda: web.Response(status=423), "423"),
        (lambda: web.Response(status=507), "507 Insufficient Storage"),
        (lambda: web.Response(status=499), "(499)"),
        (lambda: refusal(403, "<d:quota-not-exceeded/>"), "Forbidden, quota-not-exceeded"),
    ],
)
async def test_a_refused_card_fails_alone_and_is_in_no_group(
    account: Account, refusal: Callable[[], web.Response], reason: str
) -> None:
    account.dav.fault = answering("PUT", "ann.vcf", refusal)
    failures = await account.write(
        noting(account.ann, join=frozenset({FEED})), creating(join=frozenset({FEED}))
    )
    assert list(failures) == ["ann"]
    assert reason in failures["ann"]
    assert "uuid:ann" not in account.text("feed.vcf")
    assert "uid new" in account.text("feed.vcf")


async def test_a_refused_group_fails_its_contacts_and_nobody_leaves(
    account: Account,
) -> None:
    account.dav.fault = answering("PUT", "feed.vcf", lambda: web.Response(status=403))
    failures = await account.write(
        noting(account.ann, join=frozenset({FEED}), leave=frozenset({IMBOX})),
        creating(join=frozenset({FEED})),
        creating("other", join=frozenset({IMBOX})),
    )
    assert set(failures) == {"ann", "new"}
    assert failures["ann"].startswith(f"contact group Feed: {FEED} cannot be changed (403")
    assert "urn:uuid:ann" in account.text("imbox.vcf")
    assert "uid other" in account.text("imbox.vcf")


@pytest.mark.parametrize("what", ["lose it", "lose the answer"])
@pytest.mark.parametrize("part", ["uid%20new", "ann.vcf", "feed.vcf", "imbox.vcf"])
async def test_a_lost_request_or_answer_is_made_good(
    account: Account, what: str, part: str
) -> None:
    account.dav.fault = once("PUT", what, part)
    edits = (
        noting(account.ann, join=frozenset({FEED}), leave=frozenset({IMBOX})),
        creating(join=frozenset({FEED})),
    )
    assert await account.write(*edits) == {}
    seen = await account.read(ANN, "new@x.example")
    assert [(card.uid, card.note) for card in seen.cards] == [("ann", LINE), ("uid new", LINE)]
    assert [group.members for group in seen.groups] == [{"ann", "uid new"}, frozenset()]
    assert len(account.dav.cards) == 4


async def test_without_an_etag_in_the_answer_the_card_is_read_again_when_needed(
    account: Account,
) -> None:
    account.dav.change_quirks(etag_after_put=False)
    account.dav.rewrite = lambda card: card.replace(b"END:", b"X-SEEN:1\r\nEND:")
    await account.write(creating("bob", join=frozenset({FEED})))
    await account.read(ANN, "bob@x.example")
    swap = [
        ContactEdit("a", "ann", join=frozenset({FEED}), leave=frozenset({IMBOX})),
        ContactEdit("b", "uid bob", join=frozenset({IMBOX}), leave=frozenset({FEED})),
    ]
    assert await account.write(*swap) == {}
    assert account.text("feed.vcf").count("X-SEEN") == 3


async def test_a_server_without_etags_is_not_written_to_blindly(account: Account) -> None:
    account.dav.change_quirks(etags=False)
    await account.read()
    failures = await account.write(noting(account.ann))
    assert "no ETag" in failures["ann"]


async def test_a_card_that_xml_could_not_carry_is_read_again_before_it_is_written(
    account: Account,
) -> None:
    account.dav.put("odd.vcf", "UID:odd", "N:;;;;", b"FN:\xe4\x07", "EMAIL:odd@x.example")
    before = account.dav.cards[BOOK + "odd.vcf"]
    (card,) = (await account.read("odd@x.example")).cards
    assert await account.write(noting(card)) == {}
    assert account.dav.cards[BOOK + "odd.vcf"] == before.replace(
        b"END:", f"NOTE:{LINE}\r\nEND:".encode()
    )


VCARD_4 = "".join(
    f"{line}\r\n"
    for line in (
        "BEGIN:VCARD",
        "VERSION:4.0",
        "UID:urn:uuid:bob",
        "FN:Bob",
        "EMAIL:bob@x.example",
        "END:VCARD",
    )
)


def show_vcard_4_as_3(dav: DavServer) -> None:
    """Make the server show a vCard 4 as vCard 3, and refuse that form, as Cyrus does without N."""
    shown = dav.xml

    def fault(request: web.Request, body: bytes) -> web.Response | None:
        if request.method == "PUT" and b"VERSION:3.0" in body:
            return refusal(403, "<c:valid-address-data/>")
        if request.method == "GET":
            assert "version=4.0" in request.headers["Accept"]
        return None

    dav.change_quirks(lengths=False)
    dav.xml = lambda card: shown(card.replace(b"VERSION:4.0", b"VERSION:3.0"))
    dav.fault = fault


async def test_a_vcard_4_that_is_shown_as_vcard_3_is_written_as_what_it_is(
    account: Account,
) -> None:
    account.dav.cards[BOOK + "bob.vcf"] = VCARD_4.encode()
    show_vcard_4_as_3(account.dav)
    (bob,) = (await account.read("bob@x.example")).cards
    assert await account.write(noting(bob)) == {}
    assert account.text("bob.vcf") == VCARD_4.replace("END:", f"NOTE:{LINE}\r\nEND:")


async def test_a_vcard_3_without_n_stays_so_if_the_server_accepts_it(
    account: Account,
) -> None:
    account.dav.put("bob.vcf", "UID:bob", "FN:Bob", "EMAIL:bob@x.example")
    (bob,) = (await account.read("bob@x.example")).cards
    before = account.text("bob.vcf")
    assert await account.write(noting(bob)) == {}
    assert account.text("bob.vcf") == before.replace("END:", f"NOTE:{LINE}\r\nEND:")


async def test_a_card_that_is_gone_or_broken_fails(account: Account) -> None:
    account.dav.put("bob.vcf", "UID:bob", "N:;;;;", "EMAIL:bob@x.example")
    ann, bob = (await account.read(ANN, "bob@x.example")).cards
    del account.dav.cards[ann.id]
    account.dav.put("bob.vcf", "FN:no uid")
    failures = await account.write(noting(ann), noting(bob))
    assert failures == {
        "ann": f"{ann.id} is gone",
        "bob": f"{bob.id} is broken: no vCard with a UID",
    }


@pytest.mark.parametrize("what", ["lose it", "lose the answer"])
async def test_a_lost_deletion_is_made_good(account: Account, what: str) -> None:
    account.dav.fault = once("DELETE", what)
    assert await account.write(ContactEdit("a", "ann", DeleteCard(account.ann))) == {}
    assert BOOK + "ann.vcf" not in account.dav.cards


async def test_a_refused_deletion_fails(account: Account) -> None:
    account.dav.fault = answering("DELETE", "", lambda: web.Response(status=403))
    failures = await account.write(ContactEdit("a", "ann", DeleteCard(account.ann)))
    assert failures == {"a": f"{BOOK}ann.vcf cannot be deleted (403 Forbidden)"}


async def test_no_card_is_deleted_while_its_groups_cannot_be_asked_for(account: Account) -> None:
    account.dav.fault = answering("REPORT", "", lambda: web.Response(status=404))
    failures = await account.write(ContactEdit("a", "ann", DeleteCard(account.ann)))
    assert "there is no address book" in failures["a"]
    assert BOOK + "ann.vcf" in account.dav.cards


async def test_what_changes_after_a_deletion_is_seen_by_the_next_reading(account: Account) -> None:
    edit = ContactEdit("a", "ann", DeleteCard(account.ann))
    assert await account.write(edit) == {}
    account.dav.put("new.vcf", "UID:new", "EMAIL:new@x.example")
    assert [card.uid for card in (await contents_of(account.book, ["new@x.example"])).cards] == [
        "new"
    ]


def failing_writes() -> web.Response:
    return web.Response(status=503, headers={"Retry-After": "99"})


async def test_when_nothing_could_be_written_that_is_raised(account: Account) -> None:
    account.dav.fault = answering("PUT", "", failing_writes)
    with pytest.raises(ServerFailureError):
        await account.write(noting(account.ann), creating())


async def test_a_card_that_the_server_fails_on_fails_alone(
    account: Account,
) -> None:
    """Nextcloud answers 500 to a card that is too large for its database."""
    account.dav.fault = answering("PUT", "ann.vcf", lambda: web.Response(status=500))
    assert "500" in (await account.write(noting(account.ann)))["ann"]


async def test_when_something_could_be_written_the_rest_is_reported(account: Account) -> None:
    account.dav.fault = answering("PUT", "ann.vcf", failing_writes)
    failures = await account.write(noting(account.ann), creating())
    assert list(failures) == ["ann"]
    assert "503" in failures["ann"]


async def test_refused_credentials_are_raised(account: Account) -> None:
    account.dav.fault = answering("PUT", "ann.vcf", lambda: web.Response(status=401))
    with pytest.raises(CredentialsRefusedError):
        await account.write(noting(account.ann), creating())


async def test_a_card_that_may_not_be_read_again_fails(account: Account) -> None:
    account.dav.fault = lambda request, body: web.Response(
        status={"PUT": 412, "GET": 403}[request.method]
    )
    failures = await account.write(noting(account.ann))
    assert failures == {"ann": f"{BOOK}ann.vcf cannot be read (403 Forbidden)"}


async def test_a_card_that_was_never_read_is_deleted_only_if_it_is_the_one_meant(
    account: Account,
) -> None:
    seen = account.ann
    await account.read("nobody@x.example")
    other = ContactEdit("a", "ann", DeleteCard(replace(seen, note="another")))
    assert "changed in the meantime" in (await account.write(other))["a"]
    assert await account.write(ContactEdit("a", "ann", DeleteCard(seen))) == {}
    assert await account.write(ContactEdit("a", "ann", DeleteCard(seen))) == {}


@pytest.mark.parametrize(
    ("status", "lasts"),
    [
        *((each, True) for each in (400, 403, 405, 413, 411, 414, 415, 422, 431, 501, 507)),
        *((each, False) for each in (404, 409, 410, 412, 423, 425, 429)),
    ],
)
async def test_which_refusals_of_a_card_last(account: Account, status: int, lasts: bool) -> None:  # noqa: FBT001 - a parameter
    """Radicale calls a card that it finds invalid 400, sabre/dav 415."""
    account.dav.fault = answering("PUT", "ann.vcf", lambda: web.Response(status=status))
    failures = await account.book.write([noting(account.ann), creating()], account.seen.snapshot)
    assert is_lasting(failures["ann"]) is lasts


@pytest.mark.parametrize("condition", ["valid-address-data", "max-resource-size"])
async def test_a_412_for_what_the_card_is_does_not_mean_that_it_was_changed(
    account: Account, condition: str
) -> None:
    """Xandikos answers so to a card that it finds invalid."""
    account.dav.fault = answering("PUT", "ann.vcf", lambda: refusal(412, f"<c:{condition}/>"))
    failures = await account.book.write([noting(account.ann)], account.seen.snapshot)
    assert condition in str(failures["ann"])
    assert is_lasting(failures["ann"])
    assert account.dav.count("PUT") == 1


async def test_what_cannot_be_edited_for_what_it_is_is_a_lasting_refusal(account: Account) -> None:
    account.dav.change_quirks(etags=False)
    await account.read()
    failures = await account.book.write([noting(account.ann)], account.seen.snapshot)
    assert is_lasting(failures["ann"])
