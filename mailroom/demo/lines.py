"""Lines from the standard input, in the event loop: no threads, nothing set on the terminal.

The file is read only when it says that it can be, and only when a line is wanted: so nothing
blocks, and nothing piles up.
"""

import asyncio
import os
import sys
from typing import TextIO

_CHUNK = 4096
_LONGEST = 65536
"""Bytes. What is longer is cut: it is no command."""


class Lines:
    """The lines of a file.

    Args:
        file: to read from; None: there is nothing.
    """

    def __init__(self, file: TextIO | None) -> None:
        self._fd = None if file is None else file.fileno()
        self._buffer = b""
        self.is_terminal = file is not None and file.isatty()

    @classmethod
    def of_stdin(cls) -> "Lines":
        """The standard input's; it may be closed."""
        return cls(sys.stdin)

    async def next(self) -> str | None:
        """The next line without its end; None at the end of the file."""
        while b"\n" not in self._buffer and len(self._buffer) < _LONGEST:
            chunk = await self._read()
            if not chunk:
                break
            self._buffer += chunk
        if not self._buffer:
            return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode(errors="replace").strip()

    async def _read(self) -> bytes:
        if self._fd is None:
            return b""
        await _readable(self._fd)
        return os.read(self._fd, _CHUNK)


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:
        return  # a file on a disk, or /dev/null: it never blocks, and cannot be waited for
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)
