"""The page with JavaScript turned off: plain forms, and the same decisions."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from mailroom.web.notice_links import LinkSigner, NoticeLink
from tests.support.browser.screen import Screen
from tests.support.browser.window import PHONE, context_of
from tests.support.owner.person import Owner, message
from tests.support.service.page import PASSWORD, WITH_PASSWORD
from tests.web.conftest import Serve

ANN = "ann@loom.example"
BEN = "ben@mill.example"
CY = "cy@own.example"
LIST = {"List-Id": "<letter.loom.example>"}


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A window without JavaScript."""
    async with context_of(browser, viewport=PHONE, java_script_enabled=False) as (context, _):
        yield await context.new_page()


async def test_an_answer_and_the_way_back(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"), message(BEN, "two"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.answer(ANN, "Feed")
        await expect(screen.outcome(ANN)).to_contain_text("Feed.")
        await expect(screen.row(ANN)).to_have_count(0)
        assert await alice.where("one") == {"Feed"}
        await page.get_by_role("button", name="Undo").click()
        await expect(screen.row(ANN)).to_be_visible()
        assert await alice.where("one") == {"Screener"}


async def test_answers_behind_more(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"), message(BEN, "two"), message(CY, "three"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.answer(ANN, "spam")
        await expect(screen.outcome(ANN)).to_contain_text("Spam.")
        assert await alice.where("one") == {"Spam"}
        await screen.answer(BEN, "Just this mail to the Inbox")
        await expect(screen.outcome(BEN)).to_contain_text("In the Inbox")
        assert await alice.where("two") == {"Inbox"}
        await screen.choose_scope(CY, "everybody at own.example")
        await screen.row(CY).get_by_role("checkbox", name="Mark as read").check()
        await screen.row(CY).get_by_role("button", name="Truck", exact=True).click()
        await expect(screen.outcome("*@own.example")).to_contain_text("Truck.")
        mail = await alice.mail("three")
        assert mail.mailboxes == {"Truck", "Paper Trail"}
        assert "$seen" in mail.keywords


async def test_several_rows_at_once(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"), message(BEN, "two"), message(CY, "three"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.tick(ANN)
        await screen.tick(BEN)
        await screen.answer_ticked("Feed")
        for who in (ANN, BEN):
            await expect(screen.outcome(who)).to_contain_text("Feed.")
        assert await alice.where("one") == await alice.where("two") == {"Feed"}
        assert await alice.where("three") == {"Screener"}


async def test_search_and_a_change_of_a_decision(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"), message(BEN, "two"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.search("mill")
        await expect(screen.rows).to_have_count(1)
        await screen.answer(BEN, "Feed")
        await screen.open("/decided")
        await screen.change_decision(BEN, "Imbox")
        await expect(screen.outcome(BEN)).to_contain_text("Imbox.")
        await screen.change_decision(BEN, "Back to the Screener")
        await expect(screen.outcome(BEN)).to_contain_text("Waits again.")
        assert await alice.where("two") == {"Screener"}


async def test_suggestions(page: Page, alice: Owner, serve: Serve) -> None:
    """The first page of an account is that of the proposals, which decides what is ticked."""
    mails = [message(ANN, f"{number}", headers=LIST) for number in range(4)]
    await alice.receive(*mails)
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url, "/")
        await expect(page).to_have_url(f"{site.url}/suggest")
        await expect(
            page.get_by_role("button", name="Decide on the ticked senders")
        ).to_be_visible()
        await screen.row(ANN).get_by_role("combobox").select_option("Feed")
        await screen.row(ANN).get_by_role("checkbox").check()
        await page.get_by_role("button", name="Decide on the ticked senders").click()
        await expect(page.get_by_role("heading", name="Decided")).to_be_visible()
        await expect(screen.row(ANN)).to_contain_text("Feed")


async def test_clearing(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"))
    async with serve(alice) as site:
        await Screen.opened(page, site.url, "/clear?older=")
        await page.get_by_role("button", name="Clear this mail").click()
        await expect(page.get_by_text("1 mail of 1 sender went to Archive.")).to_be_visible()
        assert await alice.where("one") == {"Archive"}


async def test_signing_in(page: Page, alice: Owner, serve: Serve) -> None:
    async with serve(alice, **WITH_PASSWORD) as site:
        screen = await Screen.opened(page, site.url, "/decided")
        await screen.sign_in(PASSWORD)
        await expect(page).to_have_url(f"{site.url}/decided")


async def test_the_link_of_a_notice(page: Page, alice: Owner, serve: Serve) -> None:
    """Nobody is signed in: the link shows its question, and only its button decides."""
    await alice.receive(message(ANN, "one"))
    async with serve(alice, **WITH_PASSWORD) as site:
        link = NoticeLink(ANN, "Feed", (await alice.mail("one")).id)
        signed = LinkSigner("", api_token="", password=PASSWORD).sign(link)
        await page.goto(f"{site.url}/notice/{signed}")
        await expect(page.get_by_role("heading", name="Feed?")).to_be_visible()
        await expect(page.get_by_role("navigation")).to_have_count(0)
        assert await alice.where("one") == {"Screener"}
        await page.get_by_role("button", name="Feed").click()
        await expect(page.get_by_role("heading", name="Feed: done")).to_be_visible()
        assert await alice.where("one") == {"Feed"}
