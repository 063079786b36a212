"""Push over EventSource (RFC 8620 section 7.3), as on Cyrus unless a quirk is set."""

import asyncio
import json
from typing import Final

from aiohttp import web

from mailroom.sandbox.push import ALL, Announcement, Subscription
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
    """Answer a request for the event stream; returns when it has ended."""
    habits = quirks.pushing
    if _is_refused(request, habits):
        return web.Response(status=400)
    types = request.query.get("types")
    if types is None or not quirks.event_source:
        return web.Response(status=204)
    subscription = Subscription(
        account.id,
        account.states,
        types=types.split(","),
        position=request.headers.get("Last-Event-ID") if habits.has_positions else None,
        least_gap=habits.least_gap,
    )
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    try:
        async with asyncio.timeout(quirks.stream_life):
            await _send_all(
                response,
                subscription,
                habits,
                ping=_seconds(request.query.get("ping", "")),
                once=request.query.get(close_after(habits)) == "state",
            )
    except (TimeoutError, ConnectionError):
        pass  # the stream has lived its life, or nobody listens any more
    return response


def _seconds(text: str) -> int | None:
    """Return the interval of the pings; None if there are no pings."""
    return int(text) or None if text.isascii() and text.isdecimal() else None


def close_after(habits: Pushing) -> str:
    """Return the name of the query parameter, which Cyrus writes without a capital."""
    return "closeAfter" if habits.needs_all_parameters else "closeafter"


def _is_refused(request: web.Request, habits: Pushing) -> bool:
    needed = ("types", close_after(habits), "ping")
    if habits.needs_all_parameters and not all(map(request.query.get, needed)):
        return True
    types = request.query.get("types", "").split(",")
    return habits.refuses_unknown_types and not _TYPES.issuperset(types)


async def _send_all(
    response: web.StreamResponse,
    subscription: Subscription,
    habits: Pushing,
    *,
    ping: int | None,
    once: bool,
) -> None:
    within = None if ping is None else max(ping, habits.least_ping)
    told = (within or 0) * (1000 if habits.tells_milliseconds else 1)
    while True:
        announced = await subscription.next(within=within)
        if announced is not None:
            await response.write(_event(announced, habits))
            if once:
                return
        else:
            await response.write(b'event: ping\ndata: {"interval":%d}\n\n' % told)


def _event(announced: Announcement, habits: Pushing) -> bytes:
    data = json.dumps(announced.change, separators=(",", ":"))
    position = f"id: {announced.position}\n" if habits.has_positions else ""
    return f"{position}event: state\ndata: {data}\n\n".encode()
