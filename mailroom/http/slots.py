"""Slots: the requests that run at one host at the same time, over all clients of one account.

A server counts the requests of an account over all its clients (Stalwart: four at once, JMAP and
CardDAV together). So our clients of one host share one :class:`Slots`. The number of slots is
decided by :mod:`mailroom.http.limit`.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mailroom.http.limit import SLOTS, Limit


class Slots:
    """A semaphore whose size can be changed; requests under way keep their slots.

    Args:
        size: the number of slots.
    """

    def __init__(self, size: int = SLOTS) -> None:
        self._limit = Limit(size)
        self._taken = 0
        self._writing = 0
        self._unfinished_writes = 0
        self._waiting = 0
        self._one_write_at_a_time = False
        self._changed = asyncio.Event()

    @property
    def size(self) -> int:
        """The number of slots at this moment, without those for writes only."""
        return self._limit.requests(_now())

    @property
    def is_overfull(self) -> bool:
        """True if more slots are taken than there are, those for writes included."""
        return self._taken > self._limit.writes(_now())

    def resize(self, size: int) -> None:
        """Change the number of slots. Slots that are taken stay taken until they are freed."""
        self._limit = self._limit.resized(size)
        self._changed.set()

    def slow_down(self) -> None:
        """Halve the number of slots, because the host refused a request as one too many."""
        self._limit = self._limit.after_refusal(self._taken, _now())

    def write_answered(self, seconds: float) -> None:
        """Adapt the number of slots for writes to a write that was answered in so many seconds."""
        self._limit = self._limit.after_answer(seconds)

    def serialize_writes(self) -> None:
        """Allow one write at a time from now on."""
        self._one_write_at_a_time = True

    async def take(self, *, write: bool = False) -> None:
        """Wait for a slot. A slot that was taken must be freed.

        A task that frees a slot and takes one again at once gets it after the requests that wait.
        So a long series of requests by one task does not keep the others waiting until its end.
        """
        self._unfinished_writes += write
        try:
            if self._waiting:
                # A slot that was freed in this very step is for the requests that wait.
                await asyncio.sleep(0)
            self._waiting += 1
            try:
                while not self._is_free(write=write):
                    self._changed.clear()
                    await self._changed.wait()
            finally:
                self._waiting -= 1
        except asyncio.CancelledError:
            self._finish(write=write)
            raise
        self._taken += 1
        self._writing += write

    def free(self, *, write: bool = False) -> None:
        """Free a slot. ``write`` must be the same as in :meth:`take`."""
        self._taken -= 1
        self._writing -= write
        self._finish(write=write)
        self._changed.set()

    def _finish(self, *, write: bool) -> None:
        self._unfinished_writes -= write
        if write and not self._unfinished_writes:
            self._limit = self._limit.after_burst()

    def _is_free(self, *, write: bool) -> bool:
        now = _now()
        if self._taken >= self._limit.writes(now):
            return False
        if write:
            return not (self._one_write_at_a_time and self._writing)
        return self._taken - self._writing < self._limit.requests(now)


class Slot:
    """A request's slot: taken before the first attempt, and kept while it waits for a busy host.

    If a waiting request freed its slot, another request would use the slot meanwhile, and would be
    sent to a server that has just answered that there are too many requests.
    """

    def __init__(self, slots: Slots, *, write: bool) -> None:
        self._slots = slots
        self._write = write
        self._held = False

    async def take(self) -> None:
        """Wait for a slot, unless this request has one."""
        if not self._held:
            await self._slots.take(write=self._write)
            self._held = True

    @contextmanager
    def kept_until_done(self, task: asyncio.Task[Any]) -> Iterator[None]:
        """Keep the slot until ``task`` is done, even if the caller is cancelled in the block."""
        try:
            yield
        except asyncio.CancelledError:
            if self._held and not task.done():
                self._held = False
                task.add_done_callback(lambda _: self._slots.free(write=self._write))
            raise

    def answered(self, seconds: float) -> None:
        """Report that an attempt was answered in so many seconds, and not refused."""
        if self._write:
            self._slots.write_answered(seconds)

    def free(self) -> None:
        """Free the slot, if this request has one."""
        if self._held:
            self._held = False
            self._slots.free(write=self._write)


def _now() -> float:
    return asyncio.get_running_loop().time()
