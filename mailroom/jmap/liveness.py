"""The limits of silence after which a push connection counts as dead. No clock, no I/O."""

import json
from dataclasses import dataclass
from typing import Final

from yarl import URL

from mailroom.http import HttpError, UnreachableError, shown
from mailroom.jmap.push_backoff import PushUnavailableError

_SHORTEST_INTERVAL: Final = 30.0
"""Seconds. The shortest interval of pings that is expected, even if a shorter one was asked for."""
_LONGEST_INTERVAL: Final = 300.0
"""Seconds. A greater number that a server announces is taken for milliseconds, unless such a long
interval was asked for."""
_SILENT_CONNECTIONS: Final = 2
"""The number of connections in a row over which nothing comes, until push counts as unavailable."""


@dataclass(frozen=True, slots=True)
class PushTimeouts:
    """The time-outs of a push connection.

    Attributes:
        head: seconds until the head of the answer is there.
        handshake: seconds until a WebSocket is open.
        proof: seconds until a request over a new WebSocket is answered.
        first_byte: ping intervals until the first byte of the body is there.
        pinged: ping intervals between bytes, from a server that pings.
        unpinged: seconds between bytes, from a server that was never seen to ping.
    """

    head: float = 30.0
    handshake: float = 10.0
    proof: float = 10.0
    first_byte: float = 2.0
    pinged: float = 2.5
    unpinged: float = 300.0


PUSH_TIMEOUTS: Final = PushTimeouts()


class SilentConnections:
    """Counts the connections in a row that were opened, but over which nothing ever came."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def heard(self) -> None:
        """Note that something came over a connection."""
        self._in_a_row = 0

    def add(self, error: HttpError) -> HttpError | PushUnavailableError:
        """Count a silent connection that ended with ``error``, and return the error to raise."""
        self._in_a_row += 1
        if self._in_a_row < _SILENT_CONNECTIONS:
            return error
        return PushUnavailableError(
            f"{shown(error.url)}: accepts connections, but sends nothing over them"
        )


class Liveness:
    """The limit of silence of a connection, from the pings on it and on earlier connections.

    Args:
        ping: the interval of pings that was asked for, in seconds.
        timeouts: the time-outs.
    """

    def __init__(self, ping: int, timeouts: PushTimeouts) -> None:
        self._asked = float(ping)
        self._timeouts = timeouts
        self._interval = max(self._asked, _SHORTEST_INTERVAL)
        self._pings = False
        self._heard = False
        self._silent_connections = SilentConnections()

    @property
    def limit(self) -> float:
        """Seconds of silence, from now on, after which the connection counts as dead."""
        if not self._heard:
            return self._timeouts.first_byte * self._interval
        if self._pings:
            return self._timeouts.pinged * self._interval
        return self._timeouts.unpinged

    def opened(self) -> None:
        """Note that a new connection is open."""
        self._heard = False

    def heard(self) -> None:
        """Note that a byte came."""
        self._heard = True
        self._silent_connections.heard()

    def pinged(self, data: str) -> None:
        """Note that a ping came; ``data`` is the data of its event."""
        self._pings = True
        try:
            interval = float(json.loads(data)["interval"])
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
            return  # a ping need not announce an interval
        longest = max(self._asked, _LONGEST_INTERVAL)
        if interval > longest:
            interval = min(interval / 1000, longest)  # Stalwart sends milliseconds
        if interval > 0:
            self._interval = max(self._asked, interval)

    def silence_error(self, url: URL) -> HttpError | PushUnavailableError:
        """Return the error to raise if no byte came within the limit."""
        error = UnreachableError(url, f"silent for {self.limit:.0f} s", sent=True)
        return error if self._heard else self._silent_connections.add(error)
