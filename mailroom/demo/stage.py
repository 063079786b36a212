"""The stage: an account in memory, the service working on it, and the actions of its owner.

The stage learns of each change from the sandbox itself, at once. So the measured times are those of
the service, without a wait of the stage.
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
from mailroom.contacts.address import whole_domain
from mailroom.contacts.model import Card
from mailroom.demo.mailbox import YOU, Letter, Subject
from mailroom.demo.sighting import Sighting
from mailroom.health import Overview
from mailroom.health import serve as serve_health
from mailroom.metrics import Metrics
from mailroom.runtime.page import PageAccount
from mailroom.runtime.page_server import serve_page
from mailroom.runtime.service import Service
from mailroom.runtime.telemetry import Telemetry
from mailroom.sandbox import OwnerConsole, Quirks, Sandbox, SeenMail, User
from mailroom.screener.model.keywords import SCREENED
from mailroom.settings.load import load_settings
from mailroom.settings.model import Settings

LOOPBACK: Final = "127.0.0.1"
USER: Final = User(name="alex", password="tap-tap-tap", addresses=(YOU,))  # noqa: S106 - of nobody
_QUIRKS: Final = Quirks()
_GLANCE: Final = 0.01
"""Seconds between two looks at the service's health."""


class UnexpectedEventError(Exception):
    """Something happened that is not in the script. The text has a line for each event."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))


class Stage:
    """The account, the service and the owner of the demo.

    Args:
        sandbox: the mail server, being served.
        owner: the account as its owner uses it.
        worker: the same account, for the service.
        patience: seconds after which an expected event counts as missing.
    """

    def __init__(
        self, sandbox: Sandbox, *, owner: Account, worker: Account, patience: float = 30.0
    ) -> None:
        self.url = sandbox.session_url
        self.settings = owner.settings
        self.console: OwnerConsole = sandbox.owner()
        self._owner = owner
        self._service = Service(worker, Telemetry.of(worker.settings, Metrics()))
        self._worker = worker
        self._patience = patience
        self._numbers: list[str] = []
        self._letters: dict[str, Letter] = {}
        self._delivered_at = 0.0
        self._states = sandbox.account().states

    async def set_up(self) -> Lacking:
        """Make and return the missing mailboxes and groups, as ``mailroom setup --apply`` does."""
        lacking = await find_lacking(self._worker)
        await create(self._worker, lacking)
        return lacking

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[tuple[str, str]]:
        """Run the service until the block ends; yield the URLs of its health and of its page."""

        def is_listening() -> bool:
            health: Mapping[str, Any] = self._service.health.report()
            return bool(health["push"]["status"] == "connected" and health["passes"] > 1)

        overview = Overview({"": self._service.health})
        page = PageAccount(self.settings)
        async with (
            serve_health(overview, host=LOOPBACK, port=0) as port,
            serve_page(self.settings, [(self.settings, page)]) as web_port,
        ):
            task = asyncio.create_task(self._service.run(), name="service")
            try:
                try:
                    async with asyncio.timeout(self._patience):
                        await _glance_until(is_listening)
                except TimeoutError:
                    raise UnexpectedEventError("the service does not start") from None
                with page.serve(self._worker, self._service.passes):
                    yield f"http://{LOOPBACK}:{port}/healthz", f"http://{LOOPBACK}:{web_port}/"
            finally:
                task.cancel()
                await asyncio.wait({task})

    async def _wait_for_pass(self) -> None:
        """Wait for the end of a pass that began after the last delivery: a tap is a new burst then.

        Give up after three settle times, because an earlier pass may have seen the last mail.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(3 * self.settings.push.settle):
                await _glance_until(self._has_pass_ended)

    def _has_pass_ended(self) -> bool:
        health: Mapping[str, Any] = self._service.health.report()
        last: Mapping[str, float] | None = health["last_pass"]
        if last is None:
            return False
        since_begun = last["age_seconds"] + last["duration_seconds"]
        return since_begun < time.monotonic() - self._delivered_at

    def push_transport(self) -> str:
        """Return the name of the push transport."""
        health: Mapping[str, Any] = self._service.health.report()
        return str(health["push"]["transport"])

    # Mail that comes

    async def deliver(self, *letters: Letter) -> float:
        """Deliver mails into the Inbox at once, and wait until Mailroom has filed them.

        Returns:
            Seconds until the last mail is filed.

        Raises:
            UnexpectedEventError: a mail is not filed.
        """
        await self._wait_for_pass()
        began = time.perf_counter()
        now, first = datetime.now(UTC), len(self._numbers)
        for letter in letters:
            message = letter.message(len(self._numbers) + 1, now)
            mail_id = self.console.deliver(message, received_at=letter.received_at(now))
            self._numbers.append(mail_id)
            self._letters[mail_id] = letter
        new = self._numbers[first:]
        await self._until(
            lambda: all(SCREENED in self.mail(mail_id).keywords for mail_id in new),
            "new mail is not filed",
        )
        self._delivered_at = time.monotonic()
        return time.perf_counter() - began

    # Labels

    async def tap(
        self, mail_id: str, *, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> float:
        """Put labels on a mail and remove others, and wait until Mailroom is done.

        Returns:
            Seconds until the label is removed, or the error label is put on.

        Raises:
            UnexpectedEventError: neither happens.
        """
        await self._wait_for_pass()
        began = time.perf_counter()
        self.console.label(mail_id, add=add, remove=remove)
        tapped = ", ".join([*add, *remove])
        await self._until(lambda: self._is_done(mail_id), f"{tapped} is not dealt with")
        return time.perf_counter() - began

    def _is_done(self, mail_id: str) -> bool:
        mailboxes = self.mail(mail_id).mailboxes
        is_error = self.settings.screener.error_label in mailboxes
        if len(mailboxes & self.labels()) > 1:
            return is_error
        return not mailboxes & self.every_label() and not is_error

    async def _until(self, condition: Callable[[], bool], problem: str) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while not condition():
                    await self._states.wait(self._states.highest)
        except TimeoutError:
            raise UnexpectedEventError(f"{problem} after {self._patience:g} s") from None

    # The account's contents

    @property
    def newest(self) -> SeenMail:
        """The mail that came last."""
        return self.mail(self._numbers[-1])

    @property
    def delivered(self) -> int:
        """The number of mails that came."""
        return len(self._numbers)

    def labels(self) -> frozenset[str]:
        """Return every label that decides alone."""
        labels = {category.label for category in self.settings.categories}
        layout = self.settings.screener.layout
        return frozenset(labels | {layout.screener_label, layout.spam_label})

    def every_label(self) -> frozenset[str]:
        """Return every label that can be tapped."""
        layout = self.settings.screener.layout
        return self.labels() | {layout.domain_label, layout.list_label}

    def mail(self, mail_id: str) -> SeenMail:
        """Return the mail with an id."""
        return next(mail for mail in self.console.mails() if mail.id == mail_id)

    def letter(self, mail: SeenMail) -> Letter:
        """Return a mail as it was sent."""
        return self._letters[mail.id]

    def number(self, mail: SeenMail) -> int:
        """Return the number of a mail, which never changes. Numbers begin at 1."""
        return self._numbers.index(mail.id) + 1

    def by_number(self, number: int) -> SeenMail | None:
        """Return the mail with this number; None if there is none."""
        return self.mail(self._numbers[number - 1]) if 0 < number <= len(self._numbers) else None

    def latest(self, subject: str) -> SeenMail:
        """Return the newest mail with this subject."""
        return [mail for mail in self.console.mails() if mail.subject == subject][-1]

    async def see(self, about: Subject) -> Sighting:
        """Return the mail and contact of a sender, a mailing list or a whole domain."""
        contacts = await (await self._owner.book()).sync()
        card = next(iter(await contacts.read([about.key])), None)
        groups = {group.name for group in contacts.groups if card and card.uid in group.members}
        seen = [mail for mail in self.console.mails() if self.letter(mail).is_of(about)]
        mails = tuple(mail.mailboxes for mail in seen)
        return Sighting(about, mails, card, frozenset(groups))

    async def see_contacts(self) -> list[tuple[Card, frozenset[str]]]:
        """Return the contact of every sender, list and domain, with the names of its groups."""
        letters = self._letters.values()
        keys = {letter.about.key for letter in letters}
        keys |= {whole_domain(letter.sender.key) for letter in letters}
        contacts = await (await self._owner.book()).sync()
        cards = await contacts.read(keys)
        return [
            (card, frozenset(group.name for group in contacts.groups if card.uid in group.members))
            for card in sorted(cards, key=lambda card: card.names.full)
        ]


async def _glance_until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - health has no event to wait for
        await asyncio.sleep(_GLANCE)


def demo_settings(session_url: str, url: str) -> Settings:
    """Return settings for the sandbox, without the settings of this machine."""
    with tempfile.TemporaryDirectory() as empty:
        environ = {
            "MAILROOM_JMAP_SESSION_URL": session_url,
            "MAILROOM_JMAP_USERNAME": USER.name,
            "MAILROOM_JMAP_PASSWORD": USER.password,
            "MAILROOM_CARDDAV_URL": url,
            "MAILROOM_ARRIVALS_LOOKBACK": "864000",  # 10 days: some of the mail came two days ago
            "MAILROOM_SECRETS_DIR": empty,
            "MAILROOM_WEB_AUTH": "none",
            "MAILROOM_WEB_HOST": LOOPBACK,
            "MAILROOM_WEB_PORT": "0",
        }
        return load_settings(environ, cwd=Path(empty))


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """Yield a stage with an empty account, whose mail server runs until the block ends."""
    async with AsyncExitStack() as stack:
        sandbox = Sandbox(users=(USER,), quirks=_QUIRKS)
        await stack.enter_async_context(sandbox.serve(host=LOOPBACK))
        settings = demo_settings(sandbox.session_url, sandbox.url)
        owner = await stack.enter_async_context(open_account(settings))
        worker = await stack.enter_async_context(open_account(settings))
        yield Stage(sandbox, owner=owner, worker=worker)
