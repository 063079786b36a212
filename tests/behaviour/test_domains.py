"""Decisions on everybody at a domain."""

from collections.abc import Callable

import pytest

from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import ON, a_pass_later, comes_to, deliver_by_rules
from tests.support.owner.person import Owner, message, until
from tests.support.proxy.passes import AT_ONCE, figures, tapped_pass, until_seen, until_started
from tests.support.proxy.proxy import Proxy
from tests.support.proxy.steps import dependent_steps
from tests.support.variants.worlds import ROWS, Variant

Measured = Callable[[str], None]

ROUND_TRIP = 0.05
"""Seconds; with none at all, what follows one another could not be told from what overlaps."""
DOMAIN = "*@corp.example"
ANN, BOB = "Ann <ann@corp.example>", "Bob <bob@corp.example>"


async def decide(person: Owner, subject: str, *labels: str) -> None:
    for label in labels:
        await person.tap((await person.mail(subject)).id, label)
    await person.until_triaged()


@on(*ROWS)
@pytest.mark.parametrize("labels", [("@WholeDomain", "@ToFeed"), ("@ToFeed", "@WholeDomain")])
async def test_one_tap_decides_on_everybody_at_a_domain(
    alice: Owner, start: Start, labels: tuple[str, str]
) -> None:
    """The label for the domain comes before, with or after the triage label."""
    await alice.receive(message(ANN, "of ann"), message(BOB, "of bob"))
    await alice.receive(message("Cy <cy@other.example>", "of cy"))
    async with start(alice, **ON):
        await decide(alice, "of ann", *labels)
        assert await alice.where("of ann") == await alice.where("of bob") == {"Feed"}
        assert await alice.where("of cy") == {"Screener"}
        contact = await alice.contact(DOMAIN)
        assert (contact.full, contact.organization) == ("corp.example", "corp.example")
        assert contact.note[0] == "Whole domain: corp.example"
        await alice.server.deliver(alice.name, message("Di <di@corp.example>", "of di"))
        await comes_to(alice, "of di", "Feed")


@on(*ROWS)
async def test_a_card_of_ones_own_beats_the_domain(alice: Owner, start: Start) -> None:
    await alice.receive(message(ANN, "of ann"), message(BOB, "of bob"), message(BOB, "again"))
    async with start(alice, **ON):
        await decide(alice, "of bob", "@ToImbox")
        await decide(alice, "of ann", "@WholeDomain", "@ToPaperTrail")
        assert await alice.where("of ann") == {"Paper Trail"}
        assert await alice.where("again") >= {"Imbox"}
        await alice.server.deliver(alice.name, message(BOB, "a new one"))
        await comes_to(alice, "a new one", "Imbox", "Inbox")
        # Everybody is meant, the sender of the labelled mail too.
        await decide(alice, "of bob", "@WholeDomain", "@ToFeed")
        assert await alice.where("again") == await alice.where("of ann") == {"Feed"}
        assert await alice.groups_of("bob@corp.example") == {"Feed", "Mailroom"}


@on(*ROWS)
async def test_an_undo_on_one_sender_at_a_decided_domain_lasts(alice: Owner, start: Start) -> None:
    """The mail came to the Screener by a label, although its domain is decided on by then."""
    async with start(alice, **ON):
        await deliver_by_rules(alice, message(ANN, "of ann"))
        await deliver_by_rules(alice, message(BOB, "of bob"))
        await a_pass_later(alice)
        await decide(alice, "of bob", "@ToImbox")
        await decide(alice, "of ann", "@WholeDomain", "@ToFeed")
        await decide(alice, "of bob", "@ToScreener")
        await a_pass_later(alice)
        assert await alice.where("of bob") == {"Screener"}
        assert await alice.where("of ann") == {"Feed"}


@on(*ROWS)
async def test_alone_the_label_waits_for_a_decision_and_extends_one(
    alice: Owner, start: Start
) -> None:
    await alice.receive(message(ANN, "of ann"), message(BOB, "of bob"))
    async with start(alice) as service:
        await alice.tap((await alice.mail("of ann")).id, "@WholeDomain")
        before = (await service.health())["passes"]

        async def another_pass() -> bool:
            return bool((await service.health())["passes"] > before)

        await until(another_pass, "a pass after the tap")
        assert await alice.where("of ann") == {"Screener", "@WholeDomain"}
        await decide(alice, "of ann", "@ToFeed")
        assert await alice.where("of bob") == {"Feed"}
        await decide(alice, "of bob", "@ToScreener")
        assert await alice.where("of ann") == await alice.where("of bob") == {"Screener"}
        assert await alice.contacts.contacts() == []
        await decide(alice, "of ann", "@ToFeed")
        assert await alice.where("of bob") == {"Screener"}
        await decide(alice, "of ann", "@WholeDomain")
    assert await alice.where("of bob") == {"Feed"}


@on(*ROWS)
@pytest.mark.parametrize(
    "sender",
    [
        "Ann <ann@gmail.com>",
        "Ann <ann@co.uk>",
        "Ann <a1b2@privaterelay.appleid.com>",
        "Ann <ann@onmicrosoft.com>",
    ],
)
async def test_the_domain_of_a_provider_is_refused(alice: Owner, start: Start, sender: str) -> None:
    await refused(alice, start, sender)


@on(*(row for row in ROWS if row.server != "cyrus" and row.quirks.serving.identities == "listed"))
async def test_the_domain_of_the_users_own_provider_is_refused(alice: Owner, start: Start) -> None:
    """Only servers that report the user's addresses: Cyrus reports an empty one."""
    first, *_ = (await alice.jmap("Identity/get", {"ids": None}))["list"]
    reason = await refused(alice, start, f"Ann <ann@{first['email'].rpartition('@')[2]}>")
    assert "a domain of your own addresses or of your mail server" in reason


async def refused(alice: Owner, start: Start, sender: str) -> str:
    """Have a tap on the domain of a sender refused, and then one on the sender carried out.

    Returns the reason in the log.
    """
    (mail,) = await alice.receive(message(sender, "one"))
    await alice.tap(mail, "@WholeDomain")
    await alice.tap(mail, "@ToFeed")
    async with start(alice) as service:
        await comes_to(alice, "one", "Screener", "@ToFeed", "@WholeDomain", "@MailroomError")
        await service.until_logged("label cannot be acted on")
        event, *_ = service.events("label cannot be acted on")
        assert sender.rpartition("@")[2].rstrip(">") in event["reason"]
        assert await alice.contacts.contacts() == []
        await alice.untap(mail, "@WholeDomain")
        await comes_to(alice, "one", "Feed")
    return str(event["reason"])


@on(Variant("sandbox", "carddav", "websocket"), Variant("sandbox", "jmap", "websocket"))
async def test_thirty_senders_take_as_many_steps_as_two(
    alice: Owner, start: Start, proxy: Proxy, variant: Variant, measured: Measured
) -> None:
    requests, steps = [], []
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        for count in (2, 30):
            before = (await service.health())["passes"]
            domain = f"corp{count}.example"
            mails = await alice.receive(
                *(message(f"sender{at}@{domain}", f"{domain} {at}") for at in range(count))
            )
            await until_seen(service, before)
            before = (await service.health())["passes"]
            await alice.tap(mails[0], "@WholeDomain")
            await until_seen(service, before)
            asked = await tapped_pass(alice, service, proxy, {mails[0]: "@ToFeed"}, ROUND_TRIP)
            measured(f"{variant.contacts:7} a domain of {count:2} senders: {figures(asked)}")
            requests.append(len(asked))
            steps.append(dependent_steps(asked, at_once=AT_ONCE))
    assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Feed"})}
    assert len(set(requests)) == len(set(steps)) == 1
