"""Some servers answer 500 to every question that concerns one broken card.

Xandikos does so with a card that is folded in the middle of a character.
"""

import pytest
from aiohttp import web

from mailroom.contacts.model import AddressBookError
from mailroom.http import ServerFailureError
from tests.support.domain.contact_edits import ANN
from tests.support.sandbox.carddav import BOOK, DavServer
from tests.support.sandbox.carddav_account import Account, open_account


def prepare(dav: DavServer, cards: int = 40) -> None:
    for number in range(cards):
        address = f"EMAIL:{number}@x.example"
        dav.put(f"{number:02}.vcf", f"UID:{number}", "FN:X", "N:;X;;;", address)


def failing(dav: DavServer, *broken: str, gets: int | None = None) -> None:
    """Have reports fail that ask for one of these cards, and GETs of it, too."""

    def fault(request: web.Request, body: bytes) -> web.Response | None:
        asked = request.method == "REPORT" and any(f"{each}<".encode() in body for each in broken)
        got = request.method == "GET" and request.path.endswith(broken)
        if asked or (got and gets):
            return web.Response(status=500 if asked else gets or 200)
        return None

    dav.fault = fault


async def known(account: Account) -> set[str]:
    index = (await account.book.sync()).index
    every = [f"{number}@x.example" for number in range(40)]
    return {address for address in [*every, ANN] if not index.knows(address)}


@pytest.mark.parametrize("place", ["00.vcf", "17.vcf", "39.vcf"])
async def test_it_is_read_by_itself_and_hides_no_others(place: str) -> None:
    async with open_account(prepare) as account:
        failing(account.dav, place)
        assert await known(account) == set()
        (card,) = (await account.read(f"{int(place[:2])}@x.example")).cards
        assert card.id == BOOK + place


async def test_it_is_asked_for_again_if_it_cannot_be_read_at_all() -> None:
    async with open_account(prepare) as account:
        failing(account.dav, "17.vcf", gets=500)
        assert await known(account) == {"17@x.example"}
        account.dav.fault = lambda request, body: None
        assert await known(account) == set()


async def test_a_contact_with_an_unreadable_card_is_no_stranger() -> None:
    async with open_account(prepare) as account:
        assert await known(account) == set()
        failing(account.dav, "17.vcf", gets=500)
        with pytest.raises(AddressBookError, match=r"fails to send .*17\.vcf"):
            await account.read("17@x.example")


async def test_a_server_that_is_out_of_order_is_not_asked_for_each_card() -> None:
    async with open_account(prepare) as account:
        failing(account.dav, ".vcf", gets=500)
        with pytest.raises(ServerFailureError):
            await account.book.sync()
        assert account.dav.count("GET") < 30
