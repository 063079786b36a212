"""The page is open while something happens elsewhere."""

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browser.screen import Screen
from tests.support.browser.window import DESKTOP, PHONE
from tests.support.owner.person import Owner, message, until
from tests.support.owner.waiting import waits
from tests.support.proxy.proxy import Answer, Exchange, Forward, proxying
from tests.support.service.page import OPEN
from tests.web.conftest import Serve

on_both_screens = pytest.mark.parametrize("screen_size", [PHONE, DESKTOP], ids=["phone", "desktop"])

ANN = "ann@loom.example"
BEN = "ben@mill.example"


@on_both_screens
async def test_mail_that_comes_is_shown(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await expect(page).to_have_title("(1) Waiting · Mailroom")
        await alice.receive(message(BEN, "two"))
        await expect(screen.row(BEN)).to_be_visible()
        await expect(page).to_have_title("(2) Waiting · Mailroom")


@on_both_screens
async def test_the_page_comes_back_after_a_restart(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await expect(screen.row(ANN)).to_be_visible()
    await alice.receive(message(BEN, "two"))
    async with serve(alice, **OPEN, MAILROOM_WEB_PORT=str(site.port)):
        await expect(screen.row(BEN)).to_be_visible()
        await screen.answer_that_moved(BEN, "Feed")


async def test_two_tabs(page: Page, alice: Owner, serve: Serve) -> None:
    await waits(alice, message(ANN, "one"), message(BEN, "two"))
    async with serve(alice) as site:
        first = await Screen.opened(page, site.url)
        second = await Screen.opened(await page.context.new_page(), site.url)
        await first.answer(ANN, "Feed")
        await first.until_decided(ANN, "Feed")
        await expect(second.row(ANN)).to_have_count(0)
        await second.answer_that_moved(BEN, "Feed")
        await second.until_decided(BEN, "Feed")
        await expect(first.row(BEN)).to_have_count(0)
        await first.until_decided(ANN, "Feed")


async def test_a_decision_on_the_phone_at_the_same_moment(
    page: Page, alice: Owner, serve: Serve
) -> None:
    """The mail bears two labels: the page says so, and the owner takes one of them off."""
    (mail,) = await alice.receive(message(ANN, "one"))
    was_tapped = False

    async def tap_before_the_page(exchange: Exchange, forward: Forward) -> Answer:
        nonlocal was_tapped
        if "Email/set" in exchange.calls and not was_tapped:
            was_tapped = True
            await alice.tap(mail, "@ToPaperTrail")
        return await forward()

    async with (
        proxying(alice.server.url, alice.server.dav_url) as proxy,
        serve(alice, **OPEN, http=proxy.url) as site,
    ):
        screen = await Screen.opened(page, site.url)
        proxy.intercept = tap_before_the_page
        await screen.answer(ANN, "Feed")
        await expect(screen.row(ANN)).to_contain_text("other labels")
        assert {"@ToPaperTrail", "@ToFeed"} < await alice.where("one")
        await alice.untap(mail, "@ToFeed")
        await alice.until_triaged()
        assert await alice.where("one") == {"Paper Trail"}
        await screen.open("/decided")
        await expect(screen.row(ANN)).to_contain_text("Paper Trail")


async def test_a_label_was_deleted(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        mailboxes = await alice.mailboxes()
        await alice.jmap("Mailbox/set", {"destroy": [mailboxes["@ToFeed"]]})
        await screen.answer(ANN, "Feed")
        await expect(screen.row(ANN)).to_contain_text("Feed.")
        assert await alice.where("one") == {"Feed"}


async def test_the_mail_server_is_down(page: Page, alice: Owner, serve: Serve) -> None:
    """The page says so, shows the last list as old, and follows the account again afterwards."""
    await alice.receive(message(ANN, "one"))
    async with (
        proxying(alice.server.url, alice.server.dav_url) as proxy,
        serve(alice, **OPEN, http=proxy.url) as site,
    ):
        screen = await Screen.opened(page, site.url)
        await expect(page.get_by_text("This list is from")).to_have_count(0)
        proxy.break_off()
        await screen.answer(ANN, "Feed")
        await expect(screen.row(ANN)).to_contain_text("Nothing is lost.")
        await screen.open()
        await expect(page.get_by_text("This list is from")).to_be_visible()
        await expect(screen.row(ANN)).to_be_visible()
        assert await alice.where("one") == {"Screener"}
        proxy.mend()
        await alice.receive(message(BEN, "two"))
        await expect(screen.row(BEN)).to_be_visible()
        await expect(page.get_by_text("This list is from")).to_have_count(0)
        await screen.answer_that_moved(ANN, "Feed")


async def test_the_mail_server_is_back_before_the_page_follows(
    page: Page, alice: Owner, serve: Serve
) -> None:
    """The number of senders is the same, so only the notice shows that the list is old."""
    is_back = asyncio.Event()

    async def hold(route: Route) -> None:
        await is_back.wait()
        await route.continue_()

    await alice.receive(message(ANN, "one"))
    async with (
        proxying(alice.server.url, alice.server.dav_url) as proxy,
        serve(alice, **OPEN, http=proxy.url) as site,
    ):
        screen = await Screen.opened(page, site.url)
        await page.route("**/events", hold)
        proxy.break_off()
        await screen.answer(ANN, "Feed")
        await expect(screen.row(ANN)).to_contain_text("Nothing is lost.")
        await screen.open()
        await expect(page.get_by_text("This list is from")).to_be_visible()
        proxy.mend()

        async def is_well() -> bool:
            return not (await site.service.page.waiting()).problem

        await until(is_well, "the list is read again")
        is_back.set()
        await expect(page.get_by_text("This list is from")).to_have_count(0)
