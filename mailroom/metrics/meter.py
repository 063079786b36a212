"""Counts what the service tells of each pass, and exposes it to Prometheus.

How push is, is looked up when somebody asks. Nothing here may ever stop a pass.
"""

import platform
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mailroom import __version__
from mailroom.contacts.book import AddressBookError
from mailroom.http import (
    CredentialsRefusedError,
    HttpError,
    ServerFailureError,
    UnreachableError,
)
from mailroom.jmap.errors import JmapError
from mailroom.jmap.push import PushState, PushStatus
from mailroom.metrics.latency import Latency
from mailroom.metrics.names import (
    ARRIVAL_SECONDS,
    BUILD,
    DECISIONS,
    FAILURES,
    LABEL_SECONDS,
    LAST_GOOD,
    MAILS,
    PASS_SECONDS,
    PASSES,
    PUSH,
    RECONNECTS,
    SCREENER,
    Definition,
)
from mailroom.screener.missing import MissingError, UnsuitableError
from mailroom.screener.progress import Report
from mailroom.trigger import Due, Reason

log = structlog.get_logger(__name__)

# A second series beside every counter, which nobody looks at.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it out

_BUCKETS: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)
"""Seconds, the finest where it should be: within about one."""


_UNDONE: Final = "Screener"
_OUTCOMES: Final = ("done", "incomplete", "failed")
_BY: Final = ("triage", "new_mail")
_OF_PASSES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (CredentialsRefusedError, "credentials"),
    (UnreachableError, "unreachable"),
    (ServerFailureError, "server"),
    (HttpError, "answer"),
    (JmapError, "jmap"),
    (AddressBookError, "contacts"),
    (MissingError, "missing"),
    (UnsuitableError, "unsuitable"),
    (Exception, "mistake"),
)
"""What stands first is looked for first; what nobody expects is a mistake in Mailroom itself."""
_OF_THINGS: Final = ("decision", "label", "new_mail")


def failure_kind(error: Exception) -> str:
    """What kind of failure made a pass fail."""
    return next(kind for type_, kind in _OF_PASSES if isinstance(error, type_))


@dataclass(frozen=True, slots=True)
class PassEnded:
    """A pass is over. Times are seconds of the event loop's clock.

    Attributes:
        due: why it ran.
        started: when it began.
        ended: when it was over.
        result: what became of it, or why it failed.
    """

    due: Due
    started: float
    ended: float
    result: Report | Exception

    @property
    def outcome(self) -> str:
        """In a word."""
        if isinstance(self.result, Exception):
            return "failed"
        return "done" if self.result.is_complete else "incomplete"

    @property
    def told_at(self) -> float | None:
        """When an event told of what there was to do; None if none did."""
        return self.due.since if self.due.is_told else None


class Metrics:
    """Counts one account's passes, and exposes that and the state of push.

    Args:
        categories: the names of all categories.
        push: how push is now.
        now: the time of day, in seconds of Unix time.
    """

    def __init__(
        self,
        *,
        categories: Iterable[str],
        push: Callable[[], PushStatus],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._registry = CollectorRegistry()
        self._labels, self._arrivals = Latency(), Latency()
        self._passes = self._counter(PASSES)
        self._pass_seconds = self._histogram(PASS_SECONDS)
        self._label_seconds = self._histogram(LABEL_SECONDS)
        self._arrival_seconds = self._histogram(ARRIVAL_SECONDS)
        self._decisions = self._counter(DECISIONS)
        self._mails = self._counter(MAILS)
        self._failures = self._counter(FAILURES)
        self._last_good = Gauge(LAST_GOOD.name, LAST_GOOD.help, registry=self._registry)
        self._screener = Gauge(SCREENER.name, SCREENER.help, registry=self._registry)
        self._screener.set(float("nan"))
        self._registry.register(_Now(push))
        ProcessCollector(registry=self._registry)
        self._begin(categories)

    def _counter(self, of: Definition) -> Counter:
        return Counter(of.name, of.help, of.labels, registry=self._registry)

    def _histogram(self, of: Definition) -> Histogram:
        return Histogram(of.name, of.help, buckets=_BUCKETS, registry=self._registry)

    def _begin(self, categories: Iterable[str]) -> None:
        """Have every series there is begin with 0, so that the first event is an increase."""
        for reason in Reason:
            for outcome in _OUTCOMES:
                self._passes.labels(reason.value, outcome)
        for category in (*categories, _UNDONE):
            self._decisions.labels(category)
        for by in _BY:
            self._mails.labels(by)
        for kind in (*(kind for _, kind in _OF_PASSES), *_OF_THINGS):
            self._failures.labels(kind)

    def pass_ended(self, ended: PassEnded) -> None:
        """Count a pass. Raises nothing: what cannot be counted must not stop what can be done."""
        try:
            self._count(ended)
        except Exception:
            log.exception("a mistake in Mailroom itself: a pass was not counted")

    def _count(self, ended: PassEnded) -> None:
        self._passes.labels(ended.due.reason.value, ended.outcome).inc()
        self._pass_seconds.observe(ended.ended - ended.started)
        match ended.result:
            case Report() as report:
                self._last_good.set(self._now())
                self._count_done(report)
                self._count_left(report)
                self._measure(report, ended)
            case error:
                self._failures.labels(failure_kind(error)).inc()
                self._labels.failed(ended.told_at)
                self._arrivals.failed(ended.told_at)

    def _count_done(self, report: Report) -> None:
        for filing in report.finished:
            category = filing.decision.category
            self._decisions.labels(_UNDONE if category is None else category.name).inc()
        new_mail = len(report.arrived.filed)
        self._mails.labels("triage").inc(report.mails - new_mail)
        self._mails.labels("new_mail").inc(new_mail)
        waiting = report.plan.marked.waiting
        self._screener.set(float("nan") if waiting is None else waiting)

    def _count_left(self, report: Report) -> None:
        for kind, left in zip(
            _OF_THINGS, (report.failures, report.marks_failed, report.arrived.failures), strict=True
        ):
            self._failures.labels(kind).inc(len(left))

    def _measure(self, report: Report, ended: PassEnded) -> None:
        decisions = [each.decision.id for each in report.finished]
        for told_at in self._labels.passed(ended.told_at, done=decisions, left=report.failures):
            self._label_seconds.observe(ended.ended - told_at)
        arrived = report.arrived
        mails = [each.email.id for each in arrived.filed]
        for told_at in self._arrivals.passed(ended.told_at, done=mails, left=arrived.failures):
            self._arrival_seconds.observe(ended.ended - told_at)

    def exposition(self) -> bytes:
        """All of it, in Prometheus' text format, which whoever asks understands."""
        return generate_latest(self._registry)

    async def page(self, _request: web.Request) -> web.Response:
        """Answer with :meth:`exposition`."""
        return web.Response(
            body=self.exposition(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
        )


class _Now(Collector):
    """What is not counted but looked up."""

    def __init__(self, push: Callable[[], PushStatus]) -> None:
        self._push = push

    def collect(self) -> Iterator[Metric]:
        push = self._push()
        is_connected = push.status is PushState.CONNECTED
        yield _gauge(BUILD, (__version__, platform.python_version()), 1)
        yield _gauge(PUSH, (push.transport,), int(is_connected))
        yield CounterMetricFamily(RECONNECTS.name, RECONNECTS.help, value=push.reconnects)


def _gauge(of: Definition, labels: tuple[str, ...], value: float) -> Metric:
    family = GaugeMetricFamily(of.name, of.help, labels=of.labels)
    family.add_metric(labels, value)
    return family
