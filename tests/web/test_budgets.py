"""The first view of the page costs little: requests, octets, and time, which are printed."""

from collections.abc import Callable

from playwright.async_api import Browser, Request, expect

from tests.support.browser.screen import Screen
from tests.support.browser.window import PHONE, context_of
from tests.support.owner.person import Owner, message
from tests.web.conftest import Serve

ROWS = 50
"""As many as the page shows at once."""
REQUESTS = 8
OCTETS = 200_000
"""Of all responses with their headers; nothing is compressed."""
LIST_OCTETS = 150_000
"""Of the page itself."""


async def octets_of(request: Request) -> int:
    sizes = await request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


async def test_the_first_view(
    browser: Browser, alice: Owner, serve: Serve, measured: Callable[[str], None]
) -> None:
    senders = [f"Some Body {number} <s{number}@loom.example>" for number in range(ROWS + 10)]
    await alice.receive(*(message(sender, f"mail of {sender}") for sender in senders))
    async with serve(alice) as site:
        await site.service.page.waiting()  # somebody has looked before
        async with context_of(browser, viewport=PHONE) as (context, noted):
            screen = await Screen.opened(await context.new_page(), site.url)
            await expect(screen.rows).to_have_count(ROWS)
            await screen.page.wait_for_load_state("load")
            finished = [
                request
                for request in noted.requests
                if (response := await request.response()) and "/events" not in response.url
            ]
            octets = [await octets_of(request) for request in finished]
            milliseconds = await screen.page.evaluate(
                "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
            )
    measured(
        f"page, {ROWS} rows: {len(finished)} requests, {sum(octets) / 1000:.0f} kB (the list"
        f" {octets[0] / 1000:.0f} kB), shown after {milliseconds:.0f} ms"
    )
    assert len(finished) <= REQUESTS
    assert octets[0] <= LIST_OCTETS
    assert sum(octets) <= OCTETS
