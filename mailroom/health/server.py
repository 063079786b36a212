"""The HTTP server that reports the state of the service to people and probes.

- ``/healthz``: for people and uptime monitors. Fails if no pass succeeded for two poll intervals.
- ``/livez``: for a supervisor that restarts a process that hangs. It never depends on the mail
  server, which a restart would not mend. An answer shows that the event loop runs.
- ``/readyz``: succeeds if the session was fetched and the first pass is done.

Everybody who can reach the port can read the reports, so they must hold no secret. They name only
the senders whose contact or mail the server refuses for good, so that a person can mend that.
"""

import errno
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from mailroom.health.overview import Overview
from mailroom.http.os_errors import os_error_text

_ALL_ADDRESSES: Final = "::"
_ALL_OF_IPV4: Final = "0.0.0.0"  # noqa: S104 - a container's
_NO_IPV6: Final = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT, errno.EINVAL}
"""The errors of hosts without IPv6."""
_SHUTDOWN: Final = 0.5
"""Seconds; stopping takes up to twice that."""


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
    health: Overview, *, host: str, port: int, pages: Mapping[str, Handler] = MappingProxyType({})
) -> AsyncIterator[int]:
    """Answer on ``host`` and ``port`` as long as the block runs; yield the port.

    The host ``::`` stands for all addresses of both IP families. ``pages`` are further pages:
    path -> handler.

    Raises:
        PortUnavailableError: the port is taken or not permitted, or the host is not this machine.
    """
    app = _application(health)
    for path, page in pages.items():
        app.router.add_get(path, page)
    app.on_response_prepare.append(_never_store)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN)
    await runner.setup()
    try:
        try:
            await _site(runner, host, port).start()
        except OSError as error:
            raise PortUnavailableError(host, port, os_error_text(error)) from None
        except UnicodeError:
            raise PortUnavailableError(host, port, "not a valid host name") from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _site(runner: web.AppRunner, host: str, port: int) -> web.BaseSite:
    if host != _ALL_ADDRESSES:
        return web.TCPSite(runner, host, port)
    try:
        # asyncio's own socket for :: would refuse IPv4.
        family, dual = socket.AF_INET6, socket.has_dualstack_ipv6()
        return web.SockSite(
            runner, socket.create_server((host, port), family=family, dualstack_ipv6=dual)
        )
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
        return web.TCPSite(runner, _ALL_OF_IPV4, port)


def _application(health: Overview) -> web.Application:
    async def healthz(_request: web.Request) -> web.Response:
        return _answer(health.report(), good=health.is_well())

    async def livez(_request: web.Request) -> web.Response:
        alive = health.is_alive()
        return _answer({"status": "ok" if alive else "stuck"}, good=alive)

    async def readyz(_request: web.Request) -> web.Response:
        if health.is_ready():
            return _answer({"status": "ready"}, good=True)
        reason = health.why_not_ready()
        return _answer({"status": "not ready", **({"why": reason} if reason else {})}, good=False)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    return app


def _answer(body: Mapping[str, object], *, good: bool) -> web.Response:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return web.json_response(body, status=status)


async def _never_store(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Cache-Control"] = "no-store"
