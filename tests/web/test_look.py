"""The look of the page on small and large screens: nothing is cut off, and nothing jumps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from mailroom.web.app import make_app
from mailroom.web.model import Suggestions
from mailroom.web.options import Access, PageOptions
from tests.support.browser.accessibility import barriers
from tests.support.browser.window import context_of
from tests.support.page.showcase import ROWS, ShowcaseAccount, arrived

LONG = (
    arrived(
        1,
        f"{'a' * 64}@{'b' * 60}.a-very-long-domain-of-a-marketing-department.example",
        "Bartholomew Featherstonehaugh-Cholmondeley von und zu Hohenstein-Wittgenstein",
        "Supercalifragilisticexpialidocious" * 5,
        count=128,
        alias="a-very-long-alias-that-was-made-for-one-shop@subdomain.home.example",
        preview="word " * 40,
    ),
    arrived(1.5, "sami@market.example", "سامي العلي", "مرحبا بك", mail_url="https://mail.example/"),
)
NARROW, ZOOMED = 320, 640
"""Widths of the smallest screen, and of a laptop's with everything twice as large."""
PATHS = ("/?page=1", "/decided", f"/subject?who={LONG[0].who}", "/suggest", "/clear")


@asynccontextmanager
async def looking(
    browser: Browser, account: ShowcaseAccount, width: int = 390, scheme: str = "light"
) -> AsyncIterator[tuple[Page, str]]:
    server = TestServer(make_app([Access(account)], PageOptions(open_to_all=True)))
    size = {"width": width, "height": 844}
    async with server, context_of(browser, viewport=size, color_scheme=scheme) as (context, _):
        yield await context.new_page(), str(server.make_url(""))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, ZOOMED])
async def test_long_texts_stay_on_the_screen(
    browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    account = ShowcaseAccount(LONG + ROWS, problem="The mail server does not answer.")
    found = dict[str, list[str]]()
    async with looking(browser, account, width, scheme) as (page, url):
        for path in PATHS:
            await page.goto(url + path)
            for summary in await page.locator("summary").all():
                await summary.click()
            if path == PATHS[0]:
                await page.locator(".tick input").first.check()
            found[path] = await barriers(page)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("is_complete", [True, False])
async def test_an_account_without_anything(browser: Browser, *, is_complete: bool) -> None:
    account = ShowcaseAccount((), (), Suggestions((), 0, 0, is_complete=is_complete))
    found = dict[str, list[str]]()
    async with looking(browser, account) as (page, url):
        for path in PATHS:
            await page.goto(url + path)
            found[path] = await barriers(page)
    assert {path: lines for path, lines in found.items() if lines} == {}


async def test_rows_stay_in_place_after_an_answer(browser: Browser) -> None:
    """The next row's answers are still where the thumb is going."""
    tops = "[...document.querySelectorAll('li.row')].map((row) => row.getBoundingClientRect().top)"
    async with looking(browser, ShowcaseAccount()) as (page, url):
        await page.goto(url + PATHS[0])
        before = await page.evaluate(tops)
        for name in ("Priya Raman", "The Daily Loom"):
            row = page.get_by_role("article", name=name)
            await row.get_by_role("button", name="Feed", exact=True).click()
            await expect(row.get_by_role("button", name="Undo")).to_be_visible()
        assert await page.evaluate(tops) == before


async def test_rows_stay_in_place_while_somebody_reads(browser: Browser) -> None:
    """A new sender waits behind a button as long as the focus is in the list."""
    account = ShowcaseAccount(ROWS)
    async with looking(browser, account) as (page, url):
        await page.goto(url + PATHS[0])
        await page.keyboard.press("j")
        account.receive(LONG[1])
        show = page.get_by_role("button", name="1 new sender. Show")
        await expect(show).to_be_visible()
        await expect(page.get_by_role("article")).to_have_count(len(ROWS))
        await show.click()
        await expect(page.get_by_role("article")).to_have_count(len(ROWS) + 1)
        await expect(show).to_be_hidden()


async def test_the_last_sender_is_decided_elsewhere(browser: Browser) -> None:
    account = ShowcaseAccount(ROWS[:1])
    async with looking(browser, account) as (page, url):
        await page.goto(url + PATHS[0])
        await expect(page.get_by_role("article")).to_have_count(1)
        await account.let_in(ROWS[0].newest_id)
        await expect(page.get_by_text("Nobody waits.")).to_be_visible()
        account.receive(LONG[1])
        await expect(page.get_by_role("article")).to_have_count(1)
        await expect(page.get_by_text("Nobody waits.")).to_have_count(0)
