"""Push, whatever carries it: keeps one connection open for ever and tells what comes over it.

Three loops, one inside the other, each simple: one connection; its life with the end of it; life
after life. A push says "something changed" and no more, so a lost one does no harm as long as the
owner looks for itself after every (re)connect. Hence:

- :class:`Connected` is told before anything is read from the stream: what happens while the owner
  catches up waits in the stream, and nothing falls between the two.
- The position (``Last-Event-ID``, ``pushState``) outlives connections. It is a help, not a
  promise: a server that was restored holds positions from the future, and answers them with
  silence. Whoever notices calls :meth:`Push.forget_position`.
- An answer of 200 proves nothing: after each end of a connection, a clean one too, there is a
  pause, and the back-off starts anew only when one has lived for a while.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, Protocol, Self

from mailroom.http import HttpError, Streams
from mailroom.http.streams import Stream
from mailroom.jmap.errors import JmapError
from mailroom.jmap.reconnecting import (
    HEALTHY_LIFE,
    UNAVAILABLE_PAUSE,
    Backoff,
    PushDroppedError,
    PushUnavailableError,
)


@dataclass(frozen=True, slots=True)
class StateChange:
    """Something changed (RFC 8620 section 7.1).

    ``changed`` is account id -> type -> new state, or None where the server's words could not be
    understood: anything may have changed.
    """

    changed: Mapping[str, Mapping[str, str]] | None

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read a decoded StateChange object; only ``changed`` is looked at."""
        changed = value.get("changed") if isinstance(value, dict) else None
        return cls(changed if _is_changed(changed) else None)

    def for_account(self, account_id: str) -> Mapping[str, str] | None:
        """Type -> new state in one account; empty if nothing changed there, None if unknown."""
        return None if self.changed is None else self.changed.get(account_id, {})


def _is_changed(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(states, dict) and all(isinstance(state, str) for state in states.values())
        for states in value.values()
    )


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection stands. Look for what was missed, then go on listening."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection ended, or could not be made.

    Attributes:
        reason: in words.
        error: what was raised; None if the stream came to its regular end.
        pause: seconds until the next try.
    """

    reason: str
    error: HttpError | JmapError | None
    pause: float


PushEvent = Connected | StateChange | Disconnected


class Connection(Protocol):
    """One open connection."""

    @property
    def position(self) -> str:
        """Where a later connection may resume; empty if unknown."""
        ...

    @property
    def retry(self) -> float | None:
        """Seconds that the server wants between connections; None if it said nothing."""
        ...

    def changes(self) -> AsyncGenerator[StateChange, None]:
        """The changes as they come, until the stream ends or is closed.

        Raises:
            HttpError: the connection broke, or is dead.
            PushUnavailableError: nothing ever comes through.
        """
        ...

    def close(self) -> None:
        """Drop the connection at once."""
        ...


Connect = Callable[[str], AbstractAsyncContextManager[Connection]]
"""Opens a connection, resuming at a position (empty: none). Raises as :class:`Connection` does."""


class PushState(StrEnum):
    """Where push stands. Off: nobody listens. Waiting, unavailable: until the next try."""

    OFF = "off"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class PushStatus:
    """A snapshot for those who look from outside.

    Attributes:
        transport: the one in use, or tried last; ``auto`` until one is chosen.
        status: where it stands now.
        connected_since: when the present connection was made.
        last_event_at: when a change was told last, over whichever connection.
        reconnects: tries to connect, after the first.
        last_error: why a connection failed last. The regular end of one that lived is no failure.
    """

    transport: str
    status: PushState = PushState.OFF
    connected_since: datetime | None = None
    last_event_at: datetime | None = None
    reconnects: int = 0
    last_error: str | None = None


class Push:
    """One account's push, over one transport. For one consumer.

    Args:
        connect: the transport.
        transport: its name, or what tells it where it may change from connection to connection.
        clock: seconds that never go back.
        now: the time of day, for :attr:`status` only.
        sleep: waits for so many seconds.
        hide: takes out of a server's words what must not be shown.
        streams: told of each connection, so that none keeps other requests from being answered.

    Attributes:
        status: the present snapshot.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        transport: str | Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        hide: Callable[[str], str] = str,
        streams: Streams | None = None,
    ) -> None:
        self._name = transport if callable(transport) else partial(str, transport)
        self.status = PushStatus(self._name())
        self._connect = connect
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._hide = hide
        self._streams = streams or Streams()
        self._backoff = Backoff()
        self._position = ""
        self._connection: Connection | None = None
        self._connected_at: float | None = None

    def forget_position(self) -> None:
        """Resume nowhere: the server's states are older than the position, so it was restored.

        A connection that may have been resumed there is deaf; it is dropped, and made anew.
        """
        self._position = ""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def events(self) -> AsyncGenerator[PushEvent, None]:
        """What happens, for ever: Connected, StateChange ..., Disconnected, and again.

        Close it (``contextlib.aclosing``) or cancel the task that waits in it to switch push off.
        """
        try:
            while True:
                async with aclosing(self._life()) as life:
                    async for event in life:
                        yield event
                        if isinstance(event, Disconnected):
                            await self._sleep(event.pause)
                self._note(reconnects=self.status.reconnects + 1)
        finally:
            self._note(status=PushState.OFF, connected_since=None)

    async def _life(self) -> AsyncGenerator[PushEvent, None]:
        """One connection, and how it ended."""
        self._note(status=PushState.CONNECTING)
        self._connected_at = None
        error: HttpError | JmapError | None = None
        try:
            async with aclosing(self._one_connection(self._position)) as events:
                async for event in events:
                    yield event
        except (HttpError, JmapError) as caught:
            error = caught
        yield self._end(error)

    async def _one_connection(self, position: str) -> AsyncGenerator[PushEvent, None]:
        async with self._connect(position) as connection:
            if position != self._position:
                return  # forgotten while we were connecting
            self._begin(connection)
            try:
                with self._streams.standing(self._name(), connection.close) as stream:
                    yield Connected()
                    async with aclosing(connection.changes()) as changes:
                        async for change in changes:
                            self._note(last_event_at=self._now())
                            yield change
            finally:
                self._remember(connection)
            if stream.is_suspected:
                await self._raise_verdict(stream)

    async def _raise_verdict(self, stream: Stream) -> None:
        """Say why a stream was closed beside which the server had not answered.

        Raises:
            PushUnavailableError: the server answers without it.
            PushDroppedError: it does not, or is as slow as before.
        """
        if await stream.was_reason():
            raise PushUnavailableError(
                f"push over {stream.name} keeps the server from answering any other request;"
                f" not used for {UNAVAILABLE_PAUSE / 60:.0f} minutes"
            )
        raise PushDroppedError("a request was not answered while the stream was open")

    def _begin(self, connection: Connection) -> None:
        self._connection = connection
        self._connected_at = self._clock()
        self._note(status=PushState.CONNECTED, connected_since=self._now())

    def _remember(self, connection: Connection) -> None:
        """Keep what the next connection needs of this one."""
        if self._connection is connection:
            self._position = connection.position
            self._connection = None
        if connection.retry is not None:
            self._backoff.retry = connection.retry

    def _end(self, error: HttpError | JmapError | None) -> Disconnected:
        lived = 0.0 if self._connected_at is None else self._clock() - self._connected_at
        pause = self._backoff.pause_after(error, lived=lived)
        reason = "the stream ended" if error is None else self._hide(str(error))
        state = PushState.WAITING
        if isinstance(error, PushUnavailableError):
            state, self._position = PushState.UNAVAILABLE, ""  # which the server may not like
        self._note(status=state, connected_since=None)
        if error is not None or lived < HEALTHY_LIFE:
            self._note(last_error=reason)
        return Disconnected(reason, error, pause)

    def _note(self, **changes: Any) -> None:
        self.status = replace(self.status, transport=self._name(), **changes)
