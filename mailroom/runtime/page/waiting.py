"""The list of waiting subjects for the page, which is read again only after a change."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import structlog

from mailroom.jmap.mail import MESSAGE_ID, PREVIEW
from mailroom.runtime.page.connection import Connection
from mailroom.runtime.page.rows import waiting_row
from mailroom.screener.overview.waiting import WaitingList, read_waiting
from mailroom.screener.passes.progress import Report
from mailroom.web.model import AccountUnavailableError, Waiting, WaitingRow

log = structlog.get_logger(__name__)


class PageList:
    """The waiting subjects of one account.

    Args:
        connection: the account.

    Attributes:
        latest: the list as it was read last; None if it was never read.
    """

    def __init__(self, connection: Connection) -> None:
        self.latest: WaitingList | None = None
        self._connection = connection
        self._rows: tuple[WaitingRow, ...] = ()
        self._read_at = datetime.now(UTC)
        self._is_old = True
        self._has_failed = False
        self._state: str | None = None
        self._is_first_use = False
        self._reading = asyncio.Lock()
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Note that the account changed, became available, or became unavailable."""
        self._is_old = True
        self._changed.set()
        self._changed = asyncio.Event()

    def pass_ended(self, result: Report | Exception) -> None:
        """Note the result of a pass, which shows if the account changed since the pass before."""
        before = self._connection.failure
        if isinstance(result, Exception):
            self._connection.failure = self._connection.hide(result)
        else:
            self._connection.failure = ""
            groups = {category.group for category in self._connection.settings.categories}
            # The snapshot was read before this pass wrote, so it lacks the decisions in `finished`.
            self._is_first_use = not result.finished and not any(
                group.members for group in result.plan.snapshot.groups if group.name in groups
            )
            # With the same state as at the end of the pass before, the list is up to date. A list
            # that could not be read is read again after any pass.
            state, previous = result.trail.end, self._state
            self._state = state
            if state is None or state != previous or self._has_failed:
                self.changed()
                return
        if before != self._connection.failure:
            self.changed()

    async def read(self) -> Waiting:
        """Return the waiting subjects; read them if the account changed.

        If the subjects cannot be read, the last list is returned with the problem.

        Raises:
            AccountUnavailableError: the list was never read, and cannot be read now.
        """
        async with self._reading:
            problem = self._connection.failure
            if self.latest is None or (self._is_old and not problem):
                try:
                    await self._read_again()
                except AccountUnavailableError as error:
                    if self.latest is None:
                        raise
                    problem = str(error)
        return Waiting(self._rows, self._read_at, problem, self._is_first_use)

    async def _read_again(self) -> None:
        settings = self._connection.settings
        also = (
            *(MESSAGE_ID if settings.web.mail_url else ()),
            *(PREVIEW if settings.web.preview else ()),
        )
        # A change during the reading makes the list old again.
        self._is_old = False
        try:
            async with self._connection.open() as (account, _):
                waiting = await read_waiting(
                    await account.mail(), settings.categories, settings.screener.layout, also=also
                )
        except BaseException:
            self._is_old = self._has_failed = True
            raise
        self._has_failed = False
        self.latest, self._read_at = waiting, datetime.now(UTC)
        self._rows = tuple(
            waiting_row(subject, settings.web.mail_url) for subject in waiting.subjects
        )

    async def changes(self) -> AsyncGenerator[int]:
        """Yield the number of waiting subjects now, and after each change."""
        while True:
            changed = self._changed
            try:
                yield len((await self.read()).rows)
            except AccountUnavailableError as error:
                log.debug("the list of waiting subjects was not read", reason=str(error))
            await changed.wait()
