"""Mailroom's commands as processes that start at once.

An interpreter needs half a second of processor time to start and to import Mailroom; most commands
need little more than that. So one process for each worker of a test run imports Mailroom once
(``forking.py``), and forks for each command. A forked process has an environment, output, signals
and an exit code of its own, and ends as every interpreter ends. ``process.py`` starts a new
interpreter: for tests of the start itself, and for measuring.
"""

import asyncio
import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from tests.support.service import process

_ROOT: Final = Path(__file__).parents[3]
_PYTHON: Final = {"PYTHONWARNINGS": "error"}
"""The variables that Python itself read when the forking process started."""


class _Forked:
    """A forked process. See :class:`~tests.support.service.process.Process`.

    Args:
        pid: its number.
        report: where the exit code comes from.
    """

    def __init__(self, pid: int, report: socket.socket) -> None:
        self.pid = pid
        self._end = asyncio.create_task(_received(report), name=f"end of {pid}")

    @property
    def returncode(self) -> int | None:
        return self._end.result() if self._end.done() else None

    def send_signal(self, signal: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        return await asyncio.shield(self._end)


async def fork(
    module: str,
    *arguments: str,
    env: Mapping[str, str],
    cwd: Path,
    stdout: IO[bytes],
    stderr: IO[bytes],
) -> process.Process:
    """Fork a process that runs a module. See :class:`~tests.support.service.process.Launch`."""
    for_python = {name: value for name, value in env.items() if name.startswith("PYTHON")}
    assert for_python.items() <= _PYTHON.items(), "only a new interpreter reads these variables"
    request = {"module": module, "arguments": arguments, "env": dict(env), "cwd": str(cwd)}
    report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    report.settimeout(0)
    with theirs:
        descriptors = [stdout.fileno(), stderr.fileno(), theirs.fileno()]
        socket.send_fds(_forking_process(), [json.dumps(request).encode()], descriptors)
    return _Forked(int(await asyncio.get_running_loop().sock_recv(report, 16)), report)


async def _received(report: socket.socket) -> int:
    with report:
        return int(await asyncio.get_running_loop().sock_recv(report, 16))


@functools.cache
def _forking_process() -> socket.socket:
    """Start the process that forks, and return the socket for requests to it."""
    requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        forking = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "tests.support.service.forking", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=_ROOT,
            env={"PATH": os.environ["PATH"], **_PYTHON},
        )

    def end() -> None:
        requests.close()
        forking.wait()

    atexit.register(end)
    return requests


command = functools.partial(process.command, launch=fork)
running = functools.partial(process.running, launch=fork)
