"""Real CardDAV servers, by way of ``scripts/carddav-server``: each with one user on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from tests.support.owner.person import until
from tests.support.servers.cyrus import PASSWORD
from tests.support.service.process import free_port

SCRIPT = Path(__file__).parents[3] / "scripts" / "carddav-server"
_TRIES: Final = 3
_NEW_BOOK: Final = """
<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">
  <D:set>
    <D:prop>
      <D:resourcetype><D:collection/><C:addressbook/></D:resourcetype>
      <D:displayname>Contacts</D:displayname>
    </D:prop>
  </D:set>
</D:mkcol>
"""
_BOOKS: Final = {"radicale": "contacts/", "xandikos": "contacts/addressbook/"}
"""Server -> the path of the address book, below the user's."""


@dataclass(frozen=True)
class DavServer:
    """A server that runs.

    Attributes:
        url: scheme, host and port.
        book_url: the user's address book.
    """

    url: str
    book_url: str


@asynccontextmanager
async def serving(server: str, user: str, folder: Path) -> AsyncIterator[DavServer]:
    """Run ``radicale`` or ``xandikos``, with an empty address book, as long as the block runs."""
    running, process = await _started(server, user, folder)
    try:
        yield running
    finally:
        await _end(process)


async def _started(
    server: str, user: str, folder: Path
) -> tuple[DavServer, asyncio.subprocess.Process]:
    """Start a server; take another port if another program took this one meanwhile."""
    for _ in range(_TRIES):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        running = DavServer(url, f"{url}/{user}/{_BOOKS[server]}")
        with (folder / f"{server}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                str(SCRIPT), server, str(folder / server), str(port), user, stdout=log, stderr=log
            )
        try:
            await _until_there(running, process, user)
        except BaseException:
            has_ended = process.returncode is not None
            await _end(process)
            if not has_ended:
                raise
        else:
            return running, process
    raise AssertionError((folder / f"{server}.log").read_text())


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def _until_there(server: DavServer, process: asyncio.subprocess.Process, user: str) -> None:
    headers = {
        "Authorization": aiohttp.encode_basic_auth(user, PASSWORD),
        "Content-Type": "application/xml; charset=utf-8",
    }
    async with aiohttp.ClientSession(headers=headers) as session:

        async def answers() -> bool:
            assert process.returncode is None, "the server does not start"
            try:
                # Xandikos has made an address book, and refuses to make another.
                async with session.request("MKCOL", server.book_url, data=_NEW_BOOK) as response:
                    return response.status in {201, 405}
            except aiohttp.ClientConnectionError:
                return False

        await until(answers, f"{server.url} answers")
