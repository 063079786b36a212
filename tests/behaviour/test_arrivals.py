"""New mail is screened the moment it comes, and by nobody where the provider was faster."""

import asyncio
import json
from collections.abc import Callable

import pytest

from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import BOB, ON, a_pass_later, add_bob, comes_to, mail
from tests.support.owner.person import Owner, message
from tests.support.proxy.passes import until_started
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy
from tests.support.variants.worlds import VARIANTS, Variant

OURS = "mx.example.com"
FORGED = f"Authentication-Results: {OURS}; dmarc=fail header.from=corp.example"
GENUINE = f"Authentication-Results: {OURS}; dmarc=pass header.from=corp.example"
ME = "alice@example.com"
STRANGER = "stranger@corp.example"

Measured = Callable[[str], None]


async def test_a_stranger_goes_to_the_screener(alice: Owner, start: Start) -> None:
    async with start(alice, **ON) as service:
        await alice.server.deliver(alice.name, mail(STRANGER))
        await comes_to(alice, "new", "Screener")
        await service.until_logged("new mail filed")
    assert (await alice.mail("new")).keywords >= {"$mailroom-screened"}


@pytest.mark.parametrize(
    ("groups", "mailboxes"),
    [
        (["Feed"], ["Feed"]),
        (["Imbox"], ["Imbox", "Inbox"]),
        (["Person", "Imbox"], ["Person", "Imbox", "Inbox"]),
    ],
    ids=["Feed", "Imbox", "Person"],
)
async def test_a_decided_sender_goes_to_its_place(
    alice: Owner, start: Start, groups: list[str], mailboxes: list[str]
) -> None:
    await add_bob(alice, *groups)
    async with start(alice, **ON):
        await alice.server.deliver(alice.name, mail(BOB))
        await comes_to(alice, "new", *mailboxes)


async def test_contacts_and_correspondents_are_left(alice: Owner, start: Start) -> None:
    await add_bob(alice)
    to_ann = message(ME, "sent", to="Ann <ANN@x.example>, cy@x.example")
    await alice.server.append(alice.name, "Sent", to_ann)
    async with start(alice, **ON):
        for sender in (BOB, "ann@x.example"):
            await alice.server.deliver(alice.name, mail(sender, sender))
        await a_pass_later(alice)
        for sender in (BOB, "ann@x.example"):
            assert await alice.where(sender) == {"Inbox"}


def latin(data: bytes, name: str) -> bytes:
    """The mail as old mailers send it: with a name in bytes that are no UTF-8."""
    return data.replace(name.encode(), name.encode("latin-1"))


async def test_names_that_are_not_utf8_hide_nobody(alice: Owner, start: Start) -> None:
    await add_bob(alice)
    sent = message(ME, "sent", to="cy@x.example").replace(b"To: ", "To: Jürgen <".encode())
    sent = sent.replace(b"cy@x.example", b"cy@x.example>")
    await alice.server.append(alice.name, "Sent", latin(sent, "Jürgen"))
    async with start(alice, **ON):
        for sender in ("bob@corp.example", "cy@x.example", "new@x.example"):
            old = mail(f"Jürgen <{sender}>", sender)
            await alice.server.deliver(alice.name, latin(old, "Jürgen"))
        await comes_to(alice, "new@x.example", "Screener")
        await a_pass_later(alice)
        for sender in ("bob@corp.example", "cy@x.example"):
            assert await alice.where(sender) == {"Inbox"}
        await alice.tap((await alice.mail("new@x.example")).id, "@ToFeed")
        await alice.until_triaged()
    assert await alice.where("new@x.example") == {"Feed"}


TELLS_IDENTITIES = [
    each for each in VARIANTS if each.server == "sandbox" and each.habit != "hostile"
]
"""Cyrus and James do not know who one is, and the hostile server gives no address."""


@on(*TELLS_IDENTITIES)
async def test_ones_own_mail_is_left(alice: Owner, start: Start) -> None:
    async with start(alice, **ON):
        await alice.server.deliver(alice.name, mail(ME, "mine"))
        await a_pass_later(alice)
    assert await alice.where("mine") == {"Inbox"}


async def test_who_is_written_to_while_it_runs_may_answer(alice: Owner, start: Start) -> None:
    async with start(alice, **ON):
        await alice.server.deliver(alice.name, mail(STRANGER, "first"))
        await comes_to(alice, "first", "Screener")
        await alice.server.append(alice.name, "Sent", message(ME, "sent", to=STRANGER))
        await alice.server.deliver(alice.name, mail(STRANGER, "answer"))
        await a_pass_later(alice)
    assert await alice.where("answer") == {"Inbox"}


async def test_what_the_provider_filed_is_left_where_it_is(alice: Owner, start: Start) -> None:
    async with start(alice, **ON):
        for place in ("Archive", "Feed", "Spam"):
            await alice.server.append(alice.name, place, mail(STRANGER, place))
        await a_pass_later(alice)
        for place in ("Archive", "Feed", "Spam"):
            assert await alice.where(place) == {place}


async def test_what_is_moved_back_by_hand_stays(alice: Owner, start: Start) -> None:
    async with start(alice, **ON):
        await alice.server.deliver(alice.name, mail(STRANGER))
        await comes_to(alice, "new", "Screener")
        await alice.move([(await alice.mail("new")).id], ["Inbox"])
        await a_pass_later(alice)
        assert await alice.where("new") == {"Inbox"}
    async with start(alice, **ON):
        await a_pass_later(alice)
    assert await alice.where("new") == {"Inbox"}


async def test_what_somebody_files_in_the_very_moment_is_not_pulled_back(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    moved: list[str] = []

    async def file_first(exchange: Exchange, forward: Forward) -> Answer:
        if "Email/set" in exchange.calls and not moved:
            moved.append((await alice.mail("new")).id)
            await alice.move(moved, ["Archive"])
        return await forward()

    proxy.intercept = file_first
    async with start(alice, http=proxy.url, **ON):
        await alice.server.deliver(alice.name, mail(STRANGER))
        await a_pass_later(alice)
        assert moved
        # Where ifInState is ignored, it is put right behind the update that the pass ends with.
        await comes_to(alice, "new", "Archive")


@on(*(each for each in VARIANTS if each.push != "poll"))
async def test_new_mail_that_comes_while_a_part_of_a_look_is_put_off(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    """That part is read again later, in a state in which new mail has not been looked at."""
    put_off = list[str]()

    async def put_off_first(exchange: Exchange, forward: Forward) -> Answer:
        answer = await forward()
        if "Email/changes" not in exchange.calls or put_off:
            return answer
        told = json.loads(answer.body)
        put_off.append(told["methodResponses"][0][0])
        told["methodResponses"][0][:2] = ["error", {"type": "serverFail"}]
        await alice.server.deliver(alice.name, mail("second@elsewhere.example", "second"))
        return Answer(answer.status, answer.headers, json.dumps(told).encode())

    async with start(alice, http=proxy.url, **ON) as service:
        await until_started(service)
        proxy.intercept = put_off_first
        await alice.server.deliver(alice.name, mail("first@elsewhere.example", "first"))
        await comes_to(alice, "first", "Screener")
        await comes_to(alice, "second", "Screener")
    assert put_off


async def test_500_mails_at_once_are_one_round_of_requests(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    mails = [mail(f"{number}@corp.example", str(number)) for number in range(500)]
    await alice.server.deliver(alice.name, *mails)
    async with start(alice, http=proxy.url, **ON) as service:
        await service.until_logged("pass done")
        written = [each for each in proxy.exchanges if "Email/set" in each.calls]
    assert len(written) == 1
    assert {each.mailboxes for each in await alice.mails()} == {frozenset({"Screener"})}


async def test_a_burst_during_a_pass(alice: Owner, start: Start, proxy: Proxy) -> None:
    burst = [mail(f"{number}@corp.example", f"burst {number}") for number in range(20)]
    came, coming = asyncio.Event(), [burst]

    async def come_meanwhile(exchange: Exchange, forward: Forward) -> Answer:
        if "Email/set" in exchange.calls and coming:
            await alice.server.deliver(alice.name, *coming.pop())
            came.set()
        return await forward()

    proxy.intercept = come_meanwhile
    async with start(alice, http=proxy.url, **ON):
        await alice.server.deliver(alice.name, mail(STRANGER))
        await came.wait()
        for number in range(20):
            await comes_to(alice, f"burst {number}", "Screener")
        await comes_to(alice, "new", "Screener")


async def test_what_came_while_it_was_down_is_screened_at_the_start(
    alice: Owner, start: Start
) -> None:
    async with start(alice, **ON) as service:
        await service.end()
    await add_bob(alice, "Feed")
    await alice.server.deliver(alice.name, mail(STRANGER, "stranger"), mail(BOB, "bob"))
    async with start(alice, **ON):
        await comes_to(alice, "stranger", "Screener")
        await comes_to(alice, "bob", "Feed")


async def test_a_forged_from_does_not_profit_from_it(alice: Owner, start: Start) -> None:
    await add_bob(alice, "Imbox")
    async with start(alice, **ON, MAILROOM_ARRIVALS_AUTHSERV_ID=OURS):
        await alice.server.deliver(
            alice.name,
            mail(BOB, "forged", FORGED),
            mail(BOB, "forged further down", GENUINE, FORGED),
            mail(BOB, "hidden below", FORGED, GENUINE),
            mail(BOB, "another server's word", FORGED.replace(OURS, "mx.evil.example")),
        )
        await comes_to(alice, "forged", "@MailroomWarning", "Screener")
        await comes_to(alice, "hidden below", "@MailroomWarning", "Screener")
        await comes_to(alice, "forged further down", "@MailroomWarning", "Screener")
        await comes_to(alice, "another server's word", "Imbox", "Inbox")


async def test_a_forged_mail_does_not_go_along_when_its_sender_is_triaged(
    alice: Owner, start: Start
) -> None:
    """It waits with its warning until it is labelled itself; then it is mail like any other."""
    warned, filed = {"@MailroomWarning", "Screener"}, {"Imbox", "Inbox"}
    async with start(alice, **ON, MAILROOM_ARRIVALS_AUTHSERV_ID=OURS):
        await alice.server.deliver(alice.name, mail(BOB, "genuine"), mail(BOB, "forged", FORGED))
        await comes_to(alice, "genuine", "Screener")
        await comes_to(alice, "forged", *warned)
        await alice.tap((await alice.mail("genuine")).id, "@ToImbox")
        await alice.until_triaged()
        assert (await alice.where("genuine"), await alice.where("forged")) == (filed, warned)
        await alice.tap((await alice.mail("forged")).id, "@ToImbox")
        await alice.until_triaged()
        assert await alice.where("forged") == filed
        await alice.tap((await alice.mail("genuine")).id, "@ToFeed")
        await alice.until_triaged()
    assert await alice.where("genuine") == await alice.where("forged") == {"Feed"}


async def test_contacts_edited_in_the_meantime_count(alice: Owner, start: Start) -> None:
    await add_bob(alice, "Feed")
    async with start(alice, **ON):
        await alice.server.deliver(alice.name, mail(BOB, "one"))
        await comes_to(alice, "one", "Feed")
        await alice.contacts.leave("Feed", "bob")
        await alice.contacts.join("Jail", "bob")
        await alice.server.deliver(alice.name, mail(BOB, "two"))
        await comes_to(alice, "two", "Jail")
        await alice.contacts.change_address("bob", "bob@elsewhere.example")
        await alice.server.deliver(alice.name, mail("bob@elsewhere.example", "three"))
        await comes_to(alice, "three", "Jail")
        await alice.server.deliver(alice.name, mail(BOB, "four"))
        await comes_to(alice, "four", "Screener")
        await alice.contacts.delete("bob")
        await alice.server.deliver(alice.name, mail("bob@elsewhere.example", "five"))
        await comes_to(alice, "five", "Screener")
        await a_pass_later(alice)


async def test_a_tap_decides_on_what_comes_afterwards(alice: Owner, start: Start) -> None:
    async with start(alice, **ON):
        await alice.server.deliver(alice.name, mail(STRANGER, "first"))
        await comes_to(alice, "first", "Screener")
        await alice.tap((await alice.mail("first")).id, "@ToFeed")
        await alice.server.deliver(alice.name, mail(STRANGER, "second"))
        await comes_to(alice, "first", "Feed")
        await comes_to(alice, "second", "Feed")


async def test_new_mail_is_left_when_arrivals_are_switched_off(alice: Owner, start: Start) -> None:
    await alice.server.deliver(alice.name, mail(STRANGER))
    async with start(alice, MAILROOM_ARRIVALS_ENABLED="false"):
        (tapped,) = await alice.receive(message(BOB, "tapped"))
        await alice.tap(tapped, "@ToFeed")
        await alice.until_triaged()
    assert await alice.where("new") == {"Inbox"}


async def test_from_the_event_to_the_mail_out_of_the_inbox(
    alice: Owner, start: Start, proxy: Proxy, measured: Measured, variant: Variant
) -> None:
    async with start(alice, http=proxy.url, **ON) as service:
        await a_pass_later(alice)
        await service.until_logged("pass done")
        done = len(service.events("pass done"))
        await alice.server.deliver(alice.name, mail(STRANGER))
        await service.until_logged("pass done", done + 1)
        seconds = service.events("pass done")[-1]["seconds"]
    assert await alice.where("new") == {"Screener"}
    measured(f"{variant}: {seconds:.2f} s from the event to the new mail out of the Inbox")
