"""Runs a command in a new network namespace, and forwards ports on loopback into the namespace.

    enclosed.py OUTSIDE=INSIDE... -- COMMAND...

The command may listen on all addresses there, because only this program can connect to them.
Connections to the port OUTSIDE of 127.0.0.1 are forwarded to the port INSIDE of the namespace.

The program ends with the command, and with its exit code. If the environment variable WHILE_HELD
names a lock, the program kills the command as soon as no process holds the lock. Python's standard
library only: this runs outside the project's environment. Needs root.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import sys
import threading
from pathlib import Path

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
PIECE = 65536


async def main(ports: list[str], command: list[str]) -> int:
    """Run the command and forward connections to it; return its exit code."""
    pairs = [port.split("=") for port in ports]
    forwarded = [(listening(int(outside)), int(inside)) for outside, inside in pairs]
    # A socket stays in the namespace in which it was made: these listen outside, and later sockets
    # are inside.
    enter_network_namespace()
    for listener, inside in forwarded:
        await asyncio.start_server(
            lambda *streams, inside=inside: forward(inside, *streams), sock=listener
        )
    process = await asyncio.create_subprocess_exec(*command)
    if lock := os.environ.get("WHILE_HELD"):
        loop = asyncio.get_running_loop()
        waiting = threading.Thread(
            target=lambda: (await_release(lock), loop.call_soon_threadsafe(process.kill)),
            daemon=True,
        )
        waiting.start()
    return await process.wait()


def await_release(lock: str) -> None:
    """Wait until no process holds a lock."""
    with Path(lock).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)


def listening(port: int) -> socket.socket:
    """Return a socket that listens on loopback."""
    return socket.create_server(("127.0.0.1", port), backlog=128)


def enter_network_namespace() -> None:
    """Leave the host's network for one that has nothing but a loopback interface."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot make a network namespace")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


async def forward(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connect to the port inside, and copy bytes in both directions until both sides have ended."""
    with contextlib.suppress(OSError):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
    writer.close()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes as they come, then the end of the stream; abort if a side breaks off."""
    try:
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


if __name__ == "__main__":
    divider = sys.argv.index("--")
    sys.exit(asyncio.run(main(sys.argv[1:divider], sys.argv[divider + 1 :])))
