"""A digest is in the Inbox once, whoever else is at work; those before it are in the archive."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from mailroom.digest.delivery import DigestMail, DigestMails
from mailroom.http import HttpError
from mailroom.sandbox import HOSTILE, JAMES, STALWART, Quirks
from mailroom.screener.model.keywords import DIGEST, SCREENED
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward, pass_through
from tests.support.sandbox.arrivals import World, a_world

SERVERS = pytest.mark.parametrize(
    "quirks",
    [
        pytest.param(Quirks(), id="as the standard says"),
        pytest.param(STALWART, id="as Stalwart"),
        pytest.param(JAMES, id="as James"),
        pytest.param(HOSTILE, id="hostile"),
    ],
)
INBOX, ARCHIVE = {"Inbox"}, {"Archive"}


def digest(day: int, text: str = "Hi.") -> DigestMail:
    message_id = f"digest.2026-11-{day}.a@mailroom.invalid"
    due = datetime(2026, 11, day, 7, 0, tzinfo=UTC)
    lines = [
        "From: Mailroom <alice@example.com>",
        "To: alice@example.com",
        f"Subject: Digest of {day}",
        f"Message-ID: <{message_id}>",
        f"Date: {due:%a, %d %b %Y %H:%M:%S +0000}",
        "",
        text,
        "",
    ]
    return DigestMail("\r\n".join(lines).encode(), message_id, due)


def mails_of(world: World) -> DigestMails:
    return DigestMails(world.account, world.places)


async def write(world: World, mail: DigestMail) -> None:
    mails = mails_of(world)
    await mails.deliver(mail)
    await mails.tidy_up(mail.message_id)


def seen(world: World) -> list[tuple[str, set[str], bool]]:
    """Return the subject line of each mail, its mailboxes, and True if it was read.

    Second copies, which are in the Trash, are left out.
    """
    return [
        (mail.subject, set(mail.mailboxes), "$seen" in mail.keywords)
        for mail in world.console.mails()
        if mail.mailboxes != {"Trash"}
    ]


@SERVERS
async def test_each_digest_takes_the_place_of_the_one_before(quirks: Quirks) -> None:
    async with a_world(quirks) as world:
        for day in (26, 27, 28):
            await write(world, digest(day))
        last = world.console.mails()[-1]
        assert seen(world) == [
            ("Digest of 26", ARCHIVE, True),
            ("Digest of 27", ARCHIVE, True),
            ("Digest of 28", INBOX, False),
        ]
    assert last.keywords == {DIGEST, SCREENED}
    assert last.received_at == digest(28).due


@SERVERS
async def test_the_same_digest_is_written_once_whatever_is_in_it(quirks: Quirks) -> None:
    async with a_world(quirks) as world:
        for text in ("Hi.", "Hi.", "Somebody else came meanwhile."):
            await write(world, digest(28, text))
        assert seen(world) == [("Digest of 28", INBOX, False)]


@SERVERS
async def test_two_instances_at_once_leave_one_digest(quirks: Quirks) -> None:
    async with a_world(quirks) as world:
        await write(world, digest(27))
        await asyncio.gather(*(write(world, digest(28, f"{number}")) for number in range(4)))
        assert seen(world) == [("Digest of 27", ARCHIVE, True), ("Digest of 28", INBOX, False)]


@SERVERS
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_digest_is_whole_after_a_failure_at_any_request(quirks: Quirks, when: str) -> None:
    """Each request is lost once, before the server sees it or with its answer."""
    for number in count():
        async with a_world(quirks) as world:
            await write(world, digest(27))
            requests = count()

            async def intercept(
                _: Exchange,
                forward: Forward,
                requests: Iterator[int] = requests,
                lost: int = number,
            ) -> Answer:
                if next(requests) < lost:
                    return await forward()
                if when == "after":
                    await forward()
                return CUT

            world.proxy.intercept = intercept
            try:
                await write(world, digest(28))
            except HttpError:
                has_failed = True
            else:
                has_failed = False
            world.proxy.intercept = pass_through
            await write(world, digest(28))
            expected = [("Digest of 27", ARCHIVE, True), ("Digest of 28", INBOX, False)]
            assert seen(world) == expected, f"request {number}"
        if not has_failed:
            return


async def test_a_busy_account_gets_its_digest() -> None:
    """Somebody else changes mail between every reading and every import."""
    async with a_world() as world:

        async def intercept(exchange: Exchange, forward: Forward) -> Answer:
            if "Email/import" in exchange.calls:
                world.console.append(b"Subject: other\r\n\r\n")
            return await forward()

        world.proxy.intercept = intercept
        await write(world, digest(28))
        assert [row for row in seen(world) if row[0] != "other"] == [("Digest of 28", INBOX, False)]


async def test_a_digest_that_its_owner_has_moved_is_left_there() -> None:
    async with a_world() as world:
        await write(world, digest(27))
        (mail,) = world.console.mails()
        world.console.label(mail.id, add=["Trash"], remove=["Inbox"])
        await write(world, digest(28))
        assert seen(world) == [("Digest of 28", INBOX, False)]
        assert set(world.console.mails()[0].mailboxes) == {"Trash"}


async def test_a_strangers_mail_gains_nothing_by_the_message_id_of_a_digest() -> None:
    forged = digest(28)
    async with a_world() as world:
        world.console.deliver(forged.message)
        await write(world, forged)
        assert [row[0] for row in seen(world)] == ["Digest of 28"] * 2
        assert sorted(DIGEST in mail.keywords for mail in world.console.mails()) == [False, True]
