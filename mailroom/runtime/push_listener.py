"""Listens to one account's push, and requests a pass for every change that is news.

Push is never relied on: the poll finds the changes that push does not announce. While push is down,
or has missed a change, Mailroom polls more often.
"""

import asyncio
from contextlib import aclosing
from typing import Final

import structlog

from mailroom.account import Account
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
from mailroom.logs import hider
from mailroom.runtime.failure_policy import FailurePolicy
from mailroom.runtime.missed_push import MissedPushDetector
from mailroom.runtime.own_changes import OwnChanges
from mailroom.runtime.state_recheck import StateRecheck
from mailroom.screener.passes.progress import Report
from mailroom.waiting.trigger import Due, Reason, Trigger

log = structlog.get_logger(__name__)

_FAST_POLL: Final = 30.0
"""Seconds between polls while push cannot be relied on."""


class PushListener:
    """Listens to the push of one account, and compares its changes with those of passes.

    Args:
        account: the account.
        trigger: receives the requests for passes, and the interval of polls.
        policy: counts the requests of push that are refused.
    """

    def __init__(self, account: Account, trigger: Trigger, policy: FailurePolicy) -> None:
        self._account = account
        self._trigger = trigger
        self._policy = policy
        self._push: Push | None = None
        if transport := account.push_transport(ping=account.settings.push.ping):
            self._push = Push(
                transport.connect,
                transport=lambda: transport.name,
                hide=hider(account.settings.secrets()),
                streams=account.streams,
            )
        self._credentials_accepted = asyncio.Event()
        self._own_changes = OwnChanges()
        self._missed_push = MissedPushDetector()
        self._recheck = StateRecheck(account.email_state, trigger.change)
        self._has_missed_change = False
        self._pass_is_running = False

    def status(self) -> PushStatus:
        """Return the state of push."""
        return PushStatus("off") if self._push is None else self._push.status

    def close(self) -> None:
        """Cancel the check of the state, if one is due."""
        self._recheck.cancel()

    def credentials_accepted(self) -> None:
        """Note that the server accepts the credentials, so that push may connect."""
        self._credentials_accepted.set()

    def pass_started(self) -> None:
        """Note that a pass begins: until its end, its own changes are not known."""
        self._pass_is_running = True
        self._recheck.cancel()

    def has_news_after(self, state: str) -> bool:
        """Return True if the running pass must read again; ``state`` is that of its reading.

        See :meth:`OwnChanges.has_news_after`.
        """
        return self._own_changes.has_news_after(state)

    def pass_failed(self) -> None:
        """Note that a pass failed."""
        self._pass_is_running = False
        self._missed_push.pass_failed()
        self._look_for_news()

    def pass_succeeded(self, due: Due, report: Report) -> None:
        """Note that a pass succeeded: its reason, and its report with its own changes."""
        self._pass_is_running = False
        trail = report.trail
        self._own_changes.pass_succeeded(trail, at=_now())
        poll_found_change = due.reason is Reason.POLL and report.has_effect
        if (
            poll_found_change
            and self._push is not None
            and self._missed_push.has_missed(self._push.status)
        ):
            # A server that was restored from a backup sends nothing to a client that resumes from
            # an event id after the backup. Until push announces a change, poll more often.
            log.warning("the poll found a change that push had not announced")
            self._push.forget_position()
            self._has_missed_change = True
            self._adjust_poll()
        self._missed_push.pass_succeeded(self.status(), complete=report.is_complete)
        if trail.steps and trail.end and self.status().status is PushState.CONNECTED:
            self._recheck.schedule(trail.end)
        self._look_for_news()

    async def listen(self) -> None:
        """Listen for ever; return at once if push is turned off."""
        self._adjust_poll()
        if self._push is None:
            return
        # Only passes try credentials that may be refused: with push, each try would be two
        # requests, and servers ban an address after many refusals.
        await self._credentials_accepted.wait()
        try:
            async with aclosing(self._push.events()) as events:
                async for event in events:
                    await self._handle(event)
                    self._adjust_poll()
        except Exception:
            log.exception("a mistake in Mailroom itself ended push; the poll goes on")
            self._adjust_poll()

    async def _handle(self, event: PushEvent) -> None:
        match event:
            case Connected():
                log.info("push connected", transport=self.status().transport)
                self._trigger.change()  # changes from before the connection are not announced
            case StateChange():
                at = _now()
                mail = await self._account.mail()
                states = event.for_account(mail.id)
                # Empty: another account changed. None: unreadable, so it may be about this one.
                if states != {}:
                    self._has_missed_change = False
                self._own_changes.announced(states, at=at)
                self._look_for_news()
            case Disconnected(reason=reason, error=None, pause=pause):
                log.info("push disconnected", reason=reason, next_in_seconds=round(pause, 1))
            case Disconnected(reason=reason, error=error, pause=pause):
                self._account.client.forget_session()  # its URL may have changed
                if isinstance(error, CredentialsRefusedError):
                    self._policy.note_refused_requests(1, now=_now())
                    self._trigger.change()  # a pass shows if more than push is refused
                log.warning("push disconnected", reason=reason, next_in_seconds=round(pause, 1))

    def _look_for_news(self) -> None:
        """Request a pass if a change was announced that no pass has seen or made."""
        # During a pass, announced changes may be its own; they are compared at its end.
        if self._pass_is_running:
            return
        announced_at = self._own_changes.take_news()
        if announced_at is not None:
            self._trigger.change(announced_at=announced_at)

    def _adjust_poll(self) -> None:
        """Poll more often while push cannot be relied on, unless push is turned off."""
        interval = self._account.settings.poll.interval
        is_connected = self.status().status is PushState.CONNECTED
        if self._push is None or (is_connected and not self._has_missed_change):
            self._trigger.poll_every(interval)
        else:
            self._trigger.poll_every(min(interval, _FAST_POLL))


def _now() -> float:
    return asyncio.get_running_loop().time()
