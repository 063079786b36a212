"""The servers of a measurement, in processes of their own, and owners on them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import aiohttp
from sandbox_server import SandboxProcess, sandbox_process
from yarl import URL

from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.person import Owner, Person
from tests.support.owner.vcard_app import VCardApp, default_book
from tests.support.servers.cyrus import PASSWORD, Cyrus
from tests.support.service.in_process import set_up
from tests.support.service.process import environment

TITLES: Final = {
    "cyrus": "Cyrus, CardDAV",
    "sandbox-carddav": "Sandbox, CardDAV",
    "sandbox-jmap": "Sandbox, JMAP contacts",
}
"""The worlds, by key."""

_INSTANCE: Final = "bench"
_PEOPLE: Final = 8
"""So many are enough for one round through a world."""


@dataclass(frozen=True)
class World:
    """A server.

    Attributes:
        key: see :data:`TITLES`.
        newcomer: returns an owner whose account has Mailroom's mailboxes and groups, all
            empty.
    """

    key: str
    newcomer: Callable[[], Awaitable[Owner]]

    @property
    def announces_at_once(self) -> bool:
        """Cyrus looks for changes once a second; the sandbox announces them at once."""
        return self.key != "cyrus"


@asynccontextmanager
async def opened(key: str, cwd: Path) -> AsyncIterator[World]:
    """A world, as long as the block runs."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        opening = _cyrus if key == "cyrus" else _sandbox
        make = await opening(key, session, stack)

        async def newcomer() -> Owner:
            owner = await make()
            await set_up(environment(owner), cwd)
            return owner

        yield World(key, newcomer)


async def _cyrus(
    _: str, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Callable[[], Awaitable[Owner]]:
    return await people_on_cyrus(session, stack)


async def people_on_cyrus(
    session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Callable[[], Awaitable[Owner]]:
    """Start Cyrus until the stack is closed; return a function that makes owners there."""
    cyrus = await Cyrus.start(_INSTANCE)
    stack.push_async_callback(cyrus.reset)
    names = _names()

    async def make() -> Owner:
        name = next(names)
        await cyrus.fresh_user(name)
        return Person(cyrus, name, session)

    return make


async def _sandbox(
    key: str, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Callable[[], Awaitable[Owner]]:
    names = _names()
    users = [next(names) for _ in range(_PEOPLE)]
    contacts = key.removeprefix("sandbox-")
    server = await stack.enter_async_context(sandbox_process(users, contacts))
    free = iter(users)

    async def make() -> Owner:
        return on_sandbox(server, next(free), contacts, session)

    return make


def on_sandbox(
    server: SandboxProcess, name: str, contacts: str, session: aiohttp.ClientSession
) -> Owner:
    """Somebody with an account there."""
    if contacts == "jmap":
        url = URL(f"{server.url}/jmap/")
        return Owner(server, name, session, JsContactApp(session, url, name, PASSWORD))
    return Owner(
        server, name, session, VCardApp(session, default_book(server.url, name), name, PASSWORD)
    )


def _names() -> Iterator[str]:
    return (f"bench{number}" for number in count())
