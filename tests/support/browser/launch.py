"""Starts Debian's Chromium, which scripts/browser fetches."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright

from tests.support.servers.scripts import output_of

_SCRIPT: Final = Path(__file__).parents[3] / "scripts" / "browser"


@asynccontextmanager
async def launching(*arguments: str) -> AsyncIterator[Browser]:
    """Run a browser without a window as long as the block runs; ``arguments`` are Chromium's."""
    program = (await output_of(_SCRIPT)).strip()
    if os.geteuid() == 0:
        # Chromium's sandbox does not work for root. The tests show pages of our own only.
        arguments += ("--no-sandbox",)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()
