"""Classification of the ends of push connections. Pure."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from mailroom.http import (
    CredentialsRefusedError,
    InsecureUrlError,
    RedirectError,
    ServerFailureError,
)
from mailroom.http.not_now import Action, Row
from mailroom.jmap.errors import RequestError
from mailroom.jmap.push_backoff import HEALTHY_LIFE, PushDroppedError, PushUnavailableError

_AT_ONCE: Final = 5.0
"""Seconds. A connection that ends sooner was of no use."""


class End(Enum):
    """The end of a connection, by its significance for the transport."""

    ANNOUNCED = auto()
    """The connection was open for long enough, and announced a change."""
    HEALTHY = auto()
    """The connection was open for long enough, and announced no change."""
    EARLY = auto()
    """The connection was open, and ended almost at once."""
    MISSED_CHANGE = auto()
    """The connection was dropped, because it had not announced a change that had happened."""
    NOT_NOW = auto()
    """The server had no room just then, which does not count against the transport."""
    SHORT = auto()
    """The connection was open for less than a minute, or left a request unanswered. Another
    transport may do better."""
    FAILED = auto()
    """The connection could not be opened. The next try may succeed."""
    REFUSED = auto()
    """The connection was refused, and the next try would be refused as well."""
    UNAVAILABLE = auto()
    """The server does not support the transport, or the transport does not work there."""


@dataclass(frozen=True, slots=True)
class Life:
    """The life of a connection that was open.

    Attributes:
        seconds: the time for which the connection was open.
        missed_change: True if the owner dropped the connection, because it missed a change.
        has_announced: True if the connection announced a change.
    """

    seconds: float
    missed_change: bool = False
    has_announced: bool = False


def end_of(error: Exception | None, life: Life | None) -> End:
    """Classify the end of a connection.

    Args:
        error: the error that was raised; None if there was none.
        life: the connection's life; None if it was never open.
    """
    match error:
        case PushUnavailableError():
            return End.UNAVAILABLE
        case CredentialsRefusedError() | InsecureUrlError() | RedirectError():
            return End.REFUSED
        case _ if is_busy(error):
            return End.NOT_NOW
        case _ if life is None:
            return End.FAILED
        case PushDroppedError():
            return End.SHORT
        case _:
            return _end_of_life(life)


def is_busy(error: Exception | None) -> bool:
    """Return True if the server had no room just then, so the transport is not to blame."""
    match error:
        case RequestError():  # over an open connection; a lasting one is a PushUnavailableError
            return True
        case ServerFailureError(row=Row(action=Action.WAIT)):
            return True
        case _:
            return False


def _end_of_life(life: Life) -> End:
    if life.missed_change:
        return End.MISSED_CHANGE
    if life.seconds < _AT_ONCE:
        return End.EARLY
    if life.seconds < HEALTHY_LIFE:
        return End.SHORT
    return End.ANNOUNCED if life.has_announced else End.HEALTHY
