"""A server of plain TCP connections: it reads a request's head, then runs a script."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from websockets.utils import accept_key

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
"""The head of an answer whose body runs until the connection ends."""


@dataclass
class Wire:
    """The server's end of one connection, its request read."""

    target: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    client_is_gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def hang(self) -> None:
        """Send nothing more, and wait for the client to give up."""
        with suppress(ConnectionError):
            await self.reader.read()
        self.client_is_gone.set()


Script = Callable[[Wire], Awaitable[None]]


def says(*pieces: bytes) -> Script:
    """Return a script: send these pieces, and end the connection."""

    async def script(wire: Wire) -> None:
        await wire.send(*pieces)

    return script


def says_and_hangs(*pieces: bytes) -> Script:
    """Return a script: send these pieces, and then nothing more."""

    async def script(wire: Wire) -> None:
        await wire.send(*pieces)
        await wire.hang()

    return script


def upgrades(*headers: str, accept: str = "") -> Script:
    """Return a script: accept a WebSocket handshake with these headers, and send nothing more."""

    async def script(wire: Wire) -> None:
        key = wire.headers["Sec-WebSocket-Key"]
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Connection: Upgrade",
            "Upgrade: websocket",
            f"Sec-WebSocket-Accept: {accept or accept_key(key)}",
            *headers,
        ]
        await wire.send("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        await wire.hang()

    return script


@dataclass
class StreamServer:
    """Runs one script for each connection; the last one for all that follow."""

    scripts: list[Script]
    wires: list[Wire] = field(default_factory=list)
    url: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def running(cls, *scripts: Script) -> AsyncIterator[Self]:
        self = cls(list(scripts))
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="stream server")
        self._tasks.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
                headers = dict(line.split(": ", 1) for line in lines if line)
                wire = Wire(start.split(" ")[1], headers, reader, writer)
                script = self.scripts[min(len(self.wires), len(self.scripts) - 1)]
                self.wires.append(wire)
                await script(wire)
        finally:
            writer.close()
