"""The sandbox's store lets no mail end up in no mailbox; its console is what people touch."""

from datetime import UTC, datetime

import pytest

from mailroom.sandbox import Sandbox
from mailroom.sandbox.store import LastMailboxError, Violation
from tests.support.sandbox.client import ALICE, BOB, mail, serving


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=[ALICE, BOB])


def test_a_mail_never_leaves_its_last_mailbox(sandbox: Sandbox) -> None:
    mail_id = sandbox.deliver(mail(subject="Mine"))
    console = sandbox.owner()
    with pytest.raises(LastMailboxError):
        console.label(mail_id, remove=["Inbox"])
    assert console.violations == [Violation(mail_id, "Mine")]
    assert [each.mailboxes for each in console.mails()] == [{"Inbox"}]


def test_a_mail_needs_a_mailbox_to_come_to(sandbox: Sandbox) -> None:
    with pytest.raises(LastMailboxError):
        sandbox.owner().deliver(mail(), mailboxes=())
    with pytest.raises(LookupError, match="Nowhere"):
        sandbox.deliver(mail(), mailbox="Nowhere")
    assert sandbox.mails() == []


async def test_who_tries_it_over_jmap_is_noted() -> None:
    async with serving() as client:
        mail_id = client.sandbox.deliver(mail(subject="Mine"))
        inbox = client.sandbox.owner().mailboxes()["Inbox"]
        refused = {"type": "invalidProperties", "properties": ["mailboxIds"]}
        assert await client.patch(mail_id, **{f"mailboxIds/{inbox}": None}) == refused
        assert client.sandbox.owner().violations == [Violation(mail_id, "Mine")]


def test_mail_is_delivered_labelled_and_seen(sandbox: Sandbox) -> None:
    console = sandbox.owner()
    console.create_mailbox("Inbox/Screener")
    console.create_mailbox("@ToFeed")
    then = datetime(2026, 2, 25, tzinfo=UTC)
    late = sandbox.deliver(mail("Ann <ann@x.example>"))
    early = sandbox.deliver(
        mail("bob@x.example", "Old"), mailbox="Inbox/Screener", received_at=then
    )
    console.label(early, add=["@ToFeed", "Archive"], remove=["Archive"])
    first, second = sandbox.mails()
    assert (first.id, first.sender, first.subject) == (early, "bob@x.example", "Old")
    assert first.mailboxes == {"Inbox/Screener", "@ToFeed"}
    assert first.received_at == then
    assert (second.id, second.sender, second.address) == (late, "Ann", "ann@x.example")
    assert [each.id for each in sandbox.mails("@ToFeed")] == [early]
    assert sandbox.mails(user="bob") == []


def test_mailboxes_are_made_once_and_removed(sandbox: Sandbox) -> None:
    console = sandbox.owner()
    assert console.create_mailbox("A/B/C") == console.create_mailbox("A/B/C")
    assert {"A", "A/B", "A/B/C"} <= console.mailboxes().keys()
    kept = console.deliver(mail(subject="Kept"), mailboxes=("Inbox", "A/B/C"), keywords=["$seen"])
    sandbox.deliver(mail(), mailbox="A/B/C")
    console.destroy_mailbox("A/B/C")
    (seen,) = console.mails()
    assert seen.id == kept
    assert seen.mailboxes == {"Inbox"}
    assert seen.keywords == {"$seen"}
    with pytest.raises(LookupError):
        console.mails("A/B/C")
    with pytest.raises(LookupError):
        console.label("Mnope", add=["Inbox"])


def test_users_share_nothing(sandbox: Sandbox) -> None:
    same = mail()
    ids = {sandbox.deliver(same, user="alice"), sandbox.deliver(same, user="bob")}
    boxes = [set(sandbox.owner(user).mailboxes().values()) for user in ("alice", "bob")]
    assert len(ids) == 2
    assert boxes[0].isdisjoint(boxes[1])


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(ALICE)
    assert "t0ken" not in repr(ALICE)


async def test_delivered_mail_is_told_from_appended_mail() -> None:
    """LMTP puts a Received field of the delivery's time on top; APPEND leaves the mail alone."""
    then = datetime(2026, 2, 25, 14, 3, 5, tzinfo=UTC)
    old = "Received: from a by b; Mon, 5 Jan 2026 08:00:00 +0000"
    async with serving() as client:
        delivered = client.sandbox.deliver(mail("a@x.example", "x", old), received_at=then)
        appended = client.sandbox.owner().append(mail("a@x.example", "x", old), received_at=then)
        bare = client.sandbox.owner().append(mail("a@x.example"), received_at=then)
        got = await client.call(
            "Email/get",
            ids=[delivered, appended, bare],
            properties=["receivedAt", "header:Received:asRaw:all"],
        )
        stamps = [each["header:Received:asRaw:all"] for each in got["list"]]
        dates = [[field.rpartition(";")[2].strip() for field in fields] for fields in stamps]
        earlier = "Mon, 5 Jan 2026 08:00:00 +0000"
        assert dates == [["Wed, 25 Feb 2026 14:03:05 +0000", earlier], [earlier], []]
        assert {each["receivedAt"] for each in got["list"]} == {"2026-02-25T14:03:05Z"}


def test_a_mailbox_holds_what_was_put_into_it(sandbox: Sandbox) -> None:
    """The list of a mailbox follows every way in which a mail enters or leaves it."""
    console, store = sandbox.owner(), sandbox.owner().account.mail
    for path in ("Feed", "Jail"):
        console.create_mailbox(path)
    both, moved, destroyed, stays = (
        console.deliver(mail(), mailboxes=into)
        for into in (["Feed", "Jail"], ["Jail"], ["Feed"], ["Feed"])
    )
    console.label(moved, add=["Feed"], remove=["Jail"])
    store.destroy(destroyed)
    new = console.renumber()
    feed, jail = console.mailboxes()["Feed"], console.mailboxes()["Jail"]
    assert {each.id for each in store.emails_in(feed)} == {new[both], new[moved], new[stays]}
    assert [each.id for each in store.emails_in(jail)] == [new[both]]
    assert len(store.emails_in(feed, jail)) == len(store.emails)
    console.destroy_mailbox("Feed")
    assert store.emails_in(feed) == []
    assert [each.id for each in store.emails_in(jail)] == [new[both]] == list(store.emails)
