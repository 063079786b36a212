"""The pauses between push connections, and the errors that set them."""

from typing import Final

from mailroom.backoff import full_jitter
from mailroom.http import CredentialsRefusedError, ServerFailureError
from mailroom.jmap.errors import JmapError

HEALTHY_LIFE: Final = 60.0
"""Seconds after which a connection has proved itself."""
UNAVAILABLE_PAUSE: Final = 15 * 60.0
REFUSED_PAUSES: Final = (60.0, 300.0, 900.0, 3600.0)
"""Seconds between tries that are refused one after the other: some servers ban an address that is
refused too often. Where not only push is refused, the account is closed, and push with it."""
_LONGEST_FLOOR: Final = 60 * 60.0
"""Seconds. A server that asks for more (or has lost its mind) is visited once an hour."""


class PushUnavailableError(JmapError):
    """This transport is not to be had here, now; the text says why. Poll instead."""


class PushDroppedError(JmapError):
    """The connection was dropped from our side, for a reason that the text gives."""


class Backoff:
    """Says how long to wait before the next connection.

    Attributes:
        retry: seconds that the server wants between connections at least.
    """

    def __init__(self) -> None:
        self.retry = 0.0
        self._in_a_row = 0
        self._refusals = 0

    def pause_after(self, error: Exception | None, *, lived: float) -> float:
        """Seconds to wait after a connection that lived so many seconds and ended so."""
        self._in_a_row = 1 if lived >= HEALTHY_LIFE else self._in_a_row + 1
        if lived > 0.0:
            self._refusals = 0
        if isinstance(error, CredentialsRefusedError):
            self._refusals += 1
            least = REFUSED_PAUSES[min(self._refusals, len(REFUSED_PAUSES)) - 1]
            return full_jitter(1, base=least / 10, cap=least, floor=max(least, self.retry))
        floor = min(max(self.retry, _least_pause(error)), _LONGEST_FLOOR)
        return full_jitter(self._in_a_row, base=1.0, cap=60.0, floor=floor)


def _least_pause(error: Exception | None) -> float:
    match error:
        case PushUnavailableError():
            return UNAVAILABLE_PAUSE
        case ServerFailureError(retry_after=float(wait)):
            return wait
        case _:
            return 0.0
