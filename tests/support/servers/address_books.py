"""Address books on several servers, each with its owner's app and with Mailroom's client."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from os import getpid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp
import pytest
from yarl import URL

from mailroom.contacts.book import AddressBook
from mailroom.contacts.carddav import CardDavAddressBook
from mailroom.contacts.jmap import JmapAddressBook
from mailroom.http import Credentials, HttpClient
from mailroom.jmap.client import JmapClient
from mailroom.sandbox.quirks import Carddav, Quirks
from mailroom.sandbox.server import Sandbox
from tests.support.owner.contacts_app import ContactsApp
from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.vcard_app import VCardApp, default_book
from tests.support.servers.carddav import serving
from tests.support.servers.cyrus import PASSWORD, Cyrus

_numbers = count()


@dataclass(frozen=True)
class Account:
    """An address book with nothing in it.

    Attributes:
        owner: the owner's address-book app.
        http: the HTTP client of Mailroom's address book.
        open_book: opens the address book as one more client.
    """

    owner: ContactsApp
    http: HttpClient
    open_book: Callable[[], AddressBook]


OpenAccount = Callable[[], AbstractAsyncContextManager[Account]]


@asynccontextmanager
async def jmap_on_sandbox(quirks: Quirks | None = None) -> AsyncIterator[Account]:
    """Contacts over JMAP, on the sandbox."""
    sandbox = Sandbox(quirks=quirks)
    async with sandbox.serve(), aiohttp.ClientSession() as session:
        url, user = URL(sandbox.session_url), sandbox.users[0].name
        http = _client(session, user)
        yield Account(
            JsContactApp(session, url, user, PASSWORD),
            http,
            lambda: JmapAddressBook(JmapClient(http, url), user, annotate=True),
        )


@asynccontextmanager
async def carddav_on_sandbox() -> AsyncIterator[Account]:
    """Contacts over CardDAV, on the sandbox."""
    async with _carddav_on_sandbox(Quirks(contacts=False)) as account:
        yield account


@asynccontextmanager
async def carddav_without_sync_on_sandbox() -> AsyncIterator[Account]:
    """Contacts over CardDAV on a server without ``sync-collection`` (RFC 6578)."""
    async with _carddav_on_sandbox(
        Quirks(contacts=False, carddav=Carddav(sync_collection=False))
    ) as account:
        yield account


@asynccontextmanager
async def _carddav_on_sandbox(quirks: Quirks) -> AsyncIterator[Account]:
    sandbox = Sandbox(quirks=quirks)
    async with sandbox.serve(), _carddav(sandbox.url, sandbox.users[0].name) as account:
        yield account


@asynccontextmanager
async def carddav_on_cyrus() -> AsyncIterator[Account]:
    """Contacts over CardDAV, on Cyrus."""
    cyrus = await Cyrus.start("contract")
    user = f"a{getpid()}n{next(_numbers)}"
    await cyrus.fresh_user(user)
    async with _carddav(cyrus.url, user) as account:
        yield account


@asynccontextmanager
async def carddav_on_radicale() -> AsyncIterator[Account]:
    """Contacts over CardDAV, on Radicale."""
    async with _carddav_on("radicale") as account:
        yield account


@asynccontextmanager
async def carddav_on_xandikos() -> AsyncIterator[Account]:
    """Contacts over CardDAV, on Xandikos."""
    async with _carddav_on("xandikos") as account:
        yield account


@asynccontextmanager
async def _carddav_on(server: str) -> AsyncIterator[Account]:
    user = f"a{next(_numbers)}"
    with TemporaryDirectory() as folder:
        async with (
            serving(server, user, Path(folder)) as dav,
            _carddav(dav.url, user, dav.book_url) as account,
        ):
            yield account


@asynccontextmanager
async def _carddav(server: str, user: str, book_url: str = "") -> AsyncIterator[Account]:
    async with aiohttp.ClientSession() as session:
        http = _client(session, user)
        owner = VCardApp(session, book_url or default_book(server, user), user, PASSWORD)
        yield Account(owner, http, lambda: CardDavAddressBook(http, URL(server)))


def _client(session: aiohttp.ClientSession, user: str) -> HttpClient:
    return HttpClient(session, Credentials.basic(user, PASSWORD))


SERVERS: Final = (
    pytest.param(carddav_on_cyrus, id="carddav-cyrus", marks=pytest.mark.cyrus),
    pytest.param(carddav_on_radicale, id="carddav-radicale"),
    pytest.param(carddav_on_xandikos, id="carddav-xandikos"),
    pytest.param(carddav_on_sandbox, id="carddav-sandbox"),
    pytest.param(jmap_on_sandbox, id="jmap-sandbox"),
)
"""Parameters of tests that run on every server."""
