"""The number of requests of a pass, for much and for little work; times are only reported."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import pytest

from mailroom.http.limit import MOST_WRITES
from tests.e2e.conftest import Start
from tests.support.owner.person import Person, message
from tests.support.proxy.passes import (
    AT_ONCE,
    FIND_MAIL,
    SEE,
    WRITES_AT_ONCE,
    figures,
    kinds,
    mail_of_new_senders,
    tapped_pass,
    until_passes,
    until_started,
)
from tests.support.proxy.proxy import Exchange, Proxy
from tests.support.proxy.steps import dependent_steps, peak
from tests.support.service.process import Running

Measured = Callable[[str], None]

READ_BOOK = "REPORT"
WRITE_CARD = "PUT card"
WRITE_GROUP = "PUT group"
FILE = "Email/set ifInState"
STATE_RECHECK = "Email/get"
"""The request that reads the state again, 0.3 s after a pass that wrote."""

GROUPS_OF = {
    "@ToImbox": {"Imbox"},
    "@ToFeed": {"Feed"},
    "@ToPaperTrail": {"Paper Trail"},
    "@ToJail": {"Jail"},
    "@ToPerson": {"Person", "Imbox"},
    "@ToBillboard": {"Billboard", "Paper Trail"},
    "@ToTruck": {"Truck", "Paper Trail"},
}


async def tap(
    alice: Person,
    service: Running,
    proxy: Proxy,
    taps: Mapping[str, str],
    round_trip: float = 0.0,
) -> list[Exchange]:
    """Tap mails; return the requests of the pass, without a reading that was in vain.

    A pass begins to read before its settle ends, and reads again if Cyrus announces more meanwhile:
    on a slow machine, Cyrus may announce the mail of the test so late. There, the state may also be
    read again already, which happens 0.3 s after a pass that wrote and is no part of the pass.
    """
    exchanges = await tapped_pass(alice, service, proxy, taps, round_trip)
    readings = [at for at, exchange in enumerate(exchanges) if exchange.kind == SEE]
    assert len(readings) <= 2
    in_vain = exchanges[: readings[-1]] if len(readings) == 2 else []
    last_write = max(at for at, exchange in enumerate(exchanges) if exchange.kind == FILE)
    rechecks = [exchange for exchange in exchanges[last_write:] if exchange.kind == STATE_RECHECK]
    return [
        exchange
        for exchange in exchanges
        if exchange not in rechecks
        and (exchange not in in_vain or exchange.kind not in {SEE, READ_BOOK})
    ]


def timed(service: Running) -> str:
    return f"{service.events('pass done')[-1]['seconds']:.2f} s from event to done"


def of_kind(exchanges: Iterable[Exchange], *wanted: str) -> list[Exchange]:
    return [exchange for exchange in exchanges if exchange.kind in wanted]


@pytest.mark.parametrize("count", [1, 10, 60])
async def test_each_new_sender_costs_one_put_and_no_step(
    alice: Person, start: Start, proxy: Proxy, measured: Measured, count: int
) -> None:
    taps = dict.fromkeys(await mail_of_new_senders(alice, count), "@ToFeed")
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        exchanges = await tap(alice, service, proxy, taps, 0.1)
        measured(
            f"{count:3} new senders, 100 ms a round trip: {figures(exchanges)}, {timed(service)}"
        )
    assert kinds(exchanges) == {
        SEE: 1,
        READ_BOOK: 1,
        FIND_MAIL: 1,
        WRITE_CARD: count,
        WRITE_GROUP: 2,
        FILE: 2,
    }
    assert dependent_steps(exchanges, at_once=AT_ONCE) == 5
    assert peak(of_kind(exchanges, READ_BOOK, SEE)) == 2
    assert peak(of_kind(exchanges, WRITE_CARD, FILE)) >= min(count + 1, WRITES_AT_ONCE)
    assert min(count, WRITES_AT_ONCE) <= peak(of_kind(exchanges, WRITE_CARD)) <= MOST_WRITES
    assert peak(of_kind(exchanges, WRITE_GROUP)) == 2
    assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Feed"})}
    cards = await alice.contacts.cards()
    groups = await alice.groups()
    assert len(cards) - len(groups) == count
    assert groups["Feed"] == groups["Mailroom"]
    assert len(groups["Feed"]) == count


async def test_all_groups_are_read_once_and_written_once(
    alice: Person, start: Start, proxy: Proxy, measured: Measured
) -> None:
    labels = [label for label in GROUPS_OF for _ in range(3)]
    senders = [f"sender{number}@corp.example" for number in range(len(labels))]
    ids = await alice.receive(*(message(sender, sender) for sender in senders))
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        taps = dict(zip(ids, labels, strict=True))
        exchanges = await tap(alice, service, proxy, taps, 0.1)
        measured(
            f"{len(labels):3} new senders in all {len(GROUPS_OF)} categories: {figures(exchanges)}"
        )
    written = Counter(exchange.path for exchange in of_kind(exchanges, WRITE_GROUP))
    assert set(written.values()) == {1}
    assert len(written) == len(GROUPS_OF) + 1
    assert kinds(exchanges)[READ_BOOK] == 1
    assert kinds(exchanges)["GET"] == 0
    assert dependent_steps(exchanges, at_once=AT_ONCE) <= 5
    for sender, label in zip(senders, labels, strict=True):
        assert await alice.groups_of(sender) == {"Mailroom"} | GROUPS_OF[label]


async def test_a_change_of_mind_takes_one_step_more(
    alice: Person, start: Start, proxy: Proxy, measured: Measured
) -> None:
    """The contact is in its new group before it leaves the old one. Its card has to be read."""
    one, _ = await alice.receive(message("a@b.example", "one"), message("a@b.example", "two"))
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        await tapped_pass(alice, service, proxy, {one: "@ToFeed"})
        exchanges = await tap(alice, service, proxy, {one: "@ToPaperTrail"}, 0.1)
        measured(f"  1 sender anew, 100 ms a round trip: {figures(exchanges)}, {timed(service)}")
    exchanges = [exchange for exchange in exchanges if exchange.kind != STATE_RECHECK]
    assert kinds(exchanges) == {
        SEE: 1,
        READ_BOOK: 2,
        FIND_MAIL: 1,
        WRITE_CARD: 1,
        WRITE_GROUP: 2,
        FILE: 2,
    }
    assert dependent_steps(exchanges, at_once=AT_ONCE) == 6


async def test_a_sender_with_1200_mails(
    alice: Person, start: Start, proxy: Proxy, measured: Measured
) -> None:
    ids = await alice.receive(*(message("a@b.example", str(number)) for number in range(1200)))
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        exchanges = await tap(alice, service, proxy, {ids[600]: "@ToFeed"}, 0.1)
        measured(
            f"1200 mails of 1 sender, 100 ms a round trip: {figures(exchanges)}, {timed(service)}"
        )
    assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Feed"})}
    assert kinds(exchanges) == {
        SEE: 1,
        READ_BOOK: 1,
        FIND_MAIL: 1,
        WRITE_CARD: 1,
        WRITE_GROUP: 2,
        FILE: 3 + 1,
    }


async def test_a_whole_conversation_of_labelled_mail_costs_no_more_than_one(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    ids = await alice.receive(*(message("a@b.example", str(number)) for number in range(100)))
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        exchanges = await tap(alice, service, proxy, dict.fromkeys(ids, "@ToFeed"))
    assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Feed"})}
    assert len(exchanges) == 7


async def test_a_pass_with_nothing_to_do_asks_once_and_writes_nothing(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        count = len(proxy.exchanges)
        await alice.receive(message("a@b.example", "new"), into={"Inbox"})
        await until_passes(service, 3)
    assert kinds(proxy.since(count)) == {SEE: 1, READ_BOOK: 1}


async def test_own_writes_cause_no_pass(
    alice: Person, start: Start, proxy: Proxy, measured: Measured
) -> None:
    """The writes of a pass are announced before the next tap, so one pass too many shows."""
    senders = [f"sender{number}@corp.example" for number in range(4)]
    ids = await alice.receive(*(message(sender, sender) for sender in senders))
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        for mail_id in ids:
            await tapped_pass(alice, service, proxy, {mail_id: "@ToFeed"})
            state = (await alice.jmap("Email/get", {"ids": []}))["state"]
            await proxy.until_streamed(f'"Email":"{state}"')
        passes = (await service.health())["passes"]
    measured(f"  4 taps, one after another: {passes - 2} passes")
    assert passes == 2 + len(ids)
    assert len(of_kind(proxy.exchanges, SEE)) == passes


async def test_a_burst_of_20_taps_is_few_passes(
    alice: Person, start: Start, proxy: Proxy, measured: Measured
) -> None:
    senders = [f"sender{number}@corp.example" for number in range(20)]
    ids = await alice.receive(*(message(sender, sender) for sender in senders))
    label = (await alice.mailboxes())["@ToFeed"]
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        await alice.jmap_all(
            ("Email/set", {"update": {mail_id: {f"mailboxIds/{label}": True}}}) for mail_id in ids
        )
        await alice.until_triaged()
        await service.until_logged("pass done")
        passes = (await service.health())["passes"] - 2
    measured(f" 20 taps in a burst: {passes} passes")
    assert 1 <= passes <= 5


async def test_events_that_come_together_are_one_pass(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    senders = [f"sender{number}@corp.example" for number in range(3)]
    ids = await alice.receive(*(message(sender, sender) for sender in senders))
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        proxy.stall_streams()
        for mail_id in ids:
            await alice.tap(mail_id, "@ToFeed")
            state = (await alice.jmap("Email/get", {"ids": []}))["state"]
            await proxy.until_streamed(f'"Email":"{state}"')
        count = len(proxy.exchanges)
        proxy.release_streams()
        await service.until_logged("pass done")
        assert kinds(proxy.since(count))[SEE] == 1
    assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Feed"})}


async def test_from_the_event_to_the_label_off(
    alice: Person, start: Start, proxy: Proxy, measured: Measured
) -> None:
    """There is nothing in between but the settle time and the steps of the pass."""
    (mail,) = await alice.receive(message("a@b.example", "mail"))
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        chunks_before = len(proxy.stream_chunks)
        exchanges = await tap(alice, service, proxy, {mail: "@ToFeed"})
    heard, _ = proxy.stream_chunks[chunks_before]
    off = of_kind(exchanges, FILE)[-1].ended
    assert off is not None
    measured(f"  1 tap: {off - heard:.2f} s from the event's arrival to the label off")
    assert {exchange.kind for exchange in exchanges[:2]} == {SEE, READ_BOOK}
    assert [exchange.kind for exchange in exchanges if exchange.began < heard] == []
