"""Call a function in a process that ends with the call, and so frees all memory of its imports."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_T = TypeVar("_T")

_FORK: Final = multiprocessing.get_context("fork")
"""A forked process starts in a few milliseconds, because it has imported what this one has."""


class ShortProcessError(Exception):
    """The process could not be started, or ended without a result; the text says why."""


def call_in_short_process(function: Callable[[], _T]) -> _T:
    """Call a function in a process of its own, and return its result, which must be picklable.

    Only a process with a single thread may call this: a forked process has no other threads, so
    that locks which they hold would never be released.

    Raises:
        ShortProcessError: there is no result. If the function has raised an exception, the process
            has printed it.
    """
    try:
        receiver, sender = _FORK.Pipe(duplex=False)
        process = _FORK.Process(target=_call, args=(function, sender, receiver), daemon=True)
        # Ctrl-C at the moment of the fork would be handled in both processes, or be lost.
        unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    except OSError as error:
        raise ShortProcessError(f"no process can be started ({error.strerror})") from None
    sender.close()  # otherwise recv() would wait for ever if the process ended without a result
    try:
        result: _T = receiver.recv()
    except EOFError:
        process.join()
        code = process.exitcode or 0
        text = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        raise ShortProcessError(f"the process ended without a result ({text})") from None
    finally:
        process.kill()  # after Ctrl-C; otherwise it has sent its result, and is about to end
        process.join()
    return result


def _call(
    function: Callable[[], _T],
    sender: "Connection[_T, None]",
    receiver: "Connection[None, _T]",
) -> None:
    receiver.close()  # otherwise send() would not fail if the other process has ended
    # Ctrl-C reaches both processes, and the other one reports it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    result = function()
    with suppress(BrokenPipeError):  # the other process has been stopped meanwhile
        sender.send(result)


def _end_with_parent() -> None:
    """End this process if its parent is killed, so that nothing with secrets in it stays behind."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
