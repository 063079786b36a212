"""Mailroom as its users run it: a process, with an environment, a log and exit codes."""

import asyncio
import itertools
import json
import os
import random
import signal
import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final, Protocol

import aiohttp

from tests.support.owner.person import PATIENCE, Owner, until

_ROOT: Final = Path("/")
_FIRST_PORT: Final = 10_000
_PORTS_OF_WORKER: Final = 500
_WORKERS: Final = 12
_port_numbers: Final = itertools.count(random.SystemRandom().randrange(_PORTS_OF_WORKER))


def environment(person: Owner, **more: str) -> dict[str, str]:
    """Return the environment of a service for an owner; of our own environment, only PATH is in it.

    ``http`` is the URL of a proxy in front of the servers, the rest of ``more`` are variables.
    """
    http = more.pop("http", "")
    jmap, dav = http or person.server.url, http or person.server.dav_url
    return {
        "PATH": os.environ["PATH"],
        "MAILROOM_JMAP_SESSION_URL": jmap + person.server.session_path,
        "MAILROOM_JMAP_USERNAME": person.login,
        "MAILROOM_JMAP_PASSWORD": person.password,
        "MAILROOM_CARDDAV_URL": f"{dav}/",
        "MAILROOM_CARDDAV_USERNAME": person.name,
        "MAILROOM_CARDDAV_PASSWORD": person.password,
        "MAILROOM_ARRIVALS_ENABLED": "false",  # tests deliver to the Inbox, and move mail on
        "MAILROOM_HEALTH_HOST": "127.0.0.1",
        "MAILROOM_LOG_FORMAT": "json",
        "PYTHONWARNINGS": "error",
        **more,
    }


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    code: int
    out: str
    err: str


class Process(Protocol):
    """A process, as asyncio has it."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """The exit code, or the signal's number below zero; None while the process runs."""

    def send_signal(self, signal: int) -> None:
        """Send a signal."""

    def kill(self) -> None:
        """Send SIGKILL."""

    async def wait(self) -> int:
        """Wait until the process has ended; return ``returncode``."""


class Launch(Protocol):
    """A way to start ``python -m MODULE ARGUMENT...``."""

    async def __call__(
        self,
        module: str,
        *arguments: str,
        env: Mapping[str, str],
        cwd: Path,
        stdout: IO[bytes],
        stderr: IO[bytes],
    ) -> Process:
        """Start a process whose environment is exactly ``env``."""


async def interpret(
    module: str,
    *arguments: str,
    env: Mapping[str, str],
    cwd: Path,
    stdout: IO[bytes],
    stderr: IO[bytes],
) -> Process:
    """Start a Python interpreter. See :class:`Launch`."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        env=dict(env),
        cwd=cwd,
        stdout=stdout,
        stderr=stderr,
    )


async def command(
    env: Mapping[str, str], *arguments: str, cwd: Path = _ROOT, launch: Launch = interpret
) -> Finished:
    """Run one of Mailroom's commands to its end."""
    with TemporaryFile() as out, TemporaryFile() as err:
        process = await launch("mailroom", *arguments, env=env, cwd=cwd, stdout=out, stderr=err)
        try:
            async with asyncio.timeout(4 * PATIENCE):
                await process.wait()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        for file in (out, err):
            file.seek(0)
        return Finished(process.returncode or 0, out.read().decode(), err.read().decode())


class Service(ABC):
    """The running service, as a process or as a task of the test's own process."""

    @abstractmethod
    def log(self) -> list[dict[str, Any]]:
        """Every line logged so far."""

    @abstractmethod
    async def health(self) -> dict[str, Any]:
        """Return the service's health report."""

    @abstractmethod
    async def end(self) -> int:
        """Stop the service, and return its exit code."""

    @abstractmethod
    async def ended(self) -> int:
        """Wait until the service has ended by itself, and return its exit code."""

    def events(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        return [line for line in self.log() if line["event"] == event]

    async def until_logged(self, event: str, count: int = 1, *, patience: float = PATIENCE) -> None:
        """Wait until an event has been logged so many times."""

        async def logged() -> bool:
            return len(self.events(event)) >= count

        await until(logged, f"{count} x {event!r} in the log", patience=patience)


def whole_lines(log: Path) -> list[str]:
    """Return the lines of a log but the last, which may still be half written."""
    *lines, _ = log.read_text().split("\n")
    return lines


class Running(Service):
    """The service as a process of its own."""

    def __init__(self, process: Process, port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    def log(self) -> list[dict[str, Any]]:
        """Every line logged so far."""
        return [json.loads(line) for line in whole_lines(self._log)]

    async def get(self, path: str) -> tuple[int, str]:
        """Ask the service's own HTTP server; return status and body. Status 0: no answer."""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.port}{path}") as response,
            ):
                return response.status, await response.text()
        except aiohttp.ClientError:
            return 0, ""

    async def health(self) -> dict[str, Any]:
        """Return the report of ``/healthz``."""
        _, body = await self.get("/healthz")
        facts: dict[str, Any] = json.loads(body)
        return facts

    async def until_ready(self) -> None:
        """Wait until the first pass is done and the push stream is open."""

        async def ready() -> bool:
            assert self.process.returncode is None, self._log.read_text()
            status, _ = await self.get("/readyz")
            return status == 200 and (await self.health())["push"]["status"] == "connected"

        await until(ready, "the service is ready")

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and wait for the exit code."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """Wait until the service has ended by itself; return the exit code."""
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def running(
    env: Mapping[str, str],
    log: Path,
    *,
    wait: bool = True,
    module: str = "mailroom",
    launch: Launch = interpret,
) -> AsyncIterator[Running]:
    """Run the service as a process; at the end of the block, kill it if it still runs.

    ``module`` is the Python module that is run.
    """
    port = free_port()
    env = {**env, "MAILROOM_HEALTH_PORT": str(port)}
    with log.open("ab") as output:
        process = await launch(module, env=env, cwd=_ROOT, stdout=output, stderr=output)
    service = Running(process, port, log)
    try:
        if wait:
            await service.until_ready()
        yield service
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def free_port() -> int:
    """Return a port on loopback that nobody uses, for a server that is started with it.

    A server may take seconds to start, so nobody else may take the port meanwhile: the system does
    not use these ports for clients, and each worker of a test run has ports of its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    start = _FIRST_PORT + _PORTS_OF_WORKER * (worker % _WORKERS)
    while True:
        port = start + next(_port_numbers) % _PORTS_OF_WORKER
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
