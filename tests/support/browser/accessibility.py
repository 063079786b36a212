"""Check pages for barriers to people with disabilities, with axe-core."""

from typing import Final

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page

_TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


async def barriers(page: Page, *, colours_only: bool = False) -> list[str]:
    """Return a line for each rule that an element of the page breaks: the rule, and the element."""
    rules = ("rule", ["color-contrast"]) if colours_only else ("tag", list(_TAGS))
    options = {"runOnly": dict(zip(("type", "values"), rules, strict=True))}
    results = await Axe().run(page, options=options)
    return [
        f"{violation['id']}: {violation['help']}: {node['html']}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]
