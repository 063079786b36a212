"""Decides when the next pass runs, and for which reason: a push, a retry or the poll.

Only one pass runs at a time. Changes that come during a pass mean one more pass after it. A burst
of changes becomes one pass, after a fixed settle time that begins with the first change: if every
change began the time again, a busy mailbox would put off its passes for ever.

A pass begins with reading, which takes a moment. So a pass may begin earlier than the end of the
settle: as much earlier as its reading takes (:meth:`Trigger.next`). After reading, the pass asks if
more changes came (:meth:`Trigger.must_read_again`). If more changes came, the pass reads again.
"""

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The reason for a pass. Logs and metrics call it the trigger.

    PUSH is the reason of every pass that :meth:`Trigger.change` requests: usually push announced a
    change, or has just been connected.
    """

    STARTUP = "startup"
    PUSH = "push"
    POLL = "poll"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Due:
    """A pass is due.

    Attributes:
        reason: the reason for the pass.
        since: the time of the cause, in seconds of the event loop's clock.
        is_announced: True if push announced the cause; ``since`` is the time of that announcement.
    """

    reason: Reason
    since: float
    is_announced: bool = False


class Trigger:
    """Waits for the next pass that is due.

    Args:
        poll_interval: seconds between polls, until :meth:`poll_every` is called.
        settle: seconds between a change and its pass, so that more changes can join.
    """

    def __init__(self, *, poll_interval: float, settle: float) -> None:
        self._poll_interval = poll_interval
        self._settle = settle
        self._woken = asyncio.Event()
        self._has_changed = False
        self._must_read_again = False
        self._changed_at = 0.0
        self._settle_ends_at = 0.0
        self._pass_decides_at = 0.0
        self._announced_at: float | None = None
        self._is_early = False
        self._started = False
        self._poll_at = math.inf
        self._retry_at = math.inf
        self._not_before = 0.0

    def change(self, *, announced_at: float | None = None, settle: bool = True) -> None:
        """Request a pass for a possible change.

        Args:
            announced_at: the time at which push announced the change; None if it did not.
            settle: False to begin the pass at once; it then answers the changes that are settling
                as well. This is for a caller that has made the change itself, and that compares
                states to find out if a pass has read the change
                (:class:`~mailroom.runtime.requested_passes`).
        """
        self._must_read_again = self._must_read_again or settle
        if self._announced_at is None:
            self._announced_at = announced_at
        ends_at = _now() + (self._settle if settle else 0.0)
        if not self._has_changed:
            self._changed_at, self._settle_ends_at = _now(), ends_at
            self._has_changed = True
            self._woken.set()
        elif ends_at < self._settle_ends_at:
            self._settle_ends_at = ends_at
            self._woken.set()

    def poll_every(self, seconds: float) -> None:
        """Set the seconds between polls; the present wait changes too.

        A shorter interval counts from now. A longer interval counts from the next pass: the poll
        that is already scheduled keeps its time.
        """
        if seconds != self._poll_interval:
            self._poll_interval = seconds
            self._poll_at = min(self._poll_at, _now() + seconds)
            self._woken.set()

    def retry(self, seconds: float, *, not_before: float = 0.0) -> None:
        """Request a pass in ``seconds``.

        No pass runs in the first ``not_before`` seconds, not even for a change. Call this between
        passes, before :meth:`next`: a wait that has begun is not changed.
        """
        self._retry_at = _now() + seconds
        self._not_before = _now() + not_before

    @property
    def is_due(self) -> bool:
        """True if :meth:`next` would wait for nothing but the end of the settle."""
        return self._has_changed or _now() >= min(self._poll_at, self._retry_at)

    async def next(self, *, lead: float = 0.0) -> Due:
        """Wait until a pass is due, and return its reason. The first pass is due at once.

        Args:
            lead: seconds before the end of the settle at which a pass may begin to read. Before the
                pass decides anything, it must await :meth:`must_read_again`.
        """
        due = await self._wait(lead) if self._started else Due(Reason.STARTUP, _now())
        self._started = True
        self._is_early = due.reason is Reason.PUSH and _now() < self._settle_ends_at
        self._pass_decides_at = self._settle_ends_at
        # The pass that begins now reads everything, so it answers all requests up to now. Changes
        # during the pass set these fields again, and cause one more pass after it.
        self._has_changed = self._must_read_again = False
        self._announced_at = None
        self._poll_at = _now() + self._poll_interval
        self._retry_at = math.inf
        return due

    @property
    def is_early(self) -> bool:
        """True if the pass that runs began before the end of its settle."""
        return self._is_early

    async def must_read_again(self) -> bool:
        """Wait for the end of the settle of an early pass; return True if the pass must read again.

        The pass must read again if a change came meanwhile. A change with ``settle=False`` ends the
        wait at once, and is no reason to read again: the caller of :meth:`change` finds out if the
        pass has read it.
        """
        while _now() < self._pass_decides_at:
            if self._has_changed and _now() >= self._settle_ends_at:
                break
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._pass_decides_at):
                    await self._woken.wait()
        self._is_early = False
        must_read_again = self._must_read_again
        self._has_changed = self._must_read_again = False
        self._announced_at = None
        return must_read_again

    async def _wait(self, lead: float) -> Due:
        # Not even a change may cut this pause short: the server has asked for it, or a person must
        # make a missing mailbox first.
        await asyncio.sleep(max(0.0, self._not_before - _now()))
        while not self._has_changed:
            self._woken.clear()
            # poll_every() wakes this loop too, because it may have moved the deadline.
            deadline = min(self._poll_at, self._retry_at)
            try:
                async with asyncio.timeout_at(deadline):
                    await self._woken.wait()
            except TimeoutError:
                reason = Reason.RETRY if deadline == self._retry_at else Reason.POLL
                return Due(reason, deadline)
        # The settle time counts from the first change, so that a burst cannot put the pass off.
        while _now() < (begin := self._settle_ends_at - lead):
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(begin):
                    await self._woken.wait()
        if self._announced_at is None:
            return Due(Reason.PUSH, self._changed_at)
        return Due(Reason.PUSH, self._announced_at, is_announced=True)


def _now() -> float:
    return asyncio.get_running_loop().time()
