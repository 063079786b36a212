"""The service as a process: its HTTP server, its signals, its exit code."""

import asyncio
import os
import signal
from functools import partial

import structlog

from mailroom import __version__
from mailroom.account import open_account
from mailroom.exits import Exit
from mailroom.health import serve as serve_health
from mailroom.service import Service
from mailroom.settings import Settings

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> Exit:
    """Run the service until it gives up or is told to stop (SIGTERM, SIGINT, SIGHUP).

    Told to stop, it ends with the updates that are under way finished, within a few seconds; told
    twice, at once.

    Raises:
        PortUnavailableError: the health port cannot be had.
    """
    stop = asyncio.Event()
    _listen_to_signals(stop)
    async with open_account(settings) as account:
        service = Service(account)
        async with serve_health(
            service.health,
            pages={"/metrics": service.metrics.page},
            host=settings.health.host,
            port=settings.health.port,
        ) as port:
            log.info("started", version=__version__, health_port=port)
            code = await _until_stopped(service, stop)
    log.info("stopped", exit_code=int(code))
    return code


async def _until_stopped(service: Service, stop: asyncio.Event) -> Exit:
    running = asyncio.create_task(service.run(), name="service")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        running.cancel()
        await asyncio.wait({running, stopping})
    return Exit.OK if running.cancelled() else running.result()


def _listen_to_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, partial(_on_signal, stop, number))


def _on_signal(stop: asyncio.Event, number: signal.Signals) -> None:
    if stop.is_set():
        os._exit(128 + number)
    log.info("stopping", signal=number.name)
    stop.set()
