"""The health of the process: that of all its accounts together."""

import time
from collections.abc import Callable, Mapping

from mailroom import __version__
from mailroom.health.account_health import Health


class Overview:
    """The state of all accounts, as it is reported to people and probes.

    The state of a single account is the state of the process. If there are several, the process is
    well or ready if one account is: a failing account must not cause a restart of the others. The
    report has each account's own state.

    Args:
        accounts: the accounts by name; the name of a single account is ``""``.
        clock: returns seconds of a clock that never goes back.
    """

    def __init__(
        self, accounts: Mapping[str, Health], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._accounts = dict(accounts)
        self._clock = clock
        self._started = clock()

    def is_well(self) -> bool:
        """Return True if any account is well, or there is no account to serve."""
        return not self._accounts or any(health.is_well() for health in self._accounts.values())

    def is_ready(self) -> bool:
        """Return True if any account is ready, or there is no account to serve."""
        return not self._accounts or any(health.is_ready() for health in self._accounts.values())

    def why_not_ready(self) -> str:
        """Return a reason for each account that is not ready, in a sentence; empty if unknown."""
        reasons = {
            name: health.why_not_ready()
            for name, health in self._accounts.items()
            if not health.is_ready()
        }
        return "; ".join(
            f"{name}: {reason}" if name else reason for name, reason in reasons.items() if reason
        )

    def is_alive(self) -> bool:
        """Return True if no pass is stuck; only a restart ends a stuck pass."""
        return all(health.is_alive() for health in self._accounts.values())

    def report(self) -> dict[str, object]:
        """Return the state as JSON data. Times of day are RFC 3339 in UTC, ages in seconds.

        The status of several accounts is ``failing`` if none is well, ``degraded`` if one is not,
        else ``ok`` or ``starting``.
        """
        process: dict[str, object] = {
            "version": __version__,
            "uptime": round(self._clock() - self._started, 3),
        }
        if "" in self._accounts:
            account = self._accounts[""].report()
            return {"status": account.pop("status"), **process, **account}
        statuses = {health.status() for health in self._accounts.values()}
        if not self.is_well():
            status = "failing"
        elif statuses <= {"ok", "starting"}:
            status = "starting" if "starting" in statuses else "ok"
        else:
            status = "degraded"
        accounts = {name: health.report() for name, health in self._accounts.items()}
        return {"status": status, **process, "accounts": accounts}
