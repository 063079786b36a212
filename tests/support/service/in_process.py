"""Mailroom's service as a task of the test's own process, which takes no time to start."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailroom.account import open_account
from mailroom.admin.setup import create, find_lacking
from mailroom.exits import Exit
from mailroom.metrics import Metrics
from mailroom.runtime.page import PageAccount
from mailroom.runtime.supervisor import Supervisor
from mailroom.settings.load import load_settings
from mailroom.settings.model import Settings
from mailroom.settings.sections import PollSettings
from tests.support.owner.person import PATIENCE, until
from tests.support.service.process import Service


class InProcess(Service):
    """The service as a task.

    Args:
        settings: the account's.
        log: the list to which the service logs.
    """

    def __init__(self, settings: Settings, log: list[dict[str, Any]]) -> None:
        self._metrics = Metrics()
        self._supervisor = Supervisor(settings, self._metrics)
        self._settings = settings
        self._log = log
        self._task = asyncio.create_task(self._supervisor.run(), name="service")

    @property
    def page(self) -> PageAccount:
        """The account as the page sees it, if the settings turn the page on."""
        assert self._supervisor.page is not None
        return self._supervisor.page

    def log(self) -> list[dict[str, Any]]:
        """Every event logged so far."""
        return list(self._log)

    async def health(self) -> dict[str, Any]:
        """Return the report that ``/healthz`` would send."""
        return self._supervisor.health.report()

    def metrics(self) -> str:
        """Return the metrics that ``/metrics`` would send."""
        return self._metrics.exposition().decode()

    async def contacts_protocol(self) -> str:
        """The protocol of the address book: ``CardDAV`` or ``JMAP``."""
        async with open_account(self._settings) as account:
            return (await (await account.book()).describe()).protocol

    async def until_ready(self) -> None:
        """Wait until the first pass is done, and push is connected or off."""

        async def ready() -> bool:
            assert not self._task.done(), self._log
            health = await self.health()
            return bool(health["last_pass"]) and health["push"]["status"] in {"connected", "off"}

        await until(ready, "the service is ready")

    async def end(self) -> int:
        """Stop the service as a signal would; return the process's exit code."""
        self._task.cancel()
        return await self.ended()

    async def ended(self) -> int:
        """Wait until the service has ended by itself; return the process's exit code."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({self._task})
        return int(Exit.OK if self._task.cancelled() else self._task.result())


async def set_up(environ: Mapping[str, str], cwd: Path) -> None:
    """Set an account up, as ``mailroom setup --apply`` does."""
    async with open_account(load_settings(environ, cwd=cwd)) as account:
        await create(account, await find_lacking(account))


@asynccontextmanager
async def running_in_process(
    environ: Mapping[str, str], cwd: Path, log: list[dict[str, Any]], *, poll: float | None = None
) -> AsyncIterator[InProcess]:
    """Run the service until the end of the block.

    ``poll`` is the poll interval in seconds; it may be shorter than the settings allow.
    """
    settings = load_settings(environ, cwd=cwd)
    if poll is not None:
        settings = replace(settings, poll=PollSettings(interval=poll))
    service = InProcess(settings, log)
    try:
        yield service
    finally:
        await service.end()
