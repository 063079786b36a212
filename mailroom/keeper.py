"""Keeps one account going: opens it, has a service work on it, and closes it again.

While credentials are refused the account is closed, so that push asks for nothing either. Before it
is opened again its settings are read anew, secret files included: a token that was rotated in the
meantime heals the account by itself.

Any other end of a single account's service is the process's end, and whoever started that sees to
the rest. Of several accounts each is on its own: when its service gives up, the others work on, and
another service takes the account up later.
"""

import asyncio
from typing import Final, NoReturn

import structlog

from mailroom.account import open_account
from mailroom.backoff import full_jitter
from mailroom.exits import Exit
from mailroom.failing import Patience
from mailroom.logs import hide_also
from mailroom.metrics import Metrics
from mailroom.service import Service
from mailroom.settings import Settings, SettingsError
from mailroom.watch import Watch

log = structlog.get_logger(__name__)

_PAUSES: Final = {Exit.FAILED: 60.0, Exit.INCOMPLETE: 240.0}
_LONG_PAUSE: Final = 3600.0
"""Seconds. A mistake in the settings is mended by a person."""


class Keeper:
    """Keeps one account going.

    Args:
        settings: the account's.
        families: where its metrics are exposed.

    Attributes:
        name: the account's; empty for a single one.
        health: how it is.
    """

    def __init__(self, settings: Settings, families: Metrics) -> None:
        self._settings = settings
        self._watch = Watch.of(settings, families)
        self.name = settings.name
        self.health = self._watch.health

    async def live(self) -> Exit:
        """Work until that makes no sense any more, and return the exit code; cancel it to stop.

        Refused credentials are no reason to end: see :mod:`mailroom.failing`.
        """
        patience = Patience(limit=self._settings.failure.limit)
        while True:
            async with open_account(self._settings) as account:
                code = await Service(account, self._watch, patience).run()
            if code is not Exit.CREDENTIALS:
                return code
            # Only now that the account is closed is it known what became of every request.
            now = asyncio.get_running_loop().time()
            patience.note_refused_requests(account.requests_refused, now=now)
            pause = patience.pause_when_refused(now=now)
            self._watch.refused(next_in=pause)
            log.error(
                "credentials refused; the account is closed until the next try",
                error=self.health.last_failure,
                next_in_seconds=round(pause, 1),
            )
            await asyncio.sleep(pause)
            self._read_settings_again()

    def _read_settings_again(self) -> None:
        """Take over what a person mended in the settings; mistakes in them change nothing."""
        try:
            self._settings = self._settings.read_again()
        except SettingsError as error:
            log.warning("the settings were not read again", error=str(error))
        else:
            hide_also(self._settings.secrets())

    async def live_on(self, *, delay: float) -> NoReturn:
        """Work as one of several: begin in ``delay`` seconds, and never end but by being cancelled.

        Everything that is logged has the account's name.
        """
        with structlog.contextvars.bound_contextvars(account=self.name):
            await asyncio.sleep(delay)
            while True:
                code = await self._try_to_live()
                pause = _pause(code)
                self._watch.gave_up(code, next_in=pause)
                log.error("given up", exit_code=int(code), next_in_seconds=round(pause, 1))
                await asyncio.sleep(pause)
                self._read_settings_again()

    async def _try_to_live(self) -> Exit:
        try:
            return await self.live()
        except Exception:
            log.exception("a mistake in Mailroom itself ended the account's service")
            return Exit.FAILED


def _pause(code: Exit) -> float:
    """Seconds until an account that was given up is taken up again: half of it at least."""
    pause = _PAUSES.get(code, _LONG_PAUSE)
    return full_jitter(1, base=pause / 2, cap=pause, floor=pause / 2)
