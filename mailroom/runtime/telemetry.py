"""Reports the events of one account's service to its health and to its metrics."""

from collections.abc import Callable
from dataclasses import dataclass

from mailroom.exits import Exit
from mailroom.health import Health
from mailroom.jmap.push import PushStatus
from mailroom.metrics import AccountMetrics, Metrics, PassEnded
from mailroom.report import left_undone
from mailroom.settings.model import Settings
from mailroom.waiting.trigger import Due


@dataclass(frozen=True, slots=True)
class Telemetry:
    """An account's health and metrics. The service and its supervisor report each event once."""

    health: Health
    metrics: AccountMetrics

    @classmethod
    def of(cls, settings: Settings, metrics: Metrics) -> "Telemetry":
        """Return the telemetry of an account that counts in the metrics of the process."""
        categories = [category.name for category in settings.categories]
        return cls(
            Health(poll_interval=settings.poll.interval),
            AccountMetrics(metrics, account=settings.name, categories=categories),
        )

    def service_started(self, push: Callable[[], PushStatus]) -> None:
        """Note that a service starts; ``push`` returns the state of its push."""
        self.health.service_started(push)
        self.metrics.service_started(push)

    def session_up(self) -> None:
        """Note that the session was fetched, for the first time or again."""
        self.health.session_up()

    def pass_started(self, due: Due) -> None:
        """Note that a pass begins, and why."""
        self.health.pass_started(due.reason)

    def pass_ended(self, ended: PassEnded, *, hide: Callable[[str], str]) -> None:
        """Note that a pass ended; ``hide`` removes secrets from texts that are shown."""
        self.metrics.pass_ended(ended)
        if isinstance(ended.result, Exception):
            self.health.pass_failed(hide(str(ended.result)))
            return
        report = ended.result
        self.health.pass_succeeded(
            decisions=len(report.finished),
            mails=report.mails,
            left=[(kind, count, hide(reason)) for kind, count, reason in left_undone(report)],
            stuck={hide(subject): hide(reason) for subject, reason in report.stuck.items()},
        )

    def credentials_refused(self, *, next_in: float) -> None:
        """Note that credentials are refused; the account is opened again in ``next_in`` seconds."""
        self.health.service_refused(next_in=next_in)
        self.metrics.service_refused()

    def gave_up(self, code: Exit, *, next_in: float) -> None:
        """Note that the service gave up; another one starts in ``next_in`` seconds."""
        self.health.service_gave_up(code, next_in=next_in)
        self.metrics.service_gave_up()
