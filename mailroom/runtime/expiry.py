"""Clears waiting mail that is older than the user wants to keep in the Screener."""

import asyncio
from typing import Final

import structlog

from mailroom.account import Account
from mailroom.report.failures import EXPECTED
from mailroom.screener.model.age import parse_age
from mailroom.screener.passes.clearing import Cleared, Clearing, ClearingRun

log = structlog.get_logger(__name__)

_INTERVAL: Final = 3600.0
"""Seconds from one clearing to the next."""


class Expiry:
    """Clears old waiting mail once an hour, between passes.

    Args:
        account: the account; its setting ``screener.expire`` is the age.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._next: float | None = None
        self._under_way: ClearingRun | None = None

    async def run_part_if_due(self) -> bool:
        """Clear a part of the old waiting mail, if the setting asks for it and an hour is over.

        No failure is raised: the rest of the mail waits for the next time.

        Returns:
            True if there is more to clear. The caller may let a pass run first.
        """
        now, settings = asyncio.get_running_loop().time(), self._account.settings
        is_due = self._under_way is not None or self._next is None or now >= self._next
        if not settings.screener.expire or not is_due:
            return False
        run, self._under_way = self._under_way, None
        try:
            if run is None:
                self._next = now + _INTERVAL
                mail, layout = await self._account.mail(), settings.screener.layout
                clearing = Clearing(mail, settings.categories, layout)
                run = await clearing.begin(parse_age(settings.screener.expire))
            if run.has_more:
                await run.clear_part()
        except EXPECTED as error:
            log.warning("old waiting mail not cleared", error=str(error), again_in=_INTERVAL)
            return False
        except Exception:
            log.exception("a mistake in Mailroom itself: old waiting mail not cleared")
            return False
        if run.has_more:
            self._under_way = run
        else:
            self._log(run.cleared)
        return run.has_more

    def _log(self, cleared: Cleared) -> None:
        if cleared.mails:
            senders, older = len(cleared.senders), self._account.settings.screener.expire
            log.info("waiting mail cleared", mails=cleared.mails, senders=senders, older=older)
        if cleared.failures:
            first = next(iter(cleared.failures.values()))
            log.warning("waiting mail not cleared", mails=len(cleared.failures), error=first)
