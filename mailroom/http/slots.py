"""The limit on the requests that run at one host at the same time, over all clients of one account.

A server counts the requests of an account over all its clients (Stalwart: four at once, JMAP and
CardDAV together). So our clients of one host share one :class:`Slots`. If the server still answers
that there were too many requests, because a mail app is busy, we send fewer for a while.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

SLOTS: Final = 4
"""The number of requests at one host at the same time, until the session states the limit."""
_REGAINED_EVERY: Final = 10.0
"""Seconds after which one more slot is used again, after :meth:`Slots.slow_down`."""


class Slots:
    """A semaphore whose size can be changed; requests under way keep their slots.

    Args:
        size: the number of slots.
    """

    def __init__(self, size: int = SLOTS) -> None:
        self._size = size
        self._taken = 0
        self._writing = 0
        self._one_write_at_a_time = False
        self._slowed_to: int | None = None
        self._slowed_at = 0.0
        self._changed = asyncio.Event()

    @property
    def size(self) -> int:
        """The number of slots at this moment."""
        if self._slowed_to is None:
            return self._size
        regained = int((asyncio.get_running_loop().time() - self._slowed_at) / _REGAINED_EVERY)
        if self._slowed_to + regained >= self._size:
            self._slowed_to = None
            return self._size
        return self._slowed_to + regained

    @property
    def is_overfull(self) -> bool:
        """True if more slots are taken than :attr:`size`."""
        return self._taken > self.size

    def resize(self, size: int) -> None:
        """Change the number of slots. Slots that are taken stay taken until they are freed."""
        self._size = size
        self._changed.set()

    def slow_down(self) -> None:
        """Halve the number of slots. Afterwards one slot comes back every ten seconds."""
        self._slowed_to = max(1, min(self.size, self._taken) // 2)
        self._slowed_at = asyncio.get_running_loop().time()

    def serialize_writes(self) -> None:
        """Allow one write at a time from now on."""
        self._one_write_at_a_time = True

    async def take(self, *, write: bool = False) -> None:
        """Wait for a slot, in order of coming. A slot that was taken must be freed."""
        while self._taken >= self.size or (
            write and self._one_write_at_a_time and self._writing > 0
        ):
            self._changed.clear()
            await self._changed.wait()
        self._taken += 1
        self._writing += write

    def free(self, *, write: bool = False) -> None:
        """Free a slot. ``write`` must be the same as in :meth:`take`."""
        self._taken -= 1
        self._writing -= write
        self._changed.set()


class Slot:
    """A request's slot: taken before the first attempt, and kept while it waits for a busy host.

    If a waiting request freed its slot, another request would use the slot meanwhile, and then all
    of them would be sent to a server that has just answered that there were too many.
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

    def free(self) -> None:
        """Free the slot, if this request has one."""
        if self._held:
            self._held = False
            self._slots.free(write=self._write)
