"""The CardDAV backend against a real server.

Cyrus refolds lines, splits parameters, and shows cards of vCard 4 as vCard 3. So tests compare the
unfolded lines that the server returns before and after.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from yarl import URL

from mailroom.contacts.carddav import CardDavAddressBook
from mailroom.contacts.model import (
    Card,
    ContactEdit,
    ContactType,
    CreateCard,
    Names,
    UpdateCard,
)
from mailroom.http import Credentials, CredentialsRefusedError, HttpClient, IntermediaryError
from tests.support.domain.contents import NOTHING, Contents, contents_of
from tests.support.servers.cyrus import Cyrus

pytestmark = pytest.mark.cyrus

LINE = "Triaged to Feed on 2026-02-25"
ANN = "ann@x.example"
NOBODY: frozenset[str] = frozenset()

NASTY = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ann\r\nFN:Ann \\, Example\r\nN:Example;Ann;;Dr.;\r\nORG:\r\n"
    "EMAIL;TYPE=INTERNET,WORK:Ann@X.example\r\nitem1.EMAIL;TYPE=INTERNET:second@x.example\r\n"
    "item1.X-ABLabel:_$!<Other>!$_\r\nURL:https://x.example/a,b;c?d=e\r\n"
    "NICKNAME:Annie,Fuzzy\\, the Bear\r\nX-FOO:a;b,c\\;d\\,e:f\r\nX BAD NAME:1\r\n"
    'X-BAR;TYPE="a:b;c":v\r\nPHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/2wCEAAkGBxAQ\r\n'
    " FhUVFRUVFRUVFRUVFRUVFRUWFxUVFRUYHSggGBolHRUVITEhJSkrLi4uFx8zODMtNygtLisBCg==\r\n"
    "LOGO;ENCODING=b:!!!no base64\r\n"
    "NOTE:ÄÖÜäöüÄÖÜäöüÄÖÜäöüÄÖÜäöüÄÖÜäöüÄÖÜäöüÄÖÜäöüÄÖÜäöü\\nl 2\\, with; stuff \\\\ end ]]>\r\n"
    "NOTE;LANGUAGE=de:zweite\r\nREV:2025-01-01T00:00:00Z\r\nEND:VCARD\r\n"
)
GROUP_4 = (
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:4c1d0000-0000-4000-8000-000000000000\r\n"
    "FN:Imbox\r\nKIND:group\r\nMEMBER:urn:uuid:ann\r\nMEMBER:mailto:stranger\r\nEND:VCARD\r\n"
)


@dataclass
class Account:
    """An address book, through Mailroom and for a plain client."""

    book: CardDavAddressBook
    http: HttpClient
    home: URL

    async def put(self, name: str, text: str | bytes, version: str = "3.0") -> None:
        data = text if isinstance(text, bytes) else text.encode()
        headers = {"Content-Type": f"text/vcard; version={version}; charset=utf-8"}
        await self.http.request(
            "PUT", self.home / name, headers=headers, data=data, expected=(201, 204)
        )

    async def lines(self, path: str) -> list[str]:
        """Return the unfolded lines of a card, as the server returns it."""
        response = await self.http.request("GET", self.home.join(URL(path, encoded=True)))
        return response.body.decode().replace("\r\n ", "").splitlines()

    async def make_groups(self, *names: str) -> dict[str, str]:
        """Make groups; name -> id."""
        await self.book.create_groups(names)
        return {group.name: group.id for group in (await contents_of(self.book, [])).groups}

    async def write(self, seen: Contents, *edits: ContactEdit) -> None:
        assert await self.book.write(edits, seen.snapshot) == {}

    async def card(self, address: str = ANN) -> Card:
        (card,) = (await contents_of(self.book, [address])).cards
        return card


@pytest.fixture(scope="module")
def cyrus() -> Cyrus:
    return asyncio.run(Cyrus.start("contract"))


_numbers = itertools.count()


@pytest.fixture
async def account(cyrus: Cyrus) -> AsyncIterator[Account]:
    name = f"c{os.getpid()}n{next(_numbers)}"
    await cyrus.fresh_user(name)
    async with aiohttp.ClientSession() as session:
        http = HttpClient(session, Credentials.basic(name, "secret"))
        server = URL(cyrus.url)
        home = server / "dav/addressbooks/user" / name / "Default"
        yield Account(CardDavAddressBook(http, server), http, home)


def creating(number: int = 0, *, join: frozenset[str] = NOBODY) -> ContactEdit:
    full = f'{number} "Ann"; Ä, \\ \n🚀' + " long" * 20
    names = Names(full=full, given=f"Ann; {number}", surname="Ä, \\ \n🚀")
    card = CreateCard(f"u{number}", ContactType.PERSON, names, f"{number}@x.example", LINE)
    return ContactEdit(card.uid, card.uid, card, join=join)


@pytest.mark.parametrize("start", ["", "dav/", "nowhere/"])
async def test_the_address_book_is_found(cyrus: Cyrus, account: Account, start: str) -> None:
    book = await CardDavAddressBook(account.http, URL(cyrus.url) / start).describe()
    assert (book.url, book.name) == (account.home / "", "Personal")


async def test_wrong_credentials_are_refused(cyrus: Cyrus, account: Account) -> None:
    async with aiohttp.ClientSession() as session:
        http = HttpClient(session, Credentials.basic("alice", "wrong"))
        with pytest.raises(CredentialsRefusedError):
            await CardDavAddressBook(http, URL(cyrus.url)).sync()


async def test_our_lines_are_all_that_changes_on_somebodys_card(account: Account) -> None:
    await account.put("a.vcf", NASTY)
    seen = await contents_of(account.book, [ANN])
    (card,) = seen.cards
    before = await account.lines(card.id)
    edit = UpdateCard(
        card, fill=Names("No", "No", "No", "Example, Inc"), add_line="Triaged to Feed on 2026-02-25"
    )
    await account.write(seen, ContactEdit("a", card.uid, edit))
    after = await account.lines(card.id)

    ours = [line for line in after if line not in before]
    assert ours[0] == "ORG:Example\\, Inc"
    assert ours[1].startswith("NOTE:ÄÖÜ")
    assert ours[1].endswith(f"]]>\\n{LINE}")
    assert ours[2].startswith("X-MAILROOM:ORG=")
    assert len(ours) == 3
    assert [line for line in before if line not in after] == [
        "ORG:",
        ours[1].removesuffix(f"\\n{LINE}"),
    ]
    assert "URL:https://x.example/a,b;c?d=e" in after
    assert "NICKNAME:Annie,Fuzzy\\, the Bear" in after


async def test_what_we_did_to_a_card_can_be_taken_back(account: Account) -> None:
    await account.put("a.vcf", NASTY)
    seen = await contents_of(account.book, [ANN])
    before = await account.lines(seen.cards[0].id)
    fill = UpdateCard(seen.cards[0], fill=Names(organization="Example"), add_line=LINE)
    await account.write(seen, ContactEdit("a", "ann", fill))
    card = await account.card()
    assert card.names.organization == "Example"
    forget = UpdateCard(card, remove_lines=frozenset({LINE}), forget=True)
    await account.write(seen, ContactEdit("a", "ann", forget))
    assert await account.lines(card.id) == before


async def test_sixty_new_contacts_are_ours_and_untouched(account: Account) -> None:
    groups = await account.make_groups("Feed", "Mailroom")
    edits = [creating(number, join=frozenset(groups.values())) for number in range(60)]
    await account.write(await contents_of(account.book), *edits)
    contents = await contents_of(account.book, [f"{number}@X.example" for number in range(60)])
    assert {card.uid for card in contents.cards} == {edit.uid for edit in edits}
    for card in contents.cards:
        (create,) = (edit.card for edit in edits if edit.uid == card.uid)
        assert isinstance(create, CreateCard)
        assert (card.names, card.note) == (create.names, LINE)
        assert card.made_by_us
        assert card.untouched
    assert [len(group.members) for group in contents.groups] == [60, 60]


async def test_contacts_move_between_groups_of_both_forms(account: Account) -> None:
    await account.put("imbox.vcf", GROUP_4, version="4.0")
    await account.put("a.vcf", NASTY)
    await account.make_groups("Feed")
    seen = await contents_of(account.book, [ANN])
    groups = {group.name: group for group in seen.groups}
    assert groups["Imbox"].members == {"ann", "mailto:stranger"}
    feed, imbox = frozenset({groups["Feed"].id}), frozenset({groups["Imbox"].id})

    await account.write(seen, ContactEdit("a", "ann", join=feed, leave=imbox), creating(join=imbox))
    seen = await contents_of(account.book, [ANN])
    assert {group.name: group.members for group in seen.groups} == {
        "Feed": {"ann"},
        "Imbox": {"u0", "mailto:stranger"},
    }
    places = [
        ContactEdit("a", "ann", join=imbox, leave=feed),
        ContactEdit("b", "u0", join=feed, leave=imbox),
    ]
    await account.write(seen, *places)
    seen = await contents_of(account.book, [])
    assert {group.name: group.members for group in seen.groups} == {
        "Feed": {"u0"},
        "Imbox": {"ann", "mailto:stranger"},
    }


async def test_a_card_with_bytes_that_are_no_utf8_hides_no_other_and_keeps_them(
    account: Account,
) -> None:
    await account.put("a.vcf", NASTY)
    latin = NASTY.replace("UID:ann", "UID:latin").replace("Annie", "#").encode()
    await account.put("latin.vcf", latin.replace(b"#", b"\xe4"))
    seen = await contents_of(account.book, [ANN])
    assert {card.uid for card in seen.cards} == {"ann", "latin"}
    (odd,) = (card for card in seen.cards if card.uid == "latin")
    assert odd.nicknames[0] == "\ufffd"
    update = UpdateCard(odd, add_line=LINE)
    await account.write(seen, ContactEdit("a", "latin", update))
    response = await account.http.request("GET", account.home / "latin.vcf")
    assert b"NICKNAME:\xe4," in response.body
    assert LINE.encode() in response.body.replace(b"\r\n ", b"")


async def test_a_card_of_vcard_4_without_n_stays_vcard_4(account: Account) -> None:
    text = (
        "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:4c1d0000-0000-4000-8000-000000000001\r\n"
        "FN:Four\r\nEMAIL;PREF=1:four@x.example\r\nTEL;VALUE=uri:tel:+33-1\r\nEND:VCARD\r\n"
    )
    await account.put("four.vcf", text, version="4.0")
    seen = await contents_of(account.book, ["four@x.example"])
    (card,) = seen.cards
    before = await account.lines(card.id)
    edit = UpdateCard(card, fill=Names(given="No", surname="Four"), add_line=LINE)
    await account.write(seen, ContactEdit("a", card.uid, edit))
    after = await account.lines(card.id)
    assert [line for line in after if not line.startswith(("NOTE:", "N:", "X-MAILROOM"))] == before
    card = await account.card("four@x.example")
    assert (card.names.given, card.note) == ("No", LINE)
    forget = UpdateCard(card, forget=True, remove_lines=frozenset({LINE}))
    await account.write(seen, ContactEdit("a", card.uid, forget))
    assert [line for line in await account.lines(card.id) if line != "N:;;;;"] == before


async def test_a_refused_card_fails_and_an_address_book_that_is_gone_is_missed(
    account: Account,
) -> None:
    kind = (
        '<d:resourcetype><d:collection/><c:addressbook xmlns:c="urn:ietf:params:xml:ns:carddav"/>'
    )
    other = account.home.parent / "Other" / ""
    await account.http.request(
        "MKCOL",
        other,
        headers={"Content-Type": "application/xml"},
        data=(
            '<d:mkcol xmlns:d="DAV:"><d:set><d:prop>'
            f"{kind}</d:resourcetype></d:prop></d:set></d:mkcol>"
        ).encode(),
        expected=(201,),
    )
    book = CardDavAddressBook(account.http, other)
    assert (await book.describe()).url == other
    await account.http.request("DELETE", other, expected=(204,))
    with pytest.raises(IntermediaryError, match="403"):  # Cyrus answers with a page for people
        await book.write([creating()], NOTHING.snapshot)
    assert (await contents_of(book, [ANN])).is_empty
    assert (await book.describe()).url == account.home / ""
