"""The page of a service in the test's own process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailroom.runtime.page_server import serve_page
from mailroom.settings.load import load_settings
from tests.support.owner.person import Owner
from tests.support.service.in_process import InProcess, running_in_process
from tests.support.service.process import environment

PASSWORD: Final = "correct horse battery"
OPEN: Final = {"MAILROOM_WEB_AUTH": "none"}
"""Nobody has to sign in."""
WITH_PASSWORD: Final = {"MAILROOM_WEB_PASSWORD": PASSWORD}


@dataclass(frozen=True)
class Site:
    """A page that is served.

    Attributes:
        url: the address of the page, without a slash at its end.
        port: its port.
        service: the service behind it.
    """

    url: str
    port: int
    service: InProcess


@asynccontextmanager
async def serving_page(owner: Owner, cwd: Path, **settings: str) -> AsyncIterator[Site]:
    """Run the service of an owner with its page on loopback as long as the block runs."""
    given = {"MAILROOM_WEB_HOST": "127.0.0.1", "MAILROOM_WEB_PORT": "0", **settings}
    environ = environment(owner, **{"MAILROOM_PUSH_TRANSPORT": "eventsource", **given})
    loaded = load_settings(environ, cwd=cwd)
    async with (
        running_in_process(environ, cwd, []) as service,
        serve_page(loaded, [(loaded, service.page)]) as port,
    ):
        assert port is not None
        await service.until_ready()
        yield Site(f"http://127.0.0.1:{port}", port, service)
