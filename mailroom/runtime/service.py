"""The service of one account: push, polls, passes, failures.

Two tasks: one listens to push and only reports that something changed; the other runs passes, one
at a time, when the trigger says that a pass is due. Neither task depends on the other's failures.
"""

import asyncio
from contextlib import aclosing
from typing import Final, NoReturn

import structlog

from mailroom.account import Account
from mailroom.exits import Exit
from mailroom.http import CredentialsRefusedError
from mailroom.jmap.push import (
    Connected,
    Disconnected,
    Push,
    PushEvent,
    PushState,
    PushStatus,
    StateChange,
)
from mailroom.logs import hider, redactor
from mailroom.metrics import PassEnded
from mailroom.report import left_undone, log_report
from mailroom.runtime.failure_policy import EXPECTED, FailurePolicy, GiveUp, TryAgain
from mailroom.runtime.missed_push import MissedPushDetector
from mailroom.runtime.own_changes import OwnChanges
from mailroom.runtime.state_recheck import StateRecheck
from mailroom.runtime.telemetry import Telemetry
from mailroom.screener.passes.progress import Report
from mailroom.waiting.trigger import Due, Reason, Trigger

log = structlog.get_logger(__name__)

_FAST_POLL: Final = 30.0
"""Seconds between polls while push cannot be relied on."""


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
        policy: decides what follows from a failure, and may outlive the service; None: a new
            one.

    Attributes:
        health: the account's state as it is reported to people and probes.
    """

    def __init__(
        self, account: Account, telemetry: Telemetry, policy: FailurePolicy | None = None
    ) -> None:
        settings = account.settings
        self.health = telemetry.health
        self._telemetry = telemetry
        self._account = account
        self._trigger = Trigger(poll_interval=settings.poll.interval, settle=settings.push.settle)
        self._policy = policy or FailurePolicy(limit=settings.failure.limit)
        self._hide = redactor(settings.secrets())
        self._let_in = asyncio.Event()
        self._own_changes = OwnChanges()
        self._missed_push = MissedPushDetector()
        self._state_recheck = StateRecheck(account.email_state, self._trigger.change)
        self._is_deaf = False
        self._passing = False
        self._complete = False
        self._push = _push(account)

    def _push_status(self) -> PushStatus:
        return PushStatus("off") if self._push is None else self._push.status

    async def run(self) -> Exit:
        """Work until the service gives up, and return the exit code; cancel the task to stop."""
        self._telemetry.started(self._push_status)
        self._adjust_poll()
        code = Exit.FAILED
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._run_passes(), name="passes")
                tasks.create_task(self._listen(), name="push")
        except* GaveUpError as gave_up:
            for error in gave_up.exceptions:
                code = getattr(error, "code", code)
        finally:
            self._state_recheck.cancel()
        return code

    async def _run_passes(self) -> NoReturn:
        while True:
            due = await self._trigger.next()
            self._passing = True
            self._state_recheck.cancel()
            try:
                await self._run_pass(due)
            finally:
                self._passing = False
            self._look_for_news()

    async def _run_pass(self, due: Due) -> None:
        self.health.pass_started(due.reason)
        log.debug("pass begins", trigger=due.reason.value)
        started = _now()
        result = await self._try_to_screen()
        self._telemetry.metrics.pass_ended(
            PassEnded(due, started=started, ended=_now(), result=result)
        )
        if isinstance(result, Exception):
            self._failed(result)
        else:
            self._succeeded(due, result)

    async def _try_to_screen(self) -> Report | Exception:
        try:
            return await self._screen()
        except EXPECTED as error:
            return error
        except Exception as error:
            log.exception("a mistake in Mailroom itself made the pass fail")
            return error

    async def _screen(self) -> Report:
        workflow = await self._account.workflow()
        self.health.session_up()
        if not self._policy.refusals:
            self._let_in.set()
        if not self._complete:
            await workflow.check()
            self._complete = True
        return await workflow.run()

    def _succeeded(self, due: Due, report: Report) -> None:
        log_report(log, report)
        if failed := self.health.failures_in_a_row:
            log.info("passes go through again", failed=failed)
        self._let_in.set()
        self.health.pass_succeeded(
            senders=len(report.finished),
            mails=report.mails,
            left=[(what, count, self._hide(why)) for what, count, why in left_undone(report)],
            stuck={self._hide(who): self._hide(why) for who, why in report.stuck.items()},
        )
        self._own_changes.passed(report.trail, at=_now())
        log.debug("pass ended", seen=report.trail.seen, steps=report.trail.steps)
        self._doubt_push(due, report)
        if report.trail.steps and report.trail.end and self._is_push_up():
            self._state_recheck.schedule(report.trail.end)
        if report.has_effect or not report.is_complete:
            log.info(
                "pass done",
                trigger=due.reason.value,
                seconds=round(_now() - due.since, 3),
                mails=report.mails,
            )
        follow_up = self._policy.succeeded(complete=report.is_complete)
        if follow_up is not None:
            self._trigger.retry(follow_up.seconds)

    def _doubt_push(self, due: Due, report: Report) -> None:
        """Open the push stream again if the poll found a change that push did not announce.

        A server that was restored from a backup sends nothing to a client that resumes from an
        event id after the backup. Until push announces a change, Mailroom polls more often.
        """
        found = due.reason is Reason.POLL and report.has_effect
        if found and self._push is not None and self._missed_push.has_missed(self._push.status):
            log.warning("the poll found what push had not announced")
            self._push.forget_position()
            self._is_deaf = True
            self._adjust_poll()
        self._missed_push.passed(self._push_status(), complete=report.is_complete)

    def _is_push_up(self) -> bool:
        return self._push_status().status is PushState.CONNECTED

    def _adjust_poll(self) -> None:
        """Poll more often while push is down or announces nothing, unless it is turned off."""
        interval = self._account.settings.poll.interval
        is_slow = self._push is None or (self._is_push_up() and not self._is_deaf)
        self._trigger.poll_every(interval if is_slow else min(interval, _FAST_POLL))

    def _failed(self, error: Exception) -> None:
        self.health.pass_failed(self._hide(str(error)))
        self._missed_push.failed()
        self._account.client.forget_session()
        match self._policy.failed(error, now=_now()):
            case GiveUp(code=Exit.CREDENTIALS as code):
                log.warning("pass failed", error=str(error))
                raise GaveUpError(code)
            case GiveUp(code=code):
                log.error("giving up", error=str(error), exit_code=int(code))
                raise GaveUpError(code)
            case TryAgain(seconds=seconds, before=before):
                log.warning("pass failed", error=str(error), next_in_seconds=round(seconds, 1))
                self._trigger.retry(seconds, before=before)

    async def _listen(self) -> None:
        if self._push is None:
            return
        # A pass alone tries the credentials: with push, each try would be two requests.
        await self._let_in.wait()
        try:
            async with aclosing(self._push.events()) as events:
                async for event in events:
                    await self._on_push(event)
                    self._adjust_poll()
        except Exception:
            log.exception("a mistake in Mailroom itself ended push; the poll goes on")
            self._adjust_poll()

    async def _on_push(self, event: PushEvent) -> None:
        match event:
            case Connected():
                log.info("push connected", transport=self._push_status().transport)
                self._trigger.change()
            case StateChange():
                at = _now()
                mail = await self._account.mail()
                states = event.for_account(mail.id)
                self._is_deaf = self._is_deaf and states == {}
                self._own_changes.announced(states, at=at)
                self._look_for_news()
            case Disconnected(reason=reason, error=None, pause=pause):
                log.info("push disconnected", reason=reason, next_in_seconds=round(pause, 1))
            case Disconnected(reason=reason, error=error, pause=pause):
                self._account.client.forget_session()  # its URL may have changed
                if isinstance(error, CredentialsRefusedError):
                    self._policy.note_refused_requests(1, now=_now())
                    self._trigger.change()  # a pass will show whether all is refused
                log.warning("push disconnected", reason=reason, next_in_seconds=round(pause, 1))

    def _look_for_news(self) -> None:
        """Request a pass if a change was announced that no pass has seen or made."""
        if self._passing:
            return
        told_at = self._own_changes.take_news()
        if told_at is not None:
            self._trigger.change(told_at=told_at)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _push(account: Account) -> Push | None:
    transport = account.push_transport(ping=account.settings.push.ping)
    if transport is None:
        return None
    hide = hider(account.settings.secrets())
    return Push(
        transport.connect,
        transport=lambda: transport.name,
        hide=hide,
        streams=account.streams,
    )
