"""Server-sent events (HTML Living Standard, section 9.2), by which the page follows the account."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import structlog
from aiohttp import web

from mailroom.web.context import access_of

log = structlog.get_logger(__name__)

STOPPING: Final = web.AppKey("stopping", asyncio.Event)
"""Set when the server stops."""
_PING: Final = 25.0
"""Seconds between comments on a silent stream: proxies end streams that are silent for a minute."""
_LONGEST: Final = 3600.0
"""Seconds after which a stream ends. The browser connects again, with its sign-in checked."""
_PAUSE: Final = 2000
"""Milliseconds that the browser waits before it connects again."""


async def events(request: web.Request) -> web.StreamResponse:
    """Send the number of waiting subjects now, and after each change of the account."""
    account = access_of(request).account
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "X-Accel-Buffering": "no",  # nginx would keep the events back
        }
    )
    stopping = asyncio.ensure_future(request.app[STOPPING].wait())
    try:
        await response.prepare(request)
        await response.write(f"retry: {_PAUSE}\n\n".encode())
        async with asyncio.timeout(_LONGEST), aclosing(account.changes()) as changes:
            await _send(response, changes, stopping)
    except (TimeoutError, ConnectionError):
        pass
    except Exception:
        # The head of the response was sent already, so no error page can follow.
        log.exception("a mistake in Mailroom itself: the events of the page have ended")
    finally:
        stopping.cancel()
    return response


async def _send(
    response: web.StreamResponse, changes: AsyncGenerator[int], stopping: asyncio.Future[Any]
) -> None:
    """Send changes until the server stops."""
    next_count = asyncio.ensure_future(anext(changes))
    try:
        while not stopping.done():
            await asyncio.wait(
                {next_count, stopping}, timeout=_PING, return_when=asyncio.FIRST_COMPLETED
            )
            if next_count.done():
                data = json.dumps({"waiting": next_count.result()})
                await response.write(f"event: changed\ndata: {data}\n\n".encode())
                next_count = asyncio.ensure_future(anext(changes))
            elif not stopping.done():
                await response.write(b": nothing new\n\n")
    finally:
        # A generator cannot be closed while a task waits for its next value.
        next_count.cancel()
        await asyncio.wait({next_count})


async def end_streams(app: web.Application) -> None:
    """End all streams of events, so that the server need not wait for them."""
    app[STOPPING].set()
