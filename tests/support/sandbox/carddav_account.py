"""A CardDAV address book for tests to edit."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from mailroom.contacts.carddav import CardDavAddressBook
from tests.support.domain.contact_edits import ANN
from tests.support.domain.contents import OpenBook
from tests.support.sandbox.carddav import BOOK, DavServer, Fault, serving

FEED, IMBOX = BOOK + "feed.vcf", BOOK + "imbox.vcf"


@dataclass(kw_only=True)
class Account(OpenBook[CardDavAddressBook]):
    """An address book over CardDAV, with Ann, who is in Imbox, and an empty group Feed."""

    dav: DavServer

    def text(self, name: str) -> str:
        return self.dav.cards[BOOK + name].decode()


@asynccontextmanager
async def open_account(
    prepare: Callable[[DavServer], object] | None = None,
) -> AsyncIterator[Account]:
    """Run a server; read its address book once, or call ``prepare`` and read nothing."""
    dav = DavServer()
    dav.put("ann.vcf", "UID:ann", "FN:Ann", "N:;Ann;;;", f"EMAIL:{ANN}", "URL:a,b", "NICKNAME:c,d")
    dav.put("feed.vcf", "UID:feed", "FN:Feed", "N:;;;;", "X-ADDRESSBOOKSERVER-KIND:group")
    dav.put("imbox.vcf", "UID:imbox", "FN:Imbox", "N:;;;;", "KIND:group", "MEMBER:urn:uuid:ann")
    async with serving(dav) as (url, http):
        account = Account(book=CardDavAddressBook(http, url), dav=dav)
        if prepare is None:
            await account.read()
        else:
            prepare(dav)
        yield account


def answering(method: str, part: str, response: Callable[[], web.Response]) -> Fault:
    """Return a fault that answers requests of a method (empty: any) whose path has ``part``."""
    return lambda request, body: (
        response() if method in {"", request.method} and part in request.raw_path else None
    )


def once(method: str, what: str, part: str = "") -> Fault:
    """Return a fault that happens once; ``what`` is a value of :data:`Fault`."""
    left = [what]
    return lambda request, body: (
        left.pop() if left and request.method == method and part in request.raw_path else None
    )
