"""Standard output and standard error, which may be closed, or on a disk that is full.

An answer that cannot be written ends the command in one line, wherever it was printed from. A
remark or a log line that cannot be written is lost, and nothing else: the service goes on.
"""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


class OutputError(Exception):
    """Standard output cannot be written to; the text says why."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause.strerror)

    def __str__(self) -> str:
        return f"cannot write the answer: {self.args[0]}"


class _Guarded(io.FileIO):
    """A file descriptor that gives its errors to ``fail``, which may raise another."""

    def __init__(self, descriptor: int, fail: Callable[[OSError], None]) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._fail = fail

    def write(self, data: Any, /) -> int:
        """Write as much as goes, as the base does; where writing failed, all of it is gone."""
        try:
            return super().write(data)
        except OSError as error:
            self._fail(error)
            return memoryview(data).nbytes


def guard_output() -> None:
    """Put guards in the place of ``sys.stdout`` and ``sys.stderr``, where these are open."""
    sys.stdout = _guarded(sys.stdout, _raise)
    sys.stderr = _guarded(sys.stderr, lambda _: None)


def _guarded(stream: Any, fail: Callable[[OSError], None]) -> Any:
    if stream is None:
        return None
    stream.flush()
    buffered = io.BufferedWriter(_Guarded(stream.fileno(), fail))
    # Half a character, which may stand on a card, has no encoding; it is shown in another way.
    return io.TextIOWrapper(
        buffered, encoding=stream.encoding, errors="backslashreplace", line_buffering=True
    )


def _raise(error: OSError) -> None:
    # What is still in the buffer would be written when Python ends, and fail once more.
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    raise OutputError(error) from None
