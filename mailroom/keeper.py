"""Keeps one account going: opens it, has a service work on it, and closes it again.

A single account's end is the process's end, and whoever started that sees to the rest. Of several,
each is on its own: when its service gives up, the others work on, and another service takes the
account up later. What a person mended in the meantime shows then; what needs new settings needs a
new process anyway.
"""

import asyncio
from typing import Final, NoReturn

import structlog

from mailroom.account import open_account
from mailroom.backoff import full_jitter
from mailroom.exits import Exit
from mailroom.metrics import Metrics
from mailroom.service import Service
from mailroom.settings import Settings
from mailroom.watch import Watch

log = structlog.get_logger(__name__)

_PAUSES: Final = {Exit.FAILED: 60.0, Exit.INCOMPLETE: 240.0}
_LONG_PAUSE: Final = 3600.0
"""Seconds. Refused again and again, credentials may get the whole machine shut out."""


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
        """Work until that makes no sense any more, and tell the exit code; cancel it to stop."""
        async with open_account(self._settings) as account:
            return await Service(account, self._watch).run()

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
