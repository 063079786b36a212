"""Server-sent events (HTML Living Standard, section 9.2), by which the page follows the account."""

import asyncio
import json
from contextlib import aclosing, suppress
from typing import Final

from aiohttp import web

from mailroom.web.context import access_of

_PING: Final = 25.0
"""Seconds between comments on a silent stream: proxies end streams that are silent for a minute."""
_LONGEST: Final = 3600.0
"""Seconds. The browser then connects again, and its sign-in is checked again."""
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
    await response.prepare(request)
    await response.write(f"retry: {_PAUSE}\n\n".encode())
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(_LONGEST), aclosing(account.changes()) as changes:
            following = asyncio.ensure_future(anext(changes))
            try:
                while True:
                    done, _ = await asyncio.wait({following}, timeout=_PING)
                    if not done:
                        await response.write(b": nothing new\n\n")
                        continue
                    data = json.dumps({"waiting": following.result()})
                    await response.write(f"event: changed\ndata: {data}\n\n".encode())
                    following = asyncio.ensure_future(anext(changes))
            finally:
                # A generator cannot be closed while it is asked for its next value.
                following.cancel()
                await asyncio.wait({following})
    return response
