"""The sandbox server: accounts in memory, served over HTTP by this process."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Self

from aiohttp import web

from mailroom.sandbox.app import SandboxApp
from mailroom.sandbox.owner import OwnerConsole, SeenMail
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.sandbox_account import SandboxAccount, User
from mailroom.sandbox.site import Site


class Sandbox:
    r"""A mail server for a few users, who have an empty account each.

    >>> async with Sandbox().serve() as sandbox:
    ...     sandbox.deliver(b"From: ann@example.com\r\n\r\nHi.", mailbox="Inbox")
    ...     print(sandbox.session_url, sandbox.mails())

    Args:
        users: the users; the first is the default user of the methods.
        quirks: the habits of the server.
        clock: returns seconds that never go back; the search index uses it.
    """

    def __init__(
        self,
        *,
        users: Sequence[User] = (User(),),
        quirks: Quirks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.quirks = quirks or Quirks()
        self.users = tuple(users)
        self._accounts = {user.name: SandboxAccount(user, self.quirks, clock) for user in users}
        self._url = ""

    @asynccontextmanager
    async def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Self]:
        """Serve until the block ends. The accounts keep their mail. Port 0: any free port."""
        app = SandboxApp(self._accounts, self.quirks).build()
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        try:
            site = Site(runner, host, port)
            await site.start()
            self._url = f"http://{host}:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    @property
    def url(self) -> str:
        """The scheme, host and port; empty before the first call of :meth:`serve`."""
        return self._url

    @property
    def session_url(self) -> str:
        """The URL of the JMAP session."""
        return f"{self._url}/jmap/"

    def account(self, user: str = "") -> SandboxAccount:
        """Return a user's account, by default the first user's."""
        return self._accounts[user or self.users[0].name]

    def owner(self, user: str = "") -> OwnerConsole:
        """Return the console of a user, by default of the first user."""
        return OwnerConsole(self.account(user))

    def deliver(
        self,
        message: bytes,
        *,
        mailbox: str = "Inbox",
        user: str = "",
        received_at: datetime | None = None,
    ) -> str:
        """Deliver a mail and return its id. See :meth:`OwnerConsole.deliver`."""
        return self.owner(user).deliver(message, mailboxes=(mailbox,), received_at=received_at)

    def mails(self, mailbox: str = "", *, user: str = "") -> list[SeenMail]:
        """Return every mail, or the mails in one mailbox. See :meth:`OwnerConsole.mails`."""
        return self.owner(user).mails(mailbox)
