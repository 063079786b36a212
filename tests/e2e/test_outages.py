"""Outages of the network and of the server while the service runs: nothing is lost."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable

import pytest
from multidict import CIMultiDict

from tests.e2e.conftest import Start
from tests.support.owner.person import Person, message, until
from tests.support.owner.vcard_app import note
from tests.support.proxy.holding import Holding
from tests.support.proxy.passes import until_started
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward, Proxy, pass_through, proxying
from tests.support.service.forked import command
from tests.support.service.process import Running, environment

BOB = "Bob <bob@corp.example>"


async def tapped_mail(person: Person, subject: str = "mail") -> str:
    """Deliver a mail of Bob to the Screener, and tap it."""
    (mail,) = await person.receive(message(BOB, subject))
    await person.tap(mail, "@ToFeed")
    return mail


async def until_announced(person: Person, proxy: Proxy) -> None:
    """Wait until the server has announced the present state of the mail."""
    state = (await person.jmap("Email/get", {"ids": []}))["state"]
    await proxy.until_streamed(f'"Email":"{state}"')


async def until_connected(service: Running, *, reconnects: int) -> None:
    async def connected() -> bool:
        push = (await service.health())["push"]
        return bool(push["status"] == "connected" and push["reconnects"] >= reconnects)

    await until(connected, f"connected, after {reconnects} reconnects")


async def until_polled(service: Running) -> None:
    """Wait for a poll that changes nothing, so that the next poll is the only pass that is due."""
    before = (await service.health())["passes"]

    async def polled() -> bool:
        health = await service.health()
        return bool(health["passes"] > before and health["last_pass"]["trigger"] == "poll")

    await until(polled, "a poll")


# The stream


@pytest.mark.parametrize("ending", ["end_streams", "cut_streams"])
async def test_an_event_lost_with_its_stream_is_caught_up(
    alice: Person, start: Start, proxy: Proxy, ending: str
) -> None:
    async with start(alice, http=proxy.url) as service:
        await until_started(service)  # else the second pass could see the tap
        proxy.stall_streams()
        await tapped_mail(alice)
        await until_announced(alice, proxy)
        assert await alice.where("mail") == {"Screener", "@ToFeed"}
        getattr(proxy, ending)()
        await alice.until_triaged()
        await until_connected(service, reconnects=1)
        assert proxy.open_streams == 1
        assert (await service.health())["push"]["reconnects"] == 1
        await tapped_mail(alice, "later")
        await alice.until_triaged()
    assert await alice.where("mail") == {"Feed"}


async def test_a_half_open_stream_is_found_dead_and_replaced(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    """Cyrus itself ends a stream if a ping is late; such ends are not counted.

    Its log then says "select() failed: Invalid argument".
    """
    async with start(alice, http=proxy.url, MAILROOM_PUSH_PING="2") as service:
        await proxy.until_streamed("ping", 2)  # then the first one was forwarded
        await proxy.until_open_streams(1)
        ended = len(service.events("push disconnected"))
        proxy.stall_streams()
        await tapped_mail(alice)
        await service.until_logged("push disconnected", ended + 1)
        assert "silent for" in service.events("push disconnected")[ended]["reason"]
        assert "silent for" in (await service.health())["push"]["last_error"]
        await alice.until_triaged(patience=60)
        await until_connected(service, reconnects=ended + 1)
        await proxy.until_open_streams(1)


async def test_a_stream_is_resumed_where_it_ended(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    async with start(alice, http=proxy.url) as service:
        await tapped_mail(alice)
        await alice.until_triaged()
        await until_announced(alice, proxy)
        proxy.end_streams()
        await until_connected(service, reconnects=1)
    first, second = (exchange for exchange in proxy.exchanges if exchange.is_stream)
    assert "Last-Event-ID" not in first.headers
    assert int(second.headers["Last-Event-ID"]) > 0


# The server


async def test_what_is_tapped_while_the_server_is_out_of_reach_is_caught_up(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    async with start(alice, http=proxy.url) as service:
        proxy.break_off()
        await service.until_logged("push disconnected")
        await tapped_mail(alice)
        proxy.mend()
        await alice.until_triaged()
        await until_connected(service, reconnects=1)
        assert service.process.returncode is None
    assert await alice.where("mail") == {"Feed"}


async def test_a_server_that_is_stopped_and_started_again(own_alice: Person, start: Start) -> None:
    async with (
        proxying(own_alice.cyrus.url) as proxy,
        start(own_alice, http=proxy.url) as service,
    ):
        await own_alice.cyrus.stop()
        await service.until_logged("push disconnected")
        assert (await service.health())["push"]["status"] != "connected"
        proxy.break_off()  # so that the tap comes before Mailroom does
        await own_alice.cyrus.start(own_alice.cyrus.instance)
        await tapped_mail(own_alice)
        proxy.mend()
        await own_alice.until_triaged()
        await until_connected(service, reconnects=1)
        await tapped_mail(own_alice, "later")
        await own_alice.until_triaged()
    assert await own_alice.where("mail") == {"Feed"}


async def test_a_server_that_is_restarted_in_the_middle_of_a_pass(
    own_alice: Person, start: Start
) -> None:
    senders = [f"sender{number}@corp.example" for number in range(20)]
    ids = await own_alice.receive(*(message(sender, sender) for sender in senders))
    async with (
        proxying(own_alice.cyrus.url) as proxy,
        start(own_alice, http=proxy.url, MAILROOM_FAILURE_LIMIT="100") as service,
    ):
        holding = Holding(proxy, "PUT card")
        await own_alice.tap(ids, "@ToFeed")
        await holding.until_held()
        await own_alice.cyrus.stop()
        holding.release()
        await service.until_logged("pass failed")
        await own_alice.cyrus.start(own_alice.cyrus.instance)
        await own_alice.until_triaged()
        await service.until_logged("passes succeed again")
    for sender in senders:
        assert len(note(await own_alice.contacts.card_of(sender))) == 1
        assert await own_alice.groups_of(sender) == {"Feed", "Mailroom"}


async def test_a_server_that_is_gone_for_too_long(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    async with start(
        alice, http=proxy.url, MAILROOM_FAILURE_LIMIT="3", MAILROOM_POLL_INTERVAL="1"
    ) as service:
        proxy.break_off()
        async with asyncio.timeout(90):
            assert await service.process.wait() == 1
        assert len(service.events("pass failed")) >= 2  # what the poll hurries does not count
        (last,) = service.events("giving up")
        assert last["exit_code"] == 1
        assert "no answer" in last["error"]


async def test_a_server_restored_to_an_earlier_state(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    """A stream resumed at a future position is silent; the poll finds a change, push reconnects."""
    await alice.receive(*(message(BOB, str(number)) for number in range(100)))
    patient = {"MAILROOM_POLL_INTERVAL": "3", "MAILROOM_FAILURE_LIMIT": "1000"}
    async with start(alice, http=proxy.url, **patient) as service:
        await tapped_mail(alice)
        await alice.until_triaged()
        await until_announced(alice, proxy)
        proxy.break_off()
        await service.until_logged("push disconnected")
        await alice.cyrus.fresh_user(alice.name)
        assert (await command(environment(alice), "setup", "--apply")).code == 0
        proxy.mend()
        await until_connected(service, reconnects=1)
        await until_polled(service)
        await tapped_mail(alice, "first")
        await service.until_logged("the poll found a change that push had not announced")
        await service.until_logged("push connected", 3)
        await tapped_mail(alice, "second")
        await until_announced(alice, proxy)
        await alice.until_triaged()
    assert await alice.where("first") == {"Feed"}
    *_, resumed, anew = (
        exchange for exchange in proxy.exchanges if exchange.is_stream and exchange.status == 200
    )
    assert "Last-Event-ID" in resumed.headers
    assert "Last-Event-ID" not in anew.headers


async def test_contacts_out_of_reach_while_mail_is_not(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    """The label stays until the contact is written."""

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        return CUT if exchange.path.startswith("/dav/") else await forward()

    async with start(alice, http=proxy.url) as service:
        proxy.intercept = intercept
        await tapped_mail(alice)
        await service.until_logged("pass failed")
        assert await alice.where("mail") == {"Screener", "@ToFeed"}
        proxy.intercept = pass_through
        await alice.until_triaged()
    assert await alice.groups_of("bob@corp.example") == {"Feed", "Mailroom"}


# Requests that go wrong


@pytest.mark.parametrize("status", [403, 412, 500, 507])
async def test_a_contact_that_cannot_be_written_stops_no_other(
    alice: Person, start: Start, proxy: Proxy, status: int
) -> None:
    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        is_bobs = exchange.method == "PUT" and b"bob@corp.example" in exchange.body
        return Answer(status) if is_bobs else await forward()

    (other,) = await alice.receive(message("al@corp.example", "other"))
    async with start(alice, http=proxy.url) as service:
        proxy.intercept = intercept
        (mail,) = await alice.receive(message(BOB, "mail"))
        await alice.tap([mail, other], "@ToFeed")
        await service.until_logged("decision not finished, will be tried again")
        # A second refusal, a second later, would add the error label.
        assert await alice.where("mail") == {"Screener", "@ToFeed"}
        await alice.until_triaged("other")
        proxy.intercept = pass_through
        await alice.until_triaged()
    for address in ("al@corp.example", "bob@corp.example"):
        assert await alice.groups_of(address) == {"Feed", "Mailroom"}
        assert len(note(await alice.contacts.card_of(address))) == 1


async def _too_busy(forward: Forward) -> Answer:
    return Answer(503)


async def _lost(forward: Forward) -> Answer:
    return CUT


async def _answer_lost(forward: Forward) -> Answer:
    await forward()
    return CUT


async def _broken(forward: Forward) -> Answer:
    answer = await forward()
    return Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])


@pytest.mark.parametrize("fault", [_too_busy, _lost, _answer_lost, _broken])
async def test_one_request_of_four_goes_wrong(
    alice: Person, start: Start, proxy: Proxy, fault: Callable[[Forward], Awaitable[Answer]]
) -> None:
    numbers = itertools.count()

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        return await (fault(forward) if next(numbers) % 4 == 3 else forward())

    senders = [f"sender{number}@corp.example" for number in range(10)]
    mails = [message(sender, f"{part} {sender}") for part in ("old", "new") for sender in senders]
    ids = await alice.receive(*mails)
    async with start(alice, http=proxy.url) as service:
        proxy.intercept = intercept
        await alice.tap(ids[10:], "@ToFeed")
        await alice.until_triaged()
        assert service.process.returncode is None
    assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Feed"})}
    for sender in senders:
        assert len(note(await alice.contacts.card_of(sender))) == 1
        assert await alice.groups_of(sender) == {"Feed", "Mailroom"}


@pytest.mark.parametrize("method", ["POST", "REPORT", "PUT"])
async def test_retry_after_is_honoured(
    alice: Person, start: Start, proxy: Proxy, method: str
) -> None:
    """The request is not repeated sooner than the server asks; it may be repeated later."""
    refused: list[float] = []

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if exchange.method != method or refused:
            return await forward()
        refused.append(time.monotonic())
        return Answer(503, CIMultiDict({"Retry-After": "2"}))

    async with start(alice, http=proxy.url):
        proxy.intercept = intercept
        await tapped_mail(alice)
        await alice.until_triaged()
    repeated = next(
        exchange
        for exchange in proxy.exchanges
        if exchange.method == method and exchange.began > refused[0]
    )
    assert repeated.began - refused[0] >= 2


@pytest.mark.slow
async def test_a_single_401_is_no_reason_to_end(alice: Person, start: Start, proxy: Proxy) -> None:
    refused: list[Exchange] = []

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if refused:
            return await forward()
        refused.append(exchange)
        return Answer(401)

    async with start(alice, http=proxy.url) as service:
        proxy.intercept = intercept
        await tapped_mail(alice)
        await service.until_logged("pass failed")
        await alice.until_triaged(patience=90)
        assert service.process.returncode is None
        (failed,) = service.events("pass failed")
        assert failed["error"].rpartition(": ")[2] == "credentials refused (401)"


# The account


async def rename(person: Person, old: str, new: str) -> None:
    mailbox = (await person.mailboxes())[old]
    await person.jmap("Mailbox/set", {"update": {mailbox: {"name": new}}})


async def until_failed_for(service: Running, reason: str) -> None:
    async def failed() -> bool:
        return any(reason in event["error"] for event in service.events("pass failed"))

    await until(failed, f"a pass failed because of {reason!r}")


@pytest.mark.parametrize("name", ["Feed", "Screener", "@ToScreener", "@MailroomError"])
async def test_a_mailbox_renamed_away_and_back(alice: Person, start: Start, name: str) -> None:
    async with start(alice) as service:
        await rename(alice, name, "Elsewhere")
        await until_failed_for(service, f"mailboxes missing: {name} (`mailroom setup --apply`")
        await rename(alice, "Elsewhere", name)
        await tapped_mail(alice)
        await alice.until_triaged()
        assert service.process.returncode is None
    assert await alice.where("mail") == {"Feed"}


async def test_a_missing_label_stops_no_other_label(alice: Person, start: Start) -> None:
    async with start(alice) as service:
        await rename(alice, "@ToJail", "Elsewhere")
        await service.until_logged("labels missing (`mailroom setup --apply` creates them)")
        await tapped_mail(alice)
        await alice.until_triaged()
        _, body = await service.get("/healthz")
        assert "mailbox missing: @ToJail (`mailroom setup --apply` creates it)" in body
        await rename(alice, "Elsewhere", "@ToJail")
        await service.until_logged("no label is missing any more")
        assert not service.events("pass failed")
        (once,) = service.events("labels missing (`mailroom setup --apply` creates them)")
        assert once["labels"] == ["@ToJail"]
    assert await alice.where("mail") == {"Feed"}


async def test_a_mailbox_deleted_and_made_again(alice: Person, start: Start) -> None:
    """Cyrus does not announce that a mailbox was deleted, so the poll has to notice."""
    async with start(alice, MAILROOM_POLL_INTERVAL="2") as service:
        for name in ("Feed", "@ToFeed"):
            mailbox = (await alice.mailboxes())[name]
            await alice.jmap("Mailbox/set", {"destroy": [mailbox]})
        await until_failed_for(service, "mailboxes missing")
        for name in ("Feed", "@ToFeed"):
            await alice.create_mailbox(name)
        await tapped_mail(alice)
        await alice.until_triaged()
    assert await alice.where("mail") == {"Feed"}


async def test_a_contact_group_renamed_away_and_back(alice: Person, start: Start) -> None:
    (group,) = [
        name for name, lines in (await alice.contacts.cards()).items() if "FN:Feed" in lines
    ]
    _, card, _ = await alice.contacts.dav("GET", alice.contacts.book_url + group)
    uid = group.removesuffix(".vcf")
    async with start(alice) as service:
        await alice.contacts.put_card(uid, card.replace("FN:Feed", "FN:Elsewhere"))
        await tapped_mail(alice)
        await until_failed_for(service, "contact groups missing: Feed")
        assert await alice.where("mail") == {"Screener", "@ToFeed"}
        await alice.contacts.put_card(uid, card)
        await alice.until_triaged()
    assert await alice.groups_of("bob@corp.example") == {"Feed", "Mailroom"}


async def test_a_mailbox_that_stays_missing_ends_the_service(alice: Person, start: Start) -> None:
    async with start(alice, MAILROOM_FAILURE_LIMIT="2") as service:
        await rename(alice, "Feed", "Elsewhere")
        async with asyncio.timeout(60):
            assert await service.process.wait() == 4
        (last,) = service.events("giving up")
        assert "mailboxes missing: Feed (`mailroom setup --apply`" in last["error"]
