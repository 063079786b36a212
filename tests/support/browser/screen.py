"""Use the page as a person does: find elements by their roles and names."""

import re
from contextlib import suppress
from typing import Final, Self

from playwright.async_api import Locator, Page, expect

_MOMENT: Final = 500
"""Milliseconds in which the page shows that it has accepted an answer."""
SAID: Final = {"spam": "Spam"}
"""Name of an answer -> the text that the page shows for the answer."""


class Screen:
    """A window with the page.

    Args:
        page: the window.
        url: the address of the page.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    @classmethod
    async def opened(cls, page: Page, url: str, path: str = "/?all") -> Self:
        """Open a path of the page in a window."""
        screen = cls(page, url)
        await screen.open(path)
        return screen

    async def open(self, path: str = "/?all") -> None:
        """Go to a path."""
        await self.page.goto(self.url + path)

    async def sign_in(self, password: str) -> None:
        """Fill the form in, send it, and wait for the page that follows."""
        await self.page.get_by_label("Password").fill(password)
        async with self.page.expect_navigation():
            await self.page.get_by_role("button", name="Sign in").click()

    @property
    def rows(self) -> Locator:
        """All rows of a list."""
        return self.page.get_by_role("main").get_by_role("article")

    def row(self, who: str) -> Locator:
        """Return the row that has a subject in its text."""
        return self.rows.filter(has_text=who)

    async def answer(self, who: str, answer: str) -> None:
        """Press an answer of a row, or an answer behind More if the row does not show it."""
        button = self.row(who).get_by_role("button", name=_named(answer))
        if not await button.is_visible():
            await self.more(who)
        await button.click()

    async def answer_that_moved(self, who: str, answer: str) -> None:
        """Press an answer again and again: the page ignores presses right after rows have moved."""
        while True:
            await self.answer(who, answer)
            with suppress(AssertionError):
                await expect(self.row(who)).to_contain_text(f"{answer}.", timeout=_MOMENT)
                return

    async def more(self, who: str) -> None:
        """Open the panel behind More."""
        await self.row(who).locator("summary").click()

    async def choose_scope(self, who: str, scope: str) -> None:
        """Choose the senders that the answer is about."""
        await self.more(who)
        await self.row(who).get_by_role("radio", name=scope).check()

    async def mark_as_read(self, who: str) -> None:
        """Tick the box that marks the mail as read with the answer."""
        await self.more(who)
        await self.row(who).get_by_role("checkbox", name="Mark as read").check()

    async def until_decided(self, who: str, answer: str) -> None:
        """Wait until the row shows the decision."""
        await expect(self.row(who)).to_contain_text(f"{SAID.get(answer, answer)}.")

    async def until_current(self, who: str) -> None:
        """Wait until the row has the focus."""
        await expect(self.row(who)).to_be_focused()

    async def show_new(self) -> None:
        """Press the button for new senders, which the page offers while a row has the focus."""
        await self.page.get_by_role("button", name="new sender").click()

    async def until_it_waits(self, who: str) -> None:
        """Wait until the row can be answered again."""
        await expect(self.row(who).get_by_role("button", name="Feed", exact=True)).to_be_visible()

    async def until_nobody_waits(self) -> None:
        """Wait until the page says that nobody waits."""
        await expect(self.page.get_by_text("Nobody waits.")).to_be_visible()

    def undo_button(self, who: str) -> Locator:
        """Return the button that undoes the answer of a row."""
        return self.row(who).get_by_role("button", name="Undo")

    async def undo(self, who: str) -> None:
        """Undo the answer of a row."""
        await self.undo_button(who).click()

    async def tick(self, who: str) -> None:
        """Tick a row."""
        await self.row(who).get_by_role("checkbox", name="Tick").check()

    async def answer_ticked(self, answer: str) -> None:
        """Press an answer for all ticked rows."""
        await self.bulk.get_by_role("button", name=SAID.get(answer, answer), exact=True).click()

    @property
    def bulk(self) -> Locator:
        """The answers for all ticked rows."""
        return self.page.get_by_role("form", name="One answer for all ticked senders")

    async def search(self, words: str) -> None:
        """Search the list."""
        box = self.page.get_by_role("searchbox")
        await box.fill(words)
        await box.press("Enter")

    def outcome(self, who: str) -> Locator:
        """Return the outcome that a page shows at its top after a plain form was sent."""
        return self.page.get_by_role("main").get_by_role("status").filter(has_text=who)

    async def change_decision(self, who: str, answer: str) -> None:
        """Change a decision in the list of decisions."""
        await self.row(who).locator("summary").click()
        await self.row(who).get_by_role("button", name=_named(answer)).click()


def _named(answer: str) -> re.Pattern[str]:
    """Return a pattern for the name of an answer's button in a row."""
    return re.compile(rf"^(No\W+)?{re.escape(SAID.get(answer, answer))}$")
