"""``mailroom clear`` and ``MAILROOM_SCREENER_EXPIRE``: waiting mail goes, nothing is decided."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import ON, comes_to, mail
from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward, Proxy
from tests.support.service.forked import command, fork
from tests.support.service.process import Finished, environment
from tests.support.variants.worlds import VARIANTS, SandboxServer, Variant

JANE = "Jane Doe <jane@corp.example>"
WAIVED = "$mailroom-waived"
OURS = "mx.example.com"
FORGED = f"Authentication-Results: {OURS}; dmarc=fail header.from=corp.example"
SANDBOX = Variant("sandbox", "jmap", "websocket")
SERVERS = tuple(each for each in VARIANTS if each.server != "sandbox" or each.push == "websocket")
"""Every mail server and address book; the transport of push has no part in clearing."""
SENDERS = 500
"""Each of them has six mails waiting; fewer on real servers, which take longer to get so many."""


async def archive(owner: Owner) -> str:
    """The path of the archive, which is created if the server has made none."""

    async def ids() -> list[str]:
        answer = await owner.jmap("Mailbox/get", {"ids": None, "properties": ["id", "role"]})
        return [each["id"] for each in answer["list"] if each.get("role") == "archive"]

    if not await ids():
        await owner.create_mailbox("Archive", role="archive")
    (mailbox_id,) = await ids()
    return next(path for path, known in (await owner.mailboxes()).items() if known == mailbox_id)


async def clear(owner: Owner, *options: str) -> Finished:
    return await command(environment(owner), "clear", *options)


async def test_nothing_is_decided_and_a_later_yes_finds_the_mail(
    alice: Owner, start: Start
) -> None:
    folder = await archive(alice)
    await alice.receive(message(JANE, "one"), message(JANE, "two"))
    async with start(alice, **ON):
        done = await clear(alice, "--apply")
        assert (done.code, done.out.startswith("2 mails of 1 sender")) == (0, True), done
        for subject in ("one", "two"):
            assert await alice.where(subject) == {folder}
            assert WAIVED in (await alice.mail(subject)).keywords
        assert await alice.contacts.contacts() == []
        await alice.server.deliver(alice.name, mail(JANE, "three"))
        await comes_to(alice, "three", "Screener")
        await alice.tap((await alice.mail("three")).id, "@ToFeed")
        await alice.until_triaged()
        for subject in ("one", "two", "three"):
            await comes_to(alice, subject, "Feed")
    assert not any(WAIVED in each.keywords for each in await alice.mails())


async def test_undo_brings_the_mail_of_an_undecided_sender_back(alice: Owner) -> None:
    await archive(alice)
    await alice.receive(message(JANE, "one"), message(JANE, "two"))
    assert (await clear(alice, "--apply")).code == 0
    undone = await command(environment(alice), "undo", "jane@corp.example")
    assert undone.code == 0, undone
    for subject in ("one", "two"):
        assert await alice.where(subject) == {"Screener"}
        assert WAIVED not in (await alice.mail(subject)).keywords
    assert await alice.contacts.contacts() == []


async def test_without_apply_nothing_is_moved(alice: Owner) -> None:
    await archive(alice)
    await alice.receive(message(JANE, "one"), message("Ann <ann@home.example>", "other"))
    before = await alice.mails()
    seen = await clear(alice)
    assert (seen.code, seen.out.startswith("2 mails of 2 senders")) == (0, True), seen
    data = json.loads((await clear(alice, "--older", "1d", "--json")).out)
    assert (data["mails"], data["applied"], data["older"]) == (0, False, "1d")
    assert await alice.mails() == before


async def test_labelled_mail_stays_and_mail_in_the_inbox_only_leaves_the_screener(
    alice: Owner, start: Start
) -> None:
    folder = await archive(alice)
    labelled, shared, _ = await alice.receive(
        message(JANE, "labelled"), message(JANE, "shared"), message(JANE, "plain")
    )
    await alice.move([shared], ["Screener", "Inbox"])
    await alice.tap(labelled, "@WholeDomain")
    assert (await clear(alice, "--apply")).code == 0
    assert await alice.where("labelled") == {"Screener", "@WholeDomain"}
    assert await alice.where("shared") == {"Inbox"}
    assert await alice.where("plain") == {folder}
    async with start(alice, **ON):
        await alice.server.deliver(alice.name, mail(JANE, "next"))
        await comes_to(alice, "next", "Screener")
    assert await alice.where("shared") == {"Inbox"}


async def test_forged_mail_is_cleared_and_no_decision_finds_it(alice: Owner, start: Start) -> None:
    folder = await archive(alice)
    async with start(alice, **ON, MAILROOM_ARRIVALS_AUTHSERV_ID=OURS):
        await alice.server.deliver(alice.name, mail(JANE, "forged", FORGED))
        await comes_to(alice, "forged", "Screener", "@MailroomWarning")
        assert (await clear(alice, "--apply")).code == 0
        assert await alice.where("forged") == {folder}
        await alice.server.deliver(alice.name, mail(JANE, "real"))
        await comes_to(alice, "real", "Screener")
        await alice.tap((await alice.mail("real")).id, "@ToFeed")
        await alice.until_triaged()
        await comes_to(alice, "real", "Feed")
    assert await alice.where("forged") == {folder}


@on(SANDBOX)
async def test_without_an_archive_the_missing_role_is_named(alice: Owner) -> None:
    await alice.receive(message(JANE, "one"))
    mailboxes = await alice.mailboxes()
    await alice.jmap("Mailbox/set", {"update": {mailboxes["Archive"]: {"role": None}}})
    done = await clear(alice, "--apply")
    assert done.code == 4
    assert "the role 'archive'" in done.err
    assert await alice.where("one") == {"Screener"}


@on(*SERVERS)
async def test_killed_in_the_middle_and_run_again(
    alice: Owner, start: Start, proxy: Proxy, variant: Variant, tmp_path: Path
) -> None:
    """Nothing is decided, the next mail waits, and a later yes finds the mail that was cleared."""
    folder = await archive(alice)
    is_real = variant.server != "sandbox"
    senders, writes = (SENDERS // 5, 1) if is_real else (SENDERS, 3)
    for number in range(6):
        mails = [message(f"{each}@corp.example", f"{number} {each}") for each in range(senders)]
        await alice.receive(*mails)
    env = environment(alice, http=proxy.url)
    with (tmp_path / "log").open("wb") as log:
        process = await fork(
            *("mailroom", "clear", "--apply"), env=env, cwd=tmp_path, stdout=log, stderr=log
        )

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        nonlocal writes
        answer = await forward()
        writes -= exchange.is_write
        if writes or not exchange.is_write:
            return answer
        process.kill()
        return CUT

    proxy.intercept = intercept
    assert await process.wait() == -9
    left = [each for each in await alice.mails() if "Screener" in each.mailboxes]
    assert 0 < len(left) < 6 * senders
    again = await command(env, "clear", "--apply", "--json")
    assert again.code == 0, again
    assert json.loads(again.out)["mails"] == len(left)
    mails_now = await alice.mails()
    assert len(mails_now) == 6 * senders
    assert all(each.mailboxes == {folder} and WAIVED in each.keywords for each in mails_now)
    assert await alice.contacts.contacts() == []
    async with start(alice, **ON):
        await alice.server.deliver(alice.name, mail("7@corp.example", "next"))
        await comes_to(alice, "next", "Screener")
        await alice.tap((await alice.mail("next")).id, "@ToFeed")
        await alice.until_triaged()
    filed = {each.subject for each in await alice.mails() if each.mailboxes == {"Feed"}}
    assert filed == {"next", *(f"{number} 7" for number in range(6))}


@on(*(each for each in VARIANTS if each.server == "sandbox"))
async def test_the_service_clears_old_mail(alice: Owner, start: Start) -> None:
    assert isinstance(alice.server, SandboxServer)
    old = datetime.now(UTC) - timedelta(days=31)
    await alice.server.deliver_at(alice.name, old, message(JANE, "old"))
    await alice.move([(await alice.mail("old")).id], ["Screener"])
    await alice.receive(message(JANE, "young"))
    async with start(alice, MAILROOM_SCREENER_EXPIRE="30d") as service:
        await service.until_logged("waiting mail cleared")
        (line,) = service.events("waiting mail cleared")
        assert (line["mails"], line["senders"]) == (1, 1)
        assert await alice.where("old") == {"Archive"}
        await alice.tap((await alice.mail("young")).id, "@ToFeed")
        await alice.until_triaged()
        await comes_to(alice, "old", "Feed")


@on(SANDBOX)
async def test_a_service_that_cannot_clear_goes_on(alice: Owner, start: Start) -> None:
    mailboxes = await alice.mailboxes()
    await alice.jmap("Mailbox/set", {"update": {mailboxes["Archive"]: {"role": None}}})
    await alice.receive(message(JANE, "one"))
    async with start(alice, MAILROOM_SCREENER_EXPIRE="30d") as service:
        await service.until_logged("old waiting mail not cleared")
        await alice.tap((await alice.mail("one")).id, "@ToFeed")
        await alice.until_triaged()
    assert await alice.where("one") == {"Feed"}
