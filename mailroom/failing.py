"""Which failures are waited out, which end the service, and with what exit code. Pure.

At start nothing but what waiting cannot mend ends the service; a server that is not there yet is
waited for, for ever. Later, too many failed passes in a row end it, so that somebody notices.
"""

import math
from dataclasses import dataclass
from typing import Final

from mailroom.backoff import ceiling, full_jitter
from mailroom.contacts.book import AddressBookError
from mailroom.exits import Exit
from mailroom.http import (
    CredentialsRefusedError,
    HttpError,
    InsecureUrlError,
    RedirectError,
    ServerFailureError,
)
from mailroom.jmap.errors import JmapError, SessionError
from mailroom.screener.missing import MissingError, UnsuitableError

EXPECTED: Final = (HttpError, JmapError, AddressBookError, MissingError, UnsuitableError)
"""The failures of a pass that are the world's; any other is a mistake of ours."""

_REFUSALS: Final = 3
_REFUSALS_SPAN: Final = 60.0
"""Seconds. A single refusal may be throttling, so they count only when spread over a minute."""
_FIRST_WAIT: Final = 1.0
"""Seconds that are certain, with as many again that are up to chance; both double from wait to
wait. Ten failed passes, the default limit, so take two and a half to five minutes: in that time a
mail server may well be restarted."""
_LONGEST_WAIT: Final = 60.0


def exit_code(error: BaseException) -> Exit:
    """The exit code that stands for a failure."""
    match error:
        case CredentialsRefusedError():
            return Exit.CREDENTIALS
        case MissingError():
            return Exit.INCOMPLETE
        case InsecureUrlError() | RedirectError() | SessionError():
            return Exit.CONFIGURATION
        case AddressBookError() | UnsuitableError():
            return Exit.CONFIGURATION
        case _:
            return Exit.FAILED


@dataclass(frozen=True, slots=True)
class GiveUp:
    """End the service with this exit code."""

    code: Exit


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Run another pass in so many seconds; not ``before`` so many even if something happens."""

    seconds: float
    before: float = 0.0


class Patience:
    """Counts the failures in a row and says what follows from each.

    Args:
        limit: so many failed passes in a row end the service, once a pass has succeeded.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._in_a_row = 0
        self._counts_from = -math.inf
        self._unfinished = 0
        self._refused_at: list[float] = []
        self._was_up = False

    def succeeded(self, *, complete: bool) -> TryAgain | None:
        """A pass went through; if not ``complete``, what is left of it is to be tried again."""
        self._was_up = True
        self._refused_at.clear()
        self._in_a_row = 0
        self._counts_from = -math.inf
        self._unfinished = 0 if complete else self._unfinished + 1
        if complete:
            return None
        return TryAgain(full_jitter(self._unfinished, base=1.0, cap=_LONGEST_WAIT))

    def failed(self, error: BaseException, *, now: float) -> TryAgain | GiveUp:
        """A pass failed at ``now`` (seconds of any steady clock)."""
        self._count(now)
        if isinstance(error, CredentialsRefusedError):
            return self._refused(now)
        code = exit_code(error)
        asked = (error.retry_after or 0.0) if isinstance(error, ServerFailureError) else 0.0
        is_final = self._in_a_row >= self._limit if self._was_up else code is not Exit.FAILED
        if is_final:
            return GiveUp(code)
        wait = self._wait(asked)
        # What is missing does not come back with the next mail, so mail does not hurry us.
        return TryAgain(wait, before=wait if code is Exit.INCOMPLETE else asked)

    def _refused(self, now: float) -> TryAgain | GiveUp:
        self._refused_at.append(now)
        long_enough = now - self._refused_at[0] >= _REFUSALS_SPAN
        if long_enough and len(self._refused_at) >= _REFUSALS:
            return GiveUp(Exit.CREDENTIALS)
        pause = _REFUSALS_SPAN / (_REFUSALS - 1)
        return TryAgain(pause, before=pause)

    def _count(self, now: float) -> None:
        """Count a failed pass, but not one that news has hurried.

        While a server is restarted push may live and tell of mail; each such change is worth a try,
        but ten of them in a minute are no reason to end.
        """
        if now >= self._counts_from:
            self._in_a_row += 1
            self._counts_from = now + self._shortest_wait()

    def _shortest_wait(self) -> float:
        return ceiling(self._in_a_row, base=_FIRST_WAIT, cap=_LONGEST_WAIT / 2)

    def _wait(self, asked: float) -> float:
        floor = asked + self._shortest_wait()
        return full_jitter(self._in_a_row, base=_FIRST_WAIT, cap=_LONGEST_WAIT / 2, floor=floor)
