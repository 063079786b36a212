"""A site of the sandbox's leaves no connection open."""

import asyncio
import gc
import socket

from aiohttp import web

from mailroom.sandbox.site import Site


async def test_a_connection_that_is_accepted_as_the_site_stops_is_closed() -> None:
    """If nobody closed it, Python would, with a warning, and pytest makes that an error."""
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
    await runner.setup()
    site = Site(runner, "127.0.0.1")
    await site.start()
    with socket.create_connection(runner.addresses[0][:2]):
        await asyncio.sleep(0)  # the event loop sees the connection
        await asyncio.sleep(0)  # it is accepted, and not yet given to the server
        await site.stop()
        await runner.cleanup()
    gc.collect()
