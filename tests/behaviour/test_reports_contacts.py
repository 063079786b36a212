"""Public reports about address books, each as a person meets it; see :mod:`.test_reports`.

The address book is one that stands for other servers' forms: several books, photos in every answer,
groups as CATEGORIES, a scheme that is not Basic.
"""

import hashlib
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import encode_basic_auth
from multidict import CIMultiDict
from yarl import URL

from mailroom.contacts.model import AddressBookError
from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy
from tests.support.sandbox.carddav import (
    BOOK,
    HOME,
    PRINCIPAL,
    READ_ONLY,
    DavServer,
    book,
    serving,
)
from tests.support.servers.cyrus import PASSWORD
from tests.support.variants.worlds import Variant, World

ON = {"MAILROOM_ARRIVALS_ENABLED": "true"}
BOSS = "Boss <boss@corp.example>"
OWN, COLLECTED = f"{HOME}personal/", f"{HOME}collected/"

CARDDAV = Variant("sandbox", "carddav", "eventsource")
pytestmark = on(CARDDAV)


class Elsewhere:
    """An address book server beside the sandbox, with two address books by SOGo's names."""

    def __init__(self, dav: DavServer, url: URL) -> None:
        self.dav = dav
        self.settings = {"MAILROOM_CARDDAV_URL": str(url)}

    def put(self, name: str, *lines: str, where: str = OWN) -> None:
        """Store a card."""
        named = (f"UID:{name}", f"FN:{name}", f"N:;{name};;;")
        self.dav.put(f"{name}.vcf", *named, *lines, book=where)


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    """The server, which runs."""
    dav = DavServer()
    del dav.collections[BOOK]
    dav.collections |= {
        COLLECTED: book("Collected Address Book", owner=PRINCIPAL),
        OWN: book("Personal Address Book", owner=PRINCIPAL),
    }
    async with serving(dav) as (url, _):
        yield Elsewhere(dav, url)


async def comes_to(owner: Owner, subject: str, *mailboxes: str) -> None:
    """Wait until a mail is in exactly these mailboxes."""

    async def there() -> bool:
        return await owner.where(subject) == set(mailboxes)

    await owner.until(there, f"{subject} in {mailboxes}")


async def stays(owner: Owner, *subjects: str) -> None:
    """See that mail is still in the Inbox when a stranger's, which came later, is not."""
    await owner.server.deliver(owner.name, message("stranger@x.example", "later"))
    await comes_to(owner, "later", "Screener")
    assert [await owner.where(subject) for subject in subjects] == [{"Inbox"}] * len(subjects)


async def test_the_address_book_is_the_owners_not_the_first_by_name(
    person: Owner, world: World, elsewhere: Elsewhere
) -> None:
    """owncloud-archive/apps#618: "Collected" sorts before the user's own."""
    await world.set_up(person, **elsewhere.settings)
    assert {path.rpartition("/")[0] + "/" for path in elsewhere.dav.cards} == {OWN}


async def test_where_two_may_be_meant_it_is_asked(
    person: Owner, world: World, elsewhere: Elsewhere
) -> None:
    """nextcloud/contacts#1767: "Family contacts" was taken for one's own."""
    family, friends = f"{HOME}family/", f"{HOME}friends/"
    for path in (OWN, COLLECTED):
        del elsewhere.dav.collections[path]
    elsewhere.dav.collections |= {family: book("Family"), friends: book("Friends")}
    with pytest.raises(AddressBookError, match=r"MAILROOM_CONTACTS_ADDRESS_BOOK.*Family.*Friends"):
        await world.set_up(person, **elsewhere.settings)
    assert elsewhere.dav.cards == {}
    chosen = {"MAILROOM_CONTACTS_ADDRESS_BOOK": "friends"}
    await world.set_up(person, **elsewhere.settings, **chosen)
    assert all(path.startswith(friends) for path in elsewhere.dav.cards)


async def test_whoever_is_in_another_address_book_is_no_stranger(
    person: Owner, world: World, start: Start, elsewhere: Elsewhere
) -> None:
    """mstilkerich/rcmcarddav#383: a personal book, and one of the staff that nobody may write."""
    staff = f"{HOME}staff/"
    elsewhere.dav.collections[staff] = book("Staff", READ_ONLY)
    elsewhere.put("boss", "EMAIL:boss@corp.example", where=staff)
    await world.set_up(person, **elsewhere.settings)
    async with start(person, **ON, **elsewhere.settings):
        await person.server.deliver(person.name, message(BOSS, "hello"))
        await stays(person, "hello")
        await person.tap((await person.mail("hello")).id, "@ToFeed")
        await person.until_triaged()
        await comes_to(person, "hello", "Feed")
    written = [each for each in elsewhere.dav.requests if each.startswith(f"PUT {staff}")]
    assert written == []


@pytest.mark.parametrize(
    "lines",
    [
        ("EMAIL:Boss@Corp.Example",),
        ("item1.EMAIL;type=INTERNET;type=pref:boss@corp.example", "item1.X-ABLabel:x"),
        ("EMAIL;INTERNET;ENCODING=QUOTED-PRINTABLE:boss=40corp.example",),
        ("EMAIL;VALUE=uri:mailto:boss%40corp.example",),
        ("EMAIL:boss@corp.example (office)",),
        ("EMAIL:\u200bboss@corp.example",),
        ("EMAIL:other@x.example\\, boss@corp.example",),
        ("PHOTO;ENCODING=b:" + "A" * 200_000, "EMAIL:boss@corp.example"),
    ],
)
async def test_whoever_can_be_read_is_no_stranger(
    person: Owner, world: World, start: Start, elsewhere: Elsewhere, lines: tuple[str, ...]
) -> None:
    """Obiente/native#416, nextcloud/contacts#2743: cards as other programs write them."""
    elsewhere.put("boss", *lines)
    await world.set_up(person, **elsewhere.settings)
    async with start(person, **ON, **elsewhere.settings):
        await person.server.deliver(person.name, message(BOSS, "hello"))
        await stays(person, "hello")


async def test_groups_that_are_kept_as_categories(
    person: Owner, world: World, start: Start, elsewhere: Elsewhere
) -> None:
    """bitfireAT/davdroid#438: Ann is put into "Feed" by Nextcloud, or by DAVx5."""
    elsewhere.put("boss", "EMAIL:boss@corp.example", "CATEGORIES:Work,feed")
    settings = {**elsewhere.settings, "MAILROOM_CONTACTS_GROUPS": "categories"}
    await world.set_up(person, **settings)
    async with start(person, **ON, **settings):
        await person.server.deliver(person.name, message(BOSS, "hello"))
        await comes_to(person, "hello", "Feed")
        await person.tap((await person.mail("hello")).id, "@ToPaperTrail")
        await person.until_triaged()
        await comes_to(person, "hello", "Paper Trail")
    card = elsewhere.dav.cards[f"{OWN}boss.vcf"].decode()
    assert re.search(r"^CATEGORIES:(.*)\r$", card, re.MULTILINE)
    assert "CATEGORIES:Work,Paper Trail\r\n" in card
    assert [path for path in elsewhere.dav.cards if "boss" not in path] == [], "no group cards"


async def test_a_server_that_knows_digest_only(alice: Owner, start: Start, proxy: Proxy) -> None:
    """sabre-io/Baikal#804: Digest is what it asks for unless it is told otherwise."""
    schemes: list[str] = []

    async def want_digest(exchange: Exchange, forward: Forward) -> Answer:
        if exchange.calls or "/dav/" not in exchange.path:
            return await forward()
        scheme, _, words = exchange.headers.get("Authorization", "").partition(" ")
        schemes.append(scheme)
        if scheme != "Digest" or not _is_right(words, exchange):
            challenge = 'Digest realm="Baikal", nonce="n1", qop="auth", opaque="o"'
            return Answer(401, CIMultiDict({"WWW-Authenticate": challenge}), b"")
        exchange.headers["Authorization"] = _basic(alice)
        return await forward()

    proxy.intercept = want_digest
    await alice.contacts.add("boss", "Boss", "boss@corp.example")
    async with start(alice, http=proxy.url, **ON):
        await alice.server.deliver(alice.name, message(BOSS, "hello"))
        await stays(alice, "hello")
    assert "Digest" in schemes


def _basic(owner: Owner) -> str:
    return encode_basic_auth(owner.name, PASSWORD)


def _is_right(words: str, exchange: Exchange) -> bool:
    facts = dict(re.findall(r'(\w+)="?([^",]*)"?', words))

    def digest(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode()).hexdigest()  # noqa: S324 - RFC 2617's

    user = digest(facts["username"], facts["realm"], PASSWORD)
    asked = digest(exchange.method, facts["uri"])
    rest = (facts["nonce"], facts["nc"], facts["cnonce"], facts["qop"])
    return bool(facts["response"] == digest(user, *rest, asked))
