"""A CardDAV address book for tests to edit."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from mailroom.contacts.book import Snapshot
from mailroom.contacts.carddav import CardDavAddressBook
from mailroom.contacts.model import Card, ContactEdit
from tests.support.domain.contact_edits import ANN
from tests.support.domain.contents import NOTHING, Contents
from tests.support.sandbox.carddav import BOOK, DavServer, Fault, serving

FEED, IMBOX = BOOK + "feed.vcf", BOOK + "imbox.vcf"


@dataclass
class Account:
    """An address book with Ann, who is in Imbox, and an empty group Feed; what was read of it."""

    dav: DavServer
    book: CardDavAddressBook
    seen: Contents = NOTHING

    async def read(self, *addresses: str, snapshot: Snapshot | None = None) -> Contents:
        """Read cards, Ann's by default, after a sync or from an earlier snapshot."""
        snapshot = snapshot or await self.book.sync()
        self.seen = Contents(snapshot, await snapshot.read(addresses or (ANN,)))
        return self.seen

    @property
    def ann(self) -> Card:
        return self.seen.cards[0]

    async def write(self, *edits: ContactEdit) -> dict[str, str]:
        """Key -> reason of what failed."""
        failures = await self.book.write(edits, self.seen.snapshot)
        return {key: str(error) for key, error in failures.items()}

    def text(self, name: str) -> str:
        return self.dav.cards[BOOK + name].decode()


@asynccontextmanager
async def open_account(
    prepare: Callable[[DavServer], object] | None = None,
) -> AsyncIterator[Account]:
    """Run a server with an account that was read once; or that was prepared, and not read."""
    dav = DavServer()
    dav.put("ann.vcf", "UID:ann", "FN:Ann", "N:;Ann;;;", f"EMAIL:{ANN}", "URL:a,b", "NICKNAME:c,d")
    dav.put("feed.vcf", "UID:feed", "FN:Feed", "N:;;;;", "X-ADDRESSBOOKSERVER-KIND:group")
    dav.put("imbox.vcf", "UID:imbox", "FN:Imbox", "N:;;;;", "KIND:group", "MEMBER:urn:uuid:ann")
    async with serving(dav) as (url, http):
        account = Account(dav, CardDavAddressBook(http, url))
        if prepare is None:
            await account.read()
        else:
            prepare(dav)
        yield account


def answering(method: str, part: str, response: Callable[[], web.Response]) -> Fault:
    """Always answer requests of a method (or any) for a path with this part so."""
    return lambda request, body: (
        response() if method in {"", request.method} and part in request.raw_path else None
    )


def once(method: str, what: str, part: str = "") -> Fault:
    """Do this to the first request of a method."""
    left = [what]
    return lambda request, body: (
        left.pop() if left and request.method == method and part in request.raw_path else None
    )
