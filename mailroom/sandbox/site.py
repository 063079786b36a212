"""A site of aiohttp's that leaves no connection open when it stops."""

import asyncio
import socket

from aiohttp import web


class Site(web.SockSite):
    """A TCP address that an application listens on.

    asyncio accepts a connection in one step of the event loop and gives it to the server in the
    next. If the server is closed in between, the connection stays open (CPython 3.11).

    Args:
        runner: the application's runner, on which ``setup`` was called.
        host: a name or an address.
        port: 0 for any free port; ``runner.addresses`` has it after the start.

    Raises:
        OSError: if the port is taken.
    """

    def __init__(self, runner: web.AppRunner, host: str, port: int = 0) -> None:
        self._listener = socket.create_server((host, port))
        super().__init__(runner, self._listener)

    async def stop(self) -> None:
        """Stop accepting, hand the accepted connections to the server, and close."""
        asyncio.get_running_loop().remove_reader(self._listener)
        await asyncio.sleep(0)
        await super().stop()
