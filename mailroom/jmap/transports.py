"""The choice between the transports of push. :class:`AutoTransport` is itself a transport.

The best transport that the session offers is used as long as it works. A transport that does not
work is given up for a quarter of an hour, and the next best takes its place. A connection that
works is not dropped after that time, but the next connection uses the best transport again. If no
transport is left, push is unavailable: the owner polls, and after a pause all transports are tried.

Each bad end of a connection counts against its transport. Most ends count only if there is another
transport to use. If a server is down or refuses the credentials, giving up the last transport would
not help; and if a server is restarted a few times, or a proxy cuts connections every half minute,
push still works for much of the time. But if connections are accepted and end almost at once, again
and again, the transport itself does not work, and is given up even if it is the last.

"Not now" counts against no transport: 423, 429, problem ``limit``, and a temporary refusal on an
open connection.
"""

import time
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Final, Protocol

import structlog

from mailroom.http import HttpError
from mailroom.jmap.connection_ends import End, Life, end_of
from mailroom.jmap.errors import JmapError
from mailroom.jmap.eventsource import EventSourceTransport
from mailroom.jmap.push import Connection, StateChange
from mailroom.jmap.push_backoff import UNAVAILABLE_PAUSE, PushUnavailableError
from mailroom.jmap.session import Session
from mailroom.jmap.websocket import WebSocketTransport

log = structlog.get_logger(__name__)

ORDER: Final = (WebSocketTransport.name, EventSourceTransport.name)
"""The transports' names, the best first."""
_BAD_ENDS: Final = 3
"""The number of bad ends in a row after which a transport is given up."""
_COUNTED_UNLESS_LAST: Final = frozenset({End.REFUSED, End.FAILED, End.SHORT})
"""Ends that count only if there is another transport to use."""
_MISSED_CHANGES: Final = 2
"""A transport is given up after so many connections that missed a change, if no connection between
them announced one. One missed change is not enough, because the connection may have been resumed at
a position that a restored server has lost."""


class Transport(Protocol):
    """Opens connections."""

    @property
    def name(self) -> str:
        """The transport's name, as in the settings."""
        ...

    def connect(self, position: str, /) -> AbstractAsyncContextManager[Connection]:
        """See :data:`mailroom.jmap.push.Connect`."""
        ...


class GivenUpError(JmapError):
    """A transport is given up, but there is another one; the text says why."""


def offered(session: Session) -> list[str]:
    """Return the names of the transports that a session offers, the best first."""
    has = {
        WebSocketTransport.name: session.websocket_url is not None,
        EventSourceTransport.name: bool(session.event_source_template),
    }
    return [name for name in ORDER if has[name]]


class Preference:
    """Counts the ends of connections, and ranks the transports. Pure; times are in seconds.

    Args:
        order: the transports' names, the best first.
    """

    def __init__(self, order: Sequence[str]) -> None:
        self._order = tuple(order)
        self._given_up_until: dict[str, float] = {}
        self._bad_ends: Counter[str] = Counter()
        self._missed_changes: Counter[str] = Counter()

    def choices(self, offers: Collection[str], *, now: float) -> list[str]:
        """Return the transports to try, the best first; empty only if the session offers none."""
        offered_names = [name for name in self._order if name in offers]
        usable = [name for name in offered_names if self._given_up_until.get(name, now) <= now]
        return usable or offered_names

    def ended(self, name: str, end: End, *, is_last: bool, now: float) -> bool:
        """Count the end of a connection; return True if its transport is given up.

        Args:
            name: the transport's name.
            end: the end.
            is_last: True if there is no other transport to use. If the last transport is given up,
                all transports may be tried again.
            now: the time.
        """
        is_counted = not is_last or end not in _COUNTED_UNLESS_LAST
        match end:
            case End.ANNOUNCED | End.HEALTHY:
                self._bad_ends[name] = 0
                if end is End.ANNOUNCED:
                    self._missed_changes[name] = 0
            case End.MISSED_CHANGE:
                self._missed_changes[name] += 1
                if self._missed_changes[name] == _MISSED_CHANGES:
                    self._bad_ends[name] = _BAD_ENDS
            case End.UNAVAILABLE | End.REFUSED if is_counted:
                self._bad_ends[name] = _BAD_ENDS
            case End.EARLY | End.FAILED | End.SHORT if is_counted:
                self._bad_ends[name] += 1
        if self._bad_ends[name] < _BAD_ENDS:
            return False
        del self._bad_ends[name], self._missed_changes[name]
        if is_last:
            self._given_up_until.clear()
        else:
            self._given_up_until[name] = now + UNAVAILABLE_PAUSE
        return True


class AutoTransport:
    """Uses the best transport that works.

    Args:
        transports: all transports, in any order.
        offers: returns the names of the transports that the present session offers; may raise
            HttpError and JmapError.
        clock: returns seconds that never go back.

    Attributes:
        name: the transport in use, or tried last; ``auto`` before the first try.
    """

    def __init__(
        self,
        transports: Sequence[Transport],
        offers: Callable[[], Awaitable[Collection[str]]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = "auto"
        self._transports = {transport.name: transport for transport in transports}
        self._offers = offers
        self._clock = clock
        self._preference = Preference(ORDER)
        self._owner_of_position = ""

    @asynccontextmanager
    async def connect(self, position: str) -> AsyncIterator[Connection]:
        """Open a connection of the best transport; see :data:`mailroom.jmap.push.Connect`.

        A position is used only with the transport that it came from.

        Raises:
            HttpError: the error of the transport.
            GivenUpError: the transport is given up; the next connection uses another one.
            PushUnavailableError: no transport is left to try.
        """
        choices = self._preference.choices(await self._offers(), now=self._clock())
        if not choices:
            raise PushUnavailableError("the session offers no push")
        self.name = choices[0]
        recorded: _RecordedConnection | None = None
        error: HttpError | JmapError | None = None
        try:
            own_position = position if self.name == self._owner_of_position else ""
            async with self._transports[self.name].connect(own_position) as connection:
                self._owner_of_position = self.name
                recorded = _RecordedConnection(connection, self._clock)
                yield recorded
        except (HttpError, JmapError) as caught:
            error = caught
        end = end_of(error, None if recorded is None else recorded.life())
        error = self._learn(choices, end, error)
        if error is not None:
            raise error

    def _learn(
        self, choices: Sequence[str], end: End, error: HttpError | JmapError | None
    ) -> HttpError | JmapError | None:
        """Count the end of a connection; return the error to raise, or None."""
        in_use, *others = choices
        now = self._clock()
        if not self._preference.ended(in_use, end, is_last=not others, now=now):
            return error
        if error is not None:
            reason = str(error)
        elif end is End.MISSED_CHANGE:
            reason = f"{_MISSED_CHANGES} connections did not announce what had happened"
        else:
            reason = f"{_BAD_ENDS} connections in a row ended too soon"
        log.warning(
            "push transport given up for a while",
            transport=in_use,
            reason=reason,
            then=others[0] if others else "poll",
        )
        text = f"{in_use} given up: {reason}"
        if not others:
            return error if isinstance(error, PushUnavailableError) else PushUnavailableError(text)
        if error is None or isinstance(error, PushUnavailableError):
            return GivenUpError(text)  # push as such is available, over the next transport
        return error


class _RecordedConnection:
    """A connection that records its life: its length, and the changes that it announced."""

    def __init__(self, connection: Connection, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._clock = clock
        self._since = clock()
        self._missed_change = False
        self._has_announced = False

    def life(self) -> Life:
        seconds = self._clock() - self._since
        return Life(seconds, missed_change=self._missed_change, has_announced=self._has_announced)

    @property
    def position(self) -> str:
        return self._connection.position

    @property
    def retry(self) -> float | None:
        return self._connection.retry

    async def changes(self) -> AsyncGenerator[StateChange, None]:
        async with aclosing(self._connection.changes()) as changes:
            async for change in changes:
                self._has_announced = True
                yield change

    def close(self) -> None:
        """Close the connection, because it missed a change or blocked other requests.

        If it blocked other requests, :class:`~mailroom.jmap.push.Push` raises an error after this,
        and ``missed_change`` does not count.
        """
        self._missed_change = True
        self._connection.close()
