"""How the service is: what it tells probes and people over HTTP, and the server that tells it.

- ``/healthz``: for people and uptime monitors. Fails when no pass succeeded for two poll intervals.
- ``/livez``: for whoever restarts what hangs. Never depends on the mail server: a restart would not
  mend that one. That it is answered at all shows that the event loop turns.
- ``/readyz``: whether the session is up and the first pass done.

Whoever can reach the port may read all of it: nothing here may be a secret, or about a sender.
"""

import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from mailroom import __version__

_STUCK_AFTER: Final = 15 * 60.0
"""Seconds that a pass may take. One that takes longer will not end."""
_SHUTDOWN: Final = 0.5
"""Seconds; stopping takes up to twice that."""


class PushStatus(Protocol):
    """How push is, as :mod:`mailroom.jmap.push` tells it."""

    @property
    def transport(self) -> str:
        """How changes are told, ``off`` if they are not."""

    @property
    def status(self) -> str:
        """Where it stands now."""

    @property
    def connected_since(self) -> datetime | None:
        """When the present connection was made."""

    @property
    def last_event_at(self) -> datetime | None:
        """When a change was told last."""

    @property
    def reconnects(self) -> int:
        """Tries to connect, after the first."""

    @property
    def last_error(self) -> str | None:
        """Why a connection failed last."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """A pass that succeeded; times in seconds of the clock."""

    trigger: str
    started: float
    ended: float
    senders: int
    mails: int


class Health:
    """What is known of the service's state. The service tells it, the HTTP server asks it.

    Args:
        poll_interval: seconds between the passes that come in any case.
        push: how push is now.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        *,
        poll_interval: float,
        push: Callable[[], PushStatus],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = 2 * poll_interval
        self._push = push
        self._clock = clock
        self._started = clock()
        self._session_is_up = False
        self._running: tuple[str, float] | None = None
        self._last: _Pass | None = None
        self._passes = 0
        self._failures_in_a_row = 0

    def session_up(self) -> None:
        """The session was fetched for the first time (or again)."""
        self._session_is_up = True

    def pass_started(self, trigger: str) -> None:
        """A pass begins, because of ``trigger``."""
        self._running = (trigger, self._clock())

    def pass_succeeded(self, *, senders: int, mails: int) -> None:
        """The pass is over, and did for ``senders`` and ``mails`` what there was to do."""
        trigger, started = self._end_pass()
        self._failures_in_a_row = 0
        self._last = _Pass(trigger, started, self._clock(), senders, mails)

    def pass_failed(self) -> None:
        """The pass is over, and something of it is left to do."""
        self._end_pass()
        self._failures_in_a_row += 1

    def _end_pass(self) -> tuple[str, float]:
        if self._running is None:
            raise RuntimeError("a pass ended that never started")
        running, self._running = self._running, None
        self._passes += 1
        return running

    @property
    def failures_in_a_row(self) -> int:
        """Passes that failed since the last one that did not."""
        return self._failures_in_a_row

    def is_well(self) -> bool:
        """Whether the last good pass is younger than two poll intervals, or the service is."""
        since = self._started if self._last is None else self._last.ended
        return self._clock() - since < self._patience

    def is_alive(self) -> bool:
        """Whether no pass is stuck."""
        return self._running is None or self._clock() - self._running[1] <= _STUCK_AFTER

    def is_ready(self) -> bool:
        """Whether the session is up and the first pass is done."""
        return self._session_is_up and self._last is not None

    def report(self) -> dict[str, object]:
        """Everything, as JSON can hold it. Times of day are RFC 3339 in UTC, ages in seconds."""
        return {
            "status": self._status(),
            "version": __version__,
            "uptime": round(self._clock() - self._started, 3),
            "last_pass": self._last and self._report_pass(self._last),
            "passes": self._passes,
            "failures_in_a_row": self._failures_in_a_row,
            "push": _report_push(self._push()),
        }

    def _status(self) -> str:
        if not self.is_well():
            return "failing"
        return "starting" if self._last is None else "ok"

    def _report_pass(self, last: _Pass) -> dict[str, object]:
        return {
            "age_seconds": round(self._clock() - last.ended, 3),
            "trigger": last.trigger,
            "duration_seconds": round(last.ended - last.started, 3),
            "senders": last.senders,
            "mails": last.mails,
        }


def _report_push(push: PushStatus) -> dict[str, object]:
    return {
        "transport": str(push.transport),
        "status": str(push.status),
        "connected_since": _rfc3339(push.connected_since),
        "last_event_at": _rfc3339(push.last_event_at),
        "reconnects": push.reconnects,
        "last_error": push.last_error,
    }


def _rfc3339(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class PortUnavailableError(Exception):
    """The server cannot listen where it is configured to; the text says what to change."""

    def __init__(self, host: str, port: int, cause: str) -> None:
        super().__init__(host, port, cause)
        self.host, self.port, self.cause = host, port, cause

    def __str__(self) -> str:
        return (
            f"cannot listen on {self.host} port {self.port}: {self.cause}"
            " (MAILROOM_HEALTH_HOST, MAILROOM_HEALTH_PORT)"
        )


@asynccontextmanager
async def serve(
    health: Health, *, host: str, port: int, pages: Mapping[str, Handler] = MappingProxyType({})
) -> AsyncIterator[int]:
    """Answer on ``host`` and ``port`` as long as the block runs; gives the port that it is.

    ``pages`` are further ones: path -> what answers.

    Raises:
        PortUnavailableError: the port is taken, or no port for us, or the host none of ours.
    """
    runner = web.AppRunner(_application(health, pages), access_log=None, shutdown_timeout=_SHUTDOWN)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, UnicodeError) as error:
            raise PortUnavailableError(host, port, _cause(error)) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _cause(error: OSError | UnicodeError) -> str:
    """What it was, without the address, which asyncio puts into the text."""
    if isinstance(error, UnicodeError):
        return "no name of a host"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


def _application(health: Health, pages: Mapping[str, Handler]) -> web.Application:
    async def healthz(_request: web.Request) -> web.Response:
        return _answer(health.report(), good=health.is_well())

    async def livez(_request: web.Request) -> web.Response:
        alive = health.is_alive()
        return _answer({"status": "ok" if alive else "stuck"}, good=alive)

    async def readyz(_request: web.Request) -> web.Response:
        ready = health.is_ready()
        return _answer({"status": "ready" if ready else "not ready"}, good=ready)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    for path, page in pages.items():
        app.router.add_get(path, page)
    app.on_response_prepare.append(_never_store)
    return app


def _answer(body: Mapping[str, object], *, good: bool) -> web.Response:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return web.json_response(body, status=status)


async def _never_store(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Cache-Control"] = "no-store"
