"""``mailroom reset``: afterwards the account is as it was, but for what its owner changed."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from mailroom.account import Account, open_account
from mailroom.admin.reset import Outcome, Scope, Traces, survey, take_back
from mailroom.admin.reset.traces import CardTreatment
from mailroom.screener.model.missing import MissingError
from mailroom.settings.load import load_settings
from tests.behaviour.conftest import on
from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy
from tests.support.service.forked import command
from tests.support.service.process import environment
from tests.support.variants.worlds import ANNOTATING, VARIANTS, Variant

LOOM = "news@loom.example"
KEYWORD = "$mailroom-screened"
Opened = Callable[..., AbstractAsyncContextManager[Account]]

everywhere = on(*(each for each in VARIANTS if each.push == "websocket" or each.server == "cyrus"))
over_each_backend = on(*(Variant("sandbox", each, "websocket") for each in ("carddav", "jmap")))


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens somebody's account as the commands do; new mail is screened."""

    @asynccontextmanager
    async def opened(owner: Owner, **more: str) -> AsyncIterator[Account]:
        env = environment(owner, **{"MAILROOM_ARRIVALS_ENABLED": "true", **more})
        async with open_account(load_settings(env, cwd=tmp_path)) as account:
            yield account

    return opened


def untold(what: str, done: int, total: int) -> None:
    assert done <= total


async def reset(account: Account) -> tuple[Traces, Outcome]:
    """What ``mailroom reset --apply`` does."""
    scope = await Scope.of(account, untold)
    found = await survey(scope)
    return found, await take_back(scope, found)


async def triage(account: Account, owner: Owner, **labels: str) -> None:
    """Put labels on mails (subject=label), and run a pass over them."""
    for subject, label in labels.items():
        await owner.tap((await owner.mail(subject)).id, label)
    report = await (await account.workflow()).run()
    assert report.is_complete


async def mailboxes(owner: Owner) -> dict[str, set[str]]:
    return {each.subject: set(each.mailboxes) for each in await owner.mails()}


async def cards(owner: Owner) -> dict[str, Any]:
    """Every card by uid, all that is on it."""
    uids = [each.uid for each in await owner.contacts.contacts()]
    return {uid: await owner.contacts.everything_on(uid) for uid in uids}


async def people(owner: Owner) -> None:
    """The contacts that somebody has before Mailroom."""
    await owner.contacts.add("loom", "", LOOM, "Met at the fair.\nLikes tea", more=["l@x.example"])
    await owner.contacts.add("friend", "Fay", "fay@friends.example")
    await owner.contacts.add("corp", "Corp", "*@corp.example", "all of them")
    await owner.contacts.add_group("friends", "Friends", ["friend", "loom"])


@everywhere
async def test_the_account_is_as_before_but_for_what_its_owner_changed(
    alice: Owner, opened: Opened
) -> None:
    await people(alice)
    before, groups = await cards(alice), await alice.groups()
    await alice.receive(
        message(f"The Loom <{LOOM}>", "loom1"),
        message("l@x.example", "loom2"),
        message("Your Bank <news@loom.example>", "forged"),
        message("Jane Doe <jane@shop.example>", "jane1"),
        message("Bob <bob@shop.example>", "bob1"),
        message("al@shop.example", "al1"),
        message("Al <AL@shop.example>", "al2"),
        message("not@decided.example", "undecided"),
    )
    await alice.receive(message("Jane <jane@shop.example>", "kept"), into={"Archive"})
    async with opened(alice, **ANNOTATING) as account:
        await triage(account, alice, loom1="@ToFeed", jane1="@ToPerson", bob1="@ToJail")
        await triage(account, alice, forged="@ToImbox", al1="@ToFeed", al2="@ToJail")
        assert (await alice.contact(LOOM)).full == "The Loom"
        bob = (await alice.contact("bob@shop.example")).uid
        await alice.contacts.add_phone(bob)
        touched = await alice.contacts.rest_of(bob)
        await alice.contacts.join("Feed", "corp")
        await alice.contacts.join("Jail", "nobody-any-more")
        await alice.receive(
            message("jane@shop.example", "jane2"),
            message("who@corp.example", "corp1"),
            message("stranger@y.example", "stranger"),
            message("fay@friends.example", "fay"),
            into={"Inbox"},
        )
        await triage(account, alice)
        assert await mailboxes(alice) == {
            "loom1": {"Imbox"},
            "loom2": {"Imbox"},
            "forged": {"Imbox", "@MailroomWarning"},
            "jane1": {"Person", "Imbox", "Inbox"},
            "jane2": {"Person", "Imbox", "Inbox"},
            "kept": {"Archive"},
            "bob1": {"Jail"},
            "corp1": {"Feed"},
            "fay": {"Inbox"},
            "stranger": {"Screener"},
            "undecided": {"Screener"},
            "al1": {"Screener", "@ToFeed", "@MailroomError"},
            "al2": {"Screener", "@ToJail", "@MailroomError"},
        }

    async with opened(alice, **ANNOTATING) as account:
        found, outcome = await reset(account)
    assert found.data() == {
        "senders": {"total": 4, "by_category": {"Imbox": 1, "Feed": 1, "Jail": 1, "Person": 1}},
        "contacts": {"deleted": 1, "stripped": 2, "released": 1},
        "members_without_contact": 1,
        "mails": 7,
        "marks": 6,
        "labelled": 2,
    }
    assert (outcome.failures, outcome.senders, outcome.mails) == ({}, 4, 7)
    back = ("loom1", "loom2", "forged", "jane1", "jane2", "bob1", "corp1", "stranger", "undecided")
    assert await mailboxes(alice) == {
        **{subject: {"Screener"} for subject in back},
        "kept": {"Archive"},
        "fay": {"Inbox"},
        "al1": {"Screener", "@ToFeed"},
        "al2": {"Screener", "@ToJail"},
    }
    assert not any(KEYWORD in each.keywords for each in await alice.mails())
    assert await alice.groups() == groups
    after = await cards(alice)
    assert {uid: after[uid] for uid in before} == before
    assert after.keys() - before.keys() == {bob}
    assert await alice.contacts.rest_of(bob) == touched
    assert (await alice.contact("bob@shop.example")).note == ()


def writes(exchanges: Sequence[Exchange]) -> list[str]:
    """The requests among these that change anything."""
    return [
        each.kind
        for each in exchanges
        if each.method in {"PUT", "DELETE"} or any(call.endswith("/set") for call in each.calls)
    ]


@over_each_backend
async def test_looking_writes_nothing_nor_does_a_second_reset(
    alice: Owner, opened: Opened, proxy: Proxy
) -> None:
    await people(alice)
    await alice.receive(message(LOOM, "loom"), message("jane@shop.example", "jane"))
    async with opened(alice) as account:
        await triage(account, alice, loom="@ToFeed", jane="@ToImbox")
    async with opened(alice, http=proxy.url) as account:
        scope = await Scope.of(account, untold)
        assert (await survey(scope)).data()["mails"] == 2
        assert writes(proxy.exchanges) == []
        await reset(account)
        assert writes(proxy.exchanges) != []
    asked = len(proxy.exchanges)
    async with opened(alice, http=proxy.url) as account:
        found, outcome = await reset(account)
    assert found.is_empty
    assert outcome == Outcome()
    assert len(proxy.exchanges) > asked
    assert writes(proxy.exchanges[asked:]) == []


@over_each_backend
async def test_where_mailroom_never_ran_there_is_nothing_to_do(
    alice: Owner, opened: Opened, proxy: Proxy
) -> None:
    await people(alice)
    await alice.receive(message(LOOM, "waits"), message("fay@friends.example", "fay"))
    async with opened(alice, http=proxy.url) as account:
        found, _ = await reset(account)
    assert found.is_empty
    assert writes(proxy.exchanges) == []


@over_each_backend
async def test_where_mailroom_was_never_set_up_there_is_nothing_to_do(
    person: Owner, opened: Opened, proxy: Proxy
) -> None:
    await people(person)
    await person.receive(message(LOOM, "one"), into={"Inbox"})
    async with opened(person, http=proxy.url) as account:
        found, _ = await reset(account)
    assert found == Traces()
    assert writes(proxy.exchanges) == []


@everywhere
async def test_what_a_card_says_is_enough_without_any_group(alice: Owner, opened: Opened) -> None:
    """Somebody has taken the contacts out of the groups, or was killed while doing so."""
    await people(alice)
    before = await cards(alice)
    await alice.receive(message(f"The Loom <{LOOM}>", "loom"), message("jane@shop.example", "jane"))
    async with opened(alice, **ANNOTATING) as account:
        await triage(account, alice, loom="@ToFeed", jane="@ToJail")
        jane = (await alice.contact("jane@shop.example")).uid
        for group, uid in (("Feed", "loom"), ("Jail", jane), ("Mailroom", jane)):
            await alice.contacts.leave(group, uid)
        found, outcome = await reset(account)
    assert found.senders == {"": 2}
    assert outcome.is_complete
    assert await mailboxes(alice) == {"loom": {"Screener"}, "jane": {"Screener"}}
    assert await cards(alice) == before


@over_each_backend
async def test_mailroom_in_part_only_is_not_taken_for_none(alice: Owner, opened: Opened) -> None:
    await alice.receive(message(LOOM, "loom"))
    async with opened(alice) as account:
        await triage(account, alice, loom="@ToFeed")
        there = await alice.mailboxes()
        labels = [each for name, each in there.items() if name.startswith("@")]
        await alice.jmap("Mailbox/set", {"destroy": labels, "onDestroyRemoveEmails": True})
        await alice.contacts.rename_group("Feed", "Something else")
        with pytest.raises(MissingError, match="Feed"):
            await reset(account)


@over_each_backend
async def test_a_label_that_is_not_used_any_more_comes_off(alice: Owner, opened: Opened) -> None:
    (mail,) = await alice.receive(message(LOOM, "one"), into={"Archive"})
    await alice.tap(mail, "@MailroomWarning")
    async with opened(alice, MAILROOM_SCREENER_WARN_ON_NAME_MISMATCH="false") as account:
        _, outcome = await reset(account)
    assert outcome.mail_traces == 1
    assert await alice.where("one") == {"Archive"}


@over_each_backend
async def test_mail_that_is_nowhere_but_under_a_mark_goes_to_the_inbox(
    alice: Owner, opened: Opened
) -> None:
    await alice.receive(message(LOOM, "one"), into={"@MailroomError"})
    async with opened(alice) as account:
        await reset(account)
    assert await alice.where("one") == {"Inbox"}


@over_each_backend
async def test_a_sender_whose_mail_never_holds_still_stays_a_contact(
    alice: Owner, opened: Opened, proxy: Proxy
) -> None:
    """A rule at the provider goes on filing; without the contact nobody would find that mail."""
    await alice.receive(message(LOOM, "loom"), message("jane@shop.example", "jane"))
    async with opened(alice) as account:
        await triage(account, alice, loom="@ToFeed", jane="@ToFeed")

    async def file_on(exchange: Exchange, forward: Forward) -> Answer:
        if "Email/set" in exchange.calls:
            await alice.receive(message(LOOM, "another"), into={"Feed"})
        return await forward()

    proxy.intercept = file_on
    async with opened(alice, http=proxy.url) as account:
        _, outcome = await reset(account)
    assert [*outcome.failures] == [LOOM]
    assert "still running?" in outcome.failures[LOOM]
    assert await alice.groups_of(LOOM) == {"Feed", "Mailroom"}
    assert await alice.contacts_of("jane@shop.example") == []
    assert await alice.where("loom") == {"Screener"}

    async with opened(alice) as account:
        _, outcome = await reset(account)
    assert outcome.is_complete
    assert {each.mailboxes for each in await alice.mails()} == {frozenset({"Screener"})}
    assert await alice.contacts_of(LOOM) == []


@over_each_backend
async def test_what_the_server_refuses_is_reported_and_left_to_the_next_reset(
    alice: Owner, opened: Opened, proxy: Proxy
) -> None:
    mail, _ = await alice.receive(message(LOOM, "loom"), message("jane@shop.example", "jane"))
    async with opened(alice) as account:
        await triage(account, alice, loom="@ToFeed", jane="@ToFeed")

    async def refuse(exchange: Exchange, forward: Forward) -> Answer:
        """Refuse to update one mail, as a server does that is too busy."""
        if "Email/set" not in exchange.calls:
            return await forward()
        body = json.loads(exchange.body)
        for method, arguments, _ in body["methodCalls"]:
            if method == "Email/set":
                arguments["update"].pop(mail)
        exchange.body = json.dumps(body).encode()
        return await forward()

    proxy.intercept = refuse
    async with opened(alice, http=proxy.url) as account:
        _, outcome = await reset(account)
    assert [*outcome.failures] == [LOOM]
    assert outcome.failures[LOOM].startswith(f"mail {mail}: ")
    assert (outcome.senders, outcome.mails) == (1, 1)
    assert await alice.where("loom") == {"Feed"}
    assert await alice.groups_of(LOOM) == {"Feed", "Mailroom"}

    async with opened(alice) as account:
        _, outcome = await reset(account)
    assert (outcome.failures, outcome.senders, outcome.mails) == ({}, 1, 1)
    assert await alice.contacts_of(LOOM) == []


@everywhere
async def test_cards_are_read_by_what_the_index_calls_them(alice: Owner, opened: Opened) -> None:
    await people(alice)
    async with opened(alice) as account:
        book = await account.book()
        snapshot = await book.sync()
        index = snapshot.index
        cards = await snapshot.read_cards([*index.ids, "gone"])
    assert {each.uid for each in cards} == {"loom", "friend", "corp"}
    assert {each.id for each in cards} == index.card_ids
    assert index.card_uids == {"loom", "friend", "corp"}
    assert {each.name for each in snapshot.groups} == (await alice.groups()).keys()


@on(Variant("sandbox", "jmap", "websocket"))
async def test_the_command(alice: Owner, opened: Opened, tmp_path: Path) -> None:
    await alice.receive(message(LOOM, "loom"), message("jane@shop.example", "jane"))
    async with opened(alice) as account:
        await triage(account, alice, loom="@ToFeed", jane="@ToImbox")
    env = environment(alice)
    shown = await command(env, "reset")
    assert shown.out.splitlines() == [
        "senders: 2",
        "       1 in Imbox",
        "       1 in Feed",
        "their mail, back to the Screener: 2",
        "their contacts:",
        f"       2 {CardTreatment.DELETED}",
    ]
    assert "`mailroom reset --apply`" in shown.err
    assert await alice.where("loom") == {"Feed"}
    applied = await command(env, "reset", "--apply", "--json")
    data = json.loads(applied.out)
    assert (data["mails"], data["failures"]) == (2, {})
    assert data["done"] == {"senders": 2, "mails": 2, "marks": 0}
    assert applied.err.startswith("Taken back: senders 2, mails 2, marks 0.\n")
    assert [shown.code, applied.code] == [0, 0]


@on(Variant("sandbox", "jmap", "websocket", "stalwart limits"))
async def test_more_than_the_limits_is_cut_to_them(
    alice: Owner, opened: Opened, proxy: Proxy, measured: Callable[[str], None]
) -> None:
    senders = [f"sender{number}@corp{number}.example" for number in range(60)]
    last = await alice.receive(*(message(each, each) for each in senders))
    await alice.receive(*(message(senders[0], f"of one {at}") for at in range(510)))
    await alice.tap(last, "@ToFeed")
    async with opened(alice) as account:
        await triage(account, alice)
        assert len((await alice.groups())["Feed"]) == len(senders)
    refusals: list[bytes] = []

    async def watch(exchange: Exchange, forward: Forward) -> Answer:
        answer = await forward()
        if answer.status != HTTPStatus.OK or b'["error"' in answer.body:
            refusals.append(answer.body)
        return answer

    proxy.intercept = watch
    async with opened(alice, http=proxy.url) as account:
        _, outcome = await reset(account)
    measured(f"reset of 60 senders, 570 mails, small limits: {len(proxy.exchanges)} requests")
    assert refusals == []
    assert (outcome.failures, outcome.senders, outcome.mails) == ({}, 60, 570)
    assert {each.mailboxes for each in await alice.mails()} == {frozenset({"Screener"})}
    assert await alice.contacts.contacts() == []


@everywhere
async def test_mail_whose_sender_has_no_card_any_more_goes_back_as_well(
    alice: Owner, opened: Opened
) -> None:
    await people(alice)
    await alice.receive(
        message("Jane <jane@shop.example>", "jane1"),
        message("Jane <jane@shop.example>", "jane2"),
        message("Bob <bob@shop.example>", "bob"),
    )
    await alice.receive(message("fay@friends.example", "fay"), into={"Feed"})
    await alice.receive(message("who@corp.example", "corp"), into={"Feed"})
    await alice.receive(message("old@archive.example", "old"), into={"Archive"})
    async with opened(alice) as account:
        await triage(account, alice, jane1="@ToFeed", bob="@ToPaperTrail")
        for address in ("jane@shop.example", "bob@shop.example"):
            await alice.contacts.delete((await alice.contact(address)).uid)
        assert (await mailboxes(alice))["jane2"] == {"Feed"}
    async with opened(alice) as account:
        found, outcome = await reset(account)
    assert (found.orphans, found.mails) == (3, 3)
    assert (outcome.failures, outcome.mails) == ({}, 3)
    assert await mailboxes(alice) == {
        **{subject: {"Screener"} for subject in ("jane1", "jane2", "bob")},
        "fay": {"Feed"},
        "corp": {"Feed"},
        "old": {"Archive"},
    }
    async with opened(alice) as account:
        found, _ = await reset(account)
    assert found.is_empty


@everywhere
async def test_decisions_on_lists_domains_and_spam_are_taken_back(
    alice: Owner, opened: Opened
) -> None:
    headers = {
        "List-Id": "Weavers <dev.lists.loom.example>",
        "List-Post": "<mailto:dev@lists.loom.example>",
    }
    await alice.receive(
        message("Ann <ann@home.example>", "post1", headers=headers),
        message("Bob <bob@work.example>", "post2", headers=headers),
        message("Cy <cy@corp.example>", "corp1"),
        message("Di <di@corp.example>", "corp2"),
        message("Win <win@spam.example>", "spam1"),
    )
    async with opened(alice) as account:
        await triage(account, alice, post1="@ToFeed", corp1="@WholeDomain", spam1="@ToSpam")
        await triage(account, alice, corp1="@ToJail")
        places = await mailboxes(alice)
        assert places["post2"] == {"Feed"}
        assert places["corp2"] == {"Jail"}
        assert (await alice.mail("spam1")).keywords >= {"$junk", "$mailroom-spam"}
        assert len(await alice.contacts.contacts()) == 2

    async with opened(alice) as account:
        found, outcome = await reset(account)
    assert found.data()["senders"]["by_category"] == {"Feed": 1, "Jail": 1}
    assert (found.mails, found.orphans) == (4, 0)
    assert (outcome.failures, outcome.mails) == ({}, 4)
    spam = await alice.mail("spam1")
    assert spam.mailboxes == places["spam1"]  # it is spam, whoever found that out
    assert "$mailroom-spam" not in spam.keywords
    after = await mailboxes(alice)
    del after["spam1"]
    assert after == {subject: {"Screener"} for subject in ("post1", "post2", "corp1", "corp2")}
    assert await alice.contacts.contacts() == []
    assert not any((await alice.groups()).values())
