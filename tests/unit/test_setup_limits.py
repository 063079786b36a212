"""Setting up on servers that make only so much at a time, or not now."""

import random
from pathlib import Path

import pytest

from mailroom.account import open_account
from mailroom.admin.setup import create, find_lacking
from mailroom.jmap.errors import JmapError
from mailroom.sandbox import Limits, Quirks, Sandbox, User
from mailroom.sandbox.context import AccountContext
from mailroom.sandbox.errors import RefusedError
from mailroom.settings.load import load_settings
from tests.support.virtual_time import run

USER = User("alice", "secret", token="t0ken")
DEEP = "Work/Mail/Screener"


async def set_up(tmp_path: Path, quirks: Quirks, **settings: str) -> None:
    """Set up an empty account, and see that nothing is missing then."""
    sandbox = Sandbox(users=[USER], quirks=quirks)
    async with sandbox.serve():
        environ = {
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_TOKEN": "t0ken",
            "MAILROOM_SCREENER_MAILBOX": DEEP,
            "MAILROOM_SCREENER_LABEL": "@ToScreener",
            **settings,
        }
        async with open_account(load_settings(environ, cwd=tmp_path)) as account:
            await create(account, await find_lacking(account))
            lacking = await find_lacking(account)
            assert not lacking, list(lacking.lines())
    assert sandbox.owner().violations == []


@pytest.mark.parametrize("at_a_time", [1, 2, 3, 7])
def test_no_more_is_made_at_a_time_than_the_server_takes(tmp_path: Path, at_a_time: int) -> None:
    run(set_up(tmp_path, Quirks(limits=Limits(max_objects_in_set=at_a_time))))


@pytest.mark.parametrize("every", [2, 3, 5])
def test_what_the_server_does_not_make_now_is_asked_for_again(tmp_path: Path, every: int) -> None:
    run(set_up(tmp_path, Quirks(throttle_every=every)))


def test_a_server_that_never_makes_one_is_asked_a_few_times(tmp_path: Path) -> None:
    with pytest.raises(JmapError, match="does not create the mailbox 'Work': rateLimit"):
        run(set_up(tmp_path, Quirks(throttle_every=1)))


def test_a_refusal_is_reported_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _least, _most: pytest.fail("it waits"))

    def refuse(_: AccountContext) -> None:
        raise RefusedError("overQuota")

    monkeypatch.setattr(AccountContext, "throttle", refuse)
    with pytest.raises(JmapError, match="does not create the mailbox 'Work': overQuota"):
        run(set_up(tmp_path, Quirks()))
