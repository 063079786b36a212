"""What others do meanwhile, refuse, or leave behind: nothing is lost, and nobody is held up."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from multidict import CIMultiDict

from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.proxy.passes import until_passes
from tests.support.proxy.proxy import (
    Answer,
    Exchange,
    Forward,
    Interceptor,
    Proxy,
    pass_through,
    proxying,
)
from tests.support.variants.worlds import ANNOTATING, NO_STATES, VARIANTS

ADDRESS = "jane@corp.example"
SENDER = f"Jane Doe <{ADDRESS}>"
FORBIDDEN = Answer(403, CIMultiDict({"Content-Type": "text/plain"}), b"no")


def writes_cards(exchange: Exchange) -> bool:
    return exchange.writes_cards


def writes_groups(exchange: Exchange) -> bool:
    return exchange.kind == "PUT group" or "ContactCard/set" in exchange.calls


def first(
    wanted: Callable[[Exchange], bool], then: Callable[[Forward], Awaitable[Answer]]
) -> Interceptor:
    """Do something else with the first exchange of a kind."""
    left = [then]

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        return await (left.pop()(forward) if left and wanted(exchange) else forward())

    return intercept


async def decisions_of(owner: Owner, address: str) -> list[str]:
    """The lines of a contact's note that tell decisions, without the date."""
    lines = (await owner.contact(address)).note
    return [line.rpartition(" on ")[0] for line in lines if "riaged to" in line]


async def test_many_stuck_mails_hold_up_nobody(alice: Owner, start: Start) -> None:
    stuck = [message('"Nobody" <>', f"stuck {number}") for number in range(120)]
    label = await alice.receive(*stuck)
    await alice.tap(label, "@ToFeed")
    (later,) = await alice.receive(message(SENDER, "later"))
    async with start(alice):
        await alice.tap(later, "@ToFeed")
        await alice.until_triaged("later")
    assert await alice.where("later") == {"Feed"}
    told = [each for each in await alice.mails() if "@MailroomError" in each.mailboxes]
    assert len(told) == len(stuck)


async def test_what_somebody_writes_meanwhile_is_not_lost(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    await alice.contacts.add("jane", "Jane Doe", ADDRESS, "Met at the fair.")
    (mail,) = await alice.receive(message(SENDER, "mail"))

    async def edited_first(forward: Forward) -> Answer:
        await alice.contacts.add_phone("jane")
        answer = await forward()
        assert answer.status == 412 or b"stateMismatch" in answer.body
        return answer

    without_phone = await alice.contacts.rest_of("jane")
    proxy.intercept = first(writes_cards, edited_first)
    async with start(alice, http=proxy.url, **ANNOTATING):
        await alice.tap(mail, "@ToFeed")
        await alice.until_triaged()
    assert len(await alice.contacts.rest_of("jane")) == len(without_phone) + 1
    assert (await alice.contact(ADDRESS)).note[0] == "Met at the fair."
    assert await decisions_of(alice, ADDRESS) == ["Triaged to Feed"]
    assert await alice.groups_of(ADDRESS) == {"Feed"}


@on(*VARIANTS, NO_STATES)
async def test_what_a_provider_files_meanwhile_is_filed_anew(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    """Its rules do not know of the decision before the contact is in its group."""
    (mail,) = await alice.receive(message(SENDER, "mail"))

    async def late_first(forward: Forward) -> Answer:
        await alice.server.append(alice.name, "Screener", message(SENDER, "late"))
        return await forward()

    proxy.intercept = first(writes_cards, late_first)
    async with start(alice, http=proxy.url) as service:
        await alice.tap(mail, "@ToPerson")
        await alice.until_triaged()

        async def filed() -> bool:
            return await alice.where("late") == {"Person", "Imbox", "Inbox"}

        # Where the server carries out the update in another state, the label is off before that.
        await alice.until(filed, "the late mail is filed")
        await service.until_logged("pass done")
        (told,) = service.events("pass done")
        assert told["mails"] == len(("mail", "late"))


@on(*VARIANTS, NO_STATES)
async def test_what_comes_with_the_tap_goes_where_the_tap_says(alice: Owner, start: Start) -> None:
    await alice.contacts.add("jane", "Jane Doe", ADDRESS, "Met at the fair.")
    (mail,) = await alice.receive(message(SENDER, "mail"))
    await alice.tap(mail, "@ToFeed")
    await alice.server.deliver(alice.name, message(SENDER, "new"))
    async with start(alice, MAILROOM_ARRIVALS_ENABLED="true"):
        await alice.until_triaged()
    assert await alice.where("new") == {"Feed"}


@pytest.mark.parametrize("left_in", ["Trash", "Archive", "Projects"])
async def test_a_labelled_mail_that_its_owner_moves_meanwhile_is_not_brought_back(
    alice: Owner, start: Start, proxy: Proxy, left_in: str
) -> None:
    """Labelled and deleted in one go: the sender is decided on, and the mail stays deleted."""
    await alice.create_mailbox("Projects")
    *_, mail = await alice.receive(message(SENDER, "old"), message(SENDER, "mail"))

    async def moved_first(forward: Forward) -> Answer:
        await alice.move([mail], [left_in])
        return await forward()

    proxy.intercept = first(writes_cards, moved_first)
    async with start(alice, http=proxy.url) as service:
        await alice.tap(mail, "@ToImbox")
        await service.until_logged("pass done")
    assert await alice.where("mail") == {left_in}
    assert await alice.where("old") == {"Imbox", "Inbox"}
    assert await alice.groups_of(ADDRESS) == {"Imbox", "Mailroom"}


def files_mail(exchange: Exchange) -> bool:
    return "Email/set" in exchange.calls


@pytest.mark.parametrize("left_in", ["Trash", "Archive", "Projects"])
async def test_other_mail_of_a_sender_that_its_owner_moves_meanwhile_is_not_brought_back(
    alice: Owner, start: Start, proxy: Proxy, left_in: str
) -> None:
    await alice.create_mailbox("Projects")
    moved, _, mail = await alice.receive(
        *(message(SENDER, each) for each in ("moved", "old", "mail"))
    )

    async def moved_first(forward: Forward) -> Answer:
        await alice.move([moved], [left_in])
        return await forward()

    proxy.intercept = first(files_mail, moved_first)
    async with start(alice, http=proxy.url):
        await alice.tap(mail, "@ToImbox")
        await alice.until_triaged()
    assert await alice.where("moved") == {left_in}
    assert await alice.where("old") == await alice.where("mail") == {"Imbox", "Inbox"}


async def test_an_own_mail_that_its_owner_deletes_meanwhile_stays_deleted(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    """Labelling a conversation labels the replies as well; they only lose the label."""
    (reply,) = await alice.receive(message("Me <me@home.example>", "reply"), into={"Sent"})

    async def deleted_first(forward: Forward) -> Answer:
        await alice.move([reply], ["Trash"])
        return await forward()

    proxy.intercept = first(files_mail, deleted_first)
    await alice.tap(reply, "@ToImbox")
    async with start(alice, http=proxy.url) as service:
        await until_passes(service, 1)
    assert await alice.where("reply") == {"Trash"}


async def test_another_label_that_is_put_on_meanwhile_is_acted_on(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    (mail,) = await alice.receive(message(SENDER, "mail"))
    mailboxes = await alice.mailboxes()
    off, on_ = (f"mailboxIds/{mailboxes[label]}" for label in ("@ToImbox", "@ToJail"))

    async def changed_first(forward: Forward) -> Answer:
        await alice.jmap("Email/set", {"update": {mail: {off: None, on_: True}}})
        return await forward()

    proxy.intercept = first(writes_cards, changed_first)
    async with start(alice, http=proxy.url):
        await alice.tap(mail, "@ToImbox")
        await alice.until_triaged()
    assert await alice.where("mail") == {"Jail"}
    assert await alice.groups_of(ADDRESS) == {"Jail", "Mailroom"}
    assert await decisions_of(alice, ADDRESS) == ["Triaged to Imbox", "Re-triaged to Jail"]


async def test_who_joins_a_group_meanwhile_stays_in_it(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    (mail,) = await alice.receive(message(SENDER, "mail"))
    joining, joined = asyncio.Lock(), False

    async def somebody_joins_before(exchange: Exchange, forward: Forward) -> Answer:
        nonlocal joined
        if writes_groups(exchange):
            async with joining:
                if not joined:
                    for group in await alice.groups():
                        await alice.contacts.join(group, "somebody")
                joined = True
        return await forward()

    proxy.intercept = somebody_joins_before
    async with start(alice, http=proxy.url):
        await alice.tap(mail, "@ToFeed")
        await alice.until_triaged()
    assert await alice.groups_of(ADDRESS) == {"Feed", "Mailroom"}
    assert all("somebody" in members for members in (await alice.groups()).values())


async def test_undo_keeps_a_card_that_its_owner_puts_into_a_group_meanwhile(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    await alice.contacts.add_group("friends", "Friends")
    (mail,) = await alice.receive(message(SENDER, "mail"))

    async def befriended_first(forward: Forward) -> Answer:
        await alice.contacts.join("Friends", (await alice.contact(ADDRESS)).uid)
        return await forward()

    async with start(alice, http=proxy.url):
        await alice.tap(mail, "@ToFeed")
        await alice.until_triaged()
        proxy.intercept = first(writes_groups, befriended_first)
        await alice.tap(mail, "@ToScreener")
        await alice.until_triaged()
    assert await alice.where("mail") == {"Screener"}
    assert await alice.groups_of(ADDRESS) == {"Friends"}
    assert (await alice.contact(ADDRESS)).note == ()


async def refuse_jane(exchange: Exchange, forward: Forward) -> Answer:
    """A server that does not want her card, but takes all others."""
    if ADDRESS.encode() not in exchange.body or not writes_cards(exchange):
        return await forward()
    return FORBIDDEN if exchange.method == "PUT" else await _without_jane(exchange, forward)


async def _without_jane(exchange: Exchange, forward: Forward) -> Answer:
    body = json.loads(exchange.body)
    refused = {}
    for _, arguments, call_id in body["methodCalls"]:
        for key in [
            key for key, card in arguments.get("create", {}).items() if ADDRESS in str(card)
        ]:
            del arguments["create"][key]
            refused[call_id] = {key: {"type": "forbidden"}}
    exchange.body = json.dumps(body).encode()
    answer = await forward()
    told = json.loads(answer.body)
    for _, result, call_id in told["methodResponses"]:
        if call_id in refused:
            result["notCreated"] = {**(result.get("notCreated") or {}), **refused[call_id]}
    return Answer(answer.status, answer.headers, json.dumps(told).encode())


async def test_a_refused_contact_keeps_the_label_on(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    mails = await alice.receive(message(SENDER, "mail"), message("al@corp.example", "other"))
    await alice.receive(message(SENDER, "earlier"))
    proxy.intercept = refuse_jane
    async with start(alice, http=proxy.url) as service:
        await alice.tap(mails, "@ToFeed")
        await alice.until_triaged("other")
        await service.until_logged("decision not finished, will be tried again")
        assert await alice.where("mail") == {"Screener", "@ToFeed"}
        assert await alice.contacts_of(ADDRESS) == []
        (told, *_) = service.events("decision not finished, will be tried again")
        assert "403" in told["reason"] or "forbidden" in told["reason"]
        proxy.intercept = pass_through
        await alice.until_triaged()
    assert await alice.where("earlier") == {"Feed"}
    assert await alice.groups_of(ADDRESS) == {"Feed", "Mailroom"}


def read_only(exchange: Exchange) -> Answer:
    """The answer of a server on which the account may only be read."""
    refusals = [
        ["error", {"type": "accountReadOnly"}, call_id]
        for _, _, call_id in json.loads(exchange.body)["methodCalls"]
    ]
    body = json.dumps({"sessionState": "0", "methodResponses": refusals}).encode()
    return Answer(200, CIMultiDict({"Content-Type": "application/json"}), body)


@on(*(each for each in VARIANTS if each.contacts == "jmap" and each.push != "poll"))
@pytest.mark.parametrize("writes", [writes_cards, files_mail])
async def test_an_account_that_may_only_be_read_by_now_is_closed_until_the_next_try(
    alice: Owner, start: Start, proxy: Proxy, writes: Callable[[Exchange], bool]
) -> None:
    mail, _ = await alice.receive(message(SENDER, "mail"), message(SENDER, "earlier"))

    async def refuse(exchange: Exchange, forward: Forward) -> Answer:
        return read_only(exchange) if writes(exchange) else await forward()

    async with start(alice, http=proxy.url) as service:
        proxy.intercept = refuse
        await alice.tap(mail, "@ToFeed")
        await service.until_logged("credentials refused; the account is closed until the next try")
        assert "accountReadOnly" in (await service.health())["last_failure"]["why"]
    assert "@ToFeed" in await alice.where("mail")


async def test_two_instances_make_one_contact_each(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    senders = [f"s{number}@corp.example" for number in range(10)]
    mails = await alice.receive(*(message(f"Sender <{each}>", each) for each in senders))
    await alice.receive(*(message(each, f"earlier {each}") for each in senders))
    async with proxying(alice.server.url, alice.server.dav_url) as other:
        both_write = asyncio.Barrier(2)
        for line in (proxy, other):
            line.intercept = first(writes_cards, lambda forward: meet(both_write, forward))
        async with start(alice, http=proxy.url) as one, start(alice, http=other.url) as two:
            await alice.tap(mails, "@ToFeed")
            await alice.until_triaged()
            await one.until_logged("pass done", 2)  # both log into one file
            assert (await one.end(), await two.end()) == (0, 0)
    for each in senders:
        assert len(await alice.contacts_of(each)) == 1
        assert await decisions_of(alice, each) == ["Triaged to Feed"]
        assert await alice.groups_of(each) == {"Feed", "Mailroom"}
        assert await alice.where(each) == await alice.where(f"earlier {each}") == {"Feed"}
    assert len(await alice.contacts.contacts()) == len(senders)


async def meet(barrier: asyncio.Barrier, forward: Forward) -> Answer:
    """Go on when the other one is there as well."""
    await barrier.wait()
    return await forward()


async def test_a_label_that_is_on_at_the_start_needs_no_push_and_no_poll(
    alice: Owner, start: Start
) -> None:
    (mail,) = await alice.receive(message(SENDER, "mail"))
    await alice.tap(mail, "@ToFeed")
    async with start(
        alice, wait=False, MAILROOM_PUSH_TRANSPORT="off", MAILROOM_POLL_INTERVAL="86400"
    ):
        await alice.until_triaged()
    assert await alice.where("mail") == {"Feed"}
