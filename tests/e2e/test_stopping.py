"""The service is stopped or killed anywhere in a pass; the next start finishes the work, once."""

import asyncio
import signal
import time

import pytest

from tests.e2e.conftest import Start
from tests.support.owner.person import Person, message
from tests.support.owner.vcard_app import note
from tests.support.proxy.holding import Holding
from tests.support.proxy.passes import FIND_MAIL, SEE, until_started
from tests.support.proxy.proxy import Proxy
from tests.support.service.process import Running

ADDRESS = "bob@corp.example"
BOB = f"Bob <{ADDRESS}>"

IN_TIME = 5.0
"""Seconds in which the service promises to end after a signal."""

PASS = {
    "labelled mail is looked for": (SEE, 0),
    "the address book is read": ("REPORT", 0),
    "the sender's mail is looked for": (FIND_MAIL, 0),
    "the card is made": ("PUT card", 0),
    "the groups are written": ("PUT group", 0),
    "the mail is filed": ("Email/set ifInState", 0),
    "the labelled mail is filed": ("Email/set ifInState", 1),
}


async def end_in_time(
    service: Running,
    number: signal.Signals = signal.SIGTERM,
    *,
    holding: Holding | None = None,
) -> None:
    """End the service; forward the request that is held back once the service is stopping."""
    began = time.monotonic()
    service.process.send_signal(number)
    if holding is not None:
        await service.until_logged("stopping")
        holding.release()
    code = await service.ended()
    assert time.monotonic() - began < IN_TIME
    assert code == 0
    assert service.events("stopped")[-1]["exit_code"] == 0


async def assert_all_filed_once(person: Person, mails: int) -> None:
    filed = await person.mails()
    assert len(filed) == mails
    assert {mail.mailboxes for mail in filed} == {frozenset({"Imbox", "Inbox"})}
    (line,) = note(await person.contacts.card_of(ADDRESS))
    assert line.startswith("Triaged to Imbox on ")
    assert await person.groups_of(ADDRESS) == {"Imbox", "Mailroom"}


@pytest.mark.parametrize(("kind", "skip"), PASS.values(), ids=PASS)
async def test_killed_anywhere_and_started_again(
    alice: Person, start: Start, proxy: Proxy, kind: str, skip: int
) -> None:
    one, _ = await alice.receive(message(BOB, "one"), message(BOB, "two"))
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        holding = Holding(proxy, kind, skip=skip, answer=True)
        await alice.tap(one, "@ToImbox")
        await holding.until_held()
        service.process.kill()
        await service.process.wait()
    async with start(alice):
        await alice.until_triaged()
    await assert_all_filed_once(alice, 2)


@pytest.mark.parametrize(("kind", "skip"), PASS.values(), ids=PASS)
async def test_stopped_anywhere_and_started_again(
    alice: Person, start: Start, proxy: Proxy, kind: str, skip: int
) -> None:
    """The request under way is carried out, and no more."""
    one, _ = await alice.receive(message(BOB, "one"), message(BOB, "two"))
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        holding = Holding(proxy, kind, skip=skip)
        await alice.tap(one, "@ToImbox")
        await holding.until_held()
        await end_in_time(service, holding=holding)
        assert all(exchange.status in {200, 201, 204, 207} for exchange in proxy.exchanges)
    async with start(alice):
        await alice.until_triaged()
    await assert_all_filed_once(alice, 2)


async def test_mail_that_comes_between_the_card_and_its_groups(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    """At that time the sender is a contact without a category, but the label decides."""
    (one,) = await alice.receive(message(BOB, "one"))
    async with start(alice, http=proxy.url) as service:
        holding = Holding(proxy, "PUT card")
        await alice.tap(one, "@ToImbox")
        await holding.until_held()
        await end_in_time(service, holding=holding)
    assert await alice.groups_of(ADDRESS) == set()
    await alice.server.deliver(alice.name, message(BOB, "two"))
    async with start(alice, MAILROOM_ARRIVALS_ENABLED="true"):
        await alice.until_triaged()
    await assert_all_filed_once(alice, 2)


@pytest.mark.parametrize(("stop", "count"), [(signal.SIGTERM, 1200), (signal.SIGINT, 300)])
async def test_stopped_in_a_sweep(
    alice: Person, start: Start, proxy: Proxy, stop: signal.Signals, count: int
) -> None:
    """Every mail is where it was or where it belongs; the label stays for the next start."""
    ids = await alice.receive(*(message(BOB, str(number)) for number in range(count)))
    tapped = ids[count // 2]
    async with start(alice, http=proxy.url) as service:
        proxy.round_trip = 0.5
        holding = Holding(proxy, "Email/set ifInState")
        await alice.tap(tapped, "@ToImbox")
        await holding.until_held()
        await end_in_time(service, stop, holding=holding)
    mails = await alice.mails()
    assert len(mails) == count
    places = {mail.mailboxes for mail in mails if mail.id != tapped}
    assert places <= {frozenset({"Screener"}), frozenset({"Imbox", "Inbox"})}
    assert await alice.where(str(count // 2)) == {"Screener", "@ToImbox"}
    async with start(alice):
        await alice.until_triaged()
    await assert_all_filed_once(alice, count)


async def test_a_server_that_does_not_answer_cannot_hold_it_up(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    """A monitor that never finishes its request cannot hold it up either."""
    (mail,) = await alice.receive(message(BOB, "mail"))
    async with start(alice, http=proxy.url) as service:
        holding = Holding(proxy, "PUT card")
        await alice.tap(mail, "@ToImbox")
        await holding.until_held()
        _, monitor = await asyncio.open_connection("127.0.0.1", service.port)
        monitor.write(b"GET /healthz HTTP/1.1\r\n")
        await end_in_time(service)
        monitor.close()


async def test_a_second_signal_ends_it_at_once(alice: Person, start: Start, proxy: Proxy) -> None:
    (mail,) = await alice.receive(message(BOB, "mail"))
    async with start(alice, http=proxy.url) as service:
        holding = Holding(proxy, "PUT card")
        await alice.tap(mail, "@ToImbox")
        await holding.until_held()
        service.process.send_signal(signal.SIGTERM)
        await service.until_logged("stopping")
        assert await service.end(signal.SIGINT) == 128 + signal.SIGINT
        assert service.events("stopped") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stopped_with_nothing_to_do(
    alice: Person, start: Start, number: signal.Signals
) -> None:
    async with start(alice) as service:
        await end_in_time(service, number)
        assert [line["event"] for line in service.log()][-2:] == ["stopping", "stopped"]
        assert {line["level"] for line in service.log()} == {"info"}


async def test_stopped_while_it_cannot_reach_the_server(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    proxy.break_off()
    async with start(alice, http=proxy.url, wait=False) as service:
        await service.until_logged("pass failed")
        await end_in_time(service)
