"""The page as an app on a phone: installed, and without a connection."""

from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from tests.support.browser.screen import Screen
from tests.support.owner.person import Owner, message
from tests.web.conftest import Serve

ANN = "ann@loom.example"
KEPT = """async () => {
    const urls = [];
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        urls.push(...(await cache.keys()).map(request => request.url));
    }
    return urls;
}"""


async def test_without_a_connection_a_page_says_so_and_nothing_of_anybody_is_kept(
    page: Page, alice: Owner, serve: Serve
) -> None:
    await alice.receive(message(ANN, "one"))
    async with serve(alice) as site:
        screen = await Screen.opened(page, site.url)
        await page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        await screen.open("/decided")
        await screen.open()
        kept = {urlsplit(url).path for url in await page.evaluate(KEPT)}
        assert "/offline" in kept
        assert {path for path in kept if not path.startswith("/static/")} == {"/offline"}
    await screen.open()
    await expect(page.get_by_role("heading", name="Not connected")).to_be_visible()
    await expect(page.get_by_text(ANN)).to_have_count(0)


async def test_the_page_can_be_installed(page: Page, alice: Owner, serve: Serve) -> None:
    async with serve(alice) as site:
        await Screen.opened(page, site.url)
        link = page.locator("link[rel=manifest]")
        address = f"{site.url}{await link.get_attribute('href')}"
        manifest = await (await page.request.get(address)).json()
        assert manifest["display"] == "standalone"
        assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
        for icon in manifest["icons"]:
            response = await page.request.get(site.url + icon["src"])
            assert (response.status, response.headers["content-type"]) == (200, icon["type"])
