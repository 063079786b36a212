"""Answers to which Mailroom does not reply, and answers just after rows have moved."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browser.screen import Screen
from tests.support.owner.person import Owner, message
from tests.support.owner.waiting import waits
from tests.web.conftest import Serve

ANN = "ann@loom.example"
BEN = "ben@mill.example"
PROXY_ERROR = "<html><head><title>502 Bad Gateway</title></head><body></body></html>"


async def break_off(route: Route) -> None:
    await route.abort("connectionrefused")


async def answer_as_a_proxy(route: Route) -> None:
    await route.fulfill(status=502, content_type="text/html", body=PROXY_ERROR)


async def answer_nothing(route: Route) -> None:
    await route.fulfill(status=502, body="")


@pytest.mark.parametrize("fail", [break_off, answer_as_a_proxy, answer_nothing])
async def test_the_row_says_that_there_was_no_reply(
    page: Page, alice: Owner, serve: Serve, fail: Callable[[Route], Awaitable[None]]
) -> None:
    await alice.receive(message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await page.route("**/decide", fail)
        await screen.answer(ANN, "Feed")
        await expect(screen.row(ANN).get_by_text("Mailroom did not reply.")).to_be_visible()
        answers = await screen.row(ANN).get_by_role("button", name="Feed").bounding_box()
        more = await screen.row(ANN).locator("summary").bounding_box()
        assert answers is not None
        assert more is not None
        assert answers["y"] == more["y"]
        await page.unroute("**/decide")
        await screen.answer(ANN, "Feed")
        await screen.until_decided(ANN, "Feed")
        await expect(screen.row(ANN)).not_to_contain_text("did not reply")


async def test_rows_without_a_reply_stay_ticked(page: Page, alice: Owner, serve: Serve) -> None:
    await waits(alice, message(ANN, "one"), message(BEN, "two"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await screen.tick(ANN)
        await screen.tick(BEN)
        await page.route("**/decide", break_off)
        await screen.answer_ticked("Feed")
        await expect(page.get_by_text("Mailroom did not reply.").first).to_be_visible()
        await expect(page.get_by_text("2 senders ticked")).to_be_visible()
        await page.unroute("**/decide")
        await screen.answer_ticked("Feed")
        await screen.until_decided(ANN, "Feed")
        await screen.until_decided(BEN, "Feed")
        await expect(screen.bulk).to_be_hidden()


async def test_an_answer_does_not_count_just_after_a_row_went(
    page: Page, alice: Owner, serve: Serve
) -> None:
    """Another device has decided about a row, and the next one is under the finger now."""
    (mail,) = await alice.receive(message(ANN, "one"))
    await alice.receive(message(BEN, "two"))
    await page.clock.install()
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await expect(screen.row(BEN)).to_be_visible()
        await page.clock.pause_at(await page.evaluate("Date.now()") / 1000 + 3600)
        await alice.tap(mail, "@ToFeed")
        await expect(screen.row(ANN)).to_have_count(0)
        answers: list[str] = []
        page.on("request", lambda request: answers.append(request.url))
        await screen.answer(BEN, "Feed")
        await page.clock.run_for(1000)
        await screen.answer(BEN, "Paper Trail")
        await screen.until_decided(BEN, "Paper Trail")
        assert [url for url in answers if url.endswith("/decide")] == [f"{site.url}/decide"]
