"""A stream that goes through a proxy: may stand still, or end before its time."""

import asyncio
import time
from collections.abc import AsyncIterable

from aiohttp import web


class Stream:
    """An open stream: listens to the server in any case, and hands on what it may."""

    def __init__(self, request: web.Request, told: list[tuple[float, bytes]]) -> None:
        self.request = request
        self.moving = asyncio.Event()
        self.moving.set()
        self._told = told
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self._ended = False
        self._listening: asyncio.Task[None] | None = None

    async def listen(self, chunks: AsyncIterable[bytes]) -> None:
        """Take in all that the server says."""
        self._listening = asyncio.current_task()
        try:
            async for chunk in chunks:
                self._told.append((time.monotonic(), chunk))
                self._chunks.put_nowait(chunk)
        finally:
            self._chunks.put_nowait(b"")

    async def hand_on(self, response: web.StreamResponse) -> None:
        """Hand it on, up to the end."""
        while chunk := await self._chunks.get():
            await self.moving.wait()
            if self._ended:
                return
            await response.write(chunk)
        await self.moving.wait()

    def end(self) -> None:
        """Come to a regular end; what has not been handed on is lost."""
        self._ended = True
        self.moving.set()
        if self._listening is not None:
            self._listening.cancel()


def cut(request: web.Request) -> None:
    """Cut a connection in the middle of whatever goes over it."""
    if request.transport is not None:
        request.transport.abort()
