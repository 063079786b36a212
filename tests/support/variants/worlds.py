"""The variants of a behaviour test: a mail server, a protocol for contacts, and one for push."""

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp
from structlog.testing import capture_logs
from yarl import URL

from mailroom.sandbox import (
    CYRUS_3_14,
    FASTMAIL,
    HOSTILE,
    JAMES,
    STALWART,
    STALWART_LIMITS,
    Quirks,
    Sandbox,
    User,
)
from tests.support.owner.contacts_app import ContactsApp
from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.person import Owner, Person
from tests.support.owner.vcard_app import VCardApp, default_book
from tests.support.servers.carddav import serving
from tests.support.servers.cyrus import PASSWORD, Cyrus
from tests.support.servers.james import DOMAIN, James
from tests.support.service.forked import running
from tests.support.service.in_process import running_in_process, set_up
from tests.support.service.process import Service, environment

_NAME: Final = "alice"
_ADDRESSES: Final = ("alice@example.com", "*@home.example")
"""The identities: one's own, and a domain of which every address may be used."""
_TRANSPORTS: Final = {"eventsource": "eventsource", "websocket": "websocket", "poll": "off"}
_POLL: Final = 0.1
_PROTOCOLS: Final = {"carddav": "CardDAV", "jmap": "JMAP"}
_HABITS: Final = {
    "": Quirks(),
    "stalwart limits": Quirks(limits=STALWART_LIMITS),
    "no search index": Quirks(index_lag=None),
    "no states of updates": Quirks(email_set_states=False),
    "mailbox ids of digits": Quirks(digit_ids=frozenset({"Screener", "Feed", "Imbox"})),
    "as Stalwart": STALWART,
    "as Cyrus 3.14": CYRUS_3_14,
    "as Fastmail": replace(FASTMAIL, absolute_urls=False),  # a proxy can stand in front
    "as James": JAMES,
    "hostile": HOSTILE,
}

ANNOTATING: Final = {"MAILROOM_CONTACTS_ANNOTATE": "true"}
"""The setting with which Mailroom edits cards of other makers over JMAP, as over CardDAV."""

_numbers = itertools.count()


@dataclass(frozen=True)
class Variant:
    """One way to run a behaviour test.

    Attributes:
        server: ``cyrus``, ``james`` or ``sandbox``.
        contacts: ``carddav`` or ``jmap``; with ``james``, the server: ``radicale`` or ``xandikos``.
        push: ``eventsource``, ``websocket`` or ``poll``.
        habit: the server's special behaviour; empty if it has none.
    """

    server: str
    contacts: str
    push: str
    habit: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.server, self.contacts, self.push, self.habit)))

    @property
    def quirks(self) -> Quirks:
        """The quirks of the sandbox."""
        has_jmap = self.contacts == "jmap"
        return replace(_HABITS[self.habit], contacts=has_jmap)

    @property
    def protocol(self) -> str:
        """The name of the protocol for the address book."""
        return _PROTOCOLS.get(self.contacts, _PROTOCOLS["carddav"])

    @property
    def settings(self) -> dict[str, str]:
        """The settings that choose the push transport."""
        return {"MAILROOM_PUSH_TRANSPORT": _TRANSPORTS[self.push]}


DIGIT_IDS: Final = Variant("sandbox", "jmap", "websocket", "mailbox ids of digits")
NO_STATES: Final = Variant("sandbox", "jmap", "websocket", "no states of updates")
VARIANTS: Final = (
    Variant("cyrus", "carddav", "eventsource"),
    Variant("james", "radicale", "websocket"),
    Variant("james", "xandikos", "eventsource"),
    *(Variant("sandbox", *ways) for ways in itertools.product(_PROTOCOLS, _TRANSPORTS)),
    Variant("sandbox", "jmap", "websocket", "stalwart limits"),
    Variant("sandbox", "jmap", "websocket", "no search index"),
    Variant("sandbox", "jmap", "websocket", "as Stalwart"),
    Variant("sandbox", "jmap", "websocket", "as Cyrus 3.14"),
    Variant("sandbox", "carddav", "websocket", "as James"),
    Variant("sandbox", "jmap", "websocket", "hostile"),
)
"""The variants on which every behaviour is shown."""
ROWS: Final = (
    *VARIANTS,
    Variant("sandbox", "carddav", "websocket", "as Stalwart"),
    Variant("sandbox", "jmap", "eventsource", "as Fastmail"),
)
"""The variants on which the journey (test_journey.py) is shown."""


class World(Protocol):
    """A server with people on it, and Mailroom."""

    def newcomer(self) -> AbstractAsyncContextManager[Owner]:
        """Yield an owner with an empty account."""

    async def set_up(self, owner: Owner, **settings: str) -> None:
        """Make the mailboxes and groups that Mailroom needs."""

    def start(
        self, owner: Owner, *, wait: bool = True, **settings: str
    ) -> AbstractAsyncContextManager[Service]:
        """Run the service; if ``wait``, wait until its first pass is done and push is open."""


class OnCyrus:
    """A real Cyrus, and the service as a process."""

    def __init__(self, cyrus: Cyrus, tmp_path: Path) -> None:
        self._cyrus = cyrus
        self._log = tmp_path / "mailroom.log"

    @asynccontextmanager
    async def newcomer(self) -> AsyncIterator[Owner]:
        name = f"b{os.getpid()}n{next(_numbers)}"
        await self._cyrus.fresh_user(name)
        async with aiohttp.ClientSession() as session:
            yield Person(self._cyrus, name, session)

    async def set_up(self, owner: Owner, **settings: str) -> None:
        await set_up(environment(owner, **settings), self._log.parent)

    @asynccontextmanager
    async def start(
        self, owner: Owner, *, wait: bool = True, **settings: str
    ) -> AsyncIterator[Service]:
        async with running(environment(owner, **settings), self._log, wait=wait) as service:
            if wait:
                assert (await service.health())["push"]["transport"] == "eventsource"
            yield service


class SandboxServer:
    """The sandbox as a server among others."""

    session_path = "/jmap/"
    api_path = "/jmap/"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.url = self.dav_url = sandbox.url

    async def deliver(self, user: str, *messages: bytes) -> None:
        """Deliver messages to the Inbox."""
        for message in messages:
            self._sandbox.deliver(message, user=user)

    async def deliver_at(self, user: str, when: datetime, *messages: bytes) -> None:
        """Deliver messages to the Inbox, as if they had come at the time ``when``."""
        for message in messages:
            self._sandbox.deliver(message, user=user, received_at=when)

    async def append(self, user: str, mailbox: str, *messages: bytes) -> None:
        """Put messages into a mailbox."""
        for message in messages:
            self._sandbox.owner(user).append(message, mailboxes=[mailbox])


class _InProcess:
    """The service in the test's own process."""

    def __init__(self, variant: Variant, tmp_path: Path) -> None:
        self._variant = variant
        self._cwd = tmp_path
        self._log: list[Any] = []

    async def set_up(self, owner: Owner, **settings: str) -> None:
        await set_up(environment(owner, **settings), self._cwd)

    @asynccontextmanager
    async def start(
        self, owner: Owner, *, wait: bool = True, **settings: str
    ) -> AsyncIterator[Service]:
        env = environment(owner, **{**self._variant.settings, **settings})
        is_polling = self._variant.push == "poll" and "MAILROOM_POLL_INTERVAL" not in settings
        poll = _POLL if is_polling else None
        async with running_in_process(env, self._cwd, self._log, poll=poll) as service:
            if wait:
                await service.until_ready()
                transport = (await service.health())["push"]["transport"]
                assert transport == env["MAILROOM_PUSH_TRANSPORT"]
                assert await service.contacts_protocol() == self._variant.protocol
            yield service
        mistakes = [entry for entry in self._log if entry.get("exc_info")]
        assert mistakes == [], "a mistake in Mailroom itself"


class OnSandbox(_InProcess):
    """A sandbox for each test."""

    @asynccontextmanager
    async def newcomer(self) -> AsyncIterator[Owner]:
        sandbox = Sandbox(
            users=[User(_NAME, addresses=_ADDRESSES)],
            quirks=self._variant.quirks,
        )
        async with sandbox.serve(), aiohttp.ClientSession() as session:
            with capture_logs() as self._log:
                contacts = self._contacts(sandbox, session)
                yield Owner(SandboxServer(sandbox), _NAME, session, contacts)
        assert sandbox.owner().violations == []

    def _contacts(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> ContactsApp:
        if self._variant.contacts == "carddav":
            return VCardApp(session, default_book(sandbox.url, _NAME), _NAME, PASSWORD)
        return JsContactApp(session, URL(sandbox.session_url), _NAME, PASSWORD)


class OnJames(_InProcess):
    """A real Apache James for mail, and a real Radicale or Xandikos for contacts."""

    def __init__(self, variant: Variant, james: James, tmp_path: Path) -> None:
        super().__init__(variant, tmp_path)
        self._james = james

    @asynccontextmanager
    async def newcomer(self) -> AsyncIterator[Owner]:
        name = f"b{next(_numbers)}"
        await self._james.fresh_user(name)
        async with (
            serving(self._variant.contacts, name, self._cwd) as dav,
            aiohttp.ClientSession() as session,
        ):
            with capture_logs() as self._log:
                server = replace(self._james, dav_url=dav.url)
                contacts = VCardApp(session, dav.book_url, name, PASSWORD)
                yield Owner(server, name, session, contacts, login=f"{name}@{DOMAIN}")
