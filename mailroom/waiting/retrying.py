"""Optimistic updates: read, write on the state that was read, and again if the state has changed.

Mailroom locks nothing. Every write names the state (JMAP ``ifInState``) or the version (WebDAV
``If-Match``) that it was planned from. The server refuses the write if somebody else has changed
the data meanwhile; then the data is read again, and the write is planned anew.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

W = TypeVar("W")


async def retry_while_changed(attempt: Callable[[W], Awaitable[W]], work: W, *, tries: int) -> W:
    """Attempt some work, then the part that is left, until nothing is left.

    The attempts follow each other without a pause: somebody else's change is done, and waiting
    would only leave time for the next change.

    Args:
        attempt: does the work, and returns the part that it could not do because of changes by
            somebody else, planned anew from the present state.
        work: the whole work; an empty value if there is nothing to do.
        tries: the number of attempts.

    Returns:
        The work that is left after the last attempt. The caller decides about it: it writes in any
        state, fails, or reports.
    """
    for _ in range(tries):
        if not work:
            break
        work = await attempt(work)
    return work
