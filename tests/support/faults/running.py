"""The service in the test's own process, until a pass has left nothing to do."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from mailroom.health import Health
from mailroom.health.account_health import UndoneWork
from mailroom.metrics import Metrics
from mailroom.runtime.supervisor import Supervisor
from mailroom.runtime.telemetry import Telemetry
from mailroom.settings.model import Settings

_LONG: Final = 3600.0
"""Seconds of the loop's clock in which the service finishes its work after any fault."""


class Watched(Health):
    """The account's health; sets an event when a pass has left nothing to do."""

    def __init__(self, *, poll_interval: float) -> None:
        super().__init__(poll_interval=poll_interval)
        self.done = asyncio.Event()

    def pass_succeeded(
        self,
        *,
        decisions: int,
        mails: int,
        left: Sequence[UndoneWork] = (),
        stuck: Mapping[str, str] | None = None,
    ) -> None:
        super().pass_succeeded(decisions=decisions, mails=mails, left=left, stuck=stuck)
        if not left:
            self.done.set()


class Instance:
    """The service of one account."""

    def __init__(self, settings: Settings) -> None:
        self.health = Watched(poll_interval=settings.poll.interval)
        supervisor = Supervisor(settings, Metrics())
        supervisor._telemetry = Telemetry(self.health, supervisor._telemetry.metrics)
        supervisor.health = self.health
        self._task = asyncio.create_task(supervisor.run(), name="service")

    async def until_done(self) -> None:
        """Wait for the next pass that leaves nothing to do."""
        self.health.done.clear()
        done = asyncio.create_task(self.health.done.wait(), name="until done")
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
    """Run the service of an account until the end of the block."""
    running = Instance(settings)
    try:
        yield running
    finally:
        await running.end()
