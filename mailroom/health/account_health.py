"""The health of one account: its service reports events, and people and probes read the state."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mailroom.exits import Exit
from mailroom.jmap.push import PushStatus

_MISSED_POLLS: Final = 2
"""The number of poll intervals without a good pass after which an account is not well."""
_STUCK_AFTER: Final = 15 * 60.0
"""Seconds that a pass may take. A pass that takes longer is stuck."""
_MOST_LISTED: Final = 20
"""The most entries of a list in a report; the log has all entries."""

UndoneWork = tuple[str, int, str]
"""Work that failed in a pass and is tried again: the kind of thing, the number, the reason."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """A pass that succeeded; times in seconds of the clock."""

    trigger: str
    started: float
    ended: float
    decisions: int
    mails: int

    def data(self, now: float) -> dict[str, object]:
        """Return the pass as JSON data at a time of the clock."""
        return {
            "age_seconds": round(now - self.ended, 3),
            "trigger": self.trigger,
            "duration_seconds": round(self.ended - self.started, 3),
            "senders": self.decisions,
            "mails": self.mails,
        }


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refusal of the credentials; ``since`` is a time of day, ``next_at`` clock seconds."""

    since: datetime
    tries: int
    next_at: float

    def data(self, now: float, reason: str) -> dict[str, object]:
        """Return the refusal as JSON data at a time of the clock."""
        return {
            "why": reason,
            "since": _rfc3339(self.since),
            "tries": self.tries,
            "next_in_seconds": _seconds_until(self.next_at, now),
        }


@dataclass(frozen=True, slots=True)
class _GaveUp:
    """The end of a service that gave up; ``next_at`` is the next start, in clock seconds."""

    code: Exit
    next_at: float

    def data(self, now: float) -> dict[str, object]:
        """Return the end of the service as JSON data at a time of the clock."""
        return {
            "exit_code": int(self.code),
            "why": self.code.name.lower(),
            "next_in_seconds": _seconds_until(self.next_at, now),
        }


class Health:
    """The state of an account. Its service reports events, and the HTTP server reads the state.

    This object outlives the service: one of several accounts gets a new service later.

    Args:
        poll_interval: seconds between polls at first.
        clock: returns seconds of a clock that never goes back.
        now: returns the time of day.

    Attributes:
        poll_interval: seconds between polls; may change with the settings of a later service.
        push: returns the state of push.
        last_failure: the reason why the last pass failed; empty if it succeeded.
    """

    def __init__(
        self,
        *,
        poll_interval: float,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.push: Callable[[], PushStatus] = _no_push
        self.poll_interval = poll_interval
        self._clock = clock
        self._now = now
        self._started = clock()
        self.last_failure = ""
        self._failed_at: datetime | None = None
        self._left: tuple[UndoneWork, ...] = ()
        self._stuck: dict[str, str] = {}
        self._refusal: _Refusal | None = None
        self._gave_up: _GaveUp | None = None
        self._is_tried_again = False
        self._session_is_up = False
        self._running: tuple[str, float] | None = None
        self._last: _Pass | None = None
        self._passes = 0
        self._failures_in_a_row = 0

    def service_started(self, push: Callable[[], PushStatus]) -> None:
        """Note that a service starts; an earlier one may have given up."""
        self.push = push
        self._is_tried_again |= self._gave_up is not None or self._refusal is not None
        self._gave_up = None

    def service_refused(self, *, next_in: float) -> None:
        """Note that credentials are refused; they are tried again in ``next_in`` seconds."""
        self.push = _no_push
        self._session_is_up = False
        since, tries = self._now(), 1
        if self._refusal is not None:
            since, tries = self._refusal.since, self._refusal.tries + 1
        self._refusal = _Refusal(since, tries, self._clock() + next_in)

    def service_gave_up(self, code: Exit, *, next_in: float) -> None:
        """Note that the service gave up; another one starts in ``next_in`` seconds."""
        self.push = _no_push
        self._session_is_up = False
        self._gave_up = _GaveUp(code, self._clock() + next_in)

    def session_up(self) -> None:
        """Note that the session was fetched, for the first time or again."""
        self._session_is_up = True

    def pass_started(self, trigger: str) -> None:
        """Note that a pass begins; ``trigger`` is its reason."""
        self._running = (trigger, self._clock())

    def pass_succeeded(
        self,
        *,
        decisions: int,
        mails: int,
        left: Sequence[UndoneWork] = (),
        stuck: Mapping[str, str] | None = None,
    ) -> None:
        """Note that the pass succeeded.

        Args:
            decisions: the number of decisions that were carried out.
            mails: the number of mails that were filed.
            left: the work that could not be done yet.
            stuck: subject of a decision -> why the server refuses it for good.
        """
        trigger, started = self._end_pass()
        self._failures_in_a_row = 0
        self.last_failure, self._failed_at = "", None
        self._left, self._stuck = tuple(left), dict(stuck or {})
        self._is_tried_again = False
        self._refusal = None
        self._last = _Pass(trigger, started, self._clock(), decisions, mails)

    def pass_failed(self, reason: str) -> None:
        """Note that the pass failed as a whole; ``reason`` is shown in reports."""
        self._end_pass()
        self._failures_in_a_row += 1
        self.last_failure, self._failed_at = reason, self._now()

    def _end_pass(self) -> tuple[str, float]:
        if self._running is None:
            raise RuntimeError("a pass ended that never started")
        running, self._running = self._running, None
        self._passes += 1
        return running

    @property
    def failures_in_a_row(self) -> int:
        """The number of passes that failed since the last one that succeeded."""
        return self._failures_in_a_row

    def is_well(self) -> bool:
        """Return True if the last good pass (else the start) is under two poll intervals ago.

        An account that was given up or whose credentials were refused is well again only after a
        good pass.
        """
        is_open = self._gave_up is None and self._refusal is None
        if not is_open or self._is_tried_again:
            return False
        since = self._started if self._last is None else self._last.ended
        return self._clock() - since < _MISSED_POLLS * self.poll_interval

    def is_alive(self) -> bool:
        """Return True if no pass is stuck."""
        return self._running is None or self._clock() - self._running[1] <= _STUCK_AFTER

    def is_ready(self) -> bool:
        """Return True if the session was fetched and the first pass is done."""
        return self._session_is_up and self._last is not None and not self._is_tried_again

    def report(self) -> dict[str, object]:
        """Return the state as JSON data. Times of day are RFC 3339 in UTC, ages in seconds."""
        now, push = self._clock(), self.push()
        report: dict[str, object] = {
            "status": self.status(),
            "last_pass": self._last and self._last.data(now),
            "passes": self._passes,
            "failures_in_a_row": self._failures_in_a_row,
            "last_failure": None
            if self._failed_at is None
            else {"why": self.last_failure, "at": _rfc3339(self._failed_at)},
            "incomplete": [
                {"what": kind, "count": count, "why": reason}
                for kind, count, reason in self._left[:_MOST_LISTED]
            ],
            "stuck": dict(list(self._stuck.items())[:_MOST_LISTED]),
            "push": {
                "transport": str(push.transport),
                "status": str(push.status),
                "connected_since": _rfc3339(push.connected_since),
                "last_event_at": _rfc3339(push.last_event_at),
                "reconnects": push.reconnects,
                "last_error": push.last_error,
            },
        }
        if self._refusal is not None:
            report["refused"] = self._refusal.data(now, self.last_failure)
        if self._gave_up is not None:
            report["gave_up"] = self._gave_up.data(now)
        return report

    def why_not_ready(self) -> str:
        """Return in a sentence why :meth:`is_ready` is False; empty if nothing has failed yet."""
        if self._refusal is None:
            return self.last_failure
        seconds = _seconds_until(self._refusal.next_at, self._clock())
        since = _rfc3339(self._refusal.since)
        return f"{self.last_failure} (since {since}, tried again in {seconds:.0f} s)"

    def status(self) -> str:
        """Return one of ``starting``, ``ok``, ``failing``, ``refused``, ``gave up``."""
        if self._gave_up is not None:
            return "gave up"
        if self._refusal is not None:
            return "refused"
        if not self.is_well():
            return "failing"
        return "starting" if self._last is None else "ok"


def _no_push() -> PushStatus:
    """Return the state of push while no service runs: off."""
    return PushStatus("off")


def _seconds_until(moment: float, now: float) -> float:
    return round(max(0.0, moment - now), 3)


def _rfc3339(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
