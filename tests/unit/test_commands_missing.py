"""Commands that need what is missing in the account list all of it at once."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailroom.account import open_account
from mailroom.admin.setup import Lacking, create, find_lacking
from mailroom.sandbox import Sandbox, User
from mailroom.settings.load import load_settings
from tests.support.service.forked import command

USER = User("alice", "secret", token="t0ken")
Environ = dict[str, str]


@pytest.fixture
async def environ() -> AsyncIterator[Environ]:
    sandbox = Sandbox(users=[USER])
    async with sandbox.serve():
        yield {
            "PATH": os.environ["PATH"],
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_TOKEN": "t0ken",
        }


async def set_up(environ: Environ, cwd: Path, *, mailboxes: bool, groups: bool) -> None:
    """Make only a part of what there should be."""
    async with open_account(load_settings(environ, cwd=cwd)) as account:
        lacking = await find_lacking(account)
        wanted = Lacking(
            lacking.directory,
            lacking.mailboxes[2:] if mailboxes else lacking.mailboxes,
            lacking.groups[2:] if groups else lacking.groups,
        )
        await create(account, wanted)


@pytest.mark.parametrize(
    "arguments",
    [
        ["triage"],
        ["triage", "--dry-run"],
        ["explain", "bob@corp.example"],
        ["suggest"],
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("mailboxes", "groups"), [(True, True), (True, False), (False, True)], ids=str
)
async def test_mailboxes_and_groups_that_are_missing_are_all_listed(
    environ: Environ, tmp_path: Path, arguments: list[str], *, mailboxes: bool, groups: bool
) -> None:
    await set_up(environ, tmp_path, mailboxes=mailboxes, groups=groups)
    done = await command(environ, *arguments, cwd=tmp_path)
    assert done.code == 4
    (line,) = done.err.splitlines()
    assert ("mailboxes missing: Screener, Imbox" in line) is mailboxes
    assert ("contact groups missing: Imbox, Feed" in line) is groups


@pytest.mark.parametrize(
    ("name", "mailboxes"), [("waiting", True), ("decided", False), ("clear", True)]
)
async def test_some_commands_need_only_what_they_read(
    environ: Environ, tmp_path: Path, name: str, *, mailboxes: bool
) -> None:
    await set_up(environ, tmp_path, mailboxes=mailboxes, groups=not mailboxes)
    assert (await command(environ, name, cwd=tmp_path)).code == 4
    await set_up(environ, tmp_path, mailboxes=False, groups=False)
    done = await command(environ, name, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == 1


async def test_a_category_that_does_not_exist(environ: Environ, tmp_path: Path) -> None:
    done = await command(environ, "decided", "--category", "Fed", cwd=tmp_path)
    assert done.code == 2
    assert done.err.startswith("there is no category 'Fed' (there are: Imbox, Feed, ")


async def test_an_age_that_is_none(environ: Environ, tmp_path: Path) -> None:
    done = await command(environ, "clear", "--older", "soon", "--apply", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == "--older must be a number of days, like 30d\n"
