"""The servers of a measurement, in processes of their own, and owners on them."""

import fcntl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

import aiohttp
from sandbox_server import SandboxProcess, sandbox_process
from yarl import URL

from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.person import Owner, Person
from tests.support.owner.vcard_app import VCardApp, default_book
from tests.support.servers.carddav import serving
from tests.support.servers.cyrus import PASSWORD, Cyrus
from tests.support.servers.james import DOMAIN, James
from tests.support.service.in_process import set_up
from tests.support.service.process import environment

TITLES: Final = {
    "cyrus": "Cyrus",
    "james-radicale": "James, Radicale",
    "james-xandikos": "James, Xandikos",
    "sandbox-carddav": "Sandbox, CardDAV",
    "sandbox-jmap": "Sandbox, JMAP contacts",
}
"""The servers that are measured, by key: one for both, or one for mail and one for contacts."""

_INSTANCE: Final = "bench"
_USERS: Final = 8
"""Enough for all measurements on one server, each of which takes a new user."""

MakeOwner = Callable[[], Awaitable[Owner]]


@dataclass(frozen=True)
class MeasuredServer:
    """A server that is measured.

    Attributes:
        key: see :data:`TITLES`.
        new_owner: returns the owner of a new account, with Mailroom's mailboxes and groups, all
            empty.
    """

    key: str
    new_owner: MakeOwner

    @property
    def is_sandbox(self) -> bool:
        """True if the server is the sandbox, which announces every change at once."""
        return self.key.startswith("sandbox")


@asynccontextmanager
async def running_server(key: str, cwd: Path) -> AsyncIterator[MeasuredServer]:
    """Run a server until the block ends."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        server, _, contacts = key.partition("-")
        match server:
            case "cyrus":
                make = await owners_on_cyrus(session, stack)
            case "james":
                make = await _owners_on_james(contacts, cwd, session, stack)
            case _:
                make = await _owners_on_sandbox(contacts, session, stack)

        async def new_owner() -> Owner:
            owner = await make()
            await set_up(environment(owner), cwd)
            return owner

        yield MeasuredServer(key, new_owner)


async def owners_on_cyrus(session: aiohttp.ClientSession, stack: AsyncExitStack) -> MakeOwner:
    """Start Cyrus until the stack is closed; return a function that makes owners there."""
    cyrus = await Cyrus.start(_INSTANCE)
    stack.push_async_callback(cyrus.reset)
    names = _names()

    async def make() -> Owner:
        name = next(names)
        await cyrus.fresh_user(name)
        return Person(cyrus, name, session)

    return make


async def _owners_on_james(
    contacts: str, cwd: Path, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> MakeOwner:
    """Start James and a server for contacts; each new owner on James replaces the previous one."""
    lock = stack.enter_context((cwd / "lock").open("wb"))
    fcntl.flock(lock, fcntl.LOCK_EX)
    james = await James.start(_INSTANCE, while_held=cwd / "lock")
    stack.push_async_callback(james.stop)
    names = _names()

    async def make() -> Owner:
        name = next(names)
        await james.fresh_user(name)
        folder = cwd / name
        folder.mkdir()
        dav = await stack.enter_async_context(serving(contacts, name, folder))
        app = VCardApp(session, dav.book_url, name, PASSWORD)
        server = replace(james, dav_url=dav.url)
        return Owner(server, name, session, app, login=f"{name}@{DOMAIN}")

    return make


async def _owners_on_sandbox(
    contacts: str, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> MakeOwner:
    names = _names()
    users = [next(names) for _ in range(_USERS)]
    server = await stack.enter_async_context(sandbox_process(users, contacts))
    free = iter(users)

    async def make() -> Owner:
        return owner_on_sandbox(server, next(free), contacts, session)

    return make


def owner_on_sandbox(
    server: SandboxProcess, name: str, contacts: str, session: aiohttp.ClientSession
) -> Owner:
    """Return the owner of an account on the sandbox."""
    if contacts == "jmap":
        url = URL(f"{server.url}/jmap/")
        return Owner(server, name, session, JsContactApp(session, url, name, PASSWORD))
    return Owner(
        server, name, session, VCardApp(session, default_book(server.url, name), name, PASSWORD)
    )


def _names() -> Iterator[str]:
    return (f"bench{number}" for number in count())
