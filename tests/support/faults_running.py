"""The service in the test's own process, up to the moment when nothing is left to be done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from mailroom.account import Account, open_account
from mailroom.metrics import Metrics
from mailroom.screener.progress import Report
from mailroom.service import Service
from mailroom.settings import Settings
from mailroom.trigger import Due
from mailroom.watch import Watch

_LONG: Final = 3600.0
"""Seconds of the loop's clock; after a fault that is over, it never takes that long."""


class Watched(Service):
    """The service, which tells when a pass has done everything that there was to do."""

    def __init__(self, account: Account) -> None:
        super().__init__(account, Watch.of(account.settings, Metrics()))
        self.done = asyncio.Event()

    def _succeeded(self, due: Due, report: Report) -> None:
        super()._succeeded(due, report)
        if report.is_complete:
            self.done.set()


class Instance:
    """One running service."""

    def __init__(self, service: Watched) -> None:
        self.service = service
        self._task = asyncio.create_task(service.run(), name="service")

    async def until_done(self) -> None:
        """Wait for a pass, from now on, after which nothing is left to be done."""
        self.service.done.clear()
        done = asyncio.create_task(self.service.done.wait(), name="until done")
        ended, _ = await asyncio.wait(
            {done, self._task}, timeout=_LONG, return_when=asyncio.FIRST_COMPLETED
        )
        done.cancel()
        assert self._task not in ended, f"ended by itself: {self._task.result()!r}"
        assert done in ended, f"not done after {_LONG:.0f} s"

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


@asynccontextmanager
async def instance(settings: Settings) -> AsyncIterator[Instance]:
    """A service as long as the block runs."""
    async with open_account(settings) as account:
        running = Instance(Watched(account))
        try:
            yield running
        finally:
            await running.end()
