"""The service of one account: its passes, and what follows from their success or failure.

Two tasks: one listens to push and only reports that something changed; the other runs passes, one
at a time, when the trigger says that a pass is due. Two further tasks write the digest and send
notices, if the settings ask for them. A failure of push, the digest or notices stops no pass.
"""

import asyncio
from typing import TYPE_CHECKING, NoReturn

import structlog

from mailroom.account import Account
from mailroom.exits import Exit
from mailroom.logs import redactor
from mailroom.metrics import PassEnded
from mailroom.report import log_report
from mailroom.report.failures import EXPECTED
from mailroom.runtime.expiry import Expiry
from mailroom.runtime.failure_policy import FailurePolicy, GiveUp, TryAgain
from mailroom.runtime.push_listener import PushListener
from mailroom.runtime.requested_passes import RequestedPasses
from mailroom.runtime.telemetry import Telemetry
from mailroom.screener.passes.progress import Report
from mailroom.waiting.concurrency import all_of
from mailroom.waiting.trigger import Due, Trigger

if TYPE_CHECKING:
    from mailroom.runtime.digest_schedule import DigestSchedule
    from mailroom.runtime.notices import NoticeRounds

log = structlog.get_logger(__name__)


class GaveUpError(Exception):
    """Ends the service with this exit code."""

    def __init__(self, code: Exit) -> None:
        super().__init__(code)
        self.code = code


class Service:
    """Keeps one account screened.

    Args:
        account: the account.
        telemetry: receives the service's events, and outlives the service.
        policy: decides what follows from a failure, and may outlive the service; None: a new one.

    Attributes:
        health: the account's state as it is reported to people and probes.
        passes: the passes that the account's page asks for.
    """

    def __init__(
        self, account: Account, telemetry: Telemetry, policy: FailurePolicy | None = None
    ) -> None:
        settings = account.settings
        self.health = telemetry.health
        self._account = account
        self._telemetry = telemetry
        self._policy = policy or FailurePolicy(limit=settings.failure.limit)
        self._trigger = Trigger(poll_interval=settings.poll.interval, settle=settings.push.settle)
        self._push = PushListener(account, self._trigger, self._policy)
        self._expiry = Expiry(account)
        self.passes = RequestedPasses(self._trigger, account.workflow)
        self._digest, self._notices = _parts_asked_for(account, self.passes.turn, telemetry)
        self._hide = redactor(settings.secrets())
        self._is_checked = False
        # The next pass begins to read this many seconds before the end of its settle. The last
        # reading took this time, so the next reading will end together with the settle.
        self._lead = 0.0

    async def run(self) -> Exit:
        """Work until the service gives up, and return the exit code; cancel the task to stop."""
        self._telemetry.service_started(self._push.status)
        try:
            tasks = [self._run_passes(), self._push.listen()]
            tasks += [task.run() for task in (self._digest, self._notices) if task is not None]
            await all_of(tasks)
        except GaveUpError as gave_up:
            return gave_up.code
        finally:
            self._push.close()
            self.passes.close()
        raise AssertionError("passes go on for ever")

    async def _run_passes(self) -> NoReturn:
        while True:
            due = await self._trigger.next(lead=self._lead)
            async with self.passes.turn:
                self.passes.take_requests()
                result = await self._run_pass(due)
            self.passes.pass_ended(result)
            if isinstance(result, Exception):
                self._failed(result)
                continue
            self._succeeded(due, result)
            # Do a part of the hourly work, if it is due, and further parts until the next pass.
            has_more = True
            while has_more:
                async with self.passes.turn:
                    has_more = await self._expiry.run_part_if_due()
                if self._trigger.is_due:
                    break

    async def _run_pass(self, due: Due) -> Report | Exception:
        """Run a pass; return its report, or the error because of which it failed."""
        self._telemetry.pass_started(due)
        self._push.pass_started()
        log.debug("pass begins", trigger=due.reason.value)
        started, failed_before = _now(), self.health.failures_in_a_row
        result: Report | Exception
        try:
            result = await self._screen()
        except EXPECTED as error:
            result = error
        except Exception as error:
            log.exception("a mistake in Mailroom itself made the pass fail")
            result = error
        ended = PassEnded(due, started=started, ended=_now(), result=result)
        self._telemetry.pass_ended(ended, hide=self._hide)
        if failed_before and not isinstance(result, Exception):
            log.info("passes succeed again", failed_before=failed_before)
        return result

    async def _screen(self) -> Report:
        workflow = await self._account.workflow()
        self._telemetry.session_up()
        # After a refusal, only a whole pass shows that the credentials are accepted everywhere.
        if not self._policy.refusals:
            self._push.credentials_accepted()
        if not self._is_checked:
            await workflow.check()
            self._is_checked = True
        began = _now()

        async def is_still_current(state: str) -> bool:
            """Wait for the settle's end; return False if the pass must read the account again."""
            self._lead = _now() - began
            if not self._trigger.is_early:
                return True
            has_changed = await self._trigger.must_read_again()
            has_news = self._push.has_news_after(state) or has_changed
            is_up_to_date = not has_news and self.passes.requests_are_met_by(state)
            self.passes.take_requests()
            if not is_up_to_date:
                # In a busy account an early reading is often in vain, so the next one is not early.
                self._lead = 0.0
            return is_up_to_date

        return await workflow.run(is_still_current)

    def _succeeded(self, due: Due, report: Report) -> None:
        log_report(log, report)
        log.debug("pass ended", seen=report.trail.seen, steps=report.trail.steps)
        if report.has_effect or not report.is_complete:
            log.info(
                "pass done",
                trigger=due.reason.value,
                seconds=round(_now() - due.since, 3),
                mails=report.mails,
            )
        self._push.credentials_accepted()
        self._push.pass_succeeded(due, report)
        if self._digest is not None:
            self._digest.pass_succeeded()
        if self._notices is not None:
            self._notices.pass_ended(report)
        follow_up = self._policy.succeeded(complete=report.is_complete)
        if follow_up is not None:
            self._trigger.retry(follow_up.seconds)

    def _failed(self, error: Exception) -> None:
        self._push.pass_failed()
        # The session may be out of date: its URLs, limits and accounts are read anew.
        self._account.client.forget_session()
        match self._policy.failed(error, now=_now()):
            case GiveUp(code=Exit.CREDENTIALS as code):
                log.warning("pass failed", error=str(error))
                raise GaveUpError(code)
            case GiveUp(code=code):
                log.error("giving up", error=str(error), exit_code=int(code))
                raise GaveUpError(code)
            case TryAgain(seconds=seconds, not_before=not_before):
                log.warning("pass failed", error=str(error), next_in_seconds=round(seconds, 1))
                self._trigger.retry(seconds, not_before=not_before)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _parts_asked_for(
    account: Account, turn: asyncio.Lock, telemetry: Telemetry
) -> "tuple[DigestSchedule | None, NoticeRounds | None]":
    """Return the parts that the settings ask for; None in place of the others."""
    # The code of a part is loaded only if it is needed: the digest loads a template engine.
    digest = notices = None
    if account.settings.digest.is_on:
        from mailroom.runtime.digest_schedule import DigestSchedule  # noqa: PLC0415

        digest = DigestSchedule(account, telemetry.metrics.digest_failed)
    if account.settings.notify.is_on:
        from mailroom.runtime.notices import NoticeRounds  # noqa: PLC0415

        notices = NoticeRounds(account, turn, telemetry.metrics.notice_ended)
    return digest, notices
