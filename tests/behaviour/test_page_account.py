"""The account behind the page: it shows what waits, and decides like a label in a mail app."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import pytest

from mailroom.runtime.page import PageAccount
from mailroom.web.model import AccountUnavailableError, Choice, Reason, RefusedError, Scope, Waiting
from tests.behaviour.conftest import on
from tests.support.owner.new_mail import ON, comes_to, mail
from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward, Proxy
from tests.support.service.in_process import running_in_process
from tests.support.service.process import environment
from tests.support.variants.worlds import VARIANTS

# The page's own passes need no push, so one kind of push is enough for each server.
pytestmark = on(*(each for each in VARIANTS if each.habit or each.push == "eventsource"))

NEWS = "The Loom <news@loom.example>"
ANN = "Ann <ann@loom.example>"
BOB = "Bob <bob@home.test>"
LIST = {
    "List-Id": "Loom developers <dev.lists.loom.example>",
    "List-Post": "<mailto:dev@lists.loom.example>",
}


@asynccontextmanager
async def page_of(owner: Owner, cwd: Path, **settings: str) -> AsyncIterator[PageAccount]:
    given = {"MAILROOM_PUSH_TRANSPORT": "eventsource", "MAILROOM_WEB_API_TOKEN": "t" * 20}
    environ = environment(owner, **{**ON, **given}, **settings)
    async with running_in_process(environ, cwd, []) as service:
        await service.until_ready()
        yield service.page


async def whose(page: PageAccount) -> dict[str, int]:
    return {row.who: row.count for row in (await page.waiting()).rows}


def choice(waiting: Waiting, who: str, answer: str, **more: object) -> Choice:
    (row,) = [row for row in waiting.rows if row.who == who]
    return Choice(who, answer, mail_id=row.newest_id, **more)  # type: ignore[arg-type]


async def test_a_tap_and_the_way_back(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"), message(ANN, "three"))
    async with page_of(alice, tmp_path) as page:
        waiting = await page.waiting()
        assert waiting.is_first_use
        assert {row.who: row.count for row in waiting.rows} == {
            "news@loom.example": 2,
            "ann@loom.example": 1,
        }
        (outcome,) = await page.decide([choice(waiting, "news@loom.example", "Feed")])
        assert (outcome.who, outcome.category, outcome.before) == ("news@loom.example", "Feed", ())
        assert (outcome.failure, outcome.is_pending, outcome.mails) == ("", False, 2)
        assert [await alice.where(subject) for subject in ("one", "two")] == [{"Feed"}] * 2
        assert await whose(page) == {"ann@loom.example": 1}
        assert not (await page.waiting()).is_first_use
        (decided,) = await page.decided()
        assert (decided.who, decided.categories) == (("news@loom.example",), ("Feed",))

        again = await page.undo("news@loom.example")
        assert (again.failure, again.category, again.before) == ("", "", ("Feed",))
        assert [await alice.where(subject) for subject in ("one", "two")] == [{"Screener"}] * 2
        assert await whose(page) == {"ann@loom.example": 1, "news@loom.example": 2}
        assert await page.decided() == ()


async def test_several_rows_and_scopes_in_one_answer(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"), message(ANN, "two"), message(BOB, "three"))
    await alice.receive(message("Cy <cy@work.test>", "post", headers=LIST))
    letter = {"List-Id": "<letter.home.test>"}
    await alice.receive(message("Shop <shop@home.test>", "letter", headers=letter))
    async with page_of(alice, tmp_path) as page:
        waiting = await page.waiting()
        rows = {row.who: row for row in waiting.rows}
        assert rows["dev.lists.loom.example"].reason is Reason.LIST
        assert rows["shop@home.test"].scopes == {
            Scope.LIST: "letter.home.test",
            Scope.DOMAIN: "*@home.test",
        }
        outcomes = await page.decide(
            [
                choice(waiting, "ann@loom.example", "Feed", scope=Scope.DOMAIN),
                choice(waiting, "dev.lists.loom.example", "Paper Trail"),
                choice(waiting, "bob@home.test", "spam"),
                choice(waiting, "shop@home.test", "feed", scope=Scope.LIST),
            ]
        )
        assert [outcome.failure for outcome in outcomes] == [""] * 4
        assert [(outcome.who, outcome.category) for outcome in outcomes] == [
            ("*@loom.example", "Feed"),
            ("dev.lists.loom.example", "Paper Trail"),
            ("bob@home.test", "spam"),
            ("letter.home.test", "Feed"),
        ]
        assert await alice.where("one") == await alice.where("two") == {"Feed"}
        assert await alice.where("post") == {"Paper Trail"}
        assert await alice.where("letter") == {"Feed"}
        assert "Screener" not in await alice.where("three")
        assert await whose(page) == {}
        for outcome in outcomes:
            assert (await page.undo(outcome.who)).failure == ""
        assert len(await whose(page)) == 5


async def test_mark_as_read(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"), message(ANN, "three"))
    async with page_of(alice, tmp_path) as page:
        waiting = await page.waiting()
        await page.decide([choice(waiting, "news@loom.example", "Feed", mark_read=True)])
    for subject, is_read in (("one", True), ("two", True), ("three", False)):
        assert ("$seen" in (await alice.mail(subject)).keywords) is is_read


async def test_just_this_mail(alice: Owner, tmp_path: Path) -> None:
    """It goes to the Inbox and stays there, although its sender is not decided."""
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"))
    async with page_of(alice, tmp_path) as page:
        one = (await alice.mail("one")).id
        await page.let_in(one)
        assert await whose(page) == {"news@loom.example": 1}
        await alice.server.deliver(alice.name, mail(ANN, "three"))
        await comes_to(alice, "three", "Screener")
        assert await alice.where("one") == {"Inbox"}
        with pytest.raises(RefusedError, match="no longer there"):
            await page.let_in(one)
        await page.send_back(one)
        assert await alice.where("one") == {"Screener"}
        assert (await whose(page))["news@loom.example"] == 2


async def test_mail_that_is_gone_and_senders_without_mail(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"), message(NEWS, "two"))
    async with page_of(alice, tmp_path) as page:
        waiting = await page.waiting()
        (row,) = waiting.rows
        await alice.jmap("Email/set", {"destroy": [row.newest_id]})
        (outcome,) = await page.decide([choice(waiting, "news@loom.example", "Feed")])
        assert (outcome.failure, outcome.category) == ("", "Feed")
        left = [mail.mailboxes for mail in await alice.mails()]
        assert left == [{"Feed"}]
        choices = [Choice(f"{name}@corp.test", "Person") for name in "abcde"]
        assert [outcome.failure for outcome in await page.decide(choices)] == [""] * 5
        assert len((await alice.groups())["Person"]) == 5
        assert [row.who for row in await page.decided(search="C@corp")] == [("c@corp.test",)]
        assert len(await page.decided(category="person")) == 5


async def test_a_scope_holds_if_the_mail_is_gone(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(BOB, "one"))
    async with page_of(alice, tmp_path) as page:
        chosen = choice(await page.waiting(), "bob@home.test", "Feed", scope=Scope.DOMAIN)
        await alice.jmap("Email/set", {"destroy": [chosen.mail_id]})
        with suppress(RefusedError):  # push may have told the page already
            (outcome,) = await page.decide([chosen])
            assert (outcome.failure, outcome.who) == ("", "*@home.test")
        assert [row.who for row in await page.decided(search="bob@home.test")] == []
        with pytest.raises(RefusedError, match="waits any more"):
            await page.decide([Choice("cy@home.test", "Feed", scope=Scope.DOMAIN)])


async def test_refusals(alice: Owner, tmp_path: Path) -> None:
    async with page_of(alice, tmp_path) as page:
        with pytest.raises(RefusedError, match="there is no category 'Circus'"):
            await page.decide([Choice("ann@loom.example", "Circus")])
        with pytest.raises(RefusedError, match="is no address"):
            await page.decide([Choice("nobody", "Feed")])
        (outcome,) = await page.decide([Choice("*@gmail.com", "Feed")])
        assert "public mail provider" in outcome.failure
        with pytest.raises(RefusedError, match="number of days"):
            await page.clear("soon")
        with pytest.raises(RefusedError, match="there is no category"):
            await page.decided(category="Circus")


async def test_the_list_follows_the_account(alice: Owner, tmp_path: Path) -> None:
    """New mail, and a decision on the phone, are announced."""
    async with page_of(alice, tmp_path) as page, aclosing(page.changes()) as changes:
        assert await anext(changes) == 0
        await alice.server.deliver(alice.name, mail(ANN, "one"))
        while await anext(changes) != 1:
            pass
        assert await whose(page) == {"ann@loom.example": 1}
        await alice.tap((await alice.mail("one")).id, "@ToFeed")
        while await anext(changes) != 0:
            pass
        assert await alice.where("one") == {"Feed"}


async def test_a_label_of_the_phone_beside_that_of_the_page(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"))
    async with page_of(alice, tmp_path) as page:
        waiting = await page.waiting()
        await alice.tap((await alice.mail("one")).id, "@ToJail")
        (outcome,) = await page.decide([choice(waiting, "news@loom.example", "Feed")])

        async def settled() -> bool:
            where = await alice.where("one")
            return where == {"Feed"} or {"@ToJail", "@ToFeed", "@MailroomError"} <= where

        # Whichever label came first, nothing is lost: it is a conflict, or the last label counts.
        # On a busy machine the answer may come before the pass.
        await alice.until(settled, "the labels are a conflict, or the mail is in Feed")
        if outcome.failure:
            assert "other labels" in outcome.failure
        elif not outcome.is_pending:
            assert await alice.where("one") == {"Feed"}


async def test_a_label_that_somebody_deleted(alice: Owner, tmp_path: Path) -> None:
    """The page decides by the sender's name, before and after it knows that the label is gone."""
    await alice.receive(message(NEWS, "one"), message(ANN, "two"))
    async with page_of(alice, tmp_path) as page:
        waiting = await page.waiting()
        label = (await alice.mailboxes())["@ToFeed"]
        await alice.jmap("Mailbox/set", {"destroy": [label]})
        for who, subject in (("news@loom.example", "one"), ("ann@loom.example", "two")):
            (outcome,) = await page.decide([choice(waiting, who, "Feed")])
            assert (outcome.category, outcome.failure) == ("Feed", "")
            assert await alice.where(subject) == {"Feed"}
            waiting = await page.waiting()
        assert not waiting.rows


async def test_the_last_list_is_shown_while_the_server_is_down(
    alice: Owner, proxy: Proxy, tmp_path: Path
) -> None:
    await alice.receive(message(NEWS, "one"))
    is_down = False

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        return CUT if is_down else await forward()

    proxy.intercept = intercept
    async with page_of(alice, tmp_path, http=proxy.url) as page:
        assert (await page.waiting()).problem == ""
        waiting = await page.waiting()
        is_down = True
        with pytest.raises(AccountUnavailableError):
            await page.decide([choice(waiting, "news@loom.example", "Feed")])
        old = await page.waiting()
        assert [row.who for row in old.rows] == ["news@loom.example"]
        assert old.problem
        is_down = False

        async def is_read_again() -> bool:
            return not (await page.waiting()).problem

        await alice.until(is_read_again, "the list is up to date")


async def test_a_subject_and_its_mail(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"), message(ANN, "two"))
    async with page_of(alice, tmp_path) as page:
        subject = await page.subject("News@loom.example")
        assert (subject.who, subject.is_decided) == ("news@loom.example", False)
        (line,) = subject.mails
        assert (line.subject_line, line.mailboxes, line.waits) == ("one", ("Screener",), True)
        await page.decide([Choice("news@loom.example", "Feed")])
        subject = await page.subject("news@loom.example")
        assert (subject.is_decided, subject.categories) == (True, ("Feed",))
        terms = dict(subject.explanation)
        assert terms["groups"] == "Feed, Mailroom"
        assert terms["new mail"].startswith("would go to Feed")
