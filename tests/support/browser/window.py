"""A browser window on the page that notes everything which must not happen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Request, WebError, expect
from yarl import URL

from tests.support.owner.person import PATIENCE

PHONE: Final = {"width": 390, "height": 844}
DESKTOP: Final = {"width": 1280, "height": 800}
_PATIENCE: Final = PATIENCE * 1000
"""Milliseconds after which a step in a browser fails its test."""
_OF_POLICIES: Final = ("Content Security Policy", "TrustedHTML", "TrustedScript", "Refused to")
"""Words of Chromium's messages about blocks by a policy."""
expect.set_options(timeout=_PATIENCE)


@dataclass
class Noted:
    """The events of a window.

    Attributes:
        requests: all requests.
        mistakes: errors of scripts, and resources and actions that a policy has blocked.
    """

    requests: list[Request] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    def request(self, request: Request) -> None:
        """Note a request."""
        self.requests.append(request)

    def origins(self) -> set[str]:
        """Return the origins that requests went to; addresses inside the browser are left out."""
        urls = [URL(request.url) for request in self.requests]
        return {str(url.origin()) for url in urls if url.scheme in {"http", "https"}}

    def console(self, message: ConsoleMessage) -> None:
        """Note a message on the console if a policy has caused it."""
        if any(word in message.text for word in _OF_POLICIES):
            self.mistakes.append(message.text)

    def web_error(self, error: WebError) -> None:
        """Note an error of a script."""
        self.mistakes.append(str(error.error))


@asynccontextmanager
async def context_of(
    browser: Browser, **options: Any
) -> AsyncIterator[tuple[BrowserContext, Noted]]:
    """Open a context; at its end, check that no script failed and that one site was asked."""
    noted = Noted()
    context = await browser.new_context(**options)
    context.set_default_timeout(_PATIENCE)
    context.on("request", noted.request)
    context.on("console", noted.console)
    context.on("weberror", noted.web_error)
    try:
        yield context, noted
    finally:
        await context.close()
    assert noted.mistakes == []
    assert len(noted.origins()) <= 1
