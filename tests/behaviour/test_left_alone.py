"""Mail that Mailroom must not touch, and labelled mail in odd places."""

import pytest

from tests.behaviour.conftest import Start
from tests.support.owner.person import Owner, message

BOB = "Bob <bob@corp.example>"


@pytest.mark.parametrize(
    "place", ["Archive", "Drafts", "Sent", "Spam", "Trash", "Projects", "Inbox"]
)
@pytest.mark.parametrize("label", ["@ToImbox", "@ToJail"])
async def test_mail_elsewhere_stays(alice: Owner, start: Start, place: str, label: str) -> None:
    await alice.create_mailbox("Projects")
    await alice.receive(message(BOB, "elsewhere"), into={place})
    (tapped,) = await alice.receive(message(BOB, "tapped"))
    async with start(alice):
        await alice.tap(tapped, label)
        await alice.until_triaged()
    assert await alice.where("elsewhere") == {place}


@pytest.mark.parametrize("place", ["Trash", "Spam", "Drafts", "Sent"])
async def test_mail_in_the_screener_and_in_one_of_these_stays(
    alice: Owner, start: Start, place: str
) -> None:
    await alice.receive(message(BOB, "both"), into={"Screener", place})
    (tapped,) = await alice.receive(message(BOB, "tapped"))
    async with start(alice):
        await alice.tap(tapped, "@ToFeed")
        await alice.until_triaged()
    assert await alice.where("both") == {"Screener", place}


@pytest.mark.parametrize(
    ("place", "label", "then"),
    [
        ("Spam", "@ToFeed", {"Feed"}),
        ("Spam", "@ToImbox", {"Imbox", "Inbox"}),
        ("Inbox", "@ToFeed", {"Feed"}),
        ("Inbox", "@ToImbox", {"Imbox", "Inbox"}),
        ("Archive", "@ToFeed", {"Feed", "Archive"}),
        ("Projects", "@ToFeed", {"Feed", "Projects"}),
        ("Trash", "@ToFeed", {"Trash"}),
        ("Drafts", "@ToFeed", {"Drafts"}),
        ("Sent", "@ToJail", {"Sent"}),
    ],
)
async def test_a_labelled_mail_is_filed_wherever_it_lies(
    alice: Owner, start: Start, place: str, label: str, then: set[str]
) -> None:
    await alice.create_mailbox("Projects")
    (mail,) = await alice.receive(message(BOB, "mail"), into={place})
    async with start(alice):
        await alice.tap(mail, label)
        await alice.until_triaged()
    assert await alice.where("mail") == then


async def test_an_app_that_moves_instead_of_labelling(alice: Owner, start: Start) -> None:
    (mail,) = await alice.receive(message(BOB, "mail"))
    async with start(alice):
        await alice.move([mail], {"@ToImbox"})
        await alice.until_triaged()
    assert await alice.where("mail") == {"Imbox", "Inbox"}


async def test_a_labelled_conversation_leaves_ones_own_replies_alone(
    alice: Owner, start: Start
) -> None:
    (theirs,) = await alice.receive(message(BOB, "Lunch?"))
    me = f"Me <{alice.name}@example.com>"
    (mine,) = await alice.receive(message(me, "Re: Lunch?"), into={"Sent"})
    (other,) = await alice.receive(message(me, "an older one"), into={"Sent"})
    async with start(alice):
        await alice.tap([theirs, mine], "@ToJail")
        await alice.until_triaged()
    assert await alice.where("Lunch?") == {"Jail"}
    assert await alice.where("Re: Lunch?") == {"Sent"}
    assert await alice.where("an older one") == {"Sent"}
    assert other
    assert await alice.contacts_of(f"{alice.name}@example.com") == []


async def test_groups_and_keywords_that_are_not_mailrooms_stay(alice: Owner, start: Start) -> None:
    (mail,) = await alice.receive(message(BOB, "mail"))
    await alice.jmap("Email/set", {"update": {mail: {"keywords": {"$flagged": True, "own": True}}}})
    await alice.contacts.add_group("friends", "Friends", ["someone"])
    before = await alice.contacts.everything_on("friends")
    async with start(alice):
        await alice.tap(mail, "@ToFeed")
        await alice.until_triaged()
    assert (await alice.mail("mail")).keywords == {"$flagged", "own"}
    assert await alice.contacts.everything_on("friends") == before
