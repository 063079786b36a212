"""The figures of another program, the one with the most similar task.

They were measured once, on the same Cyrus, at 100 ms a round trip. See docs/performance.md.
"""

from typing import Final

ROUND_TRIP: Final = 100
"""In ms."""
PASSES: Final = {"1x1": 1.74, "10x5": 14.6, "50x5": 74.0}
"""Seconds by the key of the pass (see :data:`passes.TITLES`)."""
EVENT: Final = 2.73
"""Seconds from the event of a tap until everything is done."""
