"""Every behaviour test is written once and run in every world."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.support.owner.person import Owner
from tests.support.proxy.proxy import Proxy, proxying
from tests.support.service.process import Service
from tests.support.variants.rows import params, world_of
from tests.support.variants.worlds import VARIANTS, Variant, World

Start = Callable[..., AbstractAsyncContextManager[Service]]


def on(*variants: Variant) -> pytest.MarkDecorator:
    """Run a test on these variants only, because its subject does not depend on the others."""
    return pytest.mark.parametrize("variant", params(variants), indirect=True)


@pytest.fixture(params=params(VARIANTS))
def variant(request: pytest.FixtureRequest) -> Variant:
    """The variant on which the test runs."""
    chosen: Variant = request.param
    request.node.user_properties.append(("variant", str(chosen)))
    return chosen


@pytest.fixture
def world(variant: Variant, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """The world of the variant; it does not run yet."""
    return world_of(variant, tmp_path, request)


@pytest.fixture
async def person(world: World) -> AsyncIterator[Owner]:
    """An owner with an empty account."""
    async with world.newcomer() as owner:
        yield owner


@pytest.fixture
async def alice(person: Owner, world: World) -> Owner:
    """An owner whose account has Mailroom's mailboxes and groups."""
    await world.set_up(person)
    return person


@pytest.fixture
def start(world: World) -> Start:
    """Return the starter of services: ``async with start(alice, VARIABLE="value") as service``."""
    return world.start


@pytest.fixture
async def proxy(person: Owner) -> AsyncIterator[Proxy]:
    """A proxy in front of the server: ``start(alice, http=proxy.url)``."""
    async with proxying(person.server.url, person.server.dav_url) as proxy:
        yield proxy
