"""Draws the icons of the page in the sizes that phones ask for."""

import asyncio
from pathlib import Path
from typing import Final

from tests.support.browser.launch import launching

_STATIC: Final = Path(__file__).parents[2] / "mailroom" / "web" / "static"
_ICONS: Final = {
    "icon-180.png": 180,
    "icon-192.png": 192,
    "icon-512.png": 512,
    "icon-maskable.png": 512,
}
"""File -> size in pixels."""
_SQUARE: Final = frozenset({"icon-180.png", "icon-maskable.png"})
"""Icons that the phone itself cuts into a shape: their corners are filled."""


async def main() -> None:
    """Write all icons."""
    drawing = (_STATIC / "icon.svg").read_text(encoding="utf-8")
    async with launching() as browser:
        for name, size in _ICONS.items():
            page = await browser.new_page(viewport={"width": size, "height": size})
            shape = drawing.replace('rx="14"', 'rx="0"') if name in _SQUARE else drawing
            style = "<style>*{margin:0}svg{display:block;width:100vw;height:100vh}</style>"
            await page.set_content(style + shape)
            await page.screenshot(path=_STATIC / name, omit_background=True)
            await page.close()


asyncio.run(main())
