"""Push over EventSource (RFC 8620 section 7.3), as Cyrus does it."""

import asyncio
import json
from typing import Final

from aiohttp import web

from mailroom.sandbox.account import Account
from mailroom.sandbox.push import Announcement, Subscription
from mailroom.sandbox.quirks import Quirks

_HEADERS: Final = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}


async def stream(request: web.Request, account: Account, quirks: Quirks) -> web.StreamResponse:
    """Answer a request for the event stream; returns when it has ended."""
    types = request.query.get("types")
    if types is None or not quirks.event_source:
        return web.Response(status=204)
    subscription = Subscription(
        account.id,
        account.states,
        types=types.split(","),
        position=request.headers.get("Last-Event-ID"),
    )
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    try:
        async with asyncio.timeout(quirks.stream_life):
            await _send_all(
                response,
                subscription,
                ping=_seconds(request.query.get("ping", "")),
                once=request.query.get("closeafter") == "state",
            )
    except (TimeoutError, ConnectionError):
        pass  # the stream has lived its life, or nobody listens any more
    return response


def _seconds(text: str) -> int | None:
    """The interval of the pings; None if there are to be none."""
    return int(text) or None if text.isascii() and text.isdecimal() else None


async def _send_all(
    response: web.StreamResponse, subscription: Subscription, *, ping: int | None, once: bool
) -> None:
    while True:
        announced = await subscription.next(within=ping)
        if announced is not None:
            await response.write(_event(announced))
            if once:
                return
        else:
            await response.write(b'event: ping\ndata: {"interval":%d}\n\n' % (ping or 0))


def _event(announced: Announcement) -> bytes:
    data = json.dumps(announced.change, separators=(",", ":"))
    return f"id: {announced.position}\nevent: state\ndata: {data}\n\n".encode()
