"""The open account that the page uses, while there is one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from mailroom.account import Account
from mailroom.logs import redactor
from mailroom.report.failures import EXPECTED
from mailroom.runtime.requested_passes import PassFailedError, RequestedPasses
from mailroom.settings import Settings
from mailroom.web.model import AccountUnavailableError

READ_TIMEOUT: Final = 20.0
"""Seconds that a person who looks at the page waits for the servers."""
WRITE_TIMEOUT: Final = 120.0
"""Seconds for a decision on many subjects, and for clearing thousands of mails."""


class Connection:
    """The account and the passes of its service.

    The service comes and goes, for example while credentials are refused; the page outlives it.

    Args:
        settings: the account's settings.

    Attributes:
        settings: the same.
        failure: the reason why the account cannot be used, for a person; empty if it can.
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
            AccountUnavailableError: there is no open account, or it failed.
        """
        if self._served is None:
            raise AccountUnavailableError(self.failure or "the service has not started yet")
        try:
            async with asyncio.timeout(limit):
                yield self._served
        except (*EXPECTED, PassFailedError) as error:
            raise AccountUnavailableError(self.hide(error)) from error
        except TimeoutError:
            text = f"the servers have not answered for {limit:g} seconds"
            raise AccountUnavailableError(text) from None
