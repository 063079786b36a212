"""Mail with a one-time code is in the Inbox for a day, and its sender waits all the time."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import ON, a_pass_later, comes_to, mail
from tests.support.owner.person import Owner
from tests.support.service.forked import command
from tests.support.service.process import environment
from tests.support.variants.worlds import VARIANTS, SandboxServer

OURS = "mx.example.com"
CODES = {**ON, "MAILROOM_ARRIVALS_AUTHSERV_ID": OURS}
LOOM = "Loom <login@loom.example>"
PASSED = f"Authentication-Results: {OURS}; dmarc=pass header.from=loom.example"
CODE = "$mailroom-code"
SUBJECT = "Your Loom code is 600160"


async def test_a_code_is_in_the_inbox_and_its_sender_waits(alice: Owner, start: Start) -> None:
    async with start(alice, **CODES):
        await alice.server.deliver(alice.name, mail(LOOM, SUBJECT, PASSED))
        await comes_to(alice, SUBJECT, "Inbox", "Screener")
        keywords = (await alice.mail(SUBJECT)).keywords
        assert {CODE, "$mailroom-screened"} <= set(keywords)
        waiting = await command(environment(alice, **CODES), "waiting", "--json")
        (row,) = json.loads(waiting.out)["waiting"]
        assert row["address"] == "login@loom.example"
        explained = await command(environment(alice, **CODES), "explain", "login@loom.example")
        assert [line.strip() for line in explained.out.splitlines()[2:]] == [
            "mail      1 in Screener",
            "1 mail with a one-time code, in the Inbox too until the day is over",
            "new mail  would go to Screener: the sender is unknown",
            "with a one-time code in its subject to the Inbox too, for a day",
        ]
        await a_pass_later(alice)
        assert await alice.where(SUBJECT) == {"Inbox", "Screener"}
    assert await alice.contacts.contacts() == []


async def test_without_a_condition_it_only_waits(alice: Owner, start: Start) -> None:
    mails = {
        "Loom code: 600161": (),
        "Loom code: 600162": (PASSED, "List-Unsubscribe: <https://loom.example/>"),
        "Loom code: 600163": (PASSED.replace(OURS, "mx.evil.example"),),
        "Order code: 600164": (PASSED,),
    }
    async with start(alice, **CODES):
        for subject, fields in mails.items():
            await alice.server.deliver(alice.name, mail(LOOM, subject, *fields))
        for subject in mails:
            await comes_to(alice, subject, "Screener")


async def test_the_setting_switches_it_off(alice: Owner, start: Start) -> None:
    async with start(alice, **CODES, MAILROOM_ARRIVALS_CODES="false"):
        await alice.server.deliver(alice.name, mail(LOOM, SUBJECT, PASSED))
        await comes_to(alice, SUBJECT, "Screener")


@pytest.mark.parametrize(("label", "mailboxes"), [("@ToFeed", {"Feed"}), ("@ToScreener", None)])
async def test_a_label_on_it_decides(
    alice: Owner, start: Start, label: str, mailboxes: set[str] | None
) -> None:
    async with start(alice, **CODES):
        await alice.server.deliver(alice.name, mail(LOOM, SUBJECT, PASSED))
        await comes_to(alice, SUBJECT, "Inbox", "Screener")
        await alice.tap((await alice.mail(SUBJECT)).id, label)
        await alice.until_triaged()
    assert await alice.where(SUBJECT) == (mailboxes or {"Screener"})
    assert CODE not in (await alice.mail(SUBJECT)).keywords


async def test_a_decision_by_name_files_it(alice: Owner, start: Start) -> None:
    async with start(alice, **CODES):
        await alice.server.deliver(alice.name, mail(LOOM, SUBJECT, PASSED))
        await comes_to(alice, SUBJECT, "Inbox", "Screener")
    env = environment(alice, **CODES)
    done = await command(env, "decide", "login@loom.example", "Imbox")
    assert done.code == 0, done
    assert await alice.where(SUBJECT) == {"Imbox", "Inbox"}


@on(*(each for each in VARIANTS if each.server == "sandbox"))
async def test_after_a_day_it_leaves_the_inbox_unless_its_owner_filed_it(
    alice: Owner, start: Start
) -> None:
    assert isinstance(alice.server, SandboxServer)
    subjects = {
        "old": ("Inbox", "Screener"),
        "let in": ("Inbox",),
        "archived": ("Archive", "Screener"),
        "young": ("Inbox", "Screener"),
    }
    for subject, mailboxes in subjects.items():
        came = datetime.now(UTC) - timedelta(hours=23 if subject == "young" else 25)
        await alice.server.deliver_at(alice.name, came, mail(LOOM, subject, PASSED))
        mail_id = (await alice.mail(subject)).id
        await alice.move([mail_id], list(mailboxes))
        keywords = {f"keywords/{CODE}": True, "keywords/$mailroom-screened": True}
        await alice.jmap("Email/set", {"update": {mail_id: keywords}})
    async with start(alice, **CODES) as service:
        await service.until_logged("mail with codes taken out of the Inbox")
        (line,) = service.events("mail with codes taken out of the Inbox")
        assert (line["mails"], line["senders"]) == (3, 1)
        for subject, mailboxes in subjects.items():
            after = {"Screener"} if subject == "old" else set(mailboxes)
            assert await alice.where(subject) == after
            has_keyword = CODE in (await alice.mail(subject)).keywords
            assert has_keyword == (subject == "young")
