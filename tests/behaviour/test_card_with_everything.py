"""A card with everything on it, and an account that is switched from one protocol to the other.

One set of cards is shown over CardDAV and over JMAP, with what Cyrus 3.14 and Stalwart lose when a
card is edited over JMAP. Both are compared whole, before and after each step.
"""

import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mailroom.account import Account, open_account
from mailroom.admin.reset import Scope, survey, take_back
from mailroom.sandbox import Quirks, Sandbox, SandboxAccount, User
from mailroom.settings.load import load_settings
from tests.support.owner.person import Owner, message
from tests.support.owner.vcard_app import VCardApp
from tests.support.servers.cyrus import PASSWORD
from tests.support.service.in_process import set_up
from tests.support.service.process import environment
from tests.support.variants.worlds import SandboxServer

SERVERS = ("cyrus", "stalwart")
PROTOCOLS = ("carddav", "jmap")
LOOM = "news@loom.example"
EVERYTHING = "\r\n".join(
    [
        *("BEGIN:VCARD", "VERSION:3.0", "PRODID:-//Apple Inc.//iPhone OS 19.1//EN"),
        *("UID:urn:uuid:3f2504e0-4f89-41d3-9a0c-0305e82c3301", "FN:The Loom", "N:Loom;The;;;"),
        f"item1.EMAIL;TYPE=INTERNET;TYPE=pref:{LOOM}",
        *("item1.X-ABLabel:_$!<Work>!$_", "NICKNAME:Loomy,The Weaver\\, herself"),
        *("GEO:50.9364;6.9528", "TZ:Europe/Berlin", "GENDER:F;grrrl", "ORG:"),
        'X-SOCIALPROFILE;TYPE=twitter;X-USER="jane;doe":https://social.example/a,b;c',
        'x-custom;X-P="a;b":one;two,three\\;four',
        *("X-EMPTY:", "WIBBLE;X=1:unknown", "NOTE:Met at the fair.\\nLikes tea"),
        *("NOTE;LANGUAGE=de:Zweite Notiz", "NOTE:", "CATEGORIES:Friends,Work"),
        "PHOTO;ENCODING=b;TYPE=JPEG:" + "\r\n ".join(["QUJD" * 18] * 20),
        *("REV:2024-02-29T12:00:00Z", "END:VCARD", ""),
    ]
).encode()
NAMELESS = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:kim\r\nFN:\r\nN:;;;;\r\nEMAIL:kim@x.example\r\n"
    b'NICKNAME:K,Kimmy\r\nX-A;X-B="c;d":e\r\nEND:VCARD\r\n'
)


@dataclass
class World:
    """An account that both protocols show."""

    owner: Owner
    account: SandboxAccount
    cwd: Path

    @asynccontextmanager
    async def opened(self, protocol: str) -> AsyncIterator[Account]:
        """The account as Mailroom opens it with this protocol."""
        env = environment(self.owner, MAILROOM_CONTACTS_BACKEND=protocol)
        async with open_account(load_settings(env, cwd=self.cwd)) as account:
            yield account

    async def triage(self, protocol: str, subject: str, label: str) -> None:
        async with self.opened(protocol) as account:
            await self.owner.tap((await self.owner.mail(subject)).id, label)
            assert (await (await account.workflow()).run()).is_complete

    async def reset(self, protocol: str) -> None:
        async with self.opened(protocol) as account:
            scope = await Scope.of(account, lambda *_: None)
            assert (await take_back(scope, await survey(scope))).is_complete
            assert (await survey(scope)).is_empty, "a second reset finds nothing"

    def put(self, name: str, card: bytes) -> str:
        """Put a vCard there, as another program would; gives its path."""
        vcards = self.account.carddav
        path = f"{vcards.book}{name}.vcf"
        assert vcards.answer("PUT", path, {}, card).status == 201
        return path

    @property
    def people(self) -> dict[str, bytes]:
        """The cards but for groups, as they are kept: by path."""
        cards = self.account.carddav.cards
        return {path: card for path, card in cards.items() if b":GROUP" not in card.upper()}

    @property
    def members(self) -> set[str]:
        """Everybody in any group."""
        groups = [card for card in self.account.cards.cards.values() if card["kind"] == "group"]
        assert groups
        return {uid for group in groups for uid in group["members"]}


@pytest.fixture(params=SERVERS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    sandbox = Sandbox(users=[User("alice")], quirks=Quirks(shared_cards=request.param))
    async with sandbox.serve(), aiohttp.ClientSession() as session:
        app = VCardApp(session, sandbox.url, "alice", PASSWORD)
        owner = Owner(SandboxServer(sandbox), "alice", session, app)
        await set_up(environment(owner), tmp_path)
        await owner.receive(
            message(f"The Loom <{LOOM}>", "loom"),
            message("Kim Possible <kim@x.example>", "kim"),
            message("Shop <news@shop.example>", "shop"),
            message("Jane Doe <jane@y.example>", "jane"),
        )
        yield World(owner, sandbox.account(), tmp_path)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_card_with_everything_is_what_it_was(world: World, protocol: str) -> None:
    loom, kim = world.put("loom", EVERYTHING), world.put("kim", NAMELESS)
    before = world.people
    shown = copy.deepcopy(world.account.cards.cards)
    for label in ("@ToFeed", "@ToPerson", "@ToScreener"):
        for subject in ("loom", "kim"):
            await world.triage(protocol, subject, label)
        if protocol == "jmap":
            assert world.people == before
        elif label != "@ToScreener":
            assert b"riaged to" in world.people[loom]
            assert b"X-MAILROOM" in world.people[kim]
    assert world.people == before
    groups = {card_id for card_id, card in shown.items() if card["kind"] == "group"}
    now = world.account.cards.cards
    assert {each: now[each] for each in shown.keys() - groups} == {
        each: shown[each] for each in shown.keys() - groups
    }
    assert world.members == set()


async def test_an_edit_over_jmap_would_cost_what_the_servers_lose(world: World) -> None:
    """The sandbox has the losses that the other tests here are about."""
    path = world.put("loom", EVERYTHING)
    uid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    world.account.cards.change_card(uid, {"notes": {"n": {"note": "x"}}})
    card = world.people[path]
    for lost in (b"GEO", b"TZ:", b"GENDER", b"Loomy", b"TYPE=JPEG"):
        assert lost in EVERYTHING
        assert lost not in card
    assert b"X-CUSTOM;X-P=\"^'a;b^'\":one" in card


@pytest.mark.parametrize(
    "order", [("carddav", "jmap"), ("jmap", "carddav"), ("carddav", "jmap", "carddav")], ids=str
)
@pytest.mark.parametrize("by", ["undo", "reset"])
async def test_a_switch_in_the_middle_hides_nothing(
    world: World, order: Sequence[str], by: str
) -> None:
    """Each sender is decided on over one protocol, and again over each that comes after it."""
    world.put("loom", EVERYTHING)
    world.put("kim", NAMELESS)
    before = world.people
    subjects = ["shop", "loom", "jane", "kim"]
    labels = ["@ToFeed", "@ToPerson", "@ToJail"]
    started: list[str] = []
    for turn, protocol in enumerate(order):
        started += subjects[turn * 2 : turn * 2 + 2]
        for subject in started:
            await world.triage(protocol, subject, labels[turn])
    assert len(world.people) == len(before) + 2, "no card was made twice"
    for path in {*world.people} - {*before}:
        card = world.people[path].replace(b"\r\n ", b"")
        began = 1 if b"Jane" in card else 0
        assert card.count(b"riaged to") == len(order) - began
    await take_everything_back(world, order[-1], by)
    if order[-1] == "jmap":
        assert {*world.people} == {*before}
        assert world.members == set()
        await world.reset("carddav")
    assert world.people == before
    assert world.members == set()
    for subject in subjects:
        assert await world.owner.where(subject) == {"Screener"}


async def take_everything_back(world: World, protocol: str, by: str) -> None:
    if by == "reset":
        await world.reset(protocol)
        return
    for subject in ("shop", "loom", "jane", "kim"):
        await world.triage(protocol, subject, "@ToScreener")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_a_person_adds_to_a_made_card_is_kept(world: World, protocol: str) -> None:
    """Whichever protocol made the card, and whichever takes the decision back."""
    await world.triage("jmap", "shop", "@ToFeed")
    await world.triage("carddav", "jane", "@ToFeed")
    added: dict[str, Any] = {}
    for path, card in world.people.items():
        theirs = card.replace(b"END:VCARD", b"NICKNAME:Nick,Two\r\nGEO:1;2\r\nEND:VCARD")
        assert world.account.carddav.answer("PUT", path, {}, theirs).status == 204
        added[path] = theirs
    for subject in ("shop", "jane"):
        await world.triage(protocol, subject, "@ToPaperTrail")
        await world.triage(protocol, subject, "@ToScreener")
    assert {*world.people} == {*added}
    for card in world.people.values():
        assert b"NICKNAME:Nick,Two\r\nGEO:1;2\r\n" in card
    if protocol == "jmap":
        assert world.people == added
    assert world.members == set()
