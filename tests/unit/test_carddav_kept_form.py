"""Servers keep a vCard 4 and show it as vCard 3, which loses some of it: it is edited as kept."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.support.domain.contact_edits import LINE, noting
from tests.support.sandbox.carddav import BOOK, DavServer, Fault
from tests.support.sandbox.carddav_account import Account, open_account

KEPT = (
    b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:bob\r\nFN:Bob\r\nN:;Bob;;;\r\n"
    b"EMAIL;PREF=7:bob@x.example\r\nTEL;VALUE=uri:tel:+1;ext=5\r\nEND:VCARD\r\n"
)
GROUP = b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:jail\r\nFN:Jail\r\nKIND:group\r\nEND:VCARD\r\n"


def as_vcard_3(card: bytes) -> bytes:
    """What a server shows instead of a vCard 4, for those who did not ask for one."""
    for four, three in (
        (b"VERSION:4.0", b"VERSION:3.0"),
        (b"urn:uuid:", b""),
        (b"PREF=7", b"TYPE=pref"),
        (b"VALUE=uri:tel:", b"TYPE=voice:"),
        (b"\r\nKIND:", b"\r\nx-addressbookserver-kind:"),
    ):
        card = card.replace(four, three)
    return card


def as_vcard_4(card: bytes) -> bytes:
    """What a server makes of a vCard 3."""
    return card.replace(b"VERSION:3.0\r\nUID:", b"VERSION:4.0\r\nUID:urn:uuid:")


def negotiating(dav: DavServer) -> Fault:
    """Answer GET with the version that is asked for; a vCard 3 is made one of version 4, too."""

    def fault(request: web.Request, body: bytes) -> web.Response | None:
        if request.method != "GET":
            return None
        kept = dav.cards[request.raw_path]
        wants_4 = "version=4.0" in request.headers["Accept"]
        shown = as_vcard_4(kept) if wants_4 else as_vcard_3(kept)
        return web.Response(body=shown, headers={"ETag": dav.cards.etag(request.raw_path)})

    return fault


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    async with open_account() as account:
        shown = account.dav.xml
        account.dav.xml = lambda card: shown(as_vcard_3(card))
        account.dav.fault = negotiating(account.dav)
        account.dav.cards[BOOK + "bob.vcf"] = KEPT
        yield account


NOTED = KEPT.replace(b"END:", f"NOTE:{LINE}\r\nEND:".encode())


async def test_a_vcard_4_keeps_what_the_server_does_not_show(account: Account) -> None:
    (bob,) = (await account.read("bob@x.example")).cards
    assert await account.write(noting(bob)) == {}
    assert account.dav.cards[BOOK + "bob.vcf"] == NOTED


async def test_it_does_so_when_somebody_else_changes_it_meanwhile(account: Account) -> None:
    (bob,) = (await account.read("bob@x.example")).cards
    changed = KEPT.replace(b"END:", b"TEL;VALUE=uri:tel:+2\r\nEND:")
    account.dav.cards[BOOK + "bob.vcf"] = changed
    assert await account.write(noting(bob)) == {}
    assert account.dav.cards[BOOK + "bob.vcf"] == changed.replace(
        b"END:", f"NOTE:{LINE}\r\nEND:".encode()
    )


async def test_a_vcard_3_stays_one_and_is_not_asked_for_again(account: Account) -> None:
    (ann,) = (await account.read()).cards
    before = account.text("ann.vcf")
    sent = account.dav.count("GET")
    assert await account.write(noting(ann)) == {}
    assert account.text("ann.vcf") == before.replace("END:", f"NOTE:{LINE}\r\nEND:")
    assert account.dav.count("GET") == sent


async def test_a_vcard_3_stays_one_where_lengths_say_nothing(account: Account) -> None:
    shown = account.dav.xml
    account.dav.xml = lambda card: shown(card.replace(b"END:", b"X-SHOWN:1\r\nEND:"))
    (ann,) = (await account.read()).cards
    assert await account.write(noting(ann)) == {}
    assert "VERSION:3.0" in account.text("ann.vcf")


async def test_groups_are_made_in_the_form_that_is_kept(account: Account) -> None:
    account.dav.cards.clear()
    account.dav.cards[BOOK + "jail.vcf"] = GROUP
    await account.book.create_groups(["Feed"])
    (feed,) = (card for path, card in account.dav.cards.items() if path != BOOK + "jail.vcf")
    assert b"VERSION:4.0\r\n" in feed
    assert b"\r\nKIND:group\r\n" in feed
