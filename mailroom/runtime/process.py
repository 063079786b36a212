"""The service as a process: its accounts, its HTTP server, its signals, its exit code."""

import asyncio
import gc
import os
import resource
import signal
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog

from mailroom import __version__
from mailroom.exits import Exit
from mailroom.health import Overview
from mailroom.health import serve as serve_health
from mailroom.metrics import Metrics
from mailroom.runtime.page_server import serve_page
from mailroom.runtime.supervisor import Supervisor
from mailroom.settings.model import Settings

log = structlog.get_logger(__name__)

_START_INTERVAL: Final = 0.005
"""Seconds between the starts of several accounts, so that neither their first requests nor their
polls reach the server all at once."""

_OBJECTS_BETWEEN_COLLECTIONS: Final = 20_000
"""After so many new objects Python searches the youngest objects for cycles."""


async def serve(settings: Settings) -> Exit:
    """Run the service until it gives up or is asked to stop (SIGTERM, SIGINT, SIGHUP).

    After the first signal the service finishes the updates that are under way, and ends within a
    few seconds. After the second signal it ends at once.

    Raises:
        PortUnavailableError: the health server or the page cannot listen on its port.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for stop_signal in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(stop_signal, partial(_on_signal, stop, stop_signal))
    _raise_open_files_limit()
    if settings.has_several:
        # By default Python searches for cycles after 700 new objects. With 1,000 accounts the
        # searches take a third of the time until all accounts are ready. With one account, fewer
        # searches would only cost memory.
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    metrics = Metrics()
    supervisors = [Supervisor(account, metrics) for account in settings.served]
    async with (
        serve_health(
            Overview({supervisor.name: supervisor.health for supervisor in supervisors}),
            pages={"/metrics": metrics.page},
            host=settings.health.host,
            port=settings.health.port,
        ) as port,
        serve_page(
            settings,
            zip(settings.served, (supervisor.page for supervisor in supervisors), strict=True),
        ) as web_port,
    ):
        facts: dict[str, object] = {"version": __version__, "health_port": port}
        if web_port is not None:
            facts["web_port"] = web_port
        if settings.has_several:
            facts["accounts"] = len(settings.served)
            if settings.shard is not None:
                facts["shard"] = str(settings.shard)
        log.info("started", **facts)
        code = await run_until_stopped(supervisors, stop, several=settings.has_several)
    log.info("stopped", exit_code=int(code))
    return code


async def run_until_stopped(
    supervisors: Sequence[Supervisor], stop: asyncio.Event, *, several: bool
) -> Exit:
    """Run the accounts until ``stop`` is set or, with a single account, its service gives up."""
    running: list[asyncio.Task[Exit]] = [
        asyncio.create_task(
            supervisor.run_forever(delay=number * _START_INTERVAL) if several else supervisor.run(),
            name=f"account {supervisor.name}",
        )
        for number, supervisor in enumerate(supervisors)
    ]
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        done, _ = await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*running, stopping):
            task.cancel()
        await asyncio.wait({*running, stopping})
    ended = [task.result() for task in running if task in done]
    return ended[0] if ended else Exit.OK


def _raise_open_files_limit() -> None:
    """Raise the soft limit of open files to the hard limit: an account has several connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY not in {soft, hard}:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _on_signal(stop: asyncio.Event, stop_signal: signal.Signals) -> None:
    """Ask the service to stop; if it is stopping already, end the process at once."""
    if stop.is_set():
        os._exit(128 + stop_signal)
    log.info("stopping", signal=stop_signal.name)
    stop.set()
