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
        return not self._accounts or any(each.is_well() for each in self._accounts.values())

    def is_ready(self) -> bool:
        """Return True if any account is ready, or there is no account to serve."""
        return not self._accounts or any(each.is_ready() for each in self._accounts.values())

    def why_not_ready(self) -> str:
        """Return a reason for each account that is not ready, in a sentence; empty if unknown."""
        told = {
            name: each.why_not_ready()
            for name, each in self._accounts.items()
            if not each.is_ready()
        }
        return "; ".join(f"{name}: {why}" if name else why for name, why in told.items() if why)

    def is_alive(self) -> bool:
        """Return True if no pass is stuck; only a restart ends a stuck pass."""
        return all(each.is_alive() for each in self._accounts.values())

    def report(self) -> dict[str, object]:
        """Return the state as JSON data. Times of day are RFC 3339 in UTC, ages in seconds."""
        process: dict[str, object] = {
            "version": __version__,
            "uptime": round(self._clock() - self._started, 3),
        }
        if "" in self._accounts:
            account = self._accounts[""].report()
            return {"status": account.pop("status"), **process, **account}
        accounts = {name: each.report() for name, each in self._accounts.items()}
        return {"status": self._status(), **process, "accounts": accounts}

    def _status(self) -> str:
        """Return ``ok`` or ``starting`` if no account has a worse status, else ``degraded``."""
        if not self.is_well():
            return "failing"
        found = {each.status() for each in self._accounts.values()}
        if found <= {"ok", "starting"}:
            return "starting" if "starting" in found else "ok"
        return "degraded"
