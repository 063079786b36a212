"""Runs a command in a network namespace of its own, and leads into it from ports on loopback.

    enclosed.py OUTSIDE=INSIDE... -- COMMAND...

The command may listen on all addresses there: nobody but this program reaches them. Each port
INSIDE is reached from outside at 127.0.0.1 and the port OUTSIDE. Ends with the command, and with
its exit code. Ends the command when the environment names a lock in WHILE_HELD and no process holds
that lock any more. Python's standard library only: this runs outside the project's environment.
Needs root.
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
    """Run the command and carry connections to it; return its exit code."""
    pairs = [port.split("=") for port in ports]
    doors = [(listening(int(outside)), int(inside)) for outside, inside in pairs]
    # A socket stays in the namespace that it was made in: those above are outside, later ones are
    # inside.
    enter_network_namespace()
    for door, inside in doors:
        await asyncio.start_server(lambda *near, inside=inside: carry(inside, *near), sock=door)
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


async def carry(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connect to the port inside, and hand bytes on both ways until both sides have ended."""
    with contextlib.suppress(OSError):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(hand_on(reader, far_writer), hand_on(far_reader, writer))
    writer.close()


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand bytes on as they come, and the end; a side that breaks off takes the other along."""
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
