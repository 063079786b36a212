"""``mailroom decide``, ``undo`` and ``import``: decisions without a tap in a mail app."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailroom.account import Account, open_account
from mailroom.admin.decide import Outcome, RefusedError, answer_named, decide, decide_all
from mailroom.http import CredentialsRefusedError
from mailroom.screener.model.subject import Subject
from mailroom.settings.load import load_settings
from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy
from tests.support.service.process import environment
from tests.support.variants.worlds import ROWS

pytestmark = on(*ROWS)

NEWS = "The Loom <news@loom.example>"
POST = "dev@lists.loom.example"
LIST = {"List-Id": "Loom developers <dev.lists.loom.example>", "List-Post": f"<mailto:{POST}>"}


@asynccontextmanager
async def account_of(owner: Owner, cwd: Path) -> AsyncIterator[Account]:
    async with open_account(load_settings(environment(owner), cwd=cwd)) as account:
        yield account


async def decided(owner: Owner, cwd: Path, who: str, category: str) -> Outcome:
    async with account_of(owner, cwd) as account:
        answer = answer_named(category, account.settings.categories)
        return await decide(account, Subject.parse(who), answer)


async def undone(owner: Owner, cwd: Path, who: str) -> Outcome:
    async with account_of(owner, cwd) as account:
        return await decide(account, Subject.parse(who), None)


async def everything(owner: Owner) -> dict[str, object]:
    """Every card whole, and every group, by uid."""
    contacts = await owner.contacts.contacts()
    cards = {each.uid: await owner.contacts.everything_on(each.uid) for each in contacts}
    return {**cards, "groups": await owner.groups()}


@pytest.mark.parametrize("who", ["news@loom.example", "*@loom.example", "dev.lists.loom.example"])
async def test_a_decision_and_the_way_back(alice: Owner, tmp_path: Path, who: str) -> None:
    await alice.contacts.add("ann", "Ann", "ann@home.example", "A friend.")
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"))
    await alice.receive(message("Bob <bob@home.example>", "post", headers=LIST))
    before, places = await everything(alice), await alice.mails()
    outcome = await decided(alice, tmp_path, who, "feed")
    assert (outcome.failure, outcome.before) == ("", ())
    mine = {"post"} if "lists" in who else {"one", "two"}
    for mail in await alice.mails():
        assert mail.mailboxes == ({"Feed"} if mail.subject in mine else {"Screener"})
    assert outcome.mails == len(mine)
    assert outcome.undo_command.startswith("mailroom undo ")
    assert len((await alice.groups())["Feed"]) == 1

    again = await undone(alice, tmp_path, who)
    assert (again.failure, again.before) == ("", ("Feed",))
    assert again.undo_command.startswith("mailroom decide ")
    assert await everything(alice) == before
    assert [mail.mailboxes for mail in await alice.mails()] == [mail.mailboxes for mail in places]


async def test_a_sender_without_any_mail(alice: Owner, start: Start, tmp_path: Path) -> None:
    outcome = await decided(alice, tmp_path, "new@loom.example", "Person")
    assert (outcome.failure, outcome.mails) == ("", 0)
    assert await alice.groups_of("new@loom.example") == {"Person", "Imbox", "Mailroom"}
    outcome = await decided(alice, tmp_path, "new@loom.example", "Feed")
    assert outcome.undo_command == "mailroom decide new@loom.example Person"
    assert await alice.groups_of("new@loom.example") == {"Feed", "Mailroom"}
    await undone(alice, tmp_path, "new@loom.example")
    assert await alice.contacts.contacts() == []


async def test_an_address_is_decided_on_beside_its_lists(alice: Owner, tmp_path: Path) -> None:
    """A label on a post would decide on the list, so none is put on one."""
    await alice.receive(message("Bob <bob@home.example>", "post", headers=LIST))
    outcome = await decided(alice, tmp_path, "bob@home.example", "Jail")
    assert outcome.failure == ""
    assert await alice.groups_of("bob@home.example") == {"Jail", "Mailroom"}
    assert await alice.where("post") == {"Jail"}


@pytest.mark.parametrize("with_strangers", [True, False])
async def test_a_whole_domain_by_name_leaves_contacts_alone(
    alice: Owner, tmp_path: Path, *, with_strangers: bool
) -> None:
    """Nobody has chosen the newest mail, unlike the mail that is labelled in an app."""
    await alice.contacts.add("ann", "Ann", "ann@loom.example", "A friend.")
    if with_strangers:
        await alice.receive(message(NEWS, "news"))
    await alice.receive(message("Ann <ann@loom.example>", "letter"))
    await decided(alice, tmp_path, "ann@loom.example", "Person")
    home, groups = await alice.where("letter"), await alice.groups_of("ann@loom.example")
    outcome = await decided(alice, tmp_path, "*@loom.example", "Jail")
    assert (outcome.failure, outcome.mails) == ("", int(with_strangers))
    outcome = await undone(alice, tmp_path, "*@loom.example")
    assert (outcome.failure, outcome.mails) == ("", int(with_strangers))
    assert await alice.where("letter") == home
    assert await alice.groups_of("ann@loom.example") == groups


async def test_spam_by_name(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"))
    outcome = await decided(alice, tmp_path, "news@loom.example", "spam")
    assert outcome.undo_command == "mailroom undo news@loom.example"
    assert "$junk" in (await alice.mail("one")).keywords
    assert await alice.contacts.contacts() == []


@pytest.mark.parametrize("who", ["news@loom.example", "*@loom.example", "dev.lists.loom.example"])
@pytest.mark.parametrize("category", [None, "Feed"])
async def test_spam_comes_back_by_name(
    alice: Owner, tmp_path: Path, who: str, category: str | None
) -> None:
    """Mail that Mailroom did not put into the Junk folder stays there."""
    await alice.receive(message(NEWS, "one", headers=LIST), message(NEWS, "two", headers=LIST))
    await decided(alice, tmp_path, who, "spam")
    await alice.receive(message(NEWS, "later", headers=LIST))
    folder = await alice.where("one")
    await alice.receive(message(NEWS, "junk", headers=LIST), into=folder)
    if category is None:
        outcome = await undone(alice, tmp_path, who)
    else:
        outcome = await decided(alice, tmp_path, who, category)
    assert (outcome.failure, outcome.mails) == ("", 2 if category is None else 3)
    home = {category or "Screener"}
    assert [await alice.where(name) for name in ("one", "two", "later")] == [home] * 3
    assert {"$junk", "$mailroom-spam"}.isdisjoint((await alice.mail("one")).keywords)
    assert await alice.where("junk") == folder


async def test_forged_mail_waits_when_its_sender_is_decided_on_by_name(
    alice: Owner, tmp_path: Path
) -> None:
    await alice.receive(message(NEWS, "genuine"))
    await alice.receive(message(NEWS, "forged"))
    marked = {(await alice.mail("forged")).id: {"keywords/$mailroom-forged": True}}
    await alice.jmap("Email/set", {"update": marked})
    outcome = await decided(alice, tmp_path, "news@loom.example", "Imbox")
    assert (outcome.failure, outcome.mails) == ("", 1)
    assert await alice.where("genuine") == {"Imbox", "Inbox"}
    assert await alice.where("forged") == {"Screener"}


@pytest.mark.parametrize("category", [None, "Feed", "Jail", "Imbox"])
async def test_a_decision_beside_labels_that_contradict_one_another(
    alice: Owner, tmp_path: Path, category: str | None
) -> None:
    """The command fails and changes nothing: the labels are the owner's."""
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"))
    await alice.tap((await alice.mail("one")).id, "@ToFeed")
    await alice.tap((await alice.mail("two")).id, "@ToJail")
    who = "news@loom.example"
    for _ in range(2):
        if category is None:
            outcome = await undone(alice, tmp_path, who)
        else:
            outcome = await decided(alice, tmp_path, who, category)
        assert "other labels" in outcome.failure
        assert outcome.data()["take_back"] == ""
    assert await alice.where("one") == {"Screener", "@ToFeed", "@MailroomError"}
    assert await alice.where("two") == {"Screener", "@ToJail", "@MailroomError"}
    assert await alice.contacts.contacts() == []


async def test_a_decision_whose_label_is_on_the_mail_already(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"))
    await alice.tap((await alice.mail("two")).id, "@ToFeed")
    outcome = await decided(alice, tmp_path, "news@loom.example", "Feed")
    assert (outcome.failure, outcome.mails) == ("", 2)
    assert await alice.where("one") == await alice.where("two") == {"Feed"}


async def test_a_decision_that_was_made_already(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"))
    who = "news@loom.example"
    counts = [(await decided(alice, tmp_path, who, "Feed")).mails for _ in range(2)]
    counts += [(await undone(alice, tmp_path, who)).mails for _ in range(2)]
    assert counts == [2, 0, 2, 0]


@pytest.mark.parametrize("who", ["*@gmail.com", "alice@example.com"])
async def test_some_subjects_are_refused(alice: Owner, tmp_path: Path, who: str) -> None:
    await alice.server.append(alice.name, "Sent", message("alice@example.com", "sent"))
    with pytest.raises(RefusedError):
        await decided(alice, tmp_path, who, "Feed")
    assert await alice.contacts.contacts() == []


async def test_many_subjects_at_once_and_again(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"), message("Bob <bob@home.example>", "other"))
    who = ["news@loom.example", "*@corp.example", "dev.lists.loom.example", "*@gmail.com"]
    who += [f"sender{number}@x{number}.example" for number in range(60)]
    progress: list[tuple[str, int, int]] = []
    for mails in (1, 0):
        async with account_of(alice, tmp_path) as account:
            feed = answer_named("Feed", account.settings.categories)
            outcomes = await decide_all(
                account,
                dict.fromkeys(map(Subject.parse, who), feed),
                lambda *shown: progress.append(shown),
            )
        assert {str(each.subject) for each in outcomes} == set(who)
        assert [str(each.subject) for each in outcomes if each.failure] == ["*@gmail.com"]
        assert sum(each.mails for each in outcomes) == mails
        assert progress[-1][1:] == (len(who), len(who))
    assert await alice.where("one") == {"Feed"}
    assert await alice.where("other") == {"Screener"}
    assert len((await alice.groups())["Feed"]) == len(who) - 1


async def test_a_decision_that_was_cut_short_is_made_again(
    alice: Owner, proxy: Proxy, tmp_path: Path
) -> None:
    """No label shows that the work is not done, so the contact is written after the mail."""
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"))

    async def cut(exchange: Exchange, forward: Forward) -> Answer:
        return Answer(401) if "Email/set" in exchange.calls else await forward()

    proxy.intercept = cut
    news = Subject.parse("news@loom.example")
    settings = load_settings(environment(alice, http=proxy.url), cwd=tmp_path)
    async with open_account(settings) as account:
        feed = answer_named("Feed", settings.categories)
        with pytest.raises(CredentialsRefusedError):
            await decide_all(account, {news: feed}, lambda *_: None)
    assert await alice.contacts.contacts() == []
    async with account_of(alice, tmp_path) as account:
        (outcome,) = await decide_all(account, {news: feed}, lambda *_: None)
    assert (outcome.failure, outcome.mails) == ("", 2)
    assert await alice.where("one") == await alice.where("two") == {"Feed"}


async def test_a_mail_that_is_deleted_before_its_label_comes_is_not_needed(
    alice: Owner, proxy: Proxy, tmp_path: Path
) -> None:
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"))
    is_deleted = False

    async def delete_first(exchange: Exchange, forward: Forward) -> Answer:
        nonlocal is_deleted
        if "Email/set" in exchange.calls and not is_deleted:
            is_deleted = True
            calls = json.loads(exchange.body)["methodCalls"]
            (labelled,) = [arguments["update"] for name, arguments, _ in calls if "set" in name]
            await alice.jmap("Email/set", {"destroy": [*labelled]})
        return await forward()

    proxy.intercept = delete_first
    settings = load_settings(environment(alice, http=proxy.url), cwd=tmp_path)
    async with open_account(settings) as account:
        feed = answer_named("Feed", settings.categories)
        outcome = await decide(account, Subject.parse("news@loom.example"), feed)
    assert outcome.failure == ""
    assert await alice.groups_of("news@loom.example") == {"Feed", "Mailroom"}
    (left,) = await alice.mails()
    assert left.mailboxes == {"Feed"}


async def test_a_running_service_may_act_on_the_label_first(
    alice: Owner, proxy: Proxy, tmp_path: Path
) -> None:
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"))
    is_first = True

    async def overtake(exchange: Exchange, forward: Forward) -> Answer:
        nonlocal is_first
        answer = await forward()
        if "Email/set" in exchange.calls and is_first:
            is_first = False
            async with account_of(alice, tmp_path) as service:
                await (await service.workflow()).run()
        return answer

    proxy.intercept = overtake
    settings = load_settings(environment(alice, http=proxy.url), cwd=tmp_path)
    async with open_account(settings) as account:
        feed = answer_named("Feed", settings.categories)
        outcome = await decide(account, Subject.parse("news@loom.example"), feed)
    assert (outcome.failure, outcome.is_by_service, outcome.data()["mails"]) == ("", True, None)
    assert next(outcome.text()).endswith("-> Feed: the running service has filed the mail")
    assert await alice.where("one") == await alice.where("two") == {"Feed"}
