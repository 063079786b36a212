"""The browser and axe-core do what the other tests rely on."""

from playwright.async_api import Page

from tests.support.browser.accessibility import barriers

_WITHOUT_NAME = "<!doctype html><html lang=en><title>T</title><main><h1>T</h1><button></button>"


async def test_a_button_without_a_name_is_found(page: Page) -> None:
    await page.set_content(_WITHOUT_NAME)
    (barrier,) = await barriers(page)
    assert barrier.startswith("button-name")
