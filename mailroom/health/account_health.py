"""The health of one account: its service reports events, and people and probes read the state."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mailroom.exits import Exit
from mailroom.jmap.push import PushStatus

_STUCK_AFTER: Final = 15 * 60.0
"""Seconds that a pass may take. A pass that takes longer is stuck."""
_MOST_TOLD: Final = 20
"""The most entries of a list in a report; the log has all entries."""

Left = tuple[str, int, str]
"""Work that failed in a pass and is tried again: the kind of thing, the number, the reason."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """A pass that succeeded; times in seconds of the clock."""

    trigger: str
    started: float
    ended: float
    senders: int
    mails: int


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refusal of the credentials; ``since`` is a time of day, ``next_at`` clock seconds."""

    since: datetime
    tries: int
    next_at: float


@dataclass(frozen=True, slots=True)
class _GaveUp:
    """The end of a service that gave up; ``next_at`` is the next start, in clock seconds."""

    code: Exit
    next_at: float


class Health:
    """The state of an account. Its service reports events, and the HTTP server reads the state.

    This object outlives the service: one of several accounts gets a new service later.

    Args:
        poll_interval: seconds between polls.
        clock: returns seconds of a clock that never goes back.
        now: returns the time of day.

    Attributes:
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
        self._patience = 2 * poll_interval
        self._clock = clock
        self._now = now
        self._started = clock()
        self.last_failure = ""
        self._failed_at: datetime | None = None
        self._left: tuple[Left, ...] = ()
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
        senders: int,
        mails: int,
        left: Sequence[Left] = (),
        stuck: Mapping[str, str] | None = None,
    ) -> None:
        """Note that the pass succeeded.

        Args:
            senders: how many decisions were carried out.
            mails: how many mails were filed.
            left: the work that could not be done yet.
            stuck: subject of a decision -> why the server refuses it for good.
        """
        trigger, started = self._end_pass()
        self._failures_in_a_row = 0
        self.last_failure, self._failed_at = "", None
        self._left, self._stuck = tuple(left), dict(stuck or {})
        self._is_tried_again = False
        self._refusal = None
        self._last = _Pass(trigger, started, self._clock(), senders, mails)

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
        if not self._is_open or self._is_tried_again:
            return False
        since = self._started if self._last is None else self._last.ended
        return self._clock() - since < self._patience

    def is_alive(self) -> bool:
        """Return True if no pass is stuck."""
        return self._running is None or self._clock() - self._running[1] <= _STUCK_AFTER

    def is_ready(self) -> bool:
        """Return True if the session was fetched and the first pass is done."""
        return self._session_is_up and self._last is not None and not self._is_tried_again

    @property
    def _is_open(self) -> bool:
        return self._gave_up is None and self._refusal is None

    def report(self) -> dict[str, object]:
        """Return the state as JSON data. Times of day are RFC 3339 in UTC, ages in seconds."""
        report: dict[str, object] = {
            "status": self.status(),
            "last_pass": self._last and self._report_pass(self._last),
            "passes": self._passes,
            "failures_in_a_row": self._failures_in_a_row,
            "last_failure": self._report_failure(),
            "incomplete": [
                {"what": what, "count": count, "why": why}
                for what, count, why in self._left[:_MOST_TOLD]
            ],
            "stuck": dict(list(self._stuck.items())[:_MOST_TOLD]),
            "push": _report_push(self.push()),
        }
        if self._refusal is not None:
            report["refused"] = self._report_refusal(self._refusal)
        if self._gave_up is not None:
            report["gave_up"] = self._report_end(self._gave_up)
        return report

    def why_not_ready(self) -> str:
        """Return in a sentence why :meth:`is_ready` is False; empty if nothing has failed yet."""
        if self._refusal is None:
            return self.last_failure
        facts = self._report_refusal(self._refusal)
        return (
            f"{self.last_failure} (since {facts['since']}, tried again in"
            f" {facts['next_in_seconds']:.0f} s)"
        )

    def status(self) -> str:
        """Return one of ``starting``, ``ok``, ``failing``, ``refused``, ``gave up``."""
        if self._gave_up is not None:
            return "gave up"
        if self._refusal is not None:
            return "refused"
        if not self.is_well():
            return "failing"
        return "starting" if self._last is None else "ok"

    def _report_failure(self) -> dict[str, object] | None:
        if self._failed_at is None:
            return None
        return {"why": self.last_failure, "at": _rfc3339(self._failed_at)}

    def _report_refusal(self, refusal: _Refusal) -> dict[str, object]:
        return {
            "why": self.last_failure,
            "since": _rfc3339(refusal.since),
            "tries": refusal.tries,
            "next_in_seconds": round(max(0.0, refusal.next_at - self._clock()), 3),
        }

    def _report_end(self, gave_up: _GaveUp) -> dict[str, object]:
        return {
            "exit_code": int(gave_up.code),
            "why": gave_up.code.name.lower(),
            "next_in_seconds": round(max(0.0, gave_up.next_at - self._clock()), 3),
        }

    def _report_pass(self, last: _Pass) -> dict[str, object]:
        return {
            "age_seconds": round(self._clock() - last.ended, 3),
            "trigger": last.trigger,
            "duration_seconds": round(last.ended - last.started, 3),
            "senders": last.senders,
            "mails": last.mails,
        }


def _no_push() -> PushStatus:
    """Return the state of push while no service runs: off."""
    return PushStatus("off")


def _report_push(push: PushStatus) -> dict[str, object]:
    return {
        "transport": str(push.transport),
        "status": str(push.status),
        "connected_since": _rfc3339(push.connected_since),
        "last_event_at": _rfc3339(push.last_event_at),
        "reconnects": push.reconnects,
        "last_error": push.last_error,
    }


def _rfc3339(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
