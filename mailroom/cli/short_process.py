"""Call a function in a process that ends with the call, and so frees all memory of its imports."""

import multiprocessing
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_T = TypeVar("_T")

_FORK: Final = multiprocessing.get_context("fork")
"""A forked process starts in a few milliseconds, because it has imported what this one has."""


def call_in_short_process(function: Callable[[], _T]) -> _T:
    """Call a function in a process of its own, and return its result, which must be picklable.

    Only a process with a single thread may call this: a forked process has no other threads, so
    that locks which they hold would never be released.

    Raises:
        RuntimeError: the process ended without a result; it has printed the reason.
    """
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_call, args=(function, sender))
    process.start()
    sender.close()  # otherwise recv() would wait for ever if the process ended without a result
    try:
        result: _T = receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"a process ended with exit code {process.exitcode}") from None
    process.join()
    return result


def _call(function: Callable[[], _T], sender: "Connection[_T, None]") -> None:
    # Ctrl-C reaches both processes, and the other one reports it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    result = function()
    with suppress(BrokenPipeError):  # the other process has been stopped meanwhile
        sender.send(result)
