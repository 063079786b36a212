"""The judgement of how push connections end. Pure."""

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
from mailroom.jmap.reconnecting import HEALTHY_LIFE, PushDroppedError, PushUnavailableError

_AT_ONCE: Final = 5.0
"""Seconds. What ends sooner was of no use to anybody."""


class End(Enum):
    """How a connection ended, as far as it says something of its transport."""

    TOLD = auto()
    """After a life that was long enough, in which it announced something."""
    HEALTHY = auto()
    """After a life that was long enough, whatever ended it."""
    EARLY = auto()
    """It stood, and ended almost at once."""
    DEAF = auto()
    """It was dropped, for it had not announced what had happened."""
    NOT_NOW = auto()
    """The server had no room just then. That says nothing of the transport."""
    SHORT = auto()
    """It stood for a while, but not for long. Another transport may do better."""
    FAILED = auto()
    """It never stood. This may go better next time."""
    REFUSED = auto()
    """It was not allowed, and would not be if tried again."""
    UNAVAILABLE = auto()
    """The transport is not to be had here, and says so itself."""


@dataclass(frozen=True, slots=True)
class Life:
    """How a connection that stood has lived.

    Attributes:
        seconds: so long.
        is_deaf: the owner dropped it, for it had not told what had happened.
        has_told: it announced something.
    """

    seconds: float
    is_deaf: bool = False
    has_told: bool = False


def end_of(error: Exception | None, life: Life | None) -> End:
    """Judge a connection's end by what was raised, if anything, and its life, if it ever stood."""
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
    """Return True if the server had no room just then, which says nothing of the transport."""
    match error:
        case RequestError():  # over an open connection, and one that may pass
            return True
        case ServerFailureError(row=Row(action=Action.WAIT)):
            return True
        case _:
            return False


def _end_of_life(life: Life) -> End:
    if life.is_deaf:
        return End.DEAF
    if life.seconds < _AT_ONCE:
        return End.EARLY
    if life.seconds < HEALTHY_LIFE:
        return End.SHORT
    return End.TOLD if life.has_told else End.HEALTHY
