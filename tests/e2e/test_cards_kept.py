"""Mailroom keeps the lines that people have on their cards.

Cyrus folds and escapes every card anew. So the tests compare the unfolded lines that Cyrus returns
before and after, never the lines that were sent.
"""

import base64
import re
from collections.abc import Iterable

import pytest

from tests.e2e.conftest import Start
from tests.support.owner.person import Person, message
from tests.support.owner.vcard_app import note, unfolded, value, values
from tests.support.service.forked import command
from tests.support.service.process import environment

ADDRESS = "jane@corp.example"
SENDER = f"Jane Doe <{ADDRESS}>"
PHOTO = base64.b64encode(bytes(range(256)) * 40).decode()


def card(*lines: str, version: str = "3.0") -> str:
    """Return a card whose long lines are folded at 60 characters, as some apps fold them."""
    whole = ["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD"]
    return "".join(
        "\r\n ".join(line[at : at + 60] for at in range(0, len(line), 60)) + "\r\n"
        for line in whole
    )


PHONE = card(
    "PRODID:-//Apple Inc.//iPhone OS 19.1//EN",
    "UID:urn:uuid:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "N:Doe;Jane;Mary,Ann;Dr.;PhD",
    "FN:Dr. Jane Doe\\, PhD",
    "ORG:Müller\\, Söhne & Co\\; KG;Weberei;Halle 3",
    "TITLE:Head of looms; and of threads",
    "NICKNAME:Janey,The Loom\\, herself,J.",
    "item1.EMAIL;TYPE=INTERNET;TYPE=pref:Jane@Corp.example",
    "item1.X-ABLabel:_$!<Work>!$_",
    "item2.EMAIL;type=INTERNET,HOME:jane.doe@home.example",
    "item2.X-ABLabel:the old one; do not use",
    "item3.URL;TYPE=WORK:https://corp.example/a,b;c?d=e,f",
    "item3.X-ABLabel:_$!<HomePage>!$_",
    "URL:https://corp.example/second\\,escaped",
    "TEL;TYPE=CELL,VOICE:+49 (30) 123-45 67",
    "item4.ADR;TYPE=WORK:;;Am Webstuhl 3\\, Hof;Köln;;50667;Germany",
    "item4.X-ABADR:de",
    "GEO:50.9364;6.9528",
    "IMPP;X-SERVICE-TYPE=Jabber;TYPE=HOME:xmpp:jane@chat.example",
    "BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-01",
    "CATEGORIES:Friends,Work\\, old,Ünïcode 🧵",
    'X-SOCIALPROFILE;TYPE=twitter;X-USER="jane;doe":https://social.example/jane',
    "X-CUSTOM:one;two,three\\;four\\,five:six",
    "X-EMPTY:",
    "X-PHONETIC-FIRST-NAME:ジェーン",
    "NOTE:Met at the fair.\\nLikes tea\\, not coffee\\; see \\\\server\\share ÄÖÜ 🧶",
    "NOTE;LANGUAGE=de:Zweite Notiz; mit Komma, und mehr",
    "NOTE:A third one",
    f"PHOTO;ENCODING=b;TYPE=JPEG:{PHOTO}",
    "X-ABUID:3F2504E0-4F89-41D3-9A0C-0305E82C3301:ABPerson",
    "REV:2024-02-29T12:00:00Z",
)
WITH_EMPTY_FIELDS = card(
    "UID:empty-fields",
    "FN:",
    "N:;;;;",
    "ORG:;",
    f"item1.EMAIL:{ADDRESS}",
    "item1.X-ABLabel:Firma, neu",
    "X-CUSTOM;X-P=1:a;b,c",
    "NOTE:",
    f"PHOTO;ENCODING=b;TYPE=PNG:{PHOTO}",
)
VCARD_4 = card(
    "UID:urn:uuid:4a2504e0-4f89-41d3-9a0c-0305e82c3301",
    "KIND:individual",
    "FN:Jane Doe",
    "N:Doe;Jane;;;",
    "GENDER:F;grrrl",
    f"EMAIL;PREF=2;TYPE=work:{ADDRESS}",
    "EMAIL;PREF=7;PID=1.1:old@corp.example",
    'TEL;VALUE=uri;PREF=3;TYPE="voice,home":tel:+1-555-555-5555;ext=5555',
    "KEY;MEDIATYPE=application/pgp-keys:https://corp.example/keys/jane",
    "IMPP;PREF=1:xmpp:jane@chat.example",
    "GEO:geo:50.9364,6.9528",
    "LANG;PREF=1:de",
    "RELATED;TYPE=friend:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "CLIENTPIDMAP:1;urn:uuid:53e374d9-337e-4727-8803-a1e9c14e0556",
    "URL:https://corp.example/a,b;c",
    "NICKNAME:Janey,J\\,D",
    f"PHOTO:data:image/jpeg;base64,{PHOTO}",
    'X-CUSTOM;X-P="a;b":c,d;e',
    "NOTE;ALTID=1;LANGUAGE=fr:Une note\\, oui",
    version="4.0",
)
BROKEN = card(
    "UID:broken",
    "FN:Jane Doe",
    "N:Doe;Jane;;;",
    f"EMAIL:{ADDRESS}",
    "LOGO;ENCODING=b;TYPE=PNG:*** no base64 at all ***",
    "X BAD NAME;TYPE=:blank in it",
    f"PHOTO;ENCODING=b:{PHOTO}=====",
)
CARDS = {
    "a phone's": PHONE,
    "with empty fields": WITH_EMPTY_FIELDS,
    "vCard 4": VCARD_4,
    "broken": BROKEN,
}

DECISIONS = {"@ToFeed": "Triaged to Feed", "@ToPerson": "Re-triaged to Person"}
NAMES = {"FN", "N", "ORG"}


def name_of(line: str) -> str:
    """The property of a line, in capitals."""
    return line.partition(":")[0].partition(";")[0].rpartition(".")[2].upper()


def telling(lines: Iterable[str]) -> list[str]:
    """Return the lines that have a value; a line without one may come or go."""
    return [line for line in lines if line.partition(":")[2].strip("; ")]


def without_names_that_were_empty(lines: Iterable[str], before: Iterable[str]) -> list[str]:
    """A card without the note, Mailroom's mark, and what Mailroom may have filled."""
    was_empty = NAMES - {name_of(line) for line in telling(before)}
    return [line for line in lines if name_of(line) not in {"NOTE", "X-MAILROOM", *was_empty}]


def assert_kept(after: list[str], before: list[str], decisions: list[str]) -> None:
    """Check that only permitted lines changed, and that the first note lists the decisions."""
    kept = without_names_that_were_empty(after, before)
    assert kept == without_names_that_were_empty(before, before)
    first_before, *others_before = list(filter(None, values(before, "NOTE"))) or [""]
    first_after, *others_after = filter(None, values(after, "NOTE"))
    assert first_after.startswith(first_before)
    assert others_after == others_before
    lines = [line.rpartition(" on ")[0] for line in note(after) if line not in note(before)]
    assert lines == decisions


async def shown(person: Person, name: str, version: str = "3.0") -> list[str]:
    """Return a card's unfolded lines, as an app that asks for a version of vCard gets them."""
    accept = f"text/vcard; version={version}"
    status, text, _ = await person.contacts.dav(
        "GET", person.contacts.book_url + name, Accept=accept
    )
    assert status == 200
    return unfolded(text)


async def views(person: Person, name: str) -> list[list[str]]:
    """Return a card's unfolded lines as vCard 3, as vCard 4, and from a query."""
    return [
        await shown(person, name),
        await shown(person, name, "4.0"),
        (await person.contacts.cards())[name],
    ]


async def decide(person: Person, label: str, subject: str = "mail") -> None:
    await person.tap((await person.mail(subject)).id, label)
    await person.until_triaged()


@pytest.mark.parametrize("kind", CARDS)
async def test_every_line_outlives_triage_retriage_and_undo(
    alice: Person, start: Start, kind: str
) -> None:
    await alice.contacts.put_card("jane", CARDS[kind])
    before = await views(alice, "jane.vcf")
    assert all(PHOTO in "".join(view) for view in before)
    await alice.receive(message(SENDER, "mail"))
    async with start(alice):
        decisions: list[str] = []
        for label, decision in DECISIONS.items():
            await decide(alice, label)
            decisions.append(decision)
            for view, was in zip(await views(alice, "jane.vcf"), before, strict=True):
                assert_kept(view, was, decisions)
        await decide(alice, "@ToScreener")
    for view, was in zip(await views(alice, "jane.vcf"), before, strict=True):
        assert telling(view) == telling(was)


async def test_empty_fields_are_filled_and_others_are_not(alice: Person, start: Start) -> None:
    await alice.contacts.put_card("jane", WITH_EMPTY_FIELDS)
    await alice.contacts.put_card("phone", PHONE)
    await alice.receive(message(SENDER, "mail"))
    async with start(alice):
        await decide(alice, "@ToFeed")
    filled, full = (
        (await alice.contacts.cards())["jane.vcf"],
        (await alice.contacts.cards())["phone.vcf"],
    )
    assert (value(filled, "FN"), value(filled, "ORG")) == ("Jane Doe", "Jane Doe")
    assert value(full, "FN") == "Dr. Jane Doe\\, PhD"
    assert value(full, "ORG").startswith("Müller")


# Groups


APPLE_GROUP = card(
    "PRODID:-//Apple Inc.//AddressBook 6.1//EN",
    "UID:6b2504e0-4f89-41d3-9a0c-0305e82c3301",
    "N:Feed;;;;",
    "FN:Feed",
    "X-ADDRESSBOOKSERVER-KIND:group",
    "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:11111111-4f89-41d3-9a0c-0305e82c3301",
    "X-ADDRESSBOOKSERVER-MEMBER:no-uuid;at,all",
    "NOTE:What I read on Sundays\\, mostly; and a line that is long enough to be folded twice",
    "X-CUSTOM;X-P=1:a;b,c",
    "REV:2024-02-29T12:00:00Z",
)
GROUPS = {"Imbox", "Feed", "Paper Trail", "Jail", "Person", "Billboard", "Truck", "Mailroom"}
GROUP_4 = card(
    "UID:urn:uuid:6b2504e0-4f89-41d3-9a0c-0305e82c3301",
    "KIND:group",
    "FN:Feed",
    "MEMBER:urn:uuid:11111111-4f89-41d3-9a0c-0305e82c3301",
    "MEMBER:mailto:somebody@corp.example",
    "NOTE:What I read on Sundays\\, mostly",
    "X-CUSTOM;X-P=1:a;b,c",
    version="4.0",
)


@pytest.mark.parametrize(
    ("group", "version", "member"),
    [(APPLE_GROUP, "3.0", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:"), (GROUP_4, "4.0", "MEMBER:")],
    ids=["Apple's form", "vCard 4"],
)
async def test_a_group_keeps_its_form_and_its_other_lines(
    person: Person, start: Start, group: str, version: str, member: str
) -> None:
    """In vCard 4, MEMBER has the UID exactly as on the card: some servers find no member else."""
    await person.contacts.put_card("feed", group)
    made = await command(environment(person), "setup", "--apply")
    assert "group    Feed" not in made.out
    before = await shown(person, "feed.vcf", version)
    (mail,) = await person.receive(message(SENDER, "mail"))
    async with start(person):
        await person.tap(mail, "@ToFeed")
        await person.until_triaged()
        during = await shown(person, "feed.vcf", version)
        uid = value(await person.contacts.card_of(ADDRESS), "UID")
        assert [line for line in during if line not in before] == [f"{member}{uid}"]
        assert [line for line in during if line in before] == before
        await decide(person, "@ToScreener")
    assert await shown(person, "feed.vcf", version) == before


@pytest.mark.parametrize(("group", "version"), [(APPLE_GROUP, "3.0"), (GROUP_4, "4.0")])
async def test_new_groups_take_the_form_of_those_that_are_there(
    person: Person, group: str, version: str
) -> None:
    await person.contacts.put_card("feed", group)
    assert (await command(environment(person), "setup", "--apply")).code == 0
    assert len(await person.groups()) == len(GROUPS)
    kept = {name: await kept_version(person, name) for name in await person.contacts.cards()}
    assert set(kept.values()) == {version}


async def kept_version(person: Person, name: str) -> str:
    """Return the version in which the server stores a card: the one with the reported length."""
    query = '<D:propfind xmlns:D="DAV:"><D:prop><D:getcontentlength/></D:prop></D:propfind>'
    _, answer, _ = await person.contacts.dav(
        "PROPFIND",
        person.contacts.book_url + name,
        query,
        Depth="0",
        Content_Type="application/xml",
    )
    (length,) = re.findall(r"getcontentlength>(\d+)<", answer)
    (version,) = [
        version
        for version in ("3.0", "4.0")
        if await shown_length(person, name, version) == int(length)
    ]
    return version


async def shown_length(person: Person, name: str, version: str) -> int:
    accept = f"text/vcard; version={version}"
    _, text, _ = await person.contacts.dav("GET", person.contacts.book_url + name, Accept=accept)
    return len(text.encode())


# Odd cards


ODD = {
    "bad base64": card("UID:odd1", "FN:O", "N:O;;;;", "PHOTO;ENCODING=b;TYPE=JPEG:*** no base64 ="),
    "blank in a name": card("UID:odd2", "FN:O", "N:O;;;;", "X BAD NAME;TYPE=:1"),
    "no FN": card("UID:odd3", "N:O;;;;"),
    "no N": card("UID:odd4", "FN:O"),
    "empty lines": card("UID:odd5", "FN:O", "N:O;;;;", "", "X-A:1"),
    "group without a name": card("UID:odd6", "FN:", "N:;;;;", "X-ADDRESSBOOKSERVER-KIND:group"),
    "a second Feed": card("UID:odd7", "FN:Feed", "N:Feed;;;;", "X-ADDRESSBOOKSERVER-KIND:group"),
    "another kind": card("UID:odd8", "FN:Room", "N:;;;;", "X-ADDRESSBOOKSERVER-KIND:location"),
    "quoted-printable": card(
        "UID:odd9", "FN:O", "N:O;;;;", "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:a=E4b"
    ),
}
TAKEN_BY_CYRUS = 7
"""The number of these cards that Cyrus takes at least."""


async def put_odd_cards(person: Person, *more: str) -> list[str]:
    """Put the odd cards into the address book; return the names of those that the server takes."""
    taken = []
    for number, text in enumerate(ODD.values()):
        odd = text.replace("END:VCARD", "".join(f"{line}\r\n" for line in more) + "END:VCARD")
        name = f"odd{number}.vcf"
        status, _, _ = await person.contacts.dav(
            "PUT", person.contacts.book_url + name, odd, Content_Type="text/vcard; charset=utf-8"
        )
        if status == 201:
            taken.append(name)
    return taken


async def test_odd_cards_stop_nothing(alice: Person, start: Start) -> None:
    odd = await put_odd_cards(alice)
    assert len(odd) >= TAKEN_BY_CYRUS
    before = await alice.contacts.cards()
    (mail,) = await alice.receive(message(SENDER, "mail"))
    async with start(alice):
        await alice.tap(mail, "@ToFeed")
        await alice.until_triaged()
    after = await alice.contacts.cards()
    assert await alice.where("mail") == {"Feed"}
    assert len(await alice.contacts.cards_of(ADDRESS)) == 1
    second_feed = f"odd{list(ODD).index('a second Feed')}.vcf"
    for name in odd:
        assert after[name] == before[name] or name == second_feed
