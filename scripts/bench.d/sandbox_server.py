"""The sandbox in a process of its own, so that the service's process is measured without it.

The argument of the program is ``{"users": [NAME, ...], "contacts": "jmap" | "carddav", "preset": ""
| "stalwart"}``. The program prints the sandbox's URL. It delivers the mail in each line that it
reads, ``{"user": NAME, "mailbox": PATH, "messages": [TEXT, ...]}``, and then prints an empty line.
It ends when its standard input ends.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from mailroom.sandbox import STALWART, Quirks, Sandbox, User

_LONGEST_LINE = 2**26
_PRESETS = {"": Quirks(), "stalwart": STALWART}


class SandboxProcess:
    """The process, seen from outside; a :class:`tests.support.servers.server.Server`."""

    session_path = "/jmap/"
    api_path = "/jmap/"

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.url = self.dav_url = url
        self._process = process
        self._turn = asyncio.Lock()

    async def deliver(self, user: str, *messages: bytes) -> None:
        """Deliver messages to the Inbox."""
        await self.append(user, "Inbox", *messages)

    async def append(self, user: str, mailbox: str, *messages: bytes) -> None:
        """Put messages into a mailbox."""
        texts = [message.decode() for message in messages]
        line = json.dumps({"user": user, "mailbox": mailbox, "messages": texts}) + "\n"
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the sandbox's process has no pipes")
        async with self._turn:
            self._process.stdin.write(line.encode())
            await self._process.stdin.drain()
            if not await self._process.stdout.readline():
                raise RuntimeError("the sandbox's process has ended")


@asynccontextmanager
async def sandbox_process(
    users: Sequence[str], contacts: str, *, preset: str = ""
) -> AsyncIterator[SandboxProcess]:
    """Run the sandbox until the block ends.

    ``preset``, a key of :data:`_PRESETS`, names the server that the sandbox imitates.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        json.dumps({"users": users, "contacts": contacts, "preset": preset}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the sandbox's process has no pipes")
        url = (await process.stdout.readline()).decode().strip()
        yield SandboxProcess(process, url)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def main(argument: str) -> None:
    """Serve until the standard input ends."""
    wanted = json.loads(argument)
    users = [User(name, addresses=(f"{name}@example.com",)) for name in wanted["users"]]
    quirks = replace(_PRESETS[wanted["preset"]], contacts=wanted["contacts"] == "jmap")
    async with Sandbox(users=users, quirks=quirks).serve() as sandbox:
        _say(sandbox.url)
        lines = await _standard_input()
        while line := await lines.readline():
            delivery = json.loads(line)
            for message in delivery["messages"]:
                sandbox.deliver(
                    message.encode(), mailbox=delivery["mailbox"], user=delivery["user"]
                )
            _say("")


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
