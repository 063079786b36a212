"""Draws the page of the demo's account on two screens, light and dark."""

import asyncio
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser

from mailroom.demo.mailbox import Letter, Sender
from mailroom.demo.stage import open_stage
from mailroom.logs import configure_logging
from tests.support.browser.launch import launching

_INTO: Final = Path(__file__).parents[2] / "docs" / "images"
_SCREENS: Final = {"phone": (390, 844), "computer": (1280, 800)}
"""Name -> width and height, in CSS pixels."""
_DAILY_LOOM: Final = Sender("The Daily Loom", "hello@dailyloom.example")
_LETTERS: Final = (
    Letter(_DAILY_LOOM, "Five looms you will love", 50),
    Letter(Sender("Zoe Bücher", "zoe@xn--bcher-kva.example"), "The book that you asked about", 30),
    Letter(Sender("Loom & Thread", "offers@threads.example"), "Everything must go, again", 20),
    Letter(Sender("City Power", "service@citypower.example"), "Your bill for November", 9),
    Letter(_DAILY_LOOM, "Six looms you will love", 3),
    Letter(Sender("Dr. Maria Santos", "practice@santos.example"), "Your appointment", 2),
    Letter(Sender("Ann Weaver", "ann@loom.example"), "Lunch on Thursday?", 1),
    Letter(Sender("Bike Shop", "orders@bikes.example"), "Your order 4711 has shipped", 0.1),
)


async def main() -> None:
    """Write all pictures."""
    configure_logging(level="warning")
    _INTO.mkdir(parents=True, exist_ok=True)
    async with open_stage() as stage, launching() as browser:
        await stage.set_up()
        async with stage.serve() as (_, page_url):
            await stage.deliver(*_LETTERS)
            for screen in _SCREENS:
                for scheme in ("light", "dark"):
                    await _draw(browser, page_url, screen, scheme)


async def _draw(
    browser: Browser, page_url: str, screen: str, scheme: Literal["light", "dark"]
) -> None:
    width, height = _SCREENS[screen]
    page = await browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    await page.goto(f"{page_url}?page=1")
    first = page.locator("li.row").first
    await first.get_by_role("button", name="Paper Trail").click()
    undo = first.get_by_role("button", name="Undo")
    await undo.wait_for()
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(path=_INTO / f"page-{screen}-{scheme}.png")
    await undo.click()
    await undo.wait_for(state="detached")
    await page.close()


asyncio.run(main())
