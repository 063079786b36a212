"""An account on a sandbox with Mailroom's mailboxes in it, for the tests of arrivals."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
from yarl import URL

from mailroom.http import Credentials, HttpClient
from mailroom.jmap.client import JmapClient
from mailroom.jmap.mail_account import MailAccount
from mailroom.sandbox import OwnerConsole, Quirks, Sandbox
from mailroom.screener.arrivals.new_mail import NewMail, NewMailFinder
from mailroom.screener.model.categories import DEFAULTS, Layout
from mailroom.screener.model.places import Directory, Places, locate, wanted_mailboxes
from tests.support.proxy.proxy import Proxy, proxying
from tests.support.sandbox.client import ALICE, mail
from tests.support.scripted.http import Pauses

NOW = datetime(2026, 2, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class World:
    """An account, its owner's console, and the proxy in front of the server."""

    account: MailAccount
    console: OwnerConsole
    places: Places
    proxy: Proxy

    def deliver(
        self, sender: str = "ann@x.example", *more: str, at: datetime = NOW, into: str = "Inbox"
    ) -> str:
        """Deliver a mail; ``more`` are header fields."""
        return self.console.deliver(mail(sender, "Hello", *more), mailboxes=[into], received_at=at)

    def finder(self, lookback: timedelta = DAY) -> NewMailFinder:
        """A finder that has handled no mail yet."""
        return NewMailFinder(self.account, lookback=lookback, now=lambda: NOW)

    async def new_mail(self, finder: NewMailFinder) -> NewMail:
        """The new mail of one pass."""
        (first,) = await self.account.client.perform(finder.first_operation(self.places))
        return await finder.new_mail(first, self.places)

    def where(self, mail_id: str) -> set[str]:
        """The mailboxes of a mail."""
        (delivered,) = [mail for mail in self.console.mails() if mail.id == mail_id]
        return set(delivered.mailboxes)


@asynccontextmanager
async def a_world(quirks: Quirks | None = None) -> AsyncIterator[World]:
    """Yield an account with Mailroom's mailboxes and without mail."""
    async with (
        Sandbox(users=[ALICE], quirks=quirks).serve() as sandbox,
        proxying(sandbox.url) as proxy,
        aiohttp.ClientSession() as session,
    ):
        console = sandbox.owner()
        for path in wanted_mailboxes(DEFAULTS, Layout()):
            console.create_mailbox(path)
        http = HttpClient(session, Credentials.basic("alice", "secret"), sleep=Pauses())
        client = JmapClient(http, URL(f"{proxy.url}/jmap/"))
        account = await MailAccount.open(client)
        places = locate(Directory(await account.mailboxes()), DEFAULTS, Layout())
        yield World(account, console, places, proxy)
