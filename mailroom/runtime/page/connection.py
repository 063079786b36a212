"""The connection of the page to the open account of the service."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from mailroom.account import Account
from mailroom.logs import redactor
from mailroom.report.failures import EXPECTED
from mailroom.runtime.requested_passes import PassFailedError, RequestedPasses
from mailroom.settings.model import Settings
from mailroom.web.model import AccountUnavailableError

READ_TIMEOUT: Final = 20.0
"""Seconds after which a reading for the page fails."""
WRITE_TIMEOUT: Final = 120.0
"""Seconds after which a change fails: enough for many subjects and thousands of mails."""


class Connection:
    """The account and the passes of its service.

    The service may stop and start again, for example while credentials are refused. The page keeps
    running meanwhile.

    Args:
        settings: the account's settings.

    Attributes:
        settings: the settings of the account that was opened last.
        failure: the reason why the account cannot be used, for a person; else empty.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.failure = ""
        self._hide = redactor(settings.secrets())
        self._served: tuple[Account, RequestedPasses] | None = None

    @contextmanager
    def serve(self, account: Account, passes: RequestedPasses) -> Iterator[None]:
        """Use an open account as long as the block runs."""
        self.settings = account.settings  # they may have been read again
        self._hide = redactor(account.settings.secrets())
        self._served = account, passes
        try:
            yield
        finally:
            self._served = None
            self.failure = self.failure or "the account is closed"

    def hide(self, error: object) -> str:
        """Return the text of an error without secrets."""
        return self._hide(str(error))

    @asynccontextmanager
    async def open(
        self, *, limit: float = READ_TIMEOUT
    ) -> AsyncIterator[tuple[Account, RequestedPasses]]:
        """Yield the open account and its passes, and turn failures into errors of the page.

        ``limit`` is in seconds.

        Raises:
            AccountUnavailableError: no account is open, or a server or a pass failed.
        """
        if self._served is None:
            raise AccountUnavailableError(self.failure or "the service has not started yet")
        try:
            async with asyncio.timeout(limit):
                yield self._served
        except (*EXPECTED, PassFailedError) as error:
            raise AccountUnavailableError(self.hide(error)) from error
        except TimeoutError:
            text = f"the servers took longer than {limit:g} seconds"
            raise AccountUnavailableError(text) from None
