"""Counts the passes of one account's service. A mistake in counting must never stop a pass."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from mailroom.contacts.model import AddressBookError, ReadOnlyAddressBookError
from mailroom.http import (
    CredentialsRefusedError,
    HttpError,
    ServerFailureError,
    UnreachableError,
)
from mailroom.jmap.errors import JmapError, is_read_only
from mailroom.jmap.push import PushStatus
from mailroom.metrics.families import Metrics
from mailroom.metrics.latency import Latency
from mailroom.screener.model.categories import Category, Special
from mailroom.screener.model.missing import MissingError, NoRightToWriteError, UnsuitableError
from mailroom.screener.passes.progress import Report
from mailroom.waiting.trigger import Due, Reason

log = structlog.get_logger(__name__)

_SPECIAL: Final = {None: "Screener", Special.SPAM: "spam"}
"""The values of `category` for answers that are no category."""
_OUTCOMES: Final = ("done", "incomplete", "failed")
_NOTICES: Final = ("sent", "dropped")
_FILED_BY: Final = ("triage", "new_mail")
_PASS_FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (CredentialsRefusedError, "credentials"),
    (NoRightToWriteError, "credentials"),
    (ReadOnlyAddressBookError, "credentials"),
    (UnreachableError, "unreachable"),
    (ServerFailureError, "server"),
    (HttpError, "answer"),
    (JmapError, "jmap"),
    (AddressBookError, "contacts"),
    (MissingError, "missing"),
    (UnsuitableError, "unsuitable"),
    (Exception, "mistake"),
)
"""Classes of errors, each with its kind of failure; the first class that fits counts."""
_THING_FAILURES: Final = ("decision", "label", "new_mail")
"""The kinds of failures in a pass that succeeded."""
_DIGEST: Final = "digest"


def failure_kind(error: Exception) -> str:
    """Return the kind of the failure that made a pass fail."""
    if is_read_only(error):
        return "credentials"
    return next(kind for type_, kind in _PASS_FAILURES if isinstance(error, type_))


@dataclass(frozen=True, slots=True)
class PassEnded:
    """A pass that ended. Times are seconds of the event loop's clock.

    Attributes:
        due: the reason for the pass.
        started: the time of its beginning.
        ended: the time of its end.
        result: its report, or the error that made it fail.
    """

    due: Due
    started: float
    ended: float
    result: Report | Exception

    @property
    def outcome(self) -> str:
        """The outcome in a word: ``done``, ``incomplete`` or ``failed``."""
        if isinstance(self.result, Exception):
            return "failed"
        return "done" if self.result.is_complete else "incomplete"

    @property
    def event_at(self) -> float | None:
        """The time of the push event that caused the pass; None if no event did."""
        return self.due.since if self.due.is_announced else None


class AccountMetrics:
    """Counts one account's passes.

    Args:
        metrics: the metrics to count in.
        account: the account's name; empty for a single one.
        categories: the names of all categories.
        now: returns the time of day, in seconds of Unix time.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        account: str = "",
        categories: Iterable[str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._account = account
        self._label_latency, self._arrival_latency = Latency(), Latency()
        self._passes = metrics.passes
        self._decisions = metrics.decisions
        self._mails = metrics.mails
        self._failures = metrics.failures
        self._notices = metrics.notices
        self._pass_seconds = metrics.pass_seconds.labels(account)
        self._label_seconds = metrics.label_seconds.labels(account)
        self._arrival_seconds = metrics.arrival_seconds.labels(account)
        self._last_good = metrics.last_good.labels(account)
        self._screener = metrics.screener.labels(account)
        self._screener.set(float("nan"))
        self._push = metrics.push
        self._push[account] = _no_push
        self._refused = metrics.refused.labels(account)
        # Every series starts with 0, so that the first event is an increase.
        for reason in Reason:
            for outcome in _OUTCOMES:
                self._passes.labels(account, reason.value, outcome)
        for category in (*categories, *_SPECIAL.values()):
            self._decisions.labels(account, category)
        for outcome in _NOTICES:
            self._notices.labels(account, outcome)
        for by in _FILED_BY:
            self._mails.labels(account, by)
        for kind in (*dict.fromkeys(kind for _, kind in _PASS_FAILURES), *_THING_FAILURES, _DIGEST):
            self._failures.labels(account, kind)

    def service_started(self, push: Callable[[], PushStatus]) -> None:
        """Note that a service starts; ``push`` returns the state of its push."""
        self._push[self._account] = push

    def service_gave_up(self) -> None:
        """Note that the service gave up; without a service there is no push."""
        self._push[self._account] = _no_push

    def service_refused(self) -> None:
        """Note that the service ended because of refused credentials.

        The metric stays 1 until a pass succeeds.
        """
        self.service_gave_up()
        self._refused.set(1)

    def digest_failed(self) -> None:
        """Count a digest that could not be written."""
        self._failures.labels(self._account, _DIGEST).inc()

    def notice_ended(self, outcome: str) -> None:
        """Count a notice; the outcome is ``sent`` or ``dropped``."""
        self._notices.labels(self._account, outcome).inc()

    def pass_ended(self, ended: PassEnded) -> None:
        """Count a pass. Raises nothing: a mistake in counting must not stop the service."""
        try:
            self._passes.labels(self._account, ended.due.reason.value, ended.outcome).inc()
            self._pass_seconds.observe(ended.ended - ended.started)
            match ended.result:
                case Report() as report:
                    self._last_good.set(self._now())
                    self._refused.set(0)
                    self._count_report(report, ended)
                case error:
                    self._failures.labels(self._account, failure_kind(error)).inc()
                    self._label_latency.pass_failed(ended.event_at)
                    self._arrival_latency.pass_failed(ended.event_at)
        except Exception:
            log.exception("a mistake in Mailroom itself: a pass was not counted")

    def _count_report(self, report: Report, ended: PassEnded) -> None:
        for filing in report.finished:
            answer = filing.decision.answer
            name = answer.name if isinstance(answer, Category) else _SPECIAL[answer]
            self._decisions.labels(self._account, name).inc()
        new_mail = len(report.arrived.filed)
        self._mails.labels(self._account, "triage").inc(report.mails - new_mail)
        self._mails.labels(self._account, "new_mail").inc(new_mail)
        waiting = report.plan.gathered.waiting
        self._screener.set(float("nan") if waiting is None else waiting)
        failures = (report.failures, report.label_failures, report.arrived.failures)
        for kind, failed in zip(_THING_FAILURES, failures, strict=True):
            self._failures.labels(self._account, kind).inc(len(failed))
        decisions = [filing.decision.id for filing in report.finished]
        for event_at in self._label_latency.pass_succeeded(
            ended.event_at, done=decisions, left=report.failures
        ):
            self._label_seconds.observe(ended.ended - event_at)
        mails = [verdict.email.id for verdict in report.arrived.filed]
        left = report.arrived.failures
        for event_at in self._arrival_latency.pass_succeeded(ended.event_at, done=mails, left=left):
            self._arrival_seconds.observe(ended.ended - event_at)


def _no_push() -> PushStatus:
    """Return the state of push while no service runs: off."""
    return PushStatus("off")
