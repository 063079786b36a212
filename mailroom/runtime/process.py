"""The service as a process: its accounts, its HTTP server, its signals, its exit code."""

import asyncio
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
from mailroom.runtime.supervisor import Supervisor
from mailroom.settings import Settings

log = structlog.get_logger(__name__)

_APART: Final = 0.01
"""Seconds between the starts of several accounts, for the sake of the server; and so their polls
do not come all at once either."""


async def serve(settings: Settings) -> Exit:
    """Run the service until it gives up or is told to stop (SIGTERM, SIGINT, SIGHUP).

    Told to stop, it ends with the updates that are under way finished, within a few seconds; told
    twice, at once.

    Raises:
        PortUnavailableError: the health port cannot be had.
    """
    stop = asyncio.Event()
    _listen_to_signals(stop)
    _allow_files()
    metrics = Metrics()
    supervisors = [Supervisor(each, metrics) for each in settings.served]
    async with serve_health(
        Overview({each.name: each.health for each in supervisors}),
        pages={"/metrics": metrics.page},
        host=settings.health.host,
        port=settings.health.port,
    ) as port:
        log.info("started", version=__version__, health_port=port, **_told_of(settings))
        code = await _until_stopped(supervisors, stop, several=settings.has_several)
    log.info("stopped", exit_code=int(code))
    return code


def _told_of(settings: Settings) -> dict[str, object]:
    """What there is to tell of several accounts."""
    if not settings.has_several:
        return {}
    shard = {} if settings.shard is None else {"shard": str(settings.shard)}
    return {"accounts": len(settings.served), **shard}


async def _until_stopped(
    supervisors: Sequence[Supervisor], stop: asyncio.Event, *, several: bool
) -> Exit:
    running: list[asyncio.Task[Exit]] = [
        asyncio.create_task(
            each.run_forever(delay=number * _APART) if several else each.run(),
            name=f"account {each.name}",
        )
        for number, each in enumerate(supervisors)
    ]
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        done, _ = await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (*running, stopping):
            each.cancel()
        await asyncio.wait({*running, stopping})
    ended = [each.result() for each in running if each in done]
    return ended[0] if ended else Exit.OK


def _allow_files() -> None:
    """Open as many files as the system lets us: each account's connections are some."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY not in {now, most}:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen_to_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, partial(_on_signal, stop, number))


def _on_signal(stop: asyncio.Event, number: signal.Signals) -> None:
    if stop.is_set():
        os._exit(128 + number)
    log.info("stopping", signal=number.name)
    stop.set()
