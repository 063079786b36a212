"""Measures many accounts in one process: idle, and with a tap in each at the same time."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import aiohttp
from passes import Size
from results import Idle, Many, Rush, Spread
from sandbox_server import SandboxProcess, sandbox_process
from stand import SCREENER, wait_until
from worlds import owner_on_sandbox

from tests.support.owner.person import Owner, message
from tests.support.servers.cyrus import PASSWORD
from tests.support.service.process import Running, command, running
from tests.support.soak.watch import cpu_seconds, memory, sockets

_CONTACTS: Final = "jmap"
_PATIENCE: Final = 300.0
_LOOK_EVERY: Final = 0.5
"""Seconds; the pause is longer than elsewhere, because /healthz of many accounts is long."""
_LABEL: Final = "@ToFeed"
_FIRST_PASSES: Final = 2
"""The passes of each account at the start: one at once, and one when push is connected."""

Tell = Callable[[str], None]
Tap = Callable[[], Awaitable[object]]


async def measure(size: Size, cwd: Path, tell: Tell) -> Many:
    """Measure each number of accounts, and the taps at the same time."""
    many = Many()
    for count in size.accounts:
        idle = await _idle(count, size, cwd)
        tell(f"{count} accounts: {idle.memory:.0f} MB, {idle.cpu_percent:.1f} % CPU")
        many.idle.append(idle)
    many.rush = await _rush(size, cwd)
    tell(f"{many.rush.accounts} taps at once: all done after {many.rush.all:.2f} s")
    return many


async def _idle(count: int, size: Size, cwd: Path) -> Idle:
    names = _names(count)
    async with (
        sandbox_process(names, _CONTACTS) as server,
        _service(server, names, cwd) as (service, ready),
    ):
        pid = service.process.pid
        cpu, began = cpu_seconds(pid), time.monotonic()
        await asyncio.sleep(size.idle_seconds)
        cpu, took = cpu_seconds(pid) - cpu, time.monotonic() - began
        return Idle(count, memory(pid), 100 * cpu / took, sockets(pid), ready)


async def _rush(size: Size, cwd: Path) -> Rush:
    names = _names(size.rush)
    async with (
        sandbox_process(names, _CONTACTS) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        owners = [owner_on_sandbox(server, name, _CONTACTS, session) for name in names]
        async with _service(server, names, cwd) as (service, _):
            for owner in owners:
                await owner.server.append(owner.name, SCREENER, message("a@b.example", "mail"))
            taps = await asyncio.gather(*map(_prepared, owners))
            began = time.time()
            await asyncio.gather(*(tap() for tap in taps))
            await service.until_logged("pass done", len(owners), patience=_PATIENCE)
            done = service.events("pass done")
    spread = Spread.of([event["seconds"] for event in done])
    last = max(datetime.fromisoformat(event["timestamp"]).timestamp() for event in done)
    return Rush(len(owners), spread.p50, spread.p95, last - began)


async def _prepared(owner: Owner) -> Tap:
    mailboxes, (mail,) = await owner.mailboxes(), await owner.mails()
    update = {mail.id: {f"mailboxIds/{mailboxes[_LABEL]}": True}}
    return lambda: owner.jmap("Email/set", {"update": update})


@asynccontextmanager
async def _service(
    server: SandboxProcess, names: Sequence[str], cwd: Path
) -> AsyncIterator[tuple[Running, float]]:
    """Run the service for these accounts; yield it, and the seconds until all were ready."""
    config = cwd / f"{len(names)}.yaml"
    config.write_text(_config(server.url, names))
    env = {
        "PATH": os.environ["PATH"],
        "MAILROOM_CONFIG": str(config),
        "MAILROOM_HEALTH_HOST": "127.0.0.1",
        "MAILROOM_LOG_FORMAT": "json",
    }
    setup = await command(env, "setup", "--apply")
    if setup.code:
        raise RuntimeError(setup.out + setup.err)
    began = time.monotonic()
    async with running(env, cwd / f"{len(names)}.log", wait=False) as service:
        await _until_ready(service, len(names))
        yield service, time.monotonic() - began


async def _until_ready(service: Running, count: int) -> None:
    """Wait until each account has done its first passes."""

    async def ready() -> bool:
        _, body = await service.get("/healthz")
        accounts = json.loads(body)["accounts"].values() if body else ()
        return [account["passes"] >= _FIRST_PASSES for account in accounts] == [True] * count

    await wait_until(ready, f"{count} accounts are ready", every=_LOOK_EVERY, patience=_PATIENCE)


def _config(url: str, names: Sequence[str]) -> str:
    jmap = {"session_url": f"{url}/jmap/", "password": PASSWORD}
    accounts = {name: {"jmap": {**jmap, "username": name}} for name in names}
    return json.dumps({"accounts": accounts})  # which is YAML


def _names(count: int) -> list[str]:
    return [f"account-{number}" for number in range(count)]
