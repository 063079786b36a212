"""How the process is: the accounts that it serves, taken together."""

import time
from collections.abc import Callable, Mapping

from mailroom import __version__
from mailroom.health.account import Health


class Overview:
    """What is seen from outside of all accounts.

    A single account is seen as it is. Of several it is enough that one is well or ready, for what
    ails another must not take the process from those that do; each account's own state is told.

    Args:
        accounts: by name; a single one is called ``""``.
        clock: seconds, never going back.
    """

    def __init__(
        self, accounts: Mapping[str, Health], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._accounts = dict(accounts)
        self._clock = clock
        self._started = clock()

    def is_well(self) -> bool:
        """Whether any account is, or there is none to serve."""
        return not self._accounts or any(each.is_well() for each in self._accounts.values())

    def is_ready(self) -> bool:
        """Whether any account is, or there is none to serve."""
        return not self._accounts or any(each.is_ready() for each in self._accounts.values())

    def why_not_ready(self) -> str:
        """Return why the accounts that are not ready are not, in a sentence; empty if unknown."""
        told = {
            name: each.why_not_ready()
            for name, each in self._accounts.items()
            if not each.is_ready()
        }
        return "; ".join(f"{name}: {why}" if name else why for name, why in told.items() if why)

    def is_alive(self) -> bool:
        """Whether no pass is stuck: that is a mistake of ours, which only a restart can mend."""
        return all(each.is_alive() for each in self._accounts.values())

    def report(self) -> dict[str, object]:
        """Everything, as JSON can hold it. Times of day are RFC 3339 in UTC, ages in seconds."""
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
        """In a word: ``ok`` or ``starting`` if all accounts are, ``degraded`` if not all."""
        if not self.is_well():
            return "failing"
        found = {each.status() for each in self._accounts.values()}
        if found <= {"ok", "starting"}:
            return "starting" if "starting" in found else "ok"
        return "degraded"
