"""The stage: the account in memory, the service working on it, and the hands of its owner.

Waits for what it wants to see on the sandbox's own changes, so what it measures is the service.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mailroom.account import Account, open_account
from mailroom.admin.setup import Lacking, create, find_lacking
from mailroom.contacts.model import Card
from mailroom.demo.mailbox import YOU, Letter, Sender
from mailroom.demo.sighting import Sighting
from mailroom.health import Overview
from mailroom.health import serve as serve_health
from mailroom.metrics import Metrics
from mailroom.runtime.service import Service
from mailroom.runtime.telemetry import Telemetry
from mailroom.sandbox import OwnerConsole, Quirks, Sandbox, SeenMail, User
from mailroom.screener.model.keywords import SCREENED
from mailroom.settings import Settings, load_settings

LOOPBACK: Final = "127.0.0.1"
USER: Final = User(name="alex", password="tap-tap-tap", addresses=(YOU,))  # noqa: S106 - of nobody
_QUIRKS: Final = Quirks()
_GLANCE: Final = 0.01
"""Seconds between looks at how the service starts; nothing is measured by it."""


class WentOtherwiseError(Exception):
    """Something did not go as told. The text has a line for each thing."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))


class Stage:
    """What the demo is played on.

    Args:
        sandbox: the mail server, being served.
        owner: the account as its owner uses it.
        worker: the same account, for the service.
        patience: seconds until something that was to come is given up.
    """

    def __init__(
        self, sandbox: Sandbox, *, owner: Account, worker: Account, patience: float = 30.0
    ) -> None:
        self.url = sandbox.session_url
        self.settings = owner.settings
        self.desk: OwnerConsole = sandbox.owner()
        self._owner = owner
        self._service = Service(worker, Telemetry.of(worker.settings, Metrics()))
        self._worker = worker
        self._patience = patience
        self._numbers: list[str] = []
        self._delivered_at = 0.0
        self._states = sandbox.account().states

    async def set_up(self) -> Lacking:
        """Make what is missing, as ``mailroom setup --apply`` does; tells what it was."""
        lacking = await find_lacking(self._worker)
        await create(self._worker, lacking)
        return lacking

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Have the service work as long as the block runs; gives the URL of its health."""
        health = Overview({"": self._service.health})
        async with serve_health(health, host=LOOPBACK, port=0) as port:
            task = asyncio.create_task(self._service.run(), name="service")
            try:
                await self._until_listening()
                yield f"http://{LOOPBACK}:{port}/healthz"
            finally:
                task.cancel()
                await asyncio.wait({task})

    async def _until_listening(self) -> None:
        """Wait until push is connected and the pass that makes up for the time before is over."""
        try:
            async with asyncio.timeout(self._patience):
                await _glance_until(self._is_listening)
        except TimeoutError:
            raise WentOtherwiseError("the service does not start") from None

    async def _until_rested(self) -> None:
        """Wait until the service has seen the last mail come, so that a tap is a burst's first.

        At most for so long: a pass that was under way then may have seen it.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(3 * self.settings.push.settle):
                await _glance_until(self._is_rested)

    def _is_rested(self) -> bool:
        health: Mapping[str, Any] = self._service.health.report()
        last: Mapping[str, float] | None = health["last_pass"]
        if last is None:
            return False
        since_begun = last["age_seconds"] + last["duration_seconds"]
        return since_begun < time.monotonic() - self._delivered_at

    def _is_listening(self) -> bool:
        health: Mapping[str, Any] = self._service.health.report()
        return bool(health["push"]["status"] == "connected" and health["passes"] > 1)

    def push_transport(self) -> str:
        """How the service hears of changes."""
        health: Mapping[str, Any] = self._service.health.report()
        return str(health["push"]["transport"])

    # What comes

    async def deliver(self, *letters: Letter) -> float:
        """Have mails come into the Inbox, all at once, and wait until Mailroom has filed them.

        Returns:
            Seconds from their arrival until the last is where it belongs.

        Raises:
            WentOtherwiseError: it never came to that.
        """
        await self._until_rested()
        began = time.perf_counter()
        mail_ids = [self._put_into_inbox(letter) for letter in letters]
        await self._until(lambda: all(map(self._is_filed, mail_ids)), "new mail is not filed")
        self._delivered_at = time.monotonic()
        return time.perf_counter() - began

    def _put_into_inbox(self, letter: Letter) -> str:
        now = datetime.now(UTC)
        message = letter.message(len(self._numbers) + 1, now)
        mail_id = self.desk.deliver(message, received_at=letter.received_at(now))
        self._numbers.append(mail_id)
        return mail_id

    def _is_filed(self, mail_id: str) -> bool:
        return SCREENED in self.mail(mail_id).keywords

    # What is touched

    async def tap(
        self, mail_id: str, *, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> float:
        """Put labels on a mail and take others off, and wait until Mailroom is done.

        Returns:
            Seconds from the tap to the label's going off, or to the error label's coming.

        Raises:
            WentOtherwiseError: it never came to that.
        """
        await self._until_rested()
        began = time.perf_counter()
        self.desk.label(mail_id, add=add, remove=remove)
        tapped = ", ".join([*add, *remove])
        await self._until(lambda: self._is_done(mail_id), f"{tapped} is not dealt with")
        return time.perf_counter() - began

    def _is_done(self, mail_id: str) -> bool:
        mailboxes = self.mail(mail_id).mailboxes
        pending = mailboxes & self.labels()
        is_error = self.settings.screener.error_label in mailboxes
        return is_error if len(pending) > 1 else not pending and not is_error

    async def _until(self, condition: Callable[[], bool], otherwise: str) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while not condition():
                    await self._states.wait(self._states.highest)
        except TimeoutError:
            raise WentOtherwiseError(f"{otherwise} after {self._patience:g} s") from None

    # What is seen

    @property
    def newest(self) -> SeenMail:
        """The mail that came last."""
        return self.mail(self._numbers[-1])

    @property
    def delivered(self) -> int:
        """How many mails have come."""
        return len(self._numbers)

    def labels(self) -> frozenset[str]:
        """Every label that can be tapped."""
        labels = {each.label for each in self.settings.categories}
        return frozenset(labels | {self.settings.screener.label})

    def mail(self, mail_id: str) -> SeenMail:
        """A mail, by its id."""
        return next(each for each in self.desk.mails() if each.id == mail_id)

    def number(self, mail: SeenMail) -> int:
        """The mail's number for people, which it keeps wherever it goes. Counts from 1."""
        return self._numbers.index(mail.id) + 1

    def by_number(self, number: int) -> SeenMail | None:
        """The mail of this number; None if there is none."""
        return self.mail(self._numbers[number - 1]) if 0 < number <= len(self._numbers) else None

    def latest(self, subject: str) -> SeenMail:
        """The mail with this subject that came last."""
        return [each for each in self.desk.mails() if each.subject == subject][-1]

    async def see(self, sender: Sender) -> Sighting:
        """Everything there is of a sender."""
        contacts = await (await self._owner.book()).sync()
        card = next(iter(await contacts.read([sender.address])), None)
        groups = {each.name for each in contacts.groups if card and card.uid in each.members}
        mails = [each.mailboxes for each in self.desk.mails() if each.address == sender.address]
        return Sighting(sender, tuple(mails), card, frozenset(groups))

    async def see_contacts(self) -> list[tuple[Card, frozenset[str]]]:
        """The contact of everybody who has written, with the names of its groups."""
        addresses = {each.address for each in self.desk.mails()}
        contacts = await (await self._owner.book()).sync()
        cards = await contacts.read(addresses)
        return [
            (card, frozenset(each.name for each in contacts.groups if card.uid in each.members))
            for card in sorted(cards, key=lambda card: card.names.full)
        ]


async def _glance_until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the service only tells how it is when it is asked
        await asyncio.sleep(_GLANCE)


def demo_settings(session_url: str, url: str) -> Settings:
    """The settings of somebody whose provider the sandbox is; nobody's own ones get in."""
    with tempfile.TemporaryDirectory() as empty:
        environ = {
            "MAILROOM_JMAP_SESSION_URL": session_url,
            "MAILROOM_JMAP_USERNAME": USER.name,
            "MAILROOM_JMAP_PASSWORD": USER.password,
            "MAILROOM_CARDDAV_URL": url,
            "MAILROOM_ARRIVALS_LOOKBACK": "864000",  # some of the mail says that it is older
            "MAILROOM_SECRETS_DIR": empty,
        }
        return load_settings(environ, cwd=Path(empty))


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """A stage whose mail server runs as long as the block, with an empty account."""
    async with AsyncExitStack() as stack:
        sandbox = Sandbox(users=(USER,), quirks=_QUIRKS)
        await stack.enter_async_context(sandbox.serve(host=LOOPBACK))
        settings = demo_settings(sandbox.session_url, sandbox.url)
        owner = await stack.enter_async_context(open_account(settings))
        worker = await stack.enter_async_context(open_account(settings))
        yield Stage(sandbox, owner=owner, worker=worker)
