"""The account that the page is looked at with: its answers hold, and every page shows it."""

import pytest

from mailroom.web.model import SPAM, Choice, RefusedError, Scope
from mailroom.web.options import Access
from tests.support.page.showcase import ROWS, ShowcaseAccount
from tests.support.page.visitor import visiting

WHO = "priya@ramanarchitects.example"


async def waits(account: ShowcaseAccount) -> set[str]:
    return {row.who for row in (await account.waiting()).rows}


@pytest.mark.parametrize("scope", [Scope.SUBJECT, Scope.DOMAIN])
async def test_an_answer_and_its_undo(scope: Scope) -> None:
    account = ShowcaseAccount()
    (outcome,) = await account.decide([Choice(WHO, "Feed", scope=scope)])
    assert not outcome.failure
    assert outcome.mails == 1
    assert WHO not in await waits(account)
    (decided, *_) = await account.decided()
    assert (decided.who, decided.categories) == ((outcome.who,), ("Feed",))

    await account.undo(outcome.who)
    assert WHO in await waits(account)
    assert outcome.who not in {row.who[0] for row in await account.decided()}


async def test_spam_makes_no_decision_that_is_listed() -> None:
    account = ShowcaseAccount()
    before = await account.decided()
    await account.decide([Choice(WHO, SPAM)])
    assert await account.decided() == before
    assert WHO not in await waits(account)


async def test_one_mail_is_let_in_and_sent_back() -> None:
    account, mail_id = ShowcaseAccount(), ROWS[0].newest_id
    await account.let_in(mail_id)
    assert ROWS[0].who not in await waits(account)
    with pytest.raises(RefusedError):
        await account.let_in(mail_id)
    await account.send_back(mail_id)
    assert ROWS[0].who in await waits(account)


async def test_followers_hear_of_a_new_sender() -> None:
    account = ShowcaseAccount(rows=ROWS[1:])
    changes = account.changes()
    assert await anext(changes) == len(ROWS) - 1
    account.receive(ROWS[0])
    assert await anext(changes) == len(ROWS)
    await changes.aclose()


async def test_clearing_moves_what_waits_long() -> None:
    account = ShowcaseAccount()
    surveyed = await account.survey("7d")
    assert 0 < surveyed.senders < len(ROWS)
    assert await account.clear("7d") == surveyed
    assert (await account.survey("7d")).mails == 0


@pytest.mark.parametrize(
    "path", ["/?page=1", "/rows", "/decided", f"/subject?who={WHO}", "/suggest", "/clear"]
)
@pytest.mark.parametrize(
    "account", [ShowcaseAccount(), ShowcaseAccount((), (), problem="x")], ids=["full", "empty"]
)
async def test_every_page_shows_it(path: str, account: ShowcaseAccount) -> None:
    async with visiting(Access(account)) as visitor:
        assert (await visitor.get(path)).status == 200
