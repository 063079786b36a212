"""The page's list of waiting subjects: it is read again only after a change, and shown when old."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailroom.account import Account, open_account
from mailroom.jmap.errors import JmapError
from mailroom.runtime.page import waiting as page_waiting
from mailroom.runtime.page.connection import Connection
from mailroom.runtime.page.waiting import PageList
from mailroom.runtime.requested_passes import RequestedPasses
from mailroom.sandbox import Sandbox, User
from mailroom.screener.overview.waiting import read_waiting
from mailroom.settings.load import load_settings
from mailroom.waiting.trigger import Trigger
from mailroom.web.model import AccountUnavailableError
from tests.support.owner.person import PATIENCE, message
from tests.support.service.in_process import set_up

USER = User("alice", "secret", token="t0ken")
ANN = "Ann <ann@loom.example>"


@dataclass
class Stand:
    """A list, the account behind it, and the number of its readings."""

    sandbox: Sandbox
    account: Account
    passes: RequestedPasses
    connection: Connection
    page_list: PageList
    readings: int = 0

    async def run_pass(self) -> None:
        """Run a pass, as the service does."""
        workflow = await self.account.workflow()
        self.page_list.pass_ended(await workflow.run())


@asynccontextmanager
async def standing(
    cwd: Path, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[Stand]:
    sandbox = Sandbox(users=[USER])
    async with sandbox.serve():
        environ = {
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_TOKEN": "t0ken",
            "MAILROOM_SECRETS_DIR": str(cwd),
            **settings,
        }
        await set_up(environ, cwd)
        async with open_account(load_settings(environ, cwd=cwd)) as account:
            passes = RequestedPasses(Trigger(poll_interval=300, settle=0), account.workflow)
            connection = Connection(account.settings)
            stand = Stand(sandbox, account, passes, connection, PageList(connection))
            original = read_waiting

            async def counted(*args: Any, **kwargs: Any) -> Any:
                stand.readings += 1
                return await original(*args, **kwargs)

            monkeypatch.setattr(page_waiting, "read_waiting", counted)
            with connection.serve(account, passes):
                yield stand


async def test_the_account_is_read_only_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing(tmp_path, monkeypatch) as stand:
        await stand.run_pass()
        assert (await stand.page_list.read()).rows == ()
        for _ in range(3):
            await stand.run_pass()
            await stand.page_list.read()
        assert stand.readings == 1
        stand.sandbox.deliver(message(ANN, "one"), user="alice")
        await stand.run_pass()
        for _ in range(3):
            (row,) = (await stand.page_list.read()).rows
            assert (row.who, row.mail_url, row.preview) == ("ann@loom.example", "", "")
        assert stand.readings == 2


async def test_a_failed_pass_leaves_the_list_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing(tmp_path, monkeypatch) as stand:
        stand.sandbox.deliver(message(ANN, "one"), user="alice")
        await stand.run_pass()
        assert (await stand.page_list.read()).problem == ""
        stand.page_list.pass_ended(OSError("no route to t0ken"))
        old = await stand.page_list.read()
        assert len(old.rows) == 1
        assert "no route to" in old.problem
        assert "t0ken" not in old.problem
        await stand.run_pass()
        assert (await stand.page_list.read()).problem == ""


async def test_without_an_account_there_is_no_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing(tmp_path, monkeypatch) as stand:
        page_list = PageList(Connection(stand.account.settings))
        with pytest.raises(AccountUnavailableError, match="not started yet"):
            await page_list.read()


async def test_a_link_and_a_preview_are_read_if_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {
        "MAILROOM_WEB_PREVIEW": "true",
        "MAILROOM_WEB_MAIL_URL": "message:%3C{message_id}%3E",
    }
    async with standing(tmp_path, monkeypatch, **wanted) as stand:
        stand.sandbox.deliver(message(ANN, "one"), user="alice")
        await stand.run_pass()
        (row,) = (await stand.page_list.read()).rows
        assert row.mail_url.startswith("message:%3C")
        assert row.mail_url.endswith("%3E")
        assert row.preview


async def test_changes_are_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        standing(tmp_path, monkeypatch) as stand,
        aclosing(stand.page_list.changes()) as changes,
    ):
        await stand.run_pass()
        assert await anext(changes) == 0
        stand.sandbox.deliver(message(ANN, "one"), user="alice")
        await stand.run_pass()
        assert await anext(changes) == 1


async def test_a_list_that_could_not_be_read_is_news_when_it_can_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No pass failed, and nothing changed: an open page would show the problem for ever."""
    async with standing(tmp_path, monkeypatch) as stand:
        await stand.run_pass()
        await stand.page_list.read()
        stand.page_list.changed()
        async with aclosing(stand.page_list.changes()) as changes:
            with monkeypatch.context() as broken:
                broken.setattr(page_waiting, "read_waiting", refused)
                assert await anext(changes) == 0
                assert "no answer" in (await stand.page_list.read()).problem
            following = asyncio.ensure_future(anext(changes))
            await stand.run_pass()
            async with asyncio.timeout(PATIENCE):
                assert await following == 0
        assert (await stand.page_list.read()).problem == ""
        stand.page_list.changed()


async def refused(*_: Any, **__: Any) -> Any:
    raise JmapError("no answer")
