"""The command ``mailroom suggest``, as a process: with a terminal and without one."""

import asyncio
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from mailroom.account import open_account
from mailroom.admin.setup import create, find_lacking
from mailroom.sandbox import OwnerConsole, Sandbox, User
from mailroom.settings.load import load_settings
from tests.support.owner.person import PATIENCE
from tests.support.sandbox.client import mail
from tests.support.service.forked import command
from tests.support.service.process import Finished

QUESTION: Final = "Enter alone ends."
NEWS: Final = "news@loom.example"
DIGEST: Final = "digest@warp.example"


class Terminal:
    """A command that runs on a terminal of its own."""

    def __init__(self, process: asyncio.subprocess.Process, fd: int) -> None:
        self._process = process
        self._fd = fd
        self.shown = ""

    @classmethod
    async def start(cls, env: Mapping[str, str], *arguments: str, cwd: Path) -> "Terminal":
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mailroom", *arguments),
            env={**env, "TERM": "dumb"},
            cwd=cwd,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        return cls(process, ours)

    async def until(self, text: str) -> None:
        """Wait until the terminal shows a text."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.shown:
                part = await self._read()
                assert part, self.shown
                self.shown += part

    def type(self, line: str) -> None:
        os.write(self._fd, f"{line}\n".encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    async def end(self) -> int:
        """Wait for the end; return the exit code."""
        async with asyncio.timeout(PATIENCE):
            while part := await self._read():
                self.shown += part
            code = await self._process.wait()
        os.close(self._fd)
        return code

    async def _read(self) -> str:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._fd, ready.set)
        try:
            await ready.wait()
            return os.read(self._fd, 4096).decode(errors="replace")
        except OSError:  # the command has ended
            return ""
        finally:
            loop.remove_reader(self._fd)


@dataclass
class Alice:
    """The owner of an account that is set up, with two newsletters in it.

    Attributes:
        console: changes and shows the account.
        env: the environment of commands.
        cwd: their working directory.
    """

    console: OwnerConsole
    env: Mapping[str, str]
    cwd: Path

    async def run(self, *arguments: str) -> Finished:
        """Run the command without a terminal."""
        return await command(self.env, "suggest", *arguments, cwd=self.cwd)

    async def run_on_terminal(self, *arguments: str) -> Terminal:
        return await Terminal.start(self.env, "suggest", *arguments, cwd=self.cwd)

    @property
    def places(self) -> dict[str, frozenset[str]]:
        """Sender -> mailboxes of the mail."""
        return {mail.address: mail.mailboxes for mail in self.console.mails()}


@pytest.fixture
async def alice(tmp_path: Path) -> AsyncIterator[Alice]:
    sandbox = Sandbox(users=[User("alice", "secret", token="t0ken")])
    async with sandbox.serve():
        env = {
            "PATH": os.environ["PATH"],
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_TOKEN": "t0ken",
        }
        async with open_account(load_settings(env, cwd=tmp_path)) as account:
            await create(account, await find_lacking(account))
        console = sandbox.owner()
        for sender in (NEWS, NEWS, DIGEST):
            console.deliver(mail(sender, "Issue 1"), mailboxes=["Screener"])
        yield Alice(console, env, tmp_path)


async def test_without_a_terminal_the_proposals_are_printed_and_nothing_is_done(
    alice: Alice,
) -> None:
    before = alice.console.mails()
    done = await alice.run()
    assert done.code == 0
    assert done.out.splitlines()[0] == f"  1  Feed  {NEWS}"
    assert "Nothing was changed" in done.err
    assert "Reading" not in done.err, "no progress without a terminal"
    assert QUESTION not in done.err
    assert alice.console.mails() == before


async def test_the_proposals_as_json(alice: Alice) -> None:
    done = await alice.run("--json", "--limit", "1")
    data = json.loads(done.out)
    assert [(each["who"], each["category"]) for each in data["proposals"]] == [(NEWS, "Feed")]


@pytest.mark.parametrize("ticks", ["3", "1-5", "bob@corp.example"])
async def test_a_tick_that_is_not_in_the_list_is_a_mistake(alice: Alice, ticks: str) -> None:
    before = alice.console.mails()
    done = await alice.run("--apply", f"1,{ticks}")
    assert done.code == 2
    assert ticks in done.err.splitlines()[-1]
    assert alice.console.mails() == before


@pytest.mark.parametrize(
    ("ticks", "decided"),
    [("all", [NEWS, DIGEST]), ("1", [NEWS]), ("2-2", [DIGEST]), (DIGEST, [DIGEST])],
    ids=str,
)
async def test_ticked_proposals_become_decisions(
    alice: Alice, ticks: str, decided: list[str]
) -> None:
    done = await alice.run("--apply", ticks)
    assert done.code == 0
    for sender in (NEWS, DIGEST):
        is_decided = sender in decided
        assert alice.places[sender] == {"Feed" if is_decided else "Screener"}
        assert (f"to take it back: mailroom undo {sender}" in done.out) is is_decided
    again = await alice.run("--json")
    left = {proposal["who"] for proposal in json.loads(again.out)["proposals"]}
    assert left == {NEWS, DIGEST} - set(decided)


async def test_a_decision_can_be_taken_back(alice: Alice) -> None:
    before = alice.places
    await alice.run("--apply", "all")
    for sender in (NEWS, DIGEST):
        await command(alice.env, "undo", sender, cwd=alice.cwd)
    assert alice.places == before


async def test_the_decisions_as_json(alice: Alice) -> None:
    done = await alice.run("--json", "--apply", "2")
    data = json.loads(done.out)
    assert [proposal["who"] for proposal in data["proposals"]] == [NEWS, DIGEST]
    assert [(each["who"], each["category"]) for each in data["decisions"]] == [(DIGEST, "Feed")]
    assert data["failed"] == 0


async def test_on_a_terminal_the_user_ticks(alice: Alice) -> None:
    terminal = await alice.run_on_terminal()
    await terminal.until(QUESTION)
    assert alice.places == {NEWS: {"Screener"}, DIGEST: {"Screener"}}
    terminal.type("7")
    await terminal.until("which has the numbers 1 to 2")
    terminal.type("2")
    assert await terminal.end() == 0
    assert alice.places == {NEWS: {"Screener"}, DIGEST: {"Feed"}}
    assert f"mailroom undo {DIGEST}" in terminal.shown


async def test_on_a_terminal_enter_alone_changes_nothing(alice: Alice) -> None:
    before = alice.console.mails()
    terminal = await alice.run_on_terminal()
    await terminal.until(QUESTION)
    terminal.type("")
    assert await terminal.end() == 0
    assert "Reading mail" in terminal.shown, "progress"
    assert "Nothing was changed" in terminal.shown
    assert alice.console.mails() == before


async def test_an_interrupt_at_the_question_changes_nothing(alice: Alice) -> None:
    before = alice.console.mails()
    terminal = await alice.run_on_terminal()
    await terminal.until(QUESTION)
    terminal.interrupt()
    assert await terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert alice.console.mails() == before
