"""How long to wait before the next try: full jitter, with a floor that the server may set."""

import random


def full_jitter(attempt: int, *, base: float, cap: float, floor: float = 0.0) -> float:
    """Seconds to wait after the ``attempt``-th failure in a row (counted from 1).

    Drawn evenly from 0 to ``base * 2 ** (attempt - 1)`` seconds, at most ``cap``, so that many
    clients of one server do not come back in step. ``floor`` (``Retry-After``, SSE ``retry:``) is
    what the server asked for, and comes on top: waiting less would be rude, waiting exactly that
    would bring everybody back at once.
    """
    most = ceiling(attempt, base=base, cap=cap)
    return floor + random.uniform(0.0, most)  # noqa: S311 - jitter, not cryptography


def ceiling(attempt: int, *, base: float, cap: float) -> float:
    """Seconds that :func:`full_jitter` waits at most, the floor aside."""
    return min(cap, base * 2.0 ** min(attempt - 1, 32))
