"""Listening on a port, for the servers of this process."""

import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from mailroom.os_errors import os_error_text

_ALL_ADDRESSES: Final = "::"
_ALL_OF_IPV4: Final = "0.0.0.0"  # noqa: S104 - containers are reached from outside
_NO_IPV6: Final = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT, errno.EINVAL}
"""The errors of hosts without IPv6."""
_SHUTDOWN: Final = 0.5
"""Seconds of one wait for answers that are being sent; aiohttp waits twice at most."""


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """Return False for a record of aiohttp about a request that is not HTTP, or is too long.

    Anybody can send such requests, so they must neither fill the log nor set off an alert.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_LOGGER: Final = logging.getLogger("mailroom.http.server")
_LOGGER.addFilter(is_worth_a_line)


class PortUnavailableError(Exception):
    """The server cannot listen where it is configured to; the text says what to change."""

    def __init__(self, section: str, host: str, port: int, cause: str) -> None:
        super().__init__(section, host, port, cause)
        self.section, self.host, self.port, self.cause = section, host, port, cause

    def __str__(self) -> str:
        variables = (f"MAILROOM_{self.section}_{name}" for name in ("HOST", "PORT"))
        cause = f"{self.cause} ({', '.join(variables)})"
        return f"cannot listen on {self.host} port {self.port}: {cause}"


@asynccontextmanager
async def listen(app: web.Application, *, host: str, port: int, section: str) -> AsyncIterator[int]:
    """Serve an application on ``host`` and ``port`` as long as the block runs; yield the port.

    Args:
        app: the application.
        host: an address of this machine; ``::`` stands for all addresses of both IP families.
        port: the port; 0: any free port.
        section: the section of the settings that has host and port, for the text of an error.

    Raises:
        PortUnavailableError: the port is taken or not permitted, or the host is not this machine.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN, logger=_LOGGER)
    await runner.setup()
    try:
        try:
            await _site(runner, host, port).start()
        except OSError as error:
            raise PortUnavailableError(section, host, port, os_error_text(error)) from None
        except UnicodeError:
            raise PortUnavailableError(section, host, port, "not a valid host name") from None
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
