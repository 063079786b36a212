"""What is printed goes nowhere: a disk that is full, a reader that has gone, nothing at all."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

from mailroom.sandbox import Sandbox, User
from tests.support.owner.person import message
from tests.support.service.forked import fork
from tests.support.service.in_process import set_up
from tests.support.service.process import Launch, interpret

USER = User("alice", "secret", token="t0ken")
FULL = Path("/dev/full")
COMMANDS = {
    "--version": ["--version"],
    "--help": ["--help"],
    "check": ["check"],
    "check --json": ["check", "--json"],
    "setup": ["setup"],
    "triage --dry-run": ["triage", "--dry-run"],
    "explain": ["explain", "bob@corp.example"],
    "explain --json": ["explain", "bob@corp.example", "--json"],
    "reset": ["reset"],
    "health": ["health"],
    "demo": ["demo", "--once"],
}


@pytest.fixture
async def environ(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    sandbox = Sandbox(users=[USER])
    async with sandbox.serve():
        environ = {
            "PATH": os.environ["PATH"],
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_TOKEN": "t0ken",
            "MAILROOM_PUSH_TRANSPORT": "off",
            "PYTHONWARNINGS": "error",
        }
        await set_up(environ, tmp_path)
        sandbox.deliver(message("Bob <bob@corp.example>", "one"), mailbox="Screener")
        yield environ


async def printing_to(
    out: IO[bytes], environ: dict[str, str], *arguments: str, launch: Launch
) -> tuple[int, str]:
    """Exit code and standard error of a command whose standard output is this file."""
    with TemporaryFile() as err:
        process = await launch(
            "mailroom", *arguments, env=environ, cwd=Path("/"), stdout=out, stderr=err
        )
        async with asyncio.timeout(60):
            code = await process.wait()
        err.seek(0)
        return code, err.read().decode()


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
async def test_a_full_disk_ends_a_command_in_one_line(
    environ: dict[str, str], arguments: list[str]
) -> None:
    with FULL.open("wb") as full:  # noqa: ASYNC230 - opened at once
        code, err = await printing_to(full, environ, *arguments, launch=interpret)
    assert (code, err) == (1, "cannot write the answer: No space left on device\n")


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
async def test_a_reader_that_has_gone_ends_a_command_without_a_word(
    environ: dict[str, str], arguments: list[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nowhere:
        code, err = await printing_to(nowhere, environ, *arguments, launch=fork)
    assert (code, err) == (1, "")


async def test_remarks_that_cannot_be_written_end_nothing(environ: dict[str, str]) -> None:
    with FULL.open("wb") as full:  # noqa: ASYNC230 - opened at once
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "mailroom", "triage"),
            env={**environ, "MAILROOM_LOG_LEVEL": "debug"},
            cwd="/",
            stdout=asyncio.subprocess.PIPE,
            stderr=full,
        )
        async with asyncio.timeout(60):
            out, _ = await process.communicate()
    assert (process.returncode, out.decode()[:13]) == (0, "Nothing to do")
