"""So many at once, where the number may change while some are under way."""

import asyncio


class Slots:
    """A semaphore whose size can be changed; those who hold a slot go on counting.

    Args:
        size: how many may hold a slot at once.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._changed = asyncio.Event()

    def resize(self, size: int) -> None:
        """From now on so many. Slots that are taken beyond that stay taken till they are freed."""
        self._size = size
        self._changed.set()

    async def take(self) -> None:
        """Wait for a slot, in order of coming. What is taken must be freed."""
        while self._taken >= self._size:
            self._changed.clear()
            await self._changed.wait()
        self._taken += 1

    def free(self) -> None:
        """Give a slot back."""
        self._taken -= 1
        self._changed.set()
