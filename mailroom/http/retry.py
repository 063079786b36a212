"""Which failed requests are sent again, and when. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from tenacity import RetryCallState

from mailroom.backoff import full_jitter
from mailroom.http.errors import BrokenAnswerError, ServerFailureError, UnreachableError

ATTEMPTS: Final = 4
LONGEST_WAIT: Final = 30.0
"""Seconds. A server that asks for more is not waited for here: the whole pass comes back later."""
_SHORTEST_CEILING: Final = 0.25
_LONGEST_BELIEVED: Final = 86_400.0
"""Seconds. A server that asks for more than a day is mistaken, and would stop us for ever."""


def is_worth_repeating(error: BaseException, *, repeatable: bool) -> bool:
    """The one place that decides which failed requests are sent again.

    - the request never left, or the server said that it did not act (429, 503): always;
    - no answer, another 5xx, a broken answer: only what may be done twice;
    - a server that asks for a long pause: no, the pass as a whole comes back later;
    - all else (credentials refused, other statuses, cancellation): never.
    """
    match error:
        case UnreachableError(sent=False):
            return True
        case ServerFailureError(retry_after=float(wait)) if wait > LONGEST_WAIT:
            return False
        case ServerFailureError(
            status=HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE
        ):
            return True
        case UnreachableError() | ServerFailureError() | BrokenAnswerError():
            return repeatable
        case _:
            return False


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds from a ``Retry-After`` header (RFC 9110 section 10.2.3): a number or a date.

    None if it says nothing that can be understood; never more than a day.
    """
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value), _LONGEST_BELIEVED)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(max(0.0, (date - now).total_seconds()), _LONGEST_BELIEVED)


def pause(state: RetryCallState) -> float:
    """Seconds before the next attempt: full jitter above what the server asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ServerFailureError) else None
    return full_jitter(
        state.attempt_number, base=_SHORTEST_CEILING, cap=LONGEST_WAIT, floor=asked or 0.0
    )
