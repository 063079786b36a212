"""Push over any transport: keep one connection open for ever, and report the changes it announces.

:meth:`Push.events` opens one connection after another, and yields the events and the end of each. A
push only says that something changed, so a lost push does no harm as long as the owner looks for
changes after every (re)connect. Hence:

- :class:`Connected` is reported before anything is read from the stream. Changes that happen while
  the owner catches up wait in the stream, so no change is missed in between.
- The position (``Last-Event-ID``, ``pushState``) is kept for the next connection. A server that was
  restored from a backup may not have reached that position yet, and then sends nothing. If the
  owner notices this, it calls :meth:`Push.forget_position`.
- An answer of 200 does not prove that push works. So there is a pause after the end of every
  connection, even a regular end, and the back-off starts anew only after a connection that was open
  for a while.
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
from mailroom.jmap.errors import JmapError
from mailroom.jmap.push_backoff import (
    HEALTHY_LIFE,
    UNAVAILABLE_PAUSE,
    Backoff,
    PushDroppedError,
    PushUnavailableError,
)


@dataclass(frozen=True, slots=True)
class StateChange:
    """Something changed (RFC 8620 section 7.1).

    ``changed`` is account id -> type -> new state; None if the server's message could not be read,
    so that anything may have changed.
    """

    changed: Mapping[str, Mapping[str, str]] | None

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read a decoded StateChange object; only its ``changed`` is used."""
        changed = value.get("changed") if isinstance(value, dict) else None
        is_readable = isinstance(changed, dict) and all(
            isinstance(states, dict) and all(isinstance(state, str) for state in states.values())
            for states in changed.values()
        )
        return cls(changed if is_readable else None)

    def for_account(self, account_id: str) -> Mapping[str, str] | None:
        """Return type -> new state of one account; empty if nothing changed, None if unknown."""
        return None if self.changed is None else self.changed.get(account_id, {})


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection is open. The owner looks for changes that it missed, then goes on listening."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection ended, or could not be made.

    Attributes:
        reason: the reason, in words.
        error: the error that was raised; None if the stream came to its regular end.
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
        """The position at which a later connection may resume; empty if unknown."""
        ...

    @property
    def retry(self) -> float | None:
        """Seconds that the server wants between connections; None if it does not say."""
        ...

    def changes(self) -> AsyncGenerator[StateChange, None]:
        """Yield the changes as they come, until the stream ends or is closed.

        Raises:
            HttpError: the connection broke, or is dead.
            PushUnavailableError: connections are accepted, but nothing ever comes over them.
        """
        ...

    def close(self) -> None:
        """Drop the connection at once."""
        ...


Connect = Callable[[str], AbstractAsyncContextManager[Connection]]
"""A function that opens a connection, resumed at a position (empty: not resumed). Raises as
:class:`Connection` does."""


class PushState(StrEnum):
    """The state of push.

    OFF: nobody listens. WAITING: a connection has ended, and another one is opened after a pause.
    UNAVAILABLE: the server offers no push that can be used; Mailroom tries again much later.
    """

    OFF = "off"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class PushStatus:
    """A snapshot of push, for health reports and metrics.

    Attributes:
        transport: the transport in use, or tried last; ``auto`` until one is chosen.
        status: the state of push.
        connected_since: the time at which the present connection was opened.
        last_event_at: the time of the last change, over any connection.
        reconnects: the number of tries to connect, after the first.
        last_error: the reason of the last failure of a connection. The regular end of a connection
            that was open for a while is no failure.
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
        connect: opens connections of the transport.
        transport: the transport's name, or a function that returns it, if the transport may change
            from connection to connection.
        clock: returns seconds that never go back.
        now: returns the time of day, for :attr:`status` only.
        sleep: waits for a number of seconds.
        hide: removes secrets from a server's words.
        streams: notes each open connection, and closes a connection if the server answers no other
            requests while that connection is open.

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
        """Forget the position, because the server was restored to a state before the position.

        The open connection may have been resumed at the position, and would then announce nothing;
        it is dropped, and another one is opened.
        """
        self._position = ""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def events(self) -> AsyncGenerator[PushEvent, None]:
        """Yield events for ever: Connected, StateChange ..., Disconnected, and again.

        To switch push off, close the generator (``contextlib.aclosing``) or cancel the task that
        waits in it.
        """
        try:
            while True:
                self._note(status=PushState.CONNECTING)
                self._connected_at = None
                error: HttpError | JmapError | None = None
                try:
                    async with aclosing(self._one_connection(self._position)) as events:
                        async for event in events:
                            yield event
                except (HttpError, JmapError) as caught:
                    error = caught
                lived = 0.0 if self._connected_at is None else self._clock() - self._connected_at
                pause = self._backoff.pause_after(error, lived=lived)
                reason = "the stream ended" if error is None else self._hide(str(error))
                state = PushState.WAITING
                if isinstance(error, PushUnavailableError):
                    # The server may have refused push because of the position.
                    state, self._position = PushState.UNAVAILABLE, ""
                self._note(status=state, connected_since=None)
                if error is not None or lived < HEALTHY_LIFE:
                    self._note(last_error=reason)
                yield Disconnected(reason, error, pause)
                await self._sleep(pause)
                self._note(reconnects=self.status.reconnects + 1)
        finally:
            self._note(status=PushState.OFF, connected_since=None)

    async def _one_connection(self, position: str) -> AsyncGenerator[PushEvent, None]:
        """Yield the events of one connection while it is open.

        Raises:
            HttpError, JmapError: the connection could not be opened, or broke.
            PushUnavailableError: the server answers other requests only without the connection.
            PushDroppedError: the server left a request unanswered while the connection was open,
                and it does not answer without the connection either, or no sooner.
        """
        async with self._connect(position) as connection:
            if position != self._position:
                return  # forget_position() was called while this connection was opened
            self._connection = connection
            self._connected_at = self._clock()
            self._note(status=PushState.CONNECTED, connected_since=self._now())
            try:
                with self._streams.opened(self._name(), connection.close) as stream:
                    yield Connected()
                    async with aclosing(connection.changes()) as changes:
                        async for change in changes:
                            self._note(last_event_at=self._now())
                            yield change
            finally:
                # If forget_position has dropped this connection, its position stays forgotten.
                if self._connection is connection:
                    self._position = connection.position
                    self._connection = None
                if connection.retry is not None:
                    self._backoff.retry = connection.retry
            if not stream.is_suspected:
                return
            # The stream was closed because another request was not answered meanwhile.
            if await stream.was_blocking():
                raise PushUnavailableError(
                    f"push over {stream.name} keeps the server from answering any other request;"
                    f" not used for {UNAVAILABLE_PAUSE / 60:.0f} minutes"
                )
            raise PushDroppedError("a request was not answered while the stream was open")

    def _note(self, **changes: Any) -> None:
        self.status = replace(self.status, transport=self._name(), **changes)
