"""Tests of the page in a real browser, over a service on the sandbox."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.support.browser.launch import launching
from tests.support.browser.window import PHONE, context_of
from tests.support.owner.person import Owner
from tests.support.service.page import OPEN, Site, serving_page
from tests.support.variants.worlds import OnSandbox, Variant

Serve = Callable[..., AbstractAsyncContextManager[Site]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in one event loop, as the browser is bound to its loop."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser that all tests of a process share."""
    async with launching() as launched:
        yield launched


@pytest.fixture
def screen_size() -> dict[str, int]:
    """The size of the window."""
    return PHONE


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, screen_size: dict[str, int]) -> AsyncIterator[Page]:
    """A window of the browser."""
    async with context_of(browser, viewport=screen_size) as (context, _):
        yield await context.new_page()


@pytest_asyncio.fixture(loop_scope="session")
async def alice(tmp_path: Path) -> AsyncIterator[Owner]:
    """An owner whose account has Mailroom's mailboxes and groups."""
    world = OnSandbox(Variant("sandbox", "jmap", "eventsource"), tmp_path)
    async with world.newcomer() as owner:
        await world.set_up(owner)
        yield owner


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Return the starter of services with a page: ``async with serve(alice, ...) as site``."""

    def with_page(owner: Owner, **settings: str) -> AbstractAsyncContextManager[Site]:
        return serving_page(owner, tmp_path, **(settings or OPEN))

    return with_page
