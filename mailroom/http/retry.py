"""The failed requests that are sent again, and when. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from tenacity import RetryCallState

from mailroom.backoff import full_jitter
from mailroom.http.errors import BrokenAnswerError, ServerFailureError, UnreachableError
from mailroom.http.not_now import Action, Row

ATTEMPTS: Final = 4
LONGEST_WAIT: Final = 75.0
"""Seconds. Limits of rate are counted by the minute, so a server that asks for one is waited for.
One that asks for more is not waited for here: the whole pass comes back later."""
_SHORTEST_CEILING: Final = 0.25
_LONGEST_CEILING: Final = 30.0
_BUSY_CEILING: Final = 0.5
"""Seconds. The places of a busy host are free for moments, so it is asked often."""
_UNKNOWN_RATE_CEILING: Final = 15.0
"""Seconds, where a limit of rate was exceeded and the server does not say for how long."""
_LONGEST_BELIEVED: Final = 86_400.0
"""Seconds. A server that asks for more than a day is mistaken, and would stop us for ever."""


def row_of(error: BaseException | None) -> Row | None:
    """Return the line of the table for an error; None if it is no "not now"."""
    return error.row if isinstance(error, ServerFailureError) else None


def is_worth_repeating(error: BaseException, *, repeatable: bool) -> bool:
    """Decide in this one place which failed requests are sent again.

    - the request never left: always;
    - the server says "not now": as :mod:`mailroom.http.not_now` says;
    - no answer, a broken answer: only what may be done twice;
    - a server that asks for a long pause: no, the pass as a whole comes back later;
    - all else (credentials refused, other statuses, cancellation): never.
    """
    match error:
        case UnreachableError(sent=False):
            return True
        case ServerFailureError(retry_after=float(wait)) if wait > LONGEST_WAIT:
            return False
        case ServerFailureError(row=Row() as row):
            return row.may_repeat(repeatable=repeatable)
        case UnreachableError() | BrokenAnswerError():
            return repeatable
        case _:
            return False


def is_enough(state: RetryCallState) -> bool:
    """Return True when a request that failed is not sent again any more."""
    row = row_of(state.outcome.exception() if state.outcome else None)
    if row is not None and row.seconds:
        return state.idle_for >= row.seconds
    return state.attempt_number >= ATTEMPTS


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds of a ``Retry-After`` header (RFC 9110 section 10.2.3), a number or a date.

    ``now`` is the server's time. None if the header says nothing that can be understood; never more
    than a day.
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
    """Return the seconds before the next attempt: full jitter above what the server asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ServerFailureError) else None
    return full_jitter(
        state.attempt_number, base=_SHORTEST_CEILING, cap=_cap(error), floor=asked or 0.0
    )


def _cap(error: BaseException | None) -> float:
    row = row_of(error)
    if not isinstance(error, ServerFailureError) or row is None or row.action is not Action.WAIT:
        return _LONGEST_CEILING
    tells_no_rate = error.limit is None and error.retry_after is None and row.slows
    return _UNKNOWN_RATE_CEILING if tells_no_rate else _BUSY_CEILING
