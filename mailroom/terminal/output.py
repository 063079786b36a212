"""Standard output and standard error, which may be closed or on a full disk: guards, and writing.

If an answer cannot be written to standard output, the command ends with a message of one line. If
the reader of a pipe has gone, it ends without a message. If a line cannot be written to standard
error, only that line is lost: the service goes on.
"""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TextIO

from mailroom.exits import Exit


class OutputError(Exception):
    """Standard output cannot be written to; the text says why.

    Attributes:
        reader_has_gone: True if standard output is a pipe to a program that has read enough, such
            as ``head``.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause.strerror)
        self.reader_has_gone = isinstance(cause, BrokenPipeError)

    def __str__(self) -> str:
        return f"cannot write the answer: {self.args[0]}"


class _Guarded(io.FileIO):
    """A file descriptor that passes its errors to ``fail``, which may raise another error."""

    def __init__(self, descriptor: int, fail: Callable[[OSError], None]) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._fail = fail

    def write(self, data: Any, /) -> int:
        """Write as the base class does; after an error, report all of ``data`` as written."""
        try:
            return super().write(data)
        except OSError as error:
            self._fail(error)
            return memoryview(data).nbytes


def guard_output() -> None:
    """Replace ``sys.stdout`` and ``sys.stderr`` with guards, if they are open."""

    def raise_output_error(error: OSError) -> None:
        # Python writes the rest of the buffer when it ends. It must not fail once more, so the rest
        # goes to the null device.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise OutputError(error) from None

    sys.stdout = _guarded(sys.stdout, raise_output_error)
    sys.stderr = _guarded(sys.stderr, lambda _: None)


def _guarded(stream: Any, fail: Callable[[OSError], None]) -> Any:
    if stream is None:
        return None
    stream.flush()
    buffered = io.BufferedWriter(_Guarded(stream.fileno(), fail))
    # A card may hold a lone surrogate, which has no encoding; it is printed escaped.
    return io.TextIOWrapper(
        buffered, encoding=stream.encoding, errors="backslashreplace", line_buffering=True
    )


def say(text: str) -> None:
    """Print a part of the answer on standard output."""
    _write(sys.stdout, text)


def remark(text: str) -> None:
    """Print a message on standard error."""
    _write(sys.stderr, text)


def fail(text: str, code: Exit) -> NoReturn:
    """Print the reason for the end of the program, and exit."""
    remark(text)
    sys.exit(code)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # None if the process was started without this stream
        stream.write(f"{text}\n")
        stream.flush()
