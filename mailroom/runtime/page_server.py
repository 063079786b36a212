"""The server of the page, for processes whose settings turn the page on."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING

from mailroom.http.listening import listen
from mailroom.settings.model import Settings

if TYPE_CHECKING:
    from mailroom.runtime.page import PageAccount


@asynccontextmanager
async def serve_page(
    settings: Settings, pages: Iterable[tuple[Settings, "PageAccount | None"]]
) -> AsyncIterator[int | None]:
    """Serve the page as long as the block runs; yield its port, or None if the page is off.

    Args:
        settings: the settings of the process.
        pages: the accounts that the process serves, each with its settings; None: its page is off.

    Raises:
        PortUnavailableError: the server cannot listen on its port.
    """
    shown = [(account_settings, page) for account_settings, page in pages if page is not None]
    if not shown:
        yield None
        return
    # The code of the page is loaded only if the page is on: it loads a template engine.
    from mailroom.web.app import make_app  # noqa: PLC0415
    from mailroom.web.options import Access, PageOptions  # noqa: PLC0415

    web = settings.web
    options = PageOptions(
        url=web.url,
        open_to_all=web.auth == "none",
        proxy_header=web.proxy_header,
        trusted_networks=tuple(map(ip_network, web.network_names)),
    )
    accesses = [
        Access(
            account=page,
            password=account_settings.web.password.get_secret_value(),
            proxy_user=account_settings.web.proxy_user,
            api_token=account_settings.web.api_token.get_secret_value(),
            api_token_readonly=account_settings.web.api_token_readonly.get_secret_value(),
            answer_names=account_settings.web.answer_names,
        )
        for account_settings, page in shown
    ]
    app = make_app(accesses, options)
    async with listen(app, host=web.host, port=web.port, section="WEB") as port:
        yield port
