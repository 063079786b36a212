"""Measures everything on one server."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

import aiohttp
from passes import Size, fill, measure_arrivals, measure_passes, measure_taps
from results import Line, Memory, ServerResults, Startup
from stand import SCREENER, set_up_stand, wait_until
from worlds import MeasuredServer

from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import proxying
from tests.support.service.process import Running, environment, running
from tests.support.soak.watch import cpu_seconds, memory

ROUND_TRIPS: Final = (0, 100)
"""In ms."""

Tell = Callable[[str], None]


async def measure(server: MeasuredServer, size: Size, cwd: Path, tell: Tell) -> ServerResults:
    """Measure everything on one server."""
    results = ServerResults()
    far_size = replace(size, events=size.far_events)
    for round_trip in ROUND_TRIPS:
        tell(f"{round_trip} ms a round trip")
        line_size = far_size if round_trip else size
        owner = await server.new_owner()
        results.lines[round_trip] = await _line(owner, round_trip, line_size, cwd, tell)
    if server.is_sandbox:
        tell("memory")
        results.memory = await _memory(await server.new_owner(), size, cwd)
    return results


async def _line(owner: Owner, round_trip: int, size: Size, cwd: Path, tell: Tell) -> Line:
    line = Line()
    screener = await fill(owner, size)
    line.startup = await _startup(owner, round_trip / 1000, size, cwd)
    tell(f"  ready after {line.startup.seconds:.2f} s")
    async with set_up_stand(owner, cwd, round_trip=round_trip / 1000) as stand:
        async for key, one_pass in measure_passes(stand, screener, size):
            line.passes[key] = one_pass
            tell(f"  {key}: {one_pass.seconds:.3f} s")
        line.latency["tap"] = await measure_taps(stand, screener, size)
        tell(f"  taps: {line.latency['tap'].p50:.3f} s")
        line.latency["arrival"] = await measure_arrivals(stand, size)
        tell(f"  arrivals: {line.latency['arrival'].p50:.3f} s")
    return line


async def _startup(owner: Owner, round_trip: float, size: Size, cwd: Path) -> Startup:
    starts = []
    async with proxying(owner.server.url, owner.server.dav_url) as proxy:
        proxy.round_trip = round_trip
        for _ in range(size.repeats):
            env = environment(owner, http=proxy.url, MAILROOM_ARRIVALS_ENABLED="true")
            began = time.monotonic()
            async with running(env, cwd / "start.log", wait=False) as service:
                await _until_ready(service)
                took = time.monotonic() - began
                starts.append(Startup(took, cpu_seconds(service.process.pid)))
    return Startup(
        median(start.seconds for start in starts), median(start.cpu_seconds for start in starts)
    )


async def _until_ready(service: Running) -> None:
    """Wait for the first good pass, asking more often than a probe does."""
    async with aiohttp.ClientSession() as session:

        async def ready() -> bool:
            if service.process.returncode is not None:
                raise RuntimeError(f"the service has ended: {service.log()[-3:]}")
            try:
                async with session.get(f"http://127.0.0.1:{service.port}/readyz") as answer:
                    return answer.ok
            except aiohttp.ClientError:
                return False

        await wait_until(ready, "the service is ready")


async def _memory(owner: Owner, size: Size, cwd: Path) -> Memory:
    """Measure memory before and after many passes. A change causes each: polls cause less work."""
    await owner.server.append(owner.name, SCREENER, message("a@b.example", "mail"))
    (mail,) = [mail.id for mail in await owner.mails()]
    async with set_up_stand(owner, cwd, MAILROOM_PUSH_SETTLE="0") as stand:
        idle, before = memory(stand.service.process.pid), await stand.passes()
        while (done := await stand.passes() - before) < size.idle_passes:
            for _ in range(min(50, size.idle_passes - done)):
                earlier = len(stand.proxy.exchanges)
                await stand.flag(mail)
                await stand.until_passed(earlier)
        return Memory(idle, memory(stand.service.process.pid), done)
