"""Spam: no card is made, and the way back."""

from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import comes_to
from tests.support.owner.person import Owner, message
from tests.support.variants.worlds import ROWS

pytestmark = on(*ROWS)

SPAMMER = "Win Big <win@spam.example>"
ADDRESS = "win@spam.example"


async def decide(person: Owner, subject: str, label: str) -> None:
    await person.tap((await person.mail(subject)).id, label)
    await person.until_triaged()


async def junk(person: Owner) -> str:
    """The path of the mailbox for spam."""
    answer = await person.jmap("Mailbox/get", {"ids": None, "properties": ["id", "role"]})
    (mailbox_id,) = [each["id"] for each in answer["list"] if each.get("role") in {"junk", "spam"}]
    return next(path for path, known in (await person.mailboxes()).items() if known == mailbox_id)


async def test_spam_makes_no_card_and_comes_back(alice: Owner, start: Start) -> None:
    await alice.receive(message(SPAMMER, "one"), message(SPAMMER, "two"))
    await alice.receive(message("Ann <ann@home.example>", "other"))
    folder = await junk(alice)
    async with start(alice):
        await decide(alice, "one", "@ToSpam")
        assert await alice.where("one") == await alice.where("two") == {folder}
        assert await alice.where("other") == {"Screener"}
        assert (await alice.mail("two")).keywords >= {"$junk"}
        assert await alice.contacts.contacts() == []
        await decide(alice, "two", "@ToScreener")
    for subject in ("one", "two"):
        mail = await alice.mail(subject)
        assert mail.mailboxes == {"Screener"}
        assert "$notjunk" in mail.keywords
        assert not mail.keywords & {"$junk", "$mailroom-spam"}


async def test_a_card_that_mailroom_made_goes(alice: Owner, start: Start) -> None:
    await alice.receive(message(SPAMMER, "one"), message(SPAMMER, "two"))
    folder = await junk(alice)
    async with start(alice):
        await decide(alice, "one", "@ToFeed")
        assert await alice.groups_of(ADDRESS) == {"Feed", "Mailroom"}
        await decide(alice, "one", "@ToSpam")
        await comes_to(alice, "one", folder)
    assert await alice.contacts.contacts() == []
    assert not any((await alice.groups()).values())


async def test_a_card_of_a_person_only_leaves_the_groups(alice: Owner, start: Start) -> None:
    await alice.contacts.add("win", "Win Big", ADDRESS, "Met at the fair.")
    await alice.receive(message(SPAMMER, "one"))
    async with start(alice):
        await decide(alice, "one", "@ToFeed")
        await decide(alice, "one", "@ToSpam")
    contact = await alice.contact(ADDRESS)
    assert contact.note == ("Met at the fair.",)
    assert await alice.groups_of(ADDRESS) == set()
