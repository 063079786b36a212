"""``mailroom waiting`` and ``mailroom decided``: who waits, and what was decided."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mailroom.account import Account, open_account
from mailroom.admin.decided import Decided, find_decided
from mailroom.admin.waiting import find_waiting
from mailroom.screener.model.subject import Subject
from mailroom.screener.overview.waiting import WaitReason
from mailroom.settings.load import load_settings
from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import ON, comes_to, mail
from tests.support.owner.person import Owner, message
from tests.support.service.process import environment
from tests.support.variants.worlds import VARIANTS

JANE = "Jane Doe <jane@corp.example>"
ON_LIST = ("List-Id: Weavers <dev.lists.example>", "List-Post: <mailto:dev@lists.example>")
OURS = "mx.example.com"
FORGED = f"Authentication-Results: {OURS}; dmarc=fail header.from=corp.example"

pytestmark = on(*(each for each in VARIANTS if each.push != "poll"))


@asynccontextmanager
async def opened(owner: Owner, cwd: Path) -> AsyncIterator[Account]:
    """Open an account as a command does."""
    async with open_account(load_settings(environment(owner), cwd=cwd)) as account:
        yield account


async def test_nobody_waits_and_nothing_is_decided(alice: Owner, tmp_path: Path) -> None:
    await alice.contacts.add("bob", "Bob Builder", "bob@corp.example")
    async with opened(alice, tmp_path) as account:
        assert (await find_waiting(account)).subjects == ()
        assert (await find_decided(account, category=None, search="")).subjects == ()


async def test_a_stranger_a_list_and_a_forged_mail_wait(
    alice: Owner, start: Start, tmp_path: Path
) -> None:
    async with start(alice, **ON, MAILROOM_ARRIVALS_AUTHSERV_ID=OURS):
        for each in (
            mail(JANE, "one", "Delivered-To: alice+shop@example.com"),
            mail("ann@home.example", "post", *ON_LIST),
            mail("Cy <cy@work.example>", "answer", *ON_LIST),
            mail("cy@work.example", "letter"),
            mail(JANE, "two", "Delivered-To: alice+shop@example.com"),
            mail(JANE, "forged", FORGED),
        ):
            await alice.server.deliver(alice.name, each)
        for subject in ("one", "post", "answer", "letter", "two"):
            await comes_to(alice, subject, "Screener")
        await comes_to(alice, "forged", "Screener", "@MailroomWarning")
    async with opened(alice, tmp_path) as account:
        waiting = (await find_waiting(account)).subjects
    # Mails of one second may come in either order.
    rows = {(str(row.subject), row.reason): row for row in waiting}
    assert len(waiting) == len(rows) == 4
    assert [row.newest_at for row in waiting] == sorted(
        (row.newest_at for row in waiting), reverse=True
    )
    jane = rows["jane@corp.example", WaitReason.STRANGER]
    assert (jane.name, jane.address, jane.count) == ("Jane Doe", "jane@corp.example", 2)
    assert jane.since <= jane.newest_at
    assert jane.subject_line in {"one", "two"}
    assert (await alice.mail(jane.subject_line)).id == jane.newest_id
    assert jane.alias in {"alice@example.com", "alice+shop@example.com"}
    weavers = rows["dev.lists.example", WaitReason.LIST]
    assert weavers.subject == Subject.of_list("dev.lists.example")
    assert (weavers.name, weavers.address, weavers.count) == ("Weavers", "dev@lists.example", 2)
    assert rows["cy@work.example", WaitReason.STRANGER].subject_line == "letter"
    forged = rows["jane@corp.example", WaitReason.FORGED]
    assert (forged.count, forged.subject_line) == (1, "forged")


async def test_many_mails_wait_over_several_pages(alice: Owner, tmp_path: Path) -> None:
    senders = [f"{number % 150}@corp.example" for number in range(1200)]
    for start in range(0, len(senders), 300):
        part = [message(sender, sender) for sender in senders[start : start + 300]]
        await alice.receive(*part)
    async with opened(alice, tmp_path) as account:
        waiting = (await find_waiting(account)).subjects
    assert {row.address: row.count for row in waiting} == dict.fromkeys(senders, 8)


async def test_decisions_are_listed_newest_first(
    alice: Owner, start: Start, tmp_path: Path
) -> None:
    jane, yarn, post = await alice.receive(
        message(JANE, "one"),
        message("Yarn Shop <orders@yarn.example>", "order"),
        mail("ann@home.example", "post", *ON_LIST),
    )
    await alice.contacts.add("bob", "Bob Builder", "bob@corp.example", more=("bob@b.example",))
    await alice.contacts.join("Imbox", "bob")
    await alice.contacts.add("ann", "Ann Weaver", "ann@home.example")
    async with start(alice):
        for email_id, label in ((jane, "@ToPerson"), (yarn, "@ToPaperTrail"), (post, "@ToFeed")):
            await alice.tap(email_id, label)
            await alice.until_triaged()
    async with opened(alice, tmp_path) as account:
        found = await find_decided(account, category=None, search="")
        by_search = {
            search: names(await find_decided(account, category=None, search=search))
            for search in ("YARN", "dev.lists", "b.example", "corp.example", "nobody")
        }
        of_feed = names(await find_decided(account, category="feed", search=""))
        of_imbox = names(await find_decided(account, category="Imbox", search=""))
    times = [(row.date, row.time) for row in found.subjects[:3]]
    assert all(day and at for day, at in times)
    assert times == sorted(times, reverse=True)
    assert {
        (row.name, row.categories, tuple(map(str, row.subjects))) for row in found.subjects
    } == {
        ("Jane Doe", ("Person",), ("jane@corp.example",)),
        ("Yarn Shop", ("Paper Trail",), ("orders@yarn.example",)),
        ("Weavers", ("Feed",), ("dev.lists.example",)),
        ("Bob Builder", ("Imbox",), ("bob@corp.example", "bob@b.example")),
    }
    assert found.subjects[3].name == "Bob Builder"  # without a date, so the last
    assert by_search == {
        "YARN": {"Yarn Shop"},
        "dev.lists": {"Weavers"},
        "b.example": {"Bob Builder"},
        "corp.example": {"Bob Builder", "Jane Doe"},
        "nobody": set(),
    }
    assert of_feed == {"Weavers"}
    assert of_imbox == {"Bob Builder"}  # Jane is in this group by Person's parent only


def names(found: Decided) -> set[str]:
    return {row.name for row in found.subjects}
