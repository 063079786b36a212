"""Exactly the sender's mail is moved: no more, no less."""

import pytest

from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.variants.worlds import VARIANTS

BOB = "Bob <bob@corp.com>"


async def tap_and_wait(person: Owner, subject: str, label: str = "@ToFeed") -> None:
    await person.tap((await person.mail(subject)).id, label)
    await person.until_triaged()


@pytest.mark.parametrize(
    "other",
    [
        "Bob <notbob@corp.com>",
        "Bob <bob@corp.com.example>",
        "Bob <bob@sub.corp.com>",
        "Bob <bob+tag@corp.com>",
        '"bob@corp.com" <evil@elsewhere.example>',
        '"Bob <bob@corp.com>" <evil@elsewhere.example>',
    ],
)
async def test_other_senders_stay(alice: Owner, start: Start, other: str) -> None:
    await alice.receive(
        message(BOB, "tapped"), message(other, "other"), message(other, "Re: bob@corp.com")
    )
    async with start(alice):
        await tap_and_wait(alice, "tapped")
    assert await alice.where("tapped") == {"Feed"}
    assert await alice.where("other") == {"Screener"}
    assert await alice.where("Re: bob@corp.com") == {"Screener"}


@pytest.mark.parametrize(
    "same",
    ["BOB@Corp.COM", '"bob"@corp.com', "(odd) bob(er)@corp.com (comment)", "Robert <bob@corp.com>"],
)
async def test_the_same_address_written_differently_is_swept(
    alice: Owner, start: Start, same: str
) -> None:
    await alice.receive(message(BOB, "tapped"), message(same, "same"))
    async with start(alice):
        await tap_and_wait(alice, "tapped")
    assert await alice.where("same") == {"Feed"}


async def test_letter_case_makes_no_second_contact_and_no_second_sender(
    alice: Owner, start: Start
) -> None:
    mails = await alice.receive(message(BOB, "one"), message("Bob <BOB@CORP.com>", "two"))
    async with start(alice):
        await alice.tap(mails, "@ToFeed")
        await alice.until_triaged()
    assert len(await alice.contacts_of("bob@corp.com")) == 1
    assert await alice.where("two") == {"Feed"}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("=?utf-8?q?J=C3=BCrgen_=F0=9F=A7=B5?= <zoe@corp.com>", "Jürgen 🧵"),
        ('"Dr. \\"Bo\\" O\'Neil; PhD, MSc" <zoe@corp.com>', 'Dr. "Bo" O\'Neil; PhD, MSc'),
        ('"back\\\\slash" <zoe@corp.com>', "back\\slash"),
        ("=?utf-8?b?5pel5pys6Kqe?= =?utf-8?b?44Oh44O844Or?= <zoe@corp.com>", "日本語メール"),
    ],
)
async def test_a_display_name_survives_into_the_card(
    alice: Owner, start: Start, written: str, name: str
) -> None:
    await alice.receive(message(written, "tapped"))
    async with start(alice):
        await tap_and_wait(alice, "tapped")
    assert (await alice.contact("zoe@corp.com")).full == name


@on(*(each for each in VARIANTS if each.server != "james"))  # James takes the bytes for Latin-1
async def test_a_display_name_in_bare_utf8_survives_into_the_card(
    alice: Owner, start: Start
) -> None:
    await alice.receive(message("Zoë Müller <zoe@corp.com>", "tapped"))
    async with start(alice):
        await tap_and_wait(alice, "tapped")
    assert (await alice.contact("zoe@corp.com")).full == "Zoë Müller"


async def test_all_addresses_of_a_card_are_swept(alice: Owner, start: Start) -> None:
    more = ["Bob@Home.example", "b@old.example"]
    await alice.contacts.add("three", "Bob", "bob@corp.com", more=more)
    await alice.receive(
        message(BOB, "tapped"),
        message("bob@home.example", "home"),
        message("Bob <B@old.example>", "old"),
        message("Bob <c@old.example>", "somebody else"),
    )
    async with start(alice):
        await tap_and_wait(alice, "tapped")
    assert await alice.where("home") == {"Feed"}
    assert await alice.where("old") == {"Feed"}
    assert await alice.where("somebody else") == {"Screener"}
    assert await alice.groups_of("bob@corp.com") == {"Feed"}


@pytest.mark.parametrize(
    "unusable",
    [
        "Bob <bob@corp.com>, Al <al@corp.com>",
        "Bob <bob@corp.com>\r\nFrom: Al <al@corp.com>",
        '"X" <>',
        "bob",
        "undisclosed-sender:;",
        "",
    ],
    ids=["two addresses", "two fields", "no address", "no domain", "a group", "empty"],
)
async def test_a_from_that_names_nobody_gets_the_error_label(
    alice: Owner, start: Start, unusable: str
) -> None:
    await alice.receive(message(unusable, "odd"), message(BOB, "other"))
    contacts = await alice.contacts.contacts()
    async with start(alice) as service:
        await alice.tap((await alice.mail("odd")).id, "@ToFeed")

        async def marked() -> bool:
            return await alice.where("odd") == {"Screener", "@ToFeed", "@MailroomError"}

        await alice.until(marked, "the error label is on")
        await service.until_logged("label cannot be acted on")
        await tap_and_wait_for_other(alice)
        assert await alice.contacts_of("bob@corp.com") != []
        await alice.untap((await alice.mail("odd")).id, "@ToFeed")

        async def healed() -> bool:
            return await alice.where("odd") == {"Screener"}

        await alice.until(healed, "the error label is off again")
    assert len(await alice.contacts.contacts()) == len(contacts) + 1


async def tap_and_wait_for_other(person: Owner) -> None:
    """One unusable mail must not hold up the others."""
    await person.tap((await person.mail("other")).id, "@ToFeed")
    await person.until_triaged("other")


async def test_mail_without_any_from(alice: Owner, start: Start) -> None:
    headless = message("x@example.com", "headless").partition(b"\r\n")[2]
    await alice.receive(headless)
    async with start(alice):
        await alice.tap((await alice.mail("headless")).id, "@ToJail")

        async def marked() -> bool:
            return "@MailroomError" in await alice.where("headless")

        await alice.until(marked, "the error label is on")
    assert await alice.where("headless") == {"Screener", "@ToJail", "@MailroomError"}


async def test_one_dated_line_says_what_was_decided(alice: Owner, start: Start) -> None:
    await alice.receive(message(BOB, "tapped"))
    async with start(alice):
        await tap_and_wait(alice, "tapped", "@ToPaperTrail")
    (line,) = (await alice.contact("bob@corp.com")).note
    assert line.startswith("Triaged to Paper Trail on 20")
