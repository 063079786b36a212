"""A stream that goes through a proxy: a test can stall it, end it or cut it."""

import asyncio
import time
from collections.abc import AsyncIterable

from aiohttp import web


class Stream:
    """An open stream: always reads from the server, and forwards data unless it is stalled."""

    def __init__(self, request: web.Request, chunks_read: list[tuple[float, bytes]]) -> None:
        self.request = request
        self.moving = asyncio.Event()
        self.moving.set()
        self._chunks_read = chunks_read
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self._ended = False
        self._listening: asyncio.Task[None] | None = None

    async def listen(self, chunks: AsyncIterable[bytes]) -> None:
        """Read everything that the server sends."""
        self._listening = asyncio.current_task()
        try:
            async for chunk in chunks:
                self._chunks_read.append((time.monotonic(), chunk))
                self._chunks.put_nowait(chunk)
        finally:
            self._chunks.put_nowait(b"")

    async def hand_on(self, response: web.StreamResponse) -> None:
        """Forward everything, up to the end."""
        while chunk := await self._chunks.get():
            await self.moving.wait()
            if self._ended:
                return
            await response.write(chunk)
        await self.moving.wait()

    def end(self) -> None:
        """End in the regular way; data that was not forwarded is lost."""
        self._ended = True
        self.moving.set()
        if self._listening is not None:
            self._listening.cancel()


def cut(request: web.Request) -> None:
    """Cut a connection at once, in the middle of its data."""
    if request.transport is not None:
        request.transport.abort()
