"""One label, tapped in a mail app, sorts sender, mail and future: every default category."""

import json
from dataclasses import dataclass

import pytest

from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.variants.worlds import ROWS, World

pytestmark = on(*ROWS)


@dataclass(frozen=True)
class Expected:
    """What a tap on ``label`` leads to."""

    label: str
    groups: set[str]
    mailboxes: set[str]
    parts: tuple[str, str]
    organization: str


CASES = [
    Expected("@ToImbox", {"Imbox"}, {"Imbox", "Inbox"}, ("", ""), "Jane Doe"),
    Expected("@ToFeed", {"Feed"}, {"Feed"}, ("", ""), "Jane Doe"),
    Expected("@ToPaperTrail", {"Paper Trail"}, {"Paper Trail"}, ("", ""), "Jane Doe"),
    Expected("@ToJail", {"Jail"}, {"Jail"}, ("", ""), "Jane Doe"),
    Expected("@ToPerson", {"Person", "Imbox"}, {"Person", "Imbox", "Inbox"}, ("Jane", "Doe"), ""),
    Expected(
        "@ToBillboard",
        {"Billboard", "Paper Trail"},
        {"Billboard", "Paper Trail"},
        ("", ""),
        "Jane Doe",
    ),
    Expected("@ToTruck", {"Truck", "Paper Trail"}, {"Truck", "Paper Trail"}, ("", ""), "Jane Doe"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
async def test_a_tap_sorts_sender_and_mail(alice: Owner, start: Start, case: Expected) -> None:
    sender = "Jane Doe <jane@corp.example>"
    tapped, _ = await alice.receive(message(sender, "tapped"), message(sender, "earlier"))
    await alice.receive(message(sender, "archived"), into={"Archive"})
    async with start(alice) as service:
        await alice.tap(tapped, case.label)
        await alice.until_triaged()
        await service.until_logged("pass done")

    assert await alice.where("tapped") == case.mailboxes
    assert await alice.where("earlier") == case.mailboxes
    assert await alice.where("archived") == {"Archive"}
    contact = await alice.contact("jane@corp.example")
    assert contact.full == "Jane Doe"
    assert (contact.given, contact.surname) == case.parts
    assert contact.organization == case.organization
    assert await alice.groups_of("jane@corp.example") == {*case.groups, "Mailroom"}
    (line,) = contact.note
    assert line.startswith("Triaged to ")


async def test_a_child_without_the_flag_under_a_parent_with_it_stays_out_of_the_inbox(
    person: Owner, world: World, start: Start
) -> None:
    categories = json.dumps(
        [
            {"name": "Imbox", "add_to_inbox": True},
            {"name": "Quiet", "parent": "Imbox", "contact_type": "person"},
        ]
    )
    await world.set_up(person, MAILROOM_CATEGORIES=categories)
    (tapped,) = await person.receive(message("Jane Doe <jane@corp.example>", "tapped"))
    async with start(person, MAILROOM_CATEGORIES=categories):
        await person.tap(tapped, "@ToQuiet")
        await person.until_triaged()

    assert await person.where("tapped") == {"Quiet", "Imbox"}
    assert await person.groups_of("jane@corp.example") == {"Quiet", "Imbox", "Mailroom"}


async def test_a_whole_domain_goes_but_for_those_with_a_card_of_their_own(
    alice: Owner, start: Start
) -> None:
    """A card with ``*@corp.example`` stands for everybody there, as it does for new mail."""
    await alice.contacts.add("corp", "Corp", "news@corp.example", more=["*@corp.example"])
    await alice.contacts.add("eve", "Eve", "eve@corp.example")
    mails = {
        "news": "news@corp.example",
        "tapped": "tapped@corp.example",
        "ann": "ann@corp.example",
        "bob": "Bob <BOB@Corp.Example>",
        "eve": "eve@corp.example",
        "sub": "news@sub.corp.example",
        "not": "news@notcorp.example",
    }
    news, tapped, *_ = await alice.receive(
        *(message(sender, subject) for subject, sender in mails.items())
    )
    await alice.tap(news, "@ToFeed")
    await alice.tap(tapped, "@ToJail")
    async with start(alice):
        await alice.until_triaged()
    assert {each.subject: set(each.mailboxes) for each in await alice.mails()} == {
        "news": {"Feed"},
        "ann": {"Feed"},
        "bob": {"Feed"},
        "eve": {"Screener"},
        "sub": {"Screener"},
        "not": {"Screener"},
        "tapped": {"Jail"},
    }
