"""Each test gets a fresh account on a real Cyrus server, set up for Mailroom by Mailroom."""

import itertools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest

from tests.support.owner.person import Person
from tests.support.proxy.proxy import Proxy, proxying
from tests.support.servers.cyrus import Cyrus
from tests.support.service.forked import running
from tests.support.service.in_process import set_up
from tests.support.service.process import Running, environment

_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cyrus)


@pytest.fixture
async def person(cyrus: Cyrus) -> AsyncIterator[Person]:
    """The owner of an empty account."""
    name = f"p{os.getpid()}n{next(_numbers)}"
    await cyrus.fresh_user(name)
    async with aiohttp.ClientSession() as session:
        yield Person(cyrus, name, session)


@pytest.fixture
async def alice(person: Person, tmp_path: Path) -> Person:
    """An owner whose account has Mailroom's mailboxes and groups."""
    await set_up(environment(person), tmp_path)
    return person


@pytest.fixture
async def own_alice(tmp_path: Path) -> AsyncIterator[Person]:
    """An owner like ``alice``, alone on a server that the test may stop and start."""
    cyrus = await Cyrus.start(f"own-{os.getpid()}-{next(_numbers)}")
    try:
        async with aiohttp.ClientSession() as session:
            owner = Person(cyrus, "alice", session)
            await set_up(environment(owner), tmp_path)
            yield owner
    finally:
        await cyrus.reset()


@pytest.fixture
async def proxy(cyrus: Cyrus) -> AsyncIterator[Proxy]:
    """A proxy in front of the shared server: ``start(alice, http=proxy.url)``."""
    async with proxying(cyrus.url) as proxy:
        yield proxy


Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Return the starter of services: ``async with start(alice, VARIABLE="value") as service``."""

    def starter(
        person: Person, *, wait: bool = True, **more: str
    ) -> AbstractAsyncContextManager[Running]:
        return running(environment(person, **more), tmp_path / "mailroom.log", wait=wait)

    return starter
