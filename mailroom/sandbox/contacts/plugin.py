"""The plug-in that adds contacts to the sandbox."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web

from mailroom.sandbox.contacts import books, card_get, card_query, card_set
from mailroom.sandbox.contacts.bridge import Bridge
from mailroom.sandbox.contacts.carddav import CardDav
from mailroom.sandbox.contacts.store import CardStore
from mailroom.sandbox.plugin import Arguments, Handler, Method, MethodFailure, Seat

CAPABILITY: Final = "urn:ietf:params:jmap:contacts"


class Contacts:
    """One account's contacts; a :class:`mailroom.sandbox.plugin.Plugin`.

    Args:
        seat: the account. Its quirks say whether it has contacts over JMAP, over CardDAV, or both.

    Attributes:
        cards: what is there over JMAP.
        vcards: what is there over CardDAV.
    """

    def __init__(self, seat: Seat) -> None:
        self.cards = CardStore(seat)
        self.vcards = CardDav(seat.account_id, seat.quirks.carddav)
        shared = seat.quirks.shared_cards
        self._has_dav = bool(shared) or not seat.quirks.contacts
        if shared:
            Bridge(self.cards, self.vcards, shared)

    @property
    def capability(self) -> str:
        """The capability's URI."""
        return CAPABILITY

    @property
    def session_facts(self) -> Mapping[str, Any]:
        """The capability of the server, which is empty (RFC 9610 section 1.5.1)."""
        return {}

    @property
    def account_facts(self) -> Mapping[str, Any]:
        """The capability of the account (RFC 9610 section 1.5.1)."""
        return {"maxAddressBooksPerCard": 1, "mayCreateAddressBook": True}

    @property
    def methods(self) -> Mapping[str, Method]:
        """JMAP's methods."""
        cards = self.cards
        return {
            "AddressBook/get": partial(books.get, cards),
            "AddressBook/changes": partial(books.changes, cards),
            "AddressBook/set": partial(books.set_, cards),
            "ContactCard/get": partial(card_get.get, cards),
            "ContactCard/changes": partial(card_get.changes, cards),
            "ContactCard/query": partial(card_query.query, cards),
            "ContactCard/queryChanges": _query_changes,
            "ContactCard/set": partial(card_set.set_, cards),
        }

    @property
    def routes(self) -> Mapping[str, Handler]:
        """The routes of CardDAV (RFC 6764 section 5)."""
        return {
            "/.well-known/carddav": self._well_known,
            "/dav": self._dav,
            "/dav/{tail:.*}": self._dav,
        }

    async def _well_known(self, _: web.Request) -> web.StreamResponse:
        if not self._has_dav:
            raise web.HTTPNotFound
        return web.Response(status=301, headers={"Location": "/dav/"})

    async def _dav(self, request: web.Request) -> web.StreamResponse:
        if not self._has_dav:
            raise web.HTTPNotFound
        return self.vcards.answer(
            request.method, request.rel_url.raw_path, request.headers, await request.read()
        )


def _query_changes(arguments: Arguments) -> Arguments:
    """ContactCard/queryChanges: always refused, as ``canCalculateChanges`` is false."""
    del arguments
    raise MethodFailure("cannotCalculateChanges")
