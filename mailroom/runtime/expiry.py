"""Hourly work of the service: clears old waiting mail, and removes codes from the Inbox."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from mailroom.account import Account
from mailroom.report.failures import EXPECTED
from mailroom.screener.model.age import parse_age
from mailroom.screener.passes.clearing import Clearing
from mailroom.screener.passes.code_removal import begin_code_removal
from mailroom.screener.passes.mail_run import MailRun

log = structlog.get_logger(__name__)

_INTERVAL: Final = 3600.0
"""Seconds from one run to the next."""


class Expiry:
    """Clears old waiting mail and removes old codes from the Inbox once an hour, between passes.

    Args:
        account: the account; its settings say which of the two is done.
    """

    def __init__(self, account: Account) -> None:
        settings = account.settings
        categories, layout = settings.categories, settings.screener.layout
        self._tasks: list[_Hourly] = []
        if older := settings.screener.expire:

            async def begin_clearing() -> MailRun:
                clearing = Clearing(await account.mail(), categories, layout)
                return await clearing.begin(parse_age(older))

            more = {"older": older}
            self._tasks.append(_Hourly("waiting mail", "cleared", begin_clearing, more))
        if settings.has_codes:

            async def begin_removal() -> MailRun:
                return await begin_code_removal(await account.mail(), categories, layout)

            self._tasks.append(
                _Hourly("mail with codes", "taken out of the Inbox", begin_removal, {})
            )

    async def run_part_if_due(self) -> bool:
        """Do a part of the work, if the settings ask for it and an hour is over.

        No failure is raised: the rest of the mail waits for the next time.

        Returns:
            True if there is more to do. The caller may let a pass run first.
        """
        for task in self._tasks:
            if task.is_due:
                has_more = await task.run_part()
                return has_more or any(task.is_due for task in self._tasks)
        return False


class _Hourly:
    """Work that is done once an hour, in parts.

    Args:
        what: the mail, for the log.
        done: the participle of the work, for the log.
        begin: begins the work.
        more: further facts for the log.
    """

    def __init__(
        self,
        what: str,
        done: str,
        begin: Callable[[], Awaitable[MailRun]],
        more: dict[str, str],
    ) -> None:
        self._what, self._done = what, done
        self._begin = begin
        self._more = more
        self._next: float | None = None
        self._under_way: MailRun | None = None

    @property
    def is_due(self) -> bool:
        """True if the work is under way, or an hour is over."""
        is_time = self._next is None or asyncio.get_running_loop().time() >= self._next
        return self._under_way is not None or is_time

    async def run_part(self) -> bool:
        """Do a part of the work; return True if there is more."""
        run, self._under_way = self._under_way, None
        not_done = f"old {self._what} not {self._done}"
        try:
            if run is None:
                self._next = asyncio.get_running_loop().time() + _INTERVAL
                run = await self._begin()
            if run.has_more:
                await run.patch_part()
        except EXPECTED as error:
            log.warning(not_done, error=str(error), again_in=_INTERVAL)
            return False
        except Exception:
            log.exception("a mistake in Mailroom itself", effect=not_done)
            return False
        if run.has_more:
            self._under_way = run
            return True
        result = run.result
        if result.mails:
            senders = len(result.senders)
            done = f"{self._what} {self._done}"
            log.info(done, mails=result.mails, senders=senders, **self._more)
        if result.failures:
            first = next(iter(result.failures.values()))
            failed = f"{self._what} not {self._done}"
            log.warning(failed, mails=len(result.failures), error=first)
        return False
