"""Decides which failures are waited out, which end the service, and with which exit code. No I/O.

At start only failures that waiting cannot mend end the service; it waits without limit for a
server that does not answer yet. Later, too many failed passes in a row end the service, so that
somebody notices.

Refused credentials never end the service. A server may answer 401 because its directory is down
or because it was asked too often, and a supervisor that starts the process again would only ask
more often: some servers ban an address after a hundred refusals. So the account is closed (push
included), and opened again after pauses that grow to an hour.
"""

import math
import random
from collections import deque
from dataclasses import dataclass
from typing import Final

from mailroom.exits import Exit
from mailroom.http import ServerFailureError
from mailroom.report.failures import exit_code
from mailroom.waiting.backoff import REFUSED_PAUSES, ceiling, full_jitter

_REFUSED_JITTER: Final = (1.05, 1.2)
"""Range of the random factor that lengthens :data:`REFUSED_PAUSES`, to at most 26 tries a day."""
_MOST_REFUSED: Final = 3
"""The most refused requests in :data:`_REFUSED_SPAN`. One pass may exceed this, because it sends
several requests at the same time."""
_REFUSED_SPAN: Final = 605.0
"""Seconds. Filters such as fail2ban count refusals over ten minutes; their clocks may differ."""
_BASE_PAUSE: Final = 1.0
"""Base pause in seconds. The actual pause is between one and two times the base; the base doubles
each time. So ten failed passes, the default limit, take two and a half to five minutes: enough time
to restart a mail server."""
_LONGEST_PAUSE: Final = 60.0
"""Seconds. The longest pause between passes, without the pause that the server asks for."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """End the service with this exit code.

    ``Exit.CREDENTIALS`` ends this service only: the account is opened again after
    :meth:`FailurePolicy.pause_when_refused`.
    """

    code: Exit


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Run another pass in ``seconds``, or earlier for a change, but not before ``not_before``.

    Both are seconds from now.
    """

    seconds: float
    not_before: float = 0.0


class FailurePolicy:
    """Counts the failures in a row, and decides after each one to try again or to give up.

    The policy outlives a service that ended because of refused credentials.

    Attributes:
        limit: the number of failed passes in a row that ends the service, once a pass has
            succeeded. May change with the settings of a later service.
        refusals: the number of passes that were refused since the last one that succeeded.
    """

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self._in_a_row = 0
        self._counts_from = -math.inf
        self._unfinished = 0
        self._was_up = False
        self.refusals = 0
        self._refused_at: deque[float] = deque(maxlen=_MOST_REFUSED)

    def succeeded(self, *, complete: bool) -> TryAgain | None:
        """Note a pass that succeeded; if not ``complete``, return when to try the rest again."""
        self._was_up = True
        self.refusals = 0
        self._in_a_row = 0
        self._counts_from = -math.inf
        self._unfinished = 0 if complete else self._unfinished + 1
        if complete:
            return None
        return TryAgain(full_jitter(self._unfinished, base=_BASE_PAUSE, cap=_LONGEST_PAUSE))

    def failed(self, error: BaseException, *, now: float) -> TryAgain | GiveUp:
        """Note a pass that failed at ``now`` (seconds of any steady clock), and decide."""
        code = exit_code(error)
        if code is Exit.CREDENTIALS:
            self.refusals += 1
            return GiveUp(code)
        # While a server is restarted, push may still announce mail. Each change is worth a pass,
        # but ten such passes that fail within a minute are no reason to end. So a failed pass
        # counts only if the pause after the previous failure was over.
        if now >= self._counts_from:
            self._in_a_row += 1
            self._counts_from = now + self._shortest_wait()
        asked = (error.retry_after or 0.0) if isinstance(error, ServerFailureError) else 0.0
        is_final = self._in_a_row >= self.limit if self._was_up else code is not Exit.FAILED
        if is_final:
            return GiveUp(code)
        floor = asked + self._shortest_wait()
        wait = full_jitter(self._in_a_row, base=_BASE_PAUSE, cap=_LONGEST_PAUSE / 2, floor=floor)
        # New mail does not bring back a missing mailbox, so it causes no earlier pass.
        return TryAgain(wait, not_before=wait if code is Exit.INCOMPLETE else asked)

    def note_refused_requests(self, count: int, *, now: float) -> None:
        """Note how many requests the server refused; a pass sends several at once."""
        self._refused_at.extend([now] * count)

    def pause_when_refused(self, *, now: float) -> float:
        """Return the seconds until an account whose credentials are refused is opened again."""
        last = len(REFUSED_PAUSES)
        pause = REFUSED_PAUSES[max(1, min(self.refusals, last)) - 1]
        pause *= random.uniform(*_REFUSED_JITTER)  # noqa: S311 - jitter, not cryptography
        if len(self._refused_at) < _MOST_REFUSED:
            return pause
        return max(pause, self._refused_at[0] + _REFUSED_SPAN - now)

    def _shortest_wait(self) -> float:
        # The pause is this time and a random time that is at most as long, so each of the two is at
        # most half of the longest pause.
        return ceiling(self._in_a_row, base=_BASE_PAUSE, cap=_LONGEST_PAUSE / 2)
