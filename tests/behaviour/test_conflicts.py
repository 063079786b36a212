"""Labels that contradict one another, and names that do not fit."""

from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.variants.worlds import ROWS

pytestmark = on(*ROWS)


BOB = "Bob <bob@corp.example>"


async def until_where(person: Owner, subject: str, mailboxes: set[str]) -> None:
    async def there() -> bool:
        return await person.where(subject) == mailboxes

    await person.until(there, f"{subject!r} is in {mailboxes}")


async def test_two_labels_on_one_mail_do_nothing_until_one_is_left(
    alice: Owner, start: Start
) -> None:
    mail, _ = await alice.receive(message(BOB, "mail"), message(BOB, "other"))
    contacts = await alice.contacts.contacts()
    await alice.tap(mail, "@ToFeed")
    await alice.tap(mail, "@ToImbox")
    async with start(alice):
        await until_where(alice, "mail", {"Screener", "@ToFeed", "@ToImbox", "@MailroomError"})
        assert await alice.where("other") == {"Screener"}
        assert await alice.contacts.contacts() == contacts
        await alice.untap(mail, "@ToFeed")
        await until_where(alice, "mail", {"Imbox", "Inbox"})
    assert await alice.where("other") == {"Imbox", "Inbox"}


async def test_two_labels_on_two_mails_heal_as_well(alice: Owner, start: Start) -> None:
    one, two = await alice.receive(message(BOB, "one"), message("BOB@CORP.example", "two"))
    await alice.tap(one, "@ToFeed")
    await alice.tap(two, "@ToScreener")
    async with start(alice):
        await until_where(alice, "one", {"Screener", "@ToFeed", "@MailroomError"})
        await until_where(alice, "two", {"Screener", "@ToScreener", "@MailroomError"})
        await alice.untap(two, "@ToScreener")
        await until_where(alice, "one", {"Feed"})
        await until_where(alice, "two", {"Feed"})


async def test_one_contact_with_two_addresses_is_one_sender(alice: Owner, start: Start) -> None:
    await alice.contacts.add("bob", "Bob", "bob@corp.example", more=["bob@home.example"])
    one, two = await alice.receive(message(BOB, "one"), message("bob@home.example", "two"))
    await alice.tap(one, "@ToFeed")
    await alice.tap(two, "@ToJail")
    async with start(alice):
        await until_where(alice, "one", {"Screener", "@ToFeed", "@MailroomError"})
        await until_where(alice, "two", {"Screener", "@ToJail", "@MailroomError"})


async def test_a_conflict_of_one_sender_does_not_stop_another(alice: Owner, start: Start) -> None:
    mail, other = await alice.receive(message(BOB, "mail"), message("al@corp.example", "other"))
    await alice.tap(mail, "@ToFeed")
    await alice.tap(mail, "@ToImbox")
    await alice.tap(other, "@ToFeed")
    async with start(alice):
        await until_where(alice, "other", {"Feed"})


async def test_a_conflict_given_up_leaves_no_trace(alice: Owner, start: Start) -> None:
    (mail,) = await alice.receive(message(BOB, "mail"))
    await alice.tap(mail, "@ToFeed")
    await alice.tap(mail, "@ToImbox")
    async with start(alice):
        await until_where(alice, "mail", {"Screener", "@ToFeed", "@ToImbox", "@MailroomError"})
        mailboxes = await alice.mailboxes()
        off = {f"mailboxIds/{mailboxes[name]}": None for name in ("@ToFeed", "@ToImbox")}
        await alice.jmap("Email/set", {"update": {mail: off}})
        await until_where(alice, "mail", {"Screener"})


async def test_another_name_than_the_contacts_is_marked_until_a_clean_triage(
    alice: Owner, start: Start
) -> None:
    await alice.contacts.add("bob", "Bob Builder", "bob@corp.example", parts=("Bob", "Builder"))
    odd, fine = await alice.receive(
        message("Your Bank <bob@corp.example>", "odd"),
        message('"Builder, Bob" <bob@corp.example>', "fine"),
    )
    async with start(alice):
        await alice.tap(odd, "@ToFeed")
        await until_where(alice, "odd", {"Feed", "@MailroomWarning"})
        assert await alice.where("fine") == {"Feed"}
        await alice.tap(fine, "@ToPaperTrail")
        await until_where(alice, "fine", {"Paper Trail"})
        assert await alice.where("odd") == {"Paper Trail"}


async def test_the_warning_can_be_switched_off(alice: Owner, start: Start) -> None:
    await alice.contacts.add("bob", "Bob Builder", "bob@corp.example", parts=("Bob", "Builder"))
    (odd,) = await alice.receive(message("Your Bank <bob@corp.example>", "odd"))
    async with start(alice, MAILROOM_SCREENER_WARN_ON_NAME_MISMATCH="false"):
        await alice.tap(odd, "@ToFeed")
        await alice.until_triaged()
    assert await alice.where("odd") == {"Feed"}
