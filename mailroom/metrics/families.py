"""The metrics of a process: one family for each metric, with a series for every account.

The state of push is read when the metrics are requested.
"""

import asyncio
import platform
from collections.abc import Callable, Iterator
from typing import Final

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
from mailroom.jmap.push import PushState, PushStatus
from mailroom.metrics.names import (
    ARRIVAL_SECONDS,
    BUILD,
    DECISIONS,
    FAILURES,
    LABEL_SECONDS,
    LAST_GOOD,
    MAILS,
    NOTICES,
    PASS_SECONDS,
    PASSES,
    PUSH,
    RECONNECTS,
    REFUSED,
    SCREENER,
    Definition,
)

# The library would add a second series of creation times beside every counter.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations

_BUCKETS: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)
"""Seconds. The buckets are finest below one second, where most latencies should be."""


class Metrics:
    """The metric families, and the page that shows them.

    Attributes:
        push: account name -> a function that returns the state of the account's push.
    """

    def __init__(self) -> None:
        self.push: dict[str, Callable[[], PushStatus]] = {}
        self._registry = CollectorRegistry()
        self.passes = self._counter(PASSES)
        self.pass_seconds = self._histogram(PASS_SECONDS)
        self.label_seconds = self._histogram(LABEL_SECONDS)
        self.arrival_seconds = self._histogram(ARRIVAL_SECONDS)
        self.decisions = self._counter(DECISIONS)
        self.mails = self._counter(MAILS)
        self.failures = self._counter(FAILURES)
        self.notices = self._counter(NOTICES)
        self.last_good = self._gauge(LAST_GOOD)
        self.screener = self._gauge(SCREENER)
        self.refused = self._gauge(REFUSED)
        self._registry.register(_CurrentState(self.push))
        ProcessCollector(registry=self._registry)

    def _counter(self, metric: Definition) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self._registry)

    def _gauge(self, metric: Definition) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self._registry)

    def _histogram(self, metric: Definition) -> Histogram:
        return Histogram(
            metric.name, metric.help, metric.labels, buckets=_BUCKETS, registry=self._registry
        )

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    async def page(self, _request: web.Request) -> web.Response:
        """Answer with :meth:`exposition`, made in a thread: with many accounts it takes a while."""
        body = await asyncio.to_thread(self.exposition)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


class _CurrentState(Collector):
    """The metrics whose values are read at each request: the version, and the state of push."""

    def __init__(self, push: dict[str, Callable[[], PushStatus]]) -> None:
        self._push = push

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily(BUILD.name, BUILD.help, labels=BUILD.labels)
        build.add_metric((__version__, platform.python_version()), 1)
        connected = GaugeMetricFamily(PUSH.name, PUSH.help, labels=PUSH.labels)
        reconnects = CounterMetricFamily(RECONNECTS.name, RECONNECTS.help, labels=RECONNECTS.labels)
        for account, push_status in tuple(self._push.items()):
            push = push_status()
            is_connected = push.status is PushState.CONNECTED
            connected.add_metric((account, push.transport), int(is_connected))
            reconnects.add_metric((account,), push.reconnects)
        yield from (build, connected, reconnects)
