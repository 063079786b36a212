"""The pause before the next try: full jitter, with a floor that the server may set."""

import random
from typing import Final

REFUSED_PAUSES: Final = (60.0, 300.0, 900.0, 3600.0)
"""Seconds between tries with credentials that are refused; the last pause repeats for ever. Some
servers ban an address that is refused too often."""


def full_jitter(attempt: int, *, base: float, cap: float, floor: float = 0.0) -> float:
    """Return the seconds to wait after the ``attempt``-th failure in a row (counted from 1).

    The seconds are drawn evenly from 0 to ``base * 2 ** (attempt - 1)``, or to ``cap`` if that is
    less, so that many clients of one server do not come back in step. ``floor`` is the pause that
    the server asks for (``Retry-After``, SSE ``retry:``), and is added: after a shorter pause the
    server refuses again, and after exactly this pause all clients come back at the same moment.
    """
    most = ceiling(attempt, base=base, cap=cap)
    return floor + random.uniform(0.0, most)  # noqa: S311 - jitter, not cryptography


def ceiling(attempt: int, *, base: float, cap: float) -> float:
    """Return the most seconds that :func:`full_jitter` waits, without the floor."""
    return min(cap, base * 2.0 ** min(attempt - 1, 32))
