"""The proposals for the first use of an account."""

from playwright.async_api import Page, expect

from tests.support.browser.screen import Screen
from tests.support.owner.person import Owner, message
from tests.web.conftest import Serve

ANN = "ann@loom.example"
LIST = {"List-Id": "<letter.loom.example>"}


async def test_the_page_follows_the_reading_of_old_mail(
    page: Page, alice: Owner, serve: Serve
) -> None:
    """The proposals appear by themselves, and what is ticked is decided."""
    await alice.receive(*(message(ANN, f"{number}", headers=LIST) for number in range(4)))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url, "/")
        await expect(page.get_by_text("Reading the mail of the last year")).to_be_visible()
        await expect(screen.row(ANN)).to_be_visible()
        await screen.row(ANN).get_by_role("combobox").select_option("Feed")
        await screen.row(ANN).get_by_role("checkbox").check()
        await page.get_by_role("button", name="Decide on the ticked senders").click()
        await expect(page.get_by_role("heading", name="Decided")).to_be_visible()
        await expect(screen.row(ANN)).to_contain_text("Feed")
