"""The failed requests that are sent again, and when. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from tenacity import RetryCallState

from mailroom.http.errors import BrokenAnswerError, ServerFailureError, UnreachableError
from mailroom.http.not_now import Action, Row
from mailroom.waiting.backoff import full_jitter

ATTEMPTS: Final = 4
"""The number of attempts at a request, unless the "not now" table says how long to repeat it."""
LONGEST_ASKED_PAUSE: Final = 75.0
"""Seconds. Rate limits are counted by the minute, so a pause of a minute is waited out here. If a
server asks for a longer pause, the request fails, and the whole pass is repeated later."""
BASE_PAUSE: Final = 0.25
"""Seconds. The first pause is random, and at most this long; the limit doubles each time."""
LONGEST_PAUSE: Final = 15.0
"""Seconds. The limit of the random pause does not grow beyond this."""
_BUSY_PAUSE: Final = 0.5
"""Seconds. A busy host has room for moments only, so the request is repeated often."""
_RATE_PAUSE: Final = 1.0
"""Seconds. The shortest span by which rates are counted; an earlier attempt is refused again."""
_LONGEST_BELIEVED: Final = 86_400.0
"""Seconds. A server that asks for more than a day is mistaken, and would stop us for ever."""


def row_of(error: BaseException | None) -> Row | None:
    """Return the row of the "not now" table for an error; None if the table has none."""
    return error.row if isinstance(error, ServerFailureError) else None


def is_worth_repeating(error: BaseException, *, repeatable: bool) -> bool:
    """Return True if a request that failed with ``error`` is sent again.

    - The request never left: always.
    - The server says "not now": as the table in :mod:`mailroom.http.not_now` says.
    - No answer, or a broken answer: only if the request is ``repeatable``.
    - The server asks for a pause of more than :data:`LONGEST_ASKED_PAUSE`: never; the pass is
      repeated later.
    - Any other error (credentials refused, other statuses, cancellation): never.
    """
    match error:
        case UnreachableError(sent=False):
            return True
        case ServerFailureError(retry_after=float(wait)) if wait > LONGEST_ASKED_PAUSE:
            return False
        case ServerFailureError(row=Row() as row):
            return row.may_repeat(repeatable=repeatable)
        case UnreachableError() | BrokenAnswerError():
            return repeatable
        case _:
            return False


def is_enough(state: RetryCallState) -> bool:
    """Return True if a failed request has been repeated often or long enough."""
    row = row_of(state.outcome.exception() if state.outcome else None)
    if row is not None and row.seconds:
        return state.idle_for >= row.seconds
    return state.attempt_number >= ATTEMPTS


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds of a ``Retry-After`` header (RFC 9110 section 10.2.3), a number or a date.

    ``now`` is the server's time. None if the header is missing or cannot be understood. The result
    is never more than a day.
    """
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value), _LONGEST_BELIEVED)
    date = parse_date(value)
    if date is None:
        return None
    return min(max(0.0, (date - now).total_seconds()), _LONGEST_BELIEVED)


def parse_date(value: str | None) -> datetime | None:
    """Return the time in a ``Date`` header (RFC 9110 section 5.6.7); None if there is none."""
    if value is None:
        return None
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def pause(state: RetryCallState) -> float:
    """Return the seconds before the next attempt: the server's pause plus full jitter."""
    error = state.outcome.exception() if state.outcome else None
    floor, cap = 0.0, LONGEST_PAUSE
    if isinstance(error, ServerFailureError):
        floor, row = error.retry_after or 0.0, error.row
        if row is not None and row.action is Action.WAIT:
            # A rate limit was exceeded, and the server asks for no pause: with short pauses, the
            # next attempts would exceed the limit again.
            is_rate = row.slows and error.limit is None and error.retry_after is None
            floor, cap = (_RATE_PAUSE, LONGEST_PAUSE) if is_rate else (floor, _BUSY_PAUSE)
    return full_jitter(state.attempt_number, base=BASE_PAUSE, cap=cap, floor=floor)
