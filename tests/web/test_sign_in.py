"""Signing in with a password, and what ends it."""

import pytest
from playwright.async_api import Page, expect

from tests.support.browser.screen import Screen
from tests.support.browser.window import DESKTOP, PHONE
from tests.support.owner.person import Owner, message
from tests.support.service.page import PASSWORD, WITH_PASSWORD
from tests.web.conftest import Serve

pytestmark = pytest.mark.parametrize("screen_size", [PHONE, DESKTOP], ids=["phone", "desktop"])

ANN = "ann@loom.example"
COOKIE = "__Host-mailroom"


async def test_signing_in_leads_back_to_the_page_that_was_asked_for(
    page: Page, alice: Owner, serve: Serve
) -> None:
    async with serve(alice, **WITH_PASSWORD) as site:
        screen = await Screen.opened(page, site.url, "/decided?search=ann")
        assert "/sign-in" in page.url
        await screen.sign_in(PASSWORD)
        await expect(page).to_have_url(f"{site.url}/decided?search=ann")
        (cookie,) = await page.context.cookies()
        assert cookie["name"] == COOKIE
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
        assert cookie["path"] == "/"


async def test_a_wrong_password(page: Page, alice: Owner, serve: Serve) -> None:
    async with serve(alice, **WITH_PASSWORD) as site:
        screen = await Screen.opened(page, site.url)
        said = ""
        # The delays grow, so the next try comes too early at last, however slow the browser is.
        while "second" not in said:
            await screen.sign_in("wrong horse battery")
            said = await page.get_by_role("alert").inner_text()
        assert await page.context.cookies() == []


async def test_signing_out(page: Page, alice: Owner, serve: Serve) -> None:
    async with serve(alice, **WITH_PASSWORD) as site:
        screen = await Screen.opened(page, site.url)
        await screen.sign_in(PASSWORD)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Password")).to_be_visible()
        assert await page.context.cookies() == []


async def test_a_sign_in_that_has_expired(page: Page, alice: Owner, serve: Serve) -> None:
    """An answer leads to the sign-in, and nothing is decided."""
    await alice.receive(message(ANN, "one"))
    # A change that the page follows would lead there as well, before the answer.
    await page.route("**/events", lambda route: route.abort())
    async with serve(alice, **WITH_PASSWORD) as site:
        screen = await Screen.opened(page, site.url)
        await screen.sign_in(PASSWORD)
        await expect(screen.row(ANN)).to_be_visible()
        await page.context.clear_cookies()
        await screen.answer(ANN, "Feed")
        await expect(page.get_by_label("Password")).to_be_visible()
        assert await alice.where("one") == {"Screener"}
        await screen.sign_in(PASSWORD)
        await expect(page.get_by_label("Password")).to_have_count(0)


async def test_a_new_password_signs_everybody_out(page: Page, alice: Owner, serve: Serve) -> None:
    async with serve(alice, **WITH_PASSWORD) as site:
        screen = await Screen.opened(page, site.url)
        await screen.sign_in(PASSWORD)
        await expect(page.get_by_label("Password")).to_have_count(0)
    new = {"MAILROOM_WEB_PASSWORD": f"new {PASSWORD}", "MAILROOM_WEB_PORT": str(site.port)}
    async with serve(alice, **new):
        await screen.open()
        await expect(page.get_by_label("Password")).to_be_visible()
