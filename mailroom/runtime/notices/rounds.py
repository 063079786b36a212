"""Decides when notices are sent: after a pass that found a new sender, or after quiet hours.

All of this runs beside the passes, which go on while the server of the notices does not answer.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, NoReturn

import structlog

from mailroom.account import Account
from mailroom.admin.notices import composer_of, open_notice_client
from mailroom.admin.waiting import waiting_data
from mailroom.jmap.mail import moment_of
from mailroom.logs import redactor
from mailroom.notices.notice import NewSender, Notice
from mailroom.notices.quiet import QuietHours
from mailroom.report.failures import EXPECTED
from mailroom.runtime.notices.claims import ClaimError, Newcomer, NoticeClaims
from mailroom.runtime.notices.sender import NoticeSender
from mailroom.screener.model.keywords import NOTICE
from mailroom.screener.passes.progress import Report
from mailroom.waiting.concurrency import both

log = structlog.get_logger(__name__)

_AGAIN: Final = 60.0
"""Seconds until new senders are looked for again after a failure."""
_LONGEST_SLEEP: Final = 600.0
"""Seconds until quiet hours are looked at again, because clocks are set and machines sleep."""


class NoticeRounds:
    """The notices of one account.

    Args:
        account: the account; its settings say where notices are sent, and when.
        turn: the lock of the passes, which is held while a notice is claimed.
        count: called with the outcome of each notice: ``sent`` or ``dropped``.
        now: returns the time.
    """

    def __init__(
        self,
        account: Account,
        turn: asyncio.Lock,
        count: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        settings = account.settings
        self._account = account
        self._turn = turn
        self._count = count
        self._now = now
        self._quiet = QuietHours.parse(settings.notify.quiet)
        self._composer = composer_of(settings)
        self._hide = redactor(settings.secrets())
        self._claims: NoticeClaims | None = None
        self._is_woken = asyncio.Event()
        self._had_pass = False

    def pass_ended(self, report: Report) -> None:
        """Note the report of a pass, which may have put a new sender's mail into the Screener."""
        is_owed = any(
            f"keywords/{NOTICE}" in (verdict.patch or {}) for verdict in report.arrived.filed
        )
        # At the first pass, notices may be owed since before the start of this process.
        if is_owed or not self._had_pass:
            self._had_pass = True
            self._is_woken.set()

    async def run(self) -> NoReturn:
        """Send notices for ever."""
        async with open_notice_client(self._account.settings) as client:
            sender = NoticeSender(client, self._count)
            await both(sender.run(), self._look_for_ever(sender))
            raise AssertionError("both go on for ever")

    async def _look_for_ever(self, sender: NoticeSender) -> NoReturn:
        has_succeeded = True
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if has_succeeded else _AGAIN):
                    await self._is_woken.wait()
            while self._quiet is not None and self._is_quiet_at(now := self._now()):
                left = self._quiet.seconds_left(now.astimezone(self._account.settings.zone))
                await asyncio.sleep(min(left, _LONGEST_SLEEP))
            self._is_woken.clear()
            has_succeeded = await self._look(sender)

    def _is_quiet_at(self, moment: datetime) -> bool:
        local = moment.astimezone(self._account.settings.zone)
        return self._quiet is not None and self._quiet.covers(local)

    async def _look(self, sender: NoticeSender) -> bool:
        """Claim the notices that are owed, and queue them; return False after a failure."""
        try:
            while True:
                async with self._turn:
                    if self._claims is None:
                        settings = self._account.settings
                        mail, layout = await self._account.mail(), settings.screener.layout
                        self._claims = NoticeClaims(mail, settings.categories, layout)
                    newcomers = await self._claims.claim()
                if newcomers is None:
                    return True
                for notice in self._notices_about(newcomers):
                    sender.put(notice)
        except (*EXPECTED, ClaimError) as error:
            reason = self._hide(str(error))
            log.warning("new senders not looked for", error=reason, again_in=_AGAIN)
        except Exception:
            log.exception("a mistake in Mailroom itself: new senders not looked for")
        return False

    def _notices_about(self, newcomers: Iterable[Newcomer]) -> list[Notice]:
        is_about_all = self._account.settings.notify.about == "everybody"
        chosen = [
            NewSender(
                who=str(waiting.subject or ""),
                name=waiting.name,
                address=waiting.address,
                subject_line=waiting.subject_line,
                mail_id=waiting.newest_id,
                since=moment_of(waiting.since) or self._now(),
                data=waiting_data(waiting),
            )
            for newcomer in newcomers
            if is_about_all or newcomer.is_person
            for waiting in [newcomer.waiting]
        ]
        # The time of the mail decides, because this process may have started after quiet hours.
        is_held = any(self._is_quiet_at(new_sender.since) for new_sender in chosen)
        held_since = f"{self._quiet.begin:%H:%M}" if self._quiet and is_held else ""
        return self._composer.notices(chosen, held_since=held_since)
