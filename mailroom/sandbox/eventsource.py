"""Push over EventSource (RFC 8620 section 7.3), as on Cyrus unless a quirk is set."""

import asyncio
import json
from typing import Final

from aiohttp import web

from mailroom.sandbox.push import ALL, Subscription
from mailroom.sandbox.quirks import Pushing, Quirks
from mailroom.sandbox.sandbox_account import SandboxAccount

_TYPES: Final = frozenset(
    {
        ALL,
        *("Email", "Mailbox", "Thread", "EmailDelivery"),
        *("Identity", "EmailSubmission", "VacationResponse"),
        *("AddressBook", "ContactCard"),
    }
)
_HEADERS: Final = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}


async def stream(
    request: web.Request, account: SandboxAccount, quirks: Quirks
) -> web.StreamResponse:
    """Answer a request for the event stream; return when the stream has ended."""
    habits = quirks.pushing
    types = request.query.get("types")
    needed = ("types", close_after(habits), "ping")
    is_incomplete = habits.needs_all_parameters and not all(map(request.query.get, needed))
    has_unknown = habits.refuses_unknown_types and not _TYPES.issuperset((types or "").split(","))
    if is_incomplete or has_unknown:
        return web.Response(status=400)
    if types is None or not quirks.event_source:
        return web.Response(status=204)
    subscription = Subscription(
        account.id,
        account.states,
        types=types.split(","),
        position=request.headers.get("Last-Event-ID") if habits.has_positions else None,
        least_gap=habits.least_gap,
    )
    ping = request.query.get("ping", "")
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    try:
        async with asyncio.timeout(quirks.stream_life):
            await _send_all(
                response,
                subscription,
                habits,
                ping=(int(ping) or None) if ping.isascii() and ping.isdecimal() else None,
                once=request.query.get(close_after(habits)) == "state",
            )
    except (TimeoutError, ConnectionError):
        pass  # the stream's life is over, or the client has left
    return response


def close_after(habits: Pushing) -> str:
    """Return the name of the parameter ``closeafter``, which Apache James writes ``closeAfter``."""
    return "closeAfter" if habits.needs_all_parameters else "closeafter"


async def _send_all(
    response: web.StreamResponse,
    subscription: Subscription,
    habits: Pushing,
    *,
    ping: int | None,
    once: bool,
) -> None:
    """Send events and pings; with ``once``, return after the first event."""
    within = None if ping is None else max(ping, habits.least_ping)
    interval = (within or 0) * (1000 if habits.milliseconds else 1)
    while True:
        announced = await subscription.next(within=within)
        if announced is None:
            await response.write(b'event: ping\ndata: {"interval":%d}\n\n' % interval)
            continue
        data = json.dumps(announced.change, separators=(",", ":"))
        position = f"id: {announced.position}\n" if habits.has_positions else ""
        await response.write(f"{position}event: state\ndata: {data}\n\n".encode())
        if once:
            return
