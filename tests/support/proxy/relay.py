"""A WebSocket that goes through a proxy: messages are handed on as they come, both ways."""

import asyncio
import time
from collections.abc import Mapping

import aiohttp
from aiohttp import web
from yarl import URL

_PROTOCOL = "jmap"
_HANDSHAKE = frozenset(
    {
        "upgrade",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
    }
)
"""Header fields that belong to one of the two connections."""
_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def relay(
    request: web.Request,
    client: aiohttp.ClientSession,
    url: URL,
    headers: Mapping[str, str],
    chunks_read: list[tuple[float, bytes]],
) -> web.WebSocketResponse:
    """Relay a WebSocket until either side closes it, and keep the server's messages."""
    forwarded = {name: value for name, value in headers.items() if name.lower() not in _HANDSHAKE}
    async with client.ws_connect(url, protocols=(_PROTOCOL,), headers=forwarded) as far:
        near = web.WebSocketResponse(protocols=(_PROTOCOL,))
        await near.prepare(request)
        ways = [
            asyncio.create_task(_hand_on(near, far, []), name="to the server"),
            asyncio.create_task(_hand_on(far, near, chunks_read), name="from the server"),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
        await near.close()
        return near


async def _hand_on(
    source: _Socket, target: _Socket, chunks_read: list[tuple[float, bytes]]
) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            chunks_read.append((time.monotonic(), message.data.encode()))
            await target.send_str(message.data)
