"""The number of requests that one host gets at the same time. Pure.

A JMAP session states how many requests a host allows. WebDAV has no place for such a number, so the
number of requests that write contacts is found by trying, as TCP finds the capacity of a line
(additive increase, multiplicative decrease, RFC 5681): it grows while answers come quickly, is
halved if they become slow, and falls back at once if the host refuses a request.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import Final, Self

SLOTS: Final = 4
"""The number of requests at one host at the same time, until the session states the limit."""
MOST_WRITES: Final = 24
"""The most writes of contacts at the same time. More of them only wait for each other's locks."""
_PROOF: Final = 20
"""The writes in a row that a host must answer before it gets more at once than at the start. Limits
of rate are often 20 requests; the first refusals are then no more than the writes at the start."""
_STEP: Final = 2.0
"""The writes by which each quick answer raises the limit, until answers have been slow once."""
_QUICK: Final = 2.0
"""An answer is quick if it took up to so many times as long as the quickest answer of the burst."""
_SLOW: Final = 4.0
"""An answer is slow if it took longer than so many times the quickest answer of the burst. A new
connection takes three round trips, so an answer over it is not slow."""
_REGAINED_EVERY: Final = 10.0
"""Seconds after which one more request is sent at once, after the host has refused a request."""
_CAREFUL_FOR: Final = 86_400.0
"""Seconds for which a host that has refused a request gets no more writes than requests."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of one account at one host, with the observations that it follows from.

    A *burst* is the time from the first write until no write is under way or waits for a slot.

    Attributes:
        size: the number of requests that the host allows.
        added: the number of writes that were added to those of the start.
        step: the number of writes that the next quick answer adds; below one, it is one write in as
            many answers as writes are under way.
        answered: the number of writes that were answered in this burst.
        quickest: the seconds of the quickest answer of this burst.
        unjudged: the number of next answers that halve nothing, because these requests were sent
            before the limit was halved.
        refused_at: the time of the last refusal, on the caller's clock.
        refused_to: the number of requests that were left after the last refusal.
    """

    size: int = SLOTS
    added: float = 0.0
    step: float = _STEP
    answered: int = 0
    quickest: float = inf
    unjudged: int = 0
    refused_at: float = -inf
    refused_to: int = 1

    def requests(self, now: float) -> int:
        """Return the number of requests at the same time."""
        since = now - self.refused_at
        if since >= self.size * _REGAINED_EVERY:
            return self.size
        return min(self.size, self.refused_to + int(since / _REGAINED_EVERY))

    def writes(self, now: float) -> int:
        """Return the number of requests at the same time if some of them write contacts."""
        if now - self.refused_at < _CAREFUL_FOR:
            return self.requests(now)
        return max(self.size, int(self._at_start + self.added))

    def resized(self, size: int) -> Self:
        """Return the limit for a host that allows so many requests."""
        return replace(self, size=size)

    def after_answer(self, seconds: float) -> Self:
        """Return the limit after a write was answered in so many seconds."""
        limit = replace(
            self,
            answered=self.answered + 1,
            quickest=min(self.quickest, seconds),
            unjudged=max(0, self.unjudged - 1),
        )
        if seconds > _SLOW * limit.quickest:
            return limit if limit.unjudged else limit.halved()
        if seconds > _QUICK * limit.quickest or limit.answered <= _PROOF:
            return limit
        writes = self._at_start + self.added
        step = limit.step if limit.step >= 1 else 1 / writes
        return replace(limit, added=max(0.0, min(writes + step, MOST_WRITES) - self._at_start))

    def after_burst(self) -> Self:
        """Return the limit after the end of a burst; the number of writes is kept.

        The next burst may come hours later, when the line to the host is another one.
        """
        return replace(self, answered=0, quickest=inf, unjudged=0)

    def after_refusal(self, under_way: int, now: float) -> Self:
        """Return the limit after the host refused one of so many requests as one too many."""
        left = max(1, min(self.writes(now), under_way) // 2)
        return replace(self, added=0.0, answered=0, refused_at=now, refused_to=min(left, self.size))

    @property
    def _at_start(self) -> int:
        return max(self.size, min(MOST_WRITES, self.size + self.size // 2))

    def halved(self) -> Self:
        """Return the limit after a slow answer: half of it, but no less than at the start."""
        writes = self._at_start + self.added
        added = max(0.0, writes / 2 - self._at_start)
        return replace(self, added=added, step=0.0, unjudged=int(writes))
