"""The digest: one mail a day about new senders who wait, which nothing takes for mail to screen."""

import asyncio
import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from mailroom.account import open_account
from mailroom.runtime.digest_schedule import DigestSchedule
from mailroom.settings.load import load_settings
from tests.behaviour.conftest import Start, on
from tests.support.owner.mail import Mail
from tests.support.owner.new_mail import ON, a_pass_later, mail
from tests.support.owner.person import Owner
from tests.support.service.process import command, environment
from tests.support.variants.worlds import VARIANTS, Variant

NOW: Final = datetime.now(UTC)
DIGEST, SCREENED = "$mailroom-digest", "$mailroom-screened"
NEWS = ("News <news@loom.example>", "Issue 7", "List-Unsubscribe: <https://loom.example/>")
ONE_SANDBOX = on(next(variant for variant in VARIANTS if variant.server == "sandbox"))
ON_REAL_SERVERS = on(
    Variant("cyrus", "carddav", "eventsource"), Variant("james", "radicale", "websocket")
)


def due() -> dict[str, str]:
    """Return settings by which a digest is due today, in a time zone in which it is noon."""
    east = (12 - NOW.hour) % 24
    zone = f"Etc/GMT-{east}" if east < 12 else f"Etc/GMT+{24 - east}"
    at = NOW + timedelta(hours=east, minutes=-2)
    return {**ON, "MAILROOM_TIMEZONE": zone, "MAILROOM_DIGEST_AT": f"{at:%H:%M}"}


async def waits(alice: Owner, sender: str, subject: str, *fields: str, hours: int = 1) -> None:
    """Have mail wait since some hours ago."""
    came = f"{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    await alice.put("Screener", mail(sender, subject, *fields), came)


async def digests(alice: Owner) -> list[Mail]:
    return [one for one in await alice.mails() if DIGEST in one.keywords]


async def until_digests(alice: Owner, count: int) -> list[Mail]:
    async def there() -> bool:
        return len(await digests(alice)) == count

    await alice.until(there, f"{count} digests")
    return await digests(alice)


async def senders_that_wait(alice: Owner, settings: dict[str, str]) -> Collection[str]:
    done = await command(environment(alice, **settings), "waiting", "--json")
    return {row["address"] for row in json.loads(done.out)["waiting"]}


async def test_a_digest_names_who_is_new(alice: Owner, start: Start) -> None:
    await waits(alice, "Ada Obel <ada@obel.example>", "Dinner?")
    await waits(alice, *NEWS)
    await waits(alice, "Old Friend <old@x.example>", "Long ago", hours=30)
    settings = due()
    async with start(alice, **settings):
        (digest,) = await until_digests(alice, 1)
        await a_pass_later(alice)
    assert digest.subject == "2 new senders wait: Ada Obel and 1 more"
    assert digest.mailboxes == {"Inbox"}
    assert {DIGEST, SCREENED} <= set(digest.keywords)
    async with start(alice, **settings):  # nothing is remembered but the digest itself
        await a_pass_later(alice)
    assert [one.mailboxes for one in await digests(alice)] == [{"Inbox"}]


@ONE_SANDBOX
async def test_nobody_new_means_no_digest(alice: Owner, start: Start) -> None:
    await waits(alice, "Old Friend <old@x.example>", "Long ago", hours=30)
    async with start(alice, **due()):
        await a_pass_later(alice)  # this sender came after the digest was due
        await a_pass_later(alice)
    assert await digests(alice) == []


@ONE_SANDBOX
async def test_the_digest_before_is_read_and_archived(alice: Owner, start: Start) -> None:
    await waits(alice, "Ada Obel <ada@obel.example>", "Dinner?")
    yesterday = "The digest of yesterday"
    came = f"{NOW - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    await alice.put("Inbox", mail("alice@example.com", yesterday), came)
    before = (await alice.mail(yesterday)).id
    await alice.jmap("Email/set", {"update": {before: {f"keywords/{DIGEST}": True}}})
    async with start(alice, **due()):

        async def archived() -> bool:
            return await alice.where(yesterday) == {"Archive"}

        await alice.until(archived, "the digest of yesterday is in the archive")
    assert "$seen" in (await alice.mail(yesterday)).keywords
    assert await alice.where("1 new sender waits: Ada Obel") == {"Inbox"}


@ONE_SANDBOX
async def test_a_digest_is_no_mail_to_decide_on(alice: Owner, start: Start) -> None:
    await waits(alice, "Ada Obel <ada@obel.example>", "Dinner?")
    settings = due()
    async with start(alice, **settings):
        (digest,) = await until_digests(alice, 1)
        inbox, screener = [(await alice.mailboxes())[name] for name in ("Inbox", "Screener")]
        moved = {f"mailboxIds/{inbox}": None, f"mailboxIds/{screener}": True}
        await alice.jmap("Email/set", {"update": {digest.id: moved}})
        assert await senders_that_wait(alice, settings) == {"ada@obel.example"}
        await alice.tap(digest.id, "@ToFeed")

        async def refused() -> bool:
            return await alice.where(digest.subject) == {"Screener"}

        await alice.until(refused, "the label is taken off the digest")
    assert await alice.contacts.contacts() == []


async def write(alice: Owner) -> None:
    """Write the digest once, as a service does when the digest is due."""
    failures = list[bool]()
    settings = load_settings(environment(alice, **due()), cwd=Path("/"))
    async with open_account(settings) as account:
        await DigestSchedule(account, lambda: failures.append(True)).write_if_due()
    assert not failures


@ON_REAL_SERVERS
async def test_instances_at_the_same_moment_leave_one_digest(alice: Owner) -> None:
    await waits(alice, "Ada Obel <ada@obel.example>", "Dinner?")
    await asyncio.gather(*(write(alice) for _ in range(3)))
    copies = [digest.mailboxes for digest in await digests(alice)]
    assert [mailboxes for mailboxes in copies if mailboxes != {"Trash"}] == [{"Inbox"}]


@ON_REAL_SERVERS
async def test_a_digest_that_lost_its_keywords_is_no_new_mail(alice: Owner, start: Start) -> None:
    await waits(alice, "Ada Obel <ada@obel.example>", "Dinner?")
    await write(alice)
    (digest,) = await digests(alice)
    lost = dict.fromkeys((f"keywords/{keyword}" for keyword in digest.keywords), None)
    await alice.jmap("Email/set", {"update": {digest.id: lost}})
    async with start(alice, **ON):
        await a_pass_later(alice)
    assert await alice.where(digest.subject) == {"Inbox"}
