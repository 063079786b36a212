"""The number of requests that one host gets at the same time. Pure.

A JMAP session states how many requests a host allows. WebDAV has no place for such a number, so the
number of requests that write contacts is found by trying, as TCP finds the capacity of a line
(additive increase, multiplicative decrease, RFC 5681). The number grows while answers come quickly,
is halved if answers become slow, and falls back to half of the requests under way if the host
refuses a request.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import Final, Self

SLOTS: Final = 4
"""The number of requests at one host at the same time, until the session states the limit."""
MOST_WRITES: Final = 24
"""The most writes of contacts at the same time. More would only wait for each other's locks."""
_PROOF: Final = 20
"""The writes in a row that a host must answer before it gets more at the same time than at the
start. Rate limits are often 20 requests. A host with such a limit refuses only the writes that are
under way then, which are as few as at the start."""
_STEP: Final = 2.0
"""The number of writes that each quick answer adds to the limit, until the first slow answer."""
_QUICK: Final = 2.0
"""A quick answer takes at most so many times as long as the quickest answer of the burst."""
_SLOW: Final = 4.0
"""A slow answer takes more than so many times as long as the quickest answer of the burst. The
first answer over a new connection takes three round trips, so it is not slow."""
_REGAINED_EVERY: Final = 10.0
"""Seconds. After a refusal, the number of requests at the same time grows by one in this time."""
_CAREFUL_FOR: Final = 86_400.0
"""Seconds after a refusal, in which no more writes than other requests run at the same time."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of one account at one host, with the observations that it follows from.

    A *burst* is the time from the first write until no write is under way or waits for a slot.

    Attributes:
        size: the number of requests that the host allows.
        added: the number of writes that were added to the number at the start.
        step: the number of writes that each quick answer adds. It is 0 after the first slow answer:
            then, if n writes may run, n quick answers add one write.
        answered: the number of writes that were answered in this burst.
        quickest: the seconds of the quickest answer of this burst.
        unjudged: the number of next answers that do not halve the limit if they are slow, because
            their requests were sent before the limit was last halved.
        refused_at: the time of the last refusal, on the caller's clock.
        refused_to: the number of requests at the same time right after the last refusal.
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
        """Return the number of requests that may run at the same time."""
        since = now - self.refused_at
        if since >= self.size * _REGAINED_EVERY:
            return self.size
        return min(self.size, self.refused_to + int(since / _REGAINED_EVERY))

    def writes(self, now: float) -> int:
        """Return the number of requests that may run at the same time if some are writes."""
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
        """Return the limit after the end of a burst: keep the number of writes, forget the times.

        The next burst may come hours later, when the line to the host may be faster or slower.
        """
        return replace(self, answered=0, quickest=inf, unjudged=0)

    def after_refusal(self, under_way: int, now: float) -> Self:
        """Return the limit after the host refused one of ``under_way`` requests as one too many."""
        left = max(1, min(self.writes(now), under_way) // 2)
        return replace(self, added=0.0, answered=0, refused_at=now, refused_to=min(left, self.size))

    @property
    def _at_start(self) -> int:
        return max(self.size, min(MOST_WRITES, self.size + self.size // 2))

    def halved(self) -> Self:
        """Return the limit after a slow answer: half the writes, but no fewer than at the start."""
        writes = self._at_start + self.added
        added = max(0.0, writes / 2 - self._at_start)
        return replace(self, added=added, step=0.0, unjudged=int(writes))
