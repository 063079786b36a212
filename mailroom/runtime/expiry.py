"""Clears waiting mail that is older than the user wants to keep in the Screener."""

import asyncio
from typing import Final

import structlog

from mailroom.account import Account
from mailroom.report.failures import EXPECTED
from mailroom.screener.model.age import parse_age
from mailroom.screener.passes.clearing import Clearing

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

    async def run_if_due(self) -> None:
        """Clear old waiting mail if the setting asks for it and an hour is over.

        No failure is raised: the rest of the mail waits for the next time.
        """
        settings = self._account.settings
        older = settings.screener.expire
        now = asyncio.get_running_loop().time()
        if not older or (self._next is not None and now < self._next):
            return
        self._next = now + _INTERVAL
        try:
            mail = await self._account.mail()
            clearing = Clearing(mail, settings.categories, settings.screener.layout)
            cleared = await clearing.run(parse_age(older), lambda _done, _total: None)
        except EXPECTED as error:
            log.warning("old waiting mail not cleared", error=str(error), again_in=_INTERVAL)
            return
        except Exception:
            log.exception("a mistake in Mailroom itself: old waiting mail not cleared")
            return
        if cleared.mails:
            senders = len(cleared.senders)
            log.info("waiting mail cleared", mails=cleared.mails, senders=senders, older=older)
        if cleared.failures:
            first = next(iter(cleared.failures.values()))
            log.warning("waiting mail not cleared", mails=len(cleared.failures), error=first)
