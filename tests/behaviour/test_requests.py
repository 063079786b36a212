"""How many requests a pass takes, however many senders there are: counted, on both backends."""

import json
from collections.abc import Callable

from tests.behaviour.conftest import Start, on
from tests.support.owner.person import PATIENCE, Owner, message
from tests.support.proxy.passes import (
    AT_ONCE,
    figures,
    kinds,
    mail_of_new_senders,
    tapped_pass,
    until_seen,
    until_started,
)
from tests.support.proxy.proxy import Answer, Exchange, Forward, Interceptor, Proxy
from tests.support.proxy.steps import dependent_steps
from tests.support.variants.worlds import VARIANTS, Variant

Measured = Callable[[str], None]

SENDERS = (1, 10, 60)
ROUND_TRIP = 0.05
"""Seconds; with none at all, what follows one another could not be told from what overlaps."""
LIMITED = {"as Cyrus 3.14": 4, "as Stalwart": 5, "as James": 8, "hostile": 11}
"""Steps over JMAP at most, where a server has limitations. Where it does not mind the state that an
update is held to, labelled mail is read once more before it is filed."""
STEPS = {"carddav": 5, "jmap": 4}
"""See what is labelled, and what is new in the address book; read contacts and mail; write contacts
(CardDAV: cards, then groups) and file the other mail; file what is labelled."""


@on(Variant("sandbox", "carddav", "websocket"), Variant("sandbox", "jmap", "websocket"))
async def test_steps_do_not_depend_on_the_number_of_senders(
    alice: Owner, start: Start, proxy: Proxy, variant: Variant, measured: Measured
) -> None:
    requests, steps = [], []
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        for count in SENDERS:
            before = (await service.health())["passes"]
            mails = await mail_of_new_senders(alice, count, first=1000 * count)
            await until_seen(service, before)
            taps = dict.fromkeys(mails, "@ToFeed")
            asked = await tapped_pass(alice, service, proxy, taps, ROUND_TRIP)
            measured(f"{variant.contacts:7} {count:3} new senders: {figures(asked)}")
            requests.append(len(asked) - kinds(asked)["PUT card"])
            steps.append(dependent_steps(asked, at_once=AT_ONCE))
    assert {each.mailboxes for each in await alice.mails()} == {frozenset({"Feed"})}
    assert set(steps) == {STEPS[variant.contacts]}
    assert len(set(requests)) == 1, "besides a PUT for each new card over CardDAV"


@on(*(Variant("sandbox", "jmap", "websocket", habit) for habit in LIMITED))
async def test_steps_do_not_depend_on_the_number_of_senders_on_any_server(
    alice: Owner, start: Start, proxy: Proxy, variant: Variant, measured: Measured
) -> None:
    """The first tap teaches the server's limitations, and is not counted."""
    steps = []
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        for number, count in enumerate((2, *SENDERS)):
            before = (await service.health())["passes"]
            mails = await mail_of_new_senders(alice, count, first=1000 * (number + 1))
            await until_seen(service, before)
            taps = dict.fromkeys(mails, "@ToFeed")
            asked = await tapped_pass(alice, service, proxy, taps, ROUND_TRIP)
            measured(f"{variant.habit:13} {count:3} new senders: {figures(asked)}")
            steps.append(dependent_steps(asked, at_once=AT_ONCE))
    assert {each.mailboxes for each in await alice.mails()} == {frozenset({"Feed"})}
    assert max(steps[1:]) <= LIMITED[variant.habit]


def none_refused(refusals: list[bytes]) -> Interceptor:
    """Lets everything through, and collects the answers that refuse a request or a method call.

    The first update has the server refuse one of nothing, to see if it minds states.
    """

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        answer = await forward()
        is_error = exchange.calls and any(
            name == "error" and result["type"] != "stateMismatch"
            for name, result, _ in json.loads(answer.body).get("methodResponses", [])
        )
        if is_error or answer.status not in {200, 101}:
            refusals.append(answer.body)
        return answer

    return intercept


@on(Variant("sandbox", "jmap", "websocket", "stalwart limits"))
async def test_more_than_the_limits_is_cut_to_them(
    alice: Owner, start: Start, proxy: Proxy, measured: Measured
) -> None:
    swept = await alice.receive(*(message("a@b.example", f"of one {at}") for at in range(1200)))
    senders = [f"sender{number}@corp.example" for number in range(600)]
    labelled = await alice.receive(*(message(f"Sender <{each}>", each) for each in senders))
    await alice.tap([swept[600], *labelled], "@ToFeed")
    refusals: list[bytes] = []
    proxy.intercept = none_refused(refusals)
    async with start(alice, http=proxy.url, wait=False) as service:
        await service.until_logged("pass done", patience=4 * PATIENCE)
        measured(f"jmap    601 new senders, 1801 mails, small limits: {figures(proxy.exchanges)}")
    assert refusals == []
    assert {each.mailboxes for each in await alice.mails()} == {frozenset({"Feed"})}
    contacts = {each.addresses for each in await alice.contacts.contacts()}
    assert contacts == {(each,) for each in ("a@b.example", *senders)}
    assert len((await alice.groups())["Feed"]) == len(contacts)


# Apache James does not announce each state that a write comes to.
@on(*(each for each in VARIANTS if each.push != "poll" and each.server != "james"))
async def test_own_writes_start_no_pass(alice: Owner, start: Start, proxy: Proxy) -> None:
    subjects = ["one", "two", "three"]
    mails = await alice.receive(*(message(f"{each}@corp.example", each) for each in subjects))
    passes = []
    async with start(alice, http=proxy.url) as service:
        for done, mail in enumerate(mails, 1):
            await alice.tap(mail, "@ToFeed")
            await service.until_logged("pass done", done)
            state = (await alice.jmap("Email/get", {"ids": []}))["state"]
            await proxy.until_streamed(f'"Email":"{state}"')
            passes.append((await service.health())["passes"])
    # The first may have come together with the catch-up pass behind the connect.
    assert passes == [passes[0], passes[0] + 1, passes[0] + 2]


@on(Variant("sandbox", "carddav", "websocket"), Variant("sandbox", "jmap", "websocket"))
async def test_the_first_pass_goes_on_from_what_the_check_has_seen(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    """The mailboxes are read by the check, and beside the search for labels; not in between."""
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
    assert kinds(proxy.exchanges)["Mailbox/get"] == 1
