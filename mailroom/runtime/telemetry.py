"""The view of an account from outside: its health and its metrics together."""

from collections.abc import Callable
from dataclasses import dataclass

from mailroom.exits import Exit
from mailroom.health import Health
from mailroom.jmap.push import PushStatus
from mailroom.metrics import AccountMetrics, Metrics
from mailroom.settings import Settings


@dataclass(frozen=True, slots=True)
class Telemetry:
    """An account's health and metrics; the service reports its events to both here."""

    health: Health
    metrics: AccountMetrics

    @classmethod
    def of(cls, settings: Settings, families: Metrics) -> "Telemetry":
        """Return the telemetry of an account that counts in these families of metrics."""
        categories = [each.name for each in settings.categories]
        return cls(
            Health(poll_interval=settings.poll.interval),
            AccountMetrics(families, account=settings.name, categories=categories),
        )

    def started(self, push: Callable[[], PushStatus]) -> None:
        """Note that a service starts; ``push`` returns the state of its push."""
        self.health.service_started(push)
        self.metrics.service_started(push)

    def refused(self, *, next_in: float) -> None:
        """Note that credentials are refused; the account is opened again in ``next_in`` seconds."""
        self.health.service_refused(next_in=next_in)
        self.metrics.service_refused()

    def gave_up(self, code: Exit, *, next_in: float) -> None:
        """Note that the service gave up; another one starts in ``next_in`` seconds."""
        self.health.service_gave_up(code, next_in=next_in)
        self.metrics.service_gave_up()
