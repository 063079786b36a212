"""An owner and a proxy for tests that run the service in this process; they define ``world``."""

from collections.abc import AsyncIterator

import pytest

from tests.support.owner.person import Owner
from tests.support.proxy.proxy import Proxy, proxying
from tests.support.variants.worlds import OnSandbox


@pytest.fixture
async def alice(world: OnSandbox) -> AsyncIterator[Owner]:
    """An owner whose account has Mailroom's mailboxes and groups."""
    async with world.newcomer() as owner:
        await world.set_up(owner)
        yield owner


@pytest.fixture
async def proxy(alice: Owner) -> AsyncIterator[Proxy]:
    """A proxy in front of the server: ``world.start(alice, http=proxy.url)``."""
    async with proxying(alice.server.url) as proxy:
        yield proxy
