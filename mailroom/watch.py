"""What is seen of an account from outside, and by whom it is told."""

from collections.abc import Callable
from dataclasses import dataclass

from mailroom.exits import Exit
from mailroom.health import Health
from mailroom.jmap.push import PushStatus
from mailroom.metrics import AccountMetrics, Metrics
from mailroom.settings import Settings


@dataclass(frozen=True, slots=True)
class Watch:
    """What is seen of an account from outside."""

    health: Health
    metrics: AccountMetrics

    @classmethod
    def of(cls, settings: Settings, families: Metrics) -> "Watch":
        """For an account that is to be seen in these families of metrics."""
        categories = [each.name for each in settings.categories]
        return cls(
            Health(poll_interval=settings.poll.interval),
            AccountMetrics(families, account=settings.name, categories=categories),
        )

    def started(self, push: Callable[[], PushStatus]) -> None:
        """A service takes the account up; ``push`` tells how its push is."""
        self.health.service_started(push)
        self.metrics.service_started(push)

    def refused(self, *, next_in: float) -> None:
        """Credentials are refused; in ``next_in`` seconds the account is opened anew."""
        self.health.service_refused(next_in=next_in)
        self.metrics.service_refused()

    def gave_up(self, code: Exit, *, next_in: float) -> None:
        """The service came to its end; in ``next_in`` seconds another follows."""
        self.health.service_gave_up(code, next_in=next_in)
        self.metrics.service_gave_up()
