"""Reads lines from the standard input in the event loop, without threads or terminal settings.

The file is read only when it is readable and a line is wanted, so that reading never blocks.
"""

import asyncio
import os
import sys
from typing import TextIO

_CHUNK = 4096
_LONGEST = 65536
"""The longest line in bytes. A longer line is cut, because it is not a command."""


class Lines:
    """The lines of a file.

    Args:
        file: the file; None: there are no lines.
    """

    def __init__(self, file: TextIO | None) -> None:
        self._fd = None if file is None else file.fileno()
        self._buffer = b""
        self.is_terminal = file is not None and file.isatty()

    @classmethod
    def of_stdin(cls) -> "Lines":
        """Return the lines of the standard input, which may be closed."""
        return cls(sys.stdin)

    async def next(self) -> str | None:
        """Return the next line without its end; None at the end of the file."""
        loop, fd = asyncio.get_running_loop(), self._fd
        while fd is not None and b"\n" not in self._buffer and len(self._buffer) < _LONGEST:
            ready = asyncio.Event()
            try:
                loop.add_reader(fd, ready.set)
            except PermissionError:
                pass  # a file on a disk, or /dev/null: reading never blocks, and cannot be awaited
            else:
                try:
                    await ready.wait()
                finally:
                    loop.remove_reader(fd)
            chunk = os.read(fd, _CHUNK)
            if not chunk:
                break
            self._buffer += chunk
        if not self._buffer:
            return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode(errors="replace").strip()
