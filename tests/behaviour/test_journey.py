"""The same journey over every row: the first weeks of somebody who begins to use Mailroom.

Other files show each behaviour by itself and in its corners. Here one account lives through all of
them in turn, on every server and every pretended server there is, so that a row of the table that
the run prints says "this server works" and not "this request works".
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.behaviour.conftest import Start, on
from tests.support.owner.person import PATIENCE, Owner, message
from tests.support.proxy.passes import (
    figures,
    mail_of_new_senders,
    tapped_pass,
    until_seen,
    until_started,
)
from tests.support.proxy.proxy import (
    CUT,
    Answer,
    Exchange,
    Forward,
    Interceptor,
    Proxy,
    pass_through,
)
from tests.support.service.forked import running
from tests.support.service.process import Process, environment
from tests.support.variants.worlds import ROWS, Variant

Measured = Callable[[str], None]

everywhere = on(*ROWS)

CHAINS = {
    "@ToImbox": ({"Imbox", "Inbox"}, {"Imbox"}),
    "@ToFeed": ({"Feed"}, {"Feed"}),
    "@ToPaperTrail": ({"Paper Trail"}, {"Paper Trail"}),
    "@ToJail": ({"Jail"}, {"Jail"}),
    "@ToPerson": ({"Person", "Imbox", "Inbox"}, {"Person", "Imbox"}),
    "@ToBillboard": ({"Billboard", "Paper Trail"}, {"Billboard", "Paper Trail"}),
    "@ToTruck": ({"Truck", "Paper Trail"}, {"Truck", "Paper Trail"}),
}
"""Label -> where the mail goes, and the groups that its sender joins."""


@everywhere
async def test_a_first_week_with_one_label_after_the_other(alice: Owner, start: Start) -> None:
    async with start(alice):
        await each_category(alice)
        await a_change_of_mind_and_an_undo(alice)
        await a_conflict_that_heals(alice)
        await nobody_else_is_moved(alice)


async def each_category(alice: Owner) -> None:
    """Seven senders, seven labels, all tapped before any pass can see one of them."""
    for label, (mailboxes, groups) in CHAINS.items():
        sender = f"Sender <{label[1:].lower()}@corp.example>"
        tapped, _ = await alice.receive(
            message(sender, f"{label} tapped"), message(sender, f"{label} earlier")
        )
        await alice.receive(message(sender, f"{label} archived"), into={"Archive"})
        await alice.tap(tapped, label)
        await alice.until_triaged()
        assert await alice.where(f"{label} tapped") == mailboxes
        assert await alice.where(f"{label} earlier") == mailboxes
        assert await alice.where(f"{label} archived") == {"Archive"}
        assert await alice.groups_of(f"{label[1:].lower()}@corp.example") == groups | {"Mailroom"}


async def a_change_of_mind_and_an_undo(alice: Owner) -> None:
    tapped, _ = await alice.receive(
        *(message("Fickle <fickle@corp.example>", each) for each in ("fickle", "fickle too"))
    )
    for label, (mailboxes, groups) in CHAINS.items():
        await alice.tap(tapped, label)
        await alice.until_triaged()
        assert (await alice.where("fickle too")) - {"Inbox"} == mailboxes - {"Inbox"}
        assert await alice.groups_of("fickle@corp.example") == groups | {"Mailroom"}
    await alice.tap(tapped, "@ToScreener")
    await alice.until_triaged()
    assert await alice.where("fickle") == await alice.where("fickle too") == {"Screener"}
    assert await alice.contacts_of("fickle@corp.example") == []


async def a_conflict_that_heals(alice: Owner) -> None:
    one, other = await alice.receive(
        *(message("Torn <torn@corp.example>", each) for each in ("torn one", "torn other"))
    )
    mailboxes = await alice.mailboxes()
    taps = {one: "@ToFeed", other: "@ToJail"}
    update = {each: {f"mailboxIds/{mailboxes[label]}": True} for each, label in taps.items()}
    await alice.jmap("Email/set", {"update": update})

    async def marked() -> bool:
        return "@MailroomError" in await alice.where("torn other")

    await alice.until(marked, "the error label is on")
    assert await alice.contacts_of("torn@corp.example") == []
    await alice.untap(one, "@ToFeed")
    await alice.until_triaged()
    assert await alice.where("torn one") == await alice.where("torn other") == {"Jail"}


async def nobody_else_is_moved(alice: Owner) -> None:
    others = ["notex@corp.example", "ex@corp.example.org", "ex@sub.corp.example", "x@corp.example"]
    tapped, *_ = await alice.receive(
        message("Ex <ex@corp.example>", "exact"),
        message("EX@Corp.Example", "exact too"),
        *(message(f'"ex@corp.example" <{each}>', each) for each in others),
    )
    await alice.tap(tapped, "@ToFeed")
    await alice.until_triaged()
    assert await alice.where("exact") == await alice.where("exact too") == {"Feed"}
    assert [await alice.where(each) for each in others] == [{"Screener"}] * len(others)


@everywhere
async def test_new_mail_goes_where_its_sender_belongs(alice: Owner, start: Start) -> None:
    await alice.contacts.add("friend", "Friend", "friend@corp.example")
    (tapped,) = await alice.receive(message("News <news@corp.example>", "tapped"))
    async with start(alice, MAILROOM_ARRIVALS_ENABLED="true"):
        await alice.tap(tapped, "@ToFeed")
        await alice.until_triaged()
        senders = {"stranger": {"Screener"}, "news": {"Feed"}, "friend": {"Inbox"}}
        await alice.server.deliver(
            alice.name, *(message(f"{each}@corp.example", f"new {each}") for each in senders)
        )

        async def filed() -> bool:
            return [await alice.where(f"new {each}") for each in senders] == [*senders.values()]

        await alice.until(filed, "new mail is where it belongs")
        await alice.move([(await alice.mail("new stranger")).id], ["Inbox"])
        await alice.server.deliver(alice.name, message("stranger@corp.example", "another"))

        async def screened() -> bool:
            return await alice.where("another") == {"Screener"}

        await alice.until(screened, "the stranger's next mail is screened")
        assert await alice.where("new stranger") == {"Inbox"}, "let in by hand"


@everywhere
async def test_five_hundred_mails_of_one_sender(alice: Owner, start: Start) -> None:
    mails = await alice.receive(*(message("a@bulk.example", f"bulk {at}") for at in range(500)))
    async with start(alice):
        await alice.tap(mails[250], "@ToFeed")
        await alice.until_triaged(patience=2 * PATIENCE)
    assert {each.mailboxes for each in await alice.mails()} == {frozenset({"Feed"})}


@on(*(each for each in ROWS if each.push != "poll"))
async def test_five_mails_each_of_sixty_senders(
    alice: Owner, start: Start, proxy: Proxy, variant: Variant, measured: Measured
) -> None:
    """All tapped at once. The steps and requests of one, ten and sixty senders are printed."""
    async with start(alice, http=proxy.url) as service:
        await until_started(service)
        for count in (1, 10):
            await tap_new_senders(alice, count)
        before = (await service.health())["passes"]
        senders = [f"s{number}@sixty{number}.example" for number in range(60)]
        mails = await alice.receive(
            *(message(each, f"{part} {each}") for each in senders for part in range(5))
        )
        await until_seen(service, before)
        asked = await tapped_pass(alice, service, proxy, dict.fromkeys(mails[::5], "@ToFeed"))
        measured(f"{variant!s:45} 60 x 5: {figures(asked)}")
        await alice.until_triaged(patience=2 * PATIENCE)
    assert {each.mailboxes for each in await alice.mails()} == {frozenset({"Feed"})}
    for each in senders[::10]:
        assert await alice.groups_of(each) == {"Feed", "Mailroom"}


async def tap_new_senders(alice: Owner, count: int) -> None:
    mails = await mail_of_new_senders(alice, count, first=1000 * count)
    await alice.tap(mails, "@ToFeed")
    await alice.until_triaged()


@everywhere
async def test_a_tap_while_mailroom_was_down(alice: Owner, start: Start) -> None:
    mails = await alice.receive(
        message("before@corp.example", "before"), message("down@corp.example", "while down")
    )
    async with start(alice):
        await alice.tap(mails[0], "@ToFeed")
        await alice.until_triaged()
    await alice.tap(mails[1], "@ToJail")
    async with start(alice, wait=False):
        await alice.until_triaged()
    assert await alice.where("before") == {"Feed"}
    assert await alice.where("while down") == {"Jail"}


@everywhere
async def test_killed_at_the_first_write_of_contacts_and_then_of_mail(
    alice: Owner, start: Start, variant: Variant, proxy: Proxy, tmp_path: Path
) -> None:
    subjects = ["tapped", "earlier", "even earlier"]
    tapped, *_ = await alice.receive(*(message("Jane <j@corp.example>", s) for s in subjects))
    await alice.tap(tapped, "@ToPerson")
    env = environment(alice, http=proxy.url, **variant.settings)
    for kind in (writes_contacts, writes_mail):
        async with running(env, tmp_path / "killed.log", wait=False) as service:
            proxy.intercept = killing(service.process, kind)
            async with asyncio.timeout(PATIENCE):
                await service.process.wait()
    proxy.intercept = pass_through
    async with start(alice, wait=False):
        await alice.until_triaged()
    for each in subjects:
        assert await alice.where(each) == {"Person", "Imbox", "Inbox"}
    assert await alice.groups_of("j@corp.example") == {"Person", "Imbox", "Mailroom"}
    (line,) = (await alice.contact("j@corp.example")).note
    assert line.startswith("Triaged to Person on ")


def killing(process: Process, kind: Callable[[Exchange], bool]) -> Interceptor:
    """Let one write of a kind reach the server, and kill the process before the answer comes."""

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if not kind(exchange) or process.returncode is not None:
            return await forward()
        await forward()
        process.kill()
        return CUT

    return intercept


def writes_contacts(exchange: Exchange) -> bool:
    return exchange.writes_cards


def writes_mail(exchange: Exchange) -> bool:
    return "Email/set" in exchange.calls
