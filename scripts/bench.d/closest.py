"""The figures of the closest program: the same Cyrus, 100 ms a round trip, one run."""

from typing import Final

ROUND_TRIP: Final = 100
"""In ms."""
PASSES: Final = {"1x1": 1.74, "10x5": 14.6, "50x5": 74.0}
"""Seconds by the key of the pass (see :data:`passes.TITLES`)."""
EVENT: Final = 2.73
"""Seconds from a tap until all is done."""
