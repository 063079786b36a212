"""The page with the keyboard only."""

from playwright.async_api import Page, expect

from tests.support.browser.screen import Screen
from tests.support.owner.person import Owner, message
from tests.support.owner.waiting import waits
from tests.web.conftest import Serve

ANN = "ann@loom.example"
BEN = "ben@mill.example"
CY = "cy@own.example"


async def test_keys_decide_and_undo(page: Page, alice: Owner, serve: Serve) -> None:
    await waits(alice, message(CY, "three"), message(BEN, "two"), message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await page.keyboard.press("j")
        await screen.until_current(ANN)
        await page.keyboard.press("j")
        await screen.until_current(BEN)
        await page.keyboard.press("k")
        await page.keyboard.press("2")
        await screen.until_decided(ANN, "Feed")
        await page.keyboard.press("4")
        await screen.until_decided(BEN, "Jail")
        assert await alice.where("one") == {"Feed"}
        assert await alice.where("two") == {"Jail"}
        await page.keyboard.press("u")
        await screen.until_it_waits(BEN)
        assert await alice.where("two") == {"Screener"}


async def test_the_tab_key_reaches_every_answer(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        feed = screen.row(ANN).get_by_role("button", name="Feed", exact=True)
        for _ in range(30):
            await page.keyboard.press("Tab")
            if await feed.evaluate("button => button === document.activeElement"):
                break
        await page.keyboard.press("Enter")
        await screen.until_decided(ANN, "Feed")


async def test_several_rows_with_the_keyboard(page: Page, alice: Owner, serve: Serve) -> None:
    await waits(alice, message(CY, "three"), message(BEN, "two"), message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        for who in (ANN, BEN):
            await page.keyboard.press("j")
            await screen.until_current(who)
            await page.keyboard.press("x")
        button = screen.bulk.get_by_role("button", name="Paper Trail", exact=True)
        await button.focus()
        await page.keyboard.press("Enter")
        for who in (ANN, BEN):
            await screen.until_decided(who, "Paper Trail")
        assert await alice.where("three") == {"Screener"}


async def test_answers_behind_more_with_the_keyboard(
    page: Page, alice: Owner, serve: Serve
) -> None:
    await alice.receive(message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.row(ANN).locator("summary").focus()
        await page.keyboard.press("Enter")
        await screen.row(ANN).get_by_role("checkbox", name="Mark as read").focus()
        await page.keyboard.press("Space")
        await screen.row(ANN).get_by_role("button", name="Truck").focus()
        await page.keyboard.press("Enter")
        await screen.until_decided(ANN, "Truck")
        assert "$seen" in (await alice.mail("one")).keywords


async def test_a_key_shows_all_keys(page: Page, alice: Owner, serve: Serve) -> None:
    async with serve(alice) as site:
        await Screen.opened(page, site.url)
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_be_hidden()
