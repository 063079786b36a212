"""Nothing on any page is hard to use for some people, as far as axe-core can see."""

from typing import Literal

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser.accessibility import barriers
from tests.support.browser.screen import Screen
from tests.support.browser.window import DESKTOP, PHONE, context_of
from tests.support.owner.person import Owner, message
from tests.support.owner.waiting import waits
from tests.support.service.page import WITH_PASSWORD
from tests.web.conftest import Serve

ANN = "ann@loom.example"
BEN = "ben@mill.example"
LIST = {"List-Id": "<letter.mill.example>"}
LISTS = ("/?all", "/decided")
OTHERS = (f"/subject?who={ANN}", "/suggest", "/clear", "/offline", "/none")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages(
    browser: Browser, alice: Owner, serve: Serve, scheme: Literal["light", "dark"]
) -> None:
    is_dark = scheme == "dark"
    await waits(alice, message("cy@own.example"), message(BEN, headers=LIST), message(ANN))
    found = dict[str, list[str]]()
    async with serve(alice) as site:
        for size, paths in ((PHONE, LISTS + OTHERS), (DESKTOP, LISTS[:1])):
            async with context_of(browser, viewport=size, color_scheme=scheme) as (context, _):
                screen = await Screen.opened(await context.new_page(), site.url)
                if size is PHONE:
                    await screen.answer(ANN, "Feed")
                    await screen.until_decided(ANN, "Feed")
                    await screen.more(BEN)
                    found["an answer, and what is behind More"] = await barriers(
                        screen.page, colours_only=is_dark
                    )
                for path in paths:
                    await screen.open(path)
                    # The page of the suggestions loads itself again when all mail is read.
                    await expect(screen.page.get_by_text("Reading the mail")).to_have_count(0)
                    found[f"{path} {size}"] = await barriers(screen.page, colours_only=is_dark)
    assert {page: lines for page, lines in found.items() if lines} == {}


async def test_the_sign_in(browser: Browser, alice: Owner, serve: Serve) -> None:
    async with (
        serve(alice, **WITH_PASSWORD) as site,
        context_of(browser, viewport=PHONE) as (context, _),
    ):
        screen = await Screen.opened(await context.new_page(), site.url)
        await screen.sign_in("wrong horse battery")
        await screen.page.get_by_role("alert").wait_for()
        assert await barriers(screen.page) == []


async def test_pages_fit_a_small_screen_and_fingers(
    browser: Browser, alice: Owner, serve: Serve
) -> None:
    """Nothing is cut off at a width of 320, which is also a desktop's at a zoom of 400 %."""
    await waits(alice, message(f"{'Long' * 20}@{'mill.' * 15}example"), message(BEN, headers=LIST))
    await alice.receive(message("Nobody <>", "no sender"))
    small = {"width": 320, "height": 640}
    async with (
        serve(alice) as site,
        context_of(browser, viewport=small, has_touch=True) as (context, _),
    ):
        screen = await Screen.opened(await context.new_page(), site.url)
        for path in LISTS + OTHERS:
            await screen.open(path)
            width = await screen.page.evaluate("document.documentElement.scrollWidth")
            assert width <= small["width"], f"{path} is {width} wide"
        await screen.open()
        await screen.more(BEN)
        for button in await screen.row(BEN).get_by_role("button").all():
            box = await button.bounding_box()
            assert box is not None
            assert box["height"] >= 44, await button.inner_text()
