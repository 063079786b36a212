"""Decisions with a finger or a mouse: what the page says, and where the mail is afterwards."""

import pytest
from playwright.async_api import Page, expect

from tests.support.browser.screen import Screen
from tests.support.browser.window import DESKTOP, PHONE
from tests.support.owner.person import Owner, message
from tests.support.owner.waiting import waits
from tests.web.conftest import Serve

pytestmark = pytest.mark.parametrize("screen_size", [PHONE, DESKTOP], ids=["phone", "desktop"])

ANN = "ann@loom.example"
BEN = "ben@mill.example"
PLACES = {
    "Imbox": {"Imbox", "Inbox"},
    "Feed": {"Feed"},
    "Paper Trail": {"Paper Trail"},
    "Jail": {"Jail"},
    "Person": {"Person", "Imbox", "Inbox"},
    "Billboard": {"Billboard", "Paper Trail"},
    "Truck": {"Truck", "Paper Trail"},
    "spam": {"Spam"},
}
"""Answer -> the mailboxes that the mail is in afterwards."""


async def test_every_answer(page: Page, alice: Owner, serve: Serve) -> None:
    senders = {answer: f"{answer.replace(' ', '')}@loom.example".lower() for answer in PLACES}
    await alice.receive(*(message(sender, answer) for answer, sender in senders.items()))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        for answer, sender in senders.items():
            await screen.answer(sender, answer)
            await screen.until_decided(sender, answer)
        assert {mail.subject: set(mail.mailboxes) for mail in await alice.mails()} == PLACES
        await screen.open()
        await screen.until_nobody_waits()


async def test_an_answer_is_taken_back(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"), message(ANN, "two"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.answer(ANN, "Feed")
        await screen.until_decided(ANN, "Feed")
        assert await alice.where("one") == await alice.where("two") == {"Feed"}
        await screen.undo(ANN)
        await screen.until_it_waits(ANN)
        assert await alice.where("one") == await alice.where("two") == {"Screener"}
        await screen.open("/decided")
        await expect(page.get_by_text(ANN)).to_have_count(0)


async def test_older_senders_follow_those_that_were_answered(
    page: Page, alice: Owner, serve: Serve
) -> None:
    """Whoever came up to this page because another was answered is not passed over."""
    senders = [f"s{number:02}@loom.example" for number in range(52)]
    await waits(alice, *(message(sender, sender) for sender in senders))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        shown = [sender for sender in senders if await screen.row(sender).count()]
        following = [sender for sender in senders if sender not in shown]
        assert len(following) == 2
        await screen.answer(shown[0], "Feed")
        await screen.until_decided(shown[0], "Feed")
        await page.get_by_role("link", name="Older").click()
        await expect(screen.row(shown[0])).to_have_count(0)
        assert any([await screen.row(sender).count() for sender in following])
        await page.get_by_role("link", name="Older").click()
        await expect(screen.rows).to_have_count(1)


async def test_focus_goes_to_the_next_row(page: Page, alice: Owner, serve: Serve) -> None:
    await waits(alice, message(ANN, "one"), message(BEN, "two"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.answer(BEN, "Feed")
        await screen.until_decided(BEN, "Feed")
        await screen.until_current(ANN)


async def test_just_this_mail(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.answer(ANN, "Just this mail to the Inbox")
        await expect(screen.row(ANN).get_by_role("button", name="Undo")).to_be_visible()
        assert await alice.where("one") == {"Inbox"}
        assert await alice.contacts_of(ANN) == []
        await screen.undo(ANN)
        await screen.until_it_waits(ANN)
        assert await alice.where("one") == {"Screener"}


async def test_several_rows_at_once(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(
        message(ANN, "one"), message(BEN, "two"), message("cy@own.example", "three")
    )
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.tick(ANN)
        await screen.tick(BEN)
        await screen.answer_ticked("Paper Trail")
        for who in (ANN, BEN):
            await screen.until_decided(who, "Paper Trail")
        assert await alice.where("one") == await alice.where("two") == {"Paper Trail"}
        assert await alice.where("three") == {"Screener"}


async def test_everybody_at_the_domain(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"), message("other@loom.example", "two"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.choose_scope(ANN, "everybody at loom.example")
        await screen.answer(ANN, "Feed")
        await expect(screen.row(ANN)).to_contain_text("Feed. Everybody at loom.example")
        assert await alice.where("one") == await alice.where("two") == {"Feed"}


async def test_a_mailing_list(page: Page, alice: Owner, serve: Serve) -> None:
    letter = {"List-Id": "<letter.loom.example>"}
    await waits(alice, message(ANN, "two"), message(ANN, "one", headers=letter))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.choose_scope(ANN, "the mailing list")
        await screen.answer(ANN, "Feed")
        await screen.until_decided(ANN, "Feed")
        assert await alice.where("one") == {"Feed"}
        assert await alice.where("two") == {"Screener"}


async def test_mark_as_read(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(ANN, "one"), message(ANN, "two"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.mark_as_read(ANN)
        await screen.answer(ANN, "Feed")
        await screen.until_decided(ANN, "Feed")
    assert all("$seen" in mail.keywords for mail in await alice.mails())


async def test_search(page: Page, alice: Owner, serve: Serve) -> None:
    await alice.receive(message(f"Ann Weaver <{ANN}>", "one"), message(BEN, "a wheel"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        for words, found, other in (
            ("weaver", ANN, BEN),
            ("WHEEL", BEN, ANN),
            ("mill.ex", BEN, ANN),
        ):
            await screen.search(words)
            await expect(screen.row(found)).to_be_visible()
            await expect(screen.row(other)).to_have_count(0)


async def test_what_was_decided_is_changed_and_undone(
    page: Page, alice: Owner, serve: Serve
) -> None:
    await alice.receive(message(ANN, "one"), message(BEN, "two"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        for who in (ANN, BEN):
            await screen.answer(who, "Feed")
            await screen.until_decided(who, "Feed")
        await screen.open("/decided")
        await screen.change_decision(ANN, "Imbox")
        await expect(screen.outcome(ANN)).to_contain_text("Imbox.")
        assert await alice.where("one") == {"Imbox"}  # it has been answered once already
        await screen.change_decision(BEN, "Back to the Screener")
        await expect(screen.outcome(BEN)).to_contain_text("Waits again.")
        await expect(screen.row(BEN)).to_have_count(0)
        assert await alice.where("two") == {"Screener"}
