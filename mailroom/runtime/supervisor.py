"""Supervises the service of one account: opens the account, runs a service on it, and closes it.

While credentials are refused the account is closed, so that neither passes nor push send requests.
Before the account is opened again, its settings and secret files are read again: a token that was
renewed in the meantime is enough to mend the account.

If there is one account and its service gives up for another reason, the process ends. Kubernetes,
systemd or Docker then decides if it starts the process again. If there are several accounts and the
service of one gives up, the others go on, and a new service is started later.
"""

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from mailroom.account import open_account
from mailroom.exits import Exit
from mailroom.logs import hide_also
from mailroom.metrics import Metrics
from mailroom.runtime.failure_policy import FailurePolicy
from mailroom.runtime.service import Service
from mailroom.runtime.telemetry import Telemetry
from mailroom.settings.mistakes import SettingsError
from mailroom.settings.model import Settings
from mailroom.waiting.backoff import full_jitter

if TYPE_CHECKING:
    from mailroom.runtime.page import PageAccount

log = structlog.get_logger(__name__)

_PAUSES: Final = {Exit.FAILED: 60.0, Exit.INCOMPLETE: 240.0}
"""Seconds until one of several accounts is tried again, by its service's exit code."""
_LONG_PAUSE: Final = 3600.0
"""Seconds, for all other codes: only a person can mend a mistake in the settings."""


class Supervisor:
    """Runs services on one account, one after the other.

    Args:
        settings: the account's settings.
        metrics: the metrics of the process.

    Attributes:
        name: the account's name; empty for a single account.
        health: the account's state.
        page: the account as the page sees it; None if its page is off.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._telemetry = Telemetry.of(settings, metrics)
        self.name = settings.name
        self.health = self._telemetry.health
        self.page: PageAccount | None = None
        if settings.web.is_on:
            # The code of the page is loaded only if the page is on.
            from mailroom.runtime import page  # noqa: PLC0415

            self.page = page.PageAccount(settings)

    async def run(self) -> Exit:
        """Work until the service gives up, and return the exit code; cancel the task to stop.

        Refused credentials are waited out: see :mod:`mailroom.runtime.failure_policy`.
        """
        policy, page = FailurePolicy(limit=self._settings.failure.limit), self.page
        while True:
            async with open_account(self._settings) as account:
                service = Service(account, self._telemetry, policy)
                with nullcontext() if page is None else page.serve(account, service.passes):
                    code = await service.run()
            if code is not Exit.CREDENTIALS:
                return code
            # The number of refused requests is final only after the account is closed.
            now = asyncio.get_running_loop().time()
            policy.note_refused_requests(account.requests_refused, now=now)
            pause = policy.pause_when_refused(now=now)
            self._telemetry.credentials_refused(next_in=pause)
            log.error(
                "credentials refused; the account is closed until the next try",
                error=self.health.last_failure,
                next_in_seconds=round(pause, 1),
            )
            await asyncio.sleep(pause)
            self._read_settings_again()
            policy.limit = self._settings.failure.limit

    async def run_forever(self, *, delay: float) -> NoReturn:
        """Run as one of several accounts: begin in ``delay`` seconds, and go on until cancelled.

        Every log line has the account's name.
        """
        with structlog.contextvars.bound_contextvars(account=self.name):
            await asyncio.sleep(delay)
            while True:
                try:
                    code = await self.run()
                except Exception:
                    log.exception("a mistake in Mailroom itself ended the account's service")
                    code = Exit.FAILED
                pause = restart_pause(code)
                self._telemetry.gave_up(code, next_in=pause)
                log.error("given up", exit_code=int(code), next_in_seconds=round(pause, 1))
                await asyncio.sleep(pause)
                self._read_settings_again()

    def _read_settings_again(self) -> None:
        """Load the settings again; if they have mistakes, keep the settings as they were."""
        try:
            # This import loads pydantic, which takes memory that most services never need. The
            # import may fail if the program's files were replaced since the service began.
            from mailroom.settings.load import load_again  # noqa: PLC0415

            self._settings = load_again(self._settings)
        except SettingsError as error:
            log.warning("the settings were not read again", error=str(error))
        except Exception:
            # If the exception were raised, it would end the process with all its accounts.
            log.exception("a mistake in Mailroom itself: the settings were not read again")
        else:
            hide_also(self._settings.secrets())
            self.health.poll_interval = self._settings.poll.interval


def restart_pause(code: Exit) -> float:
    """Return the seconds until the next service: at random, from half of the pause to all of it.

    If several accounts gave up because of one server, they do not come back at the same moment.
    """
    pause = _PAUSES.get(code, _LONG_PAUSE)
    return full_jitter(1, base=pause / 2, cap=pause, floor=pause / 2)
