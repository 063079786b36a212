"""Starts Debian's Chromium, which scripts/browser fetches."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright

_SCRIPT: Final = Path(__file__).parents[3] / "scripts" / "browser"


async def browser_program() -> str:
    """Return the path of the program that starts the browser; fetch it if it is not there.

    Raises:
        RuntimeError: the browser cannot be fetched.
    """
    process = await asyncio.create_subprocess_exec(
        str(_SCRIPT), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    if process.returncode:
        raise RuntimeError(err.decode())
    return out.decode().strip()


@asynccontextmanager
async def launching() -> AsyncIterator[Browser]:
    """Run a browser without a window as long as the block runs."""
    program = await browser_program()
    # Chromium's sandbox does not work for root. The tests show pages of our own only.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()
