"""Reads the cards of one address book, and writes each card by a request of its own.

A write names the version that it replaces (``If-Match``), so that nobody's change is lost. A write
is safe to repeat: if the answer to the first request was lost, the second is refused with 412, and
the card that is then read shows that the work is done.
"""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from mailroom.contacts.carddav.cache import CardCache
from mailroom.contacts.carddav.card_reader import WHOLE, read_cards
from mailroom.contacts.carddav.hrefs import REPLACEMENT
from mailroom.contacts.carddav.requests import ACCEPT, ACCEPT_VCARD4, Requests
from mailroom.contacts.carddav.resource import LARGEST_CARD, Resource, entity_tag, says_the_same
from mailroom.contacts.carddav.webdav import GONE, RefusedError, conflicting_url
from mailroom.contacts.model import AddressBookError, Card, LastingRefusalError
from mailroom.contacts.vcard.edit import is_readable
from mailroom.contacts.vcard.fields import is_vcard4
from mailroom.contacts.vcard.groups import is_group
from mailroom.contacts.vcard.lines import VCard
from mailroom.http import Response
from mailroom.waiting.concurrency import all_of
from mailroom.waiting.retrying import retry_while_changed

_TRIES: Final = 4
"""The number of attempts to edit a card, while somebody else changes it, before the edit fails."""
_DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})
_CHANGED: Final = "{} was changed in the meantime"


class Resources:
    """The resources of one address book.

    Args:
        requests: the requests to the address book.
        cache: the address book in memory; updated by reads and writes.
        to_card: converts a path and a vCard to a contact.
    """

    def __init__(
        self, requests: Requests, cache: CardCache, to_card: Callable[[str, VCard], Card]
    ) -> None:
        self._requests = requests
        self._cache = cache
        self._to_card = to_card

    async def read(self, paths: Collection[str]) -> tuple[Card, ...]:
        """Return some cards as they are now, sorted by path.

        Groups and missing or unreadable cards are left out; the next sync reports cards that were
        deleted. A card with characters that XML cannot carry is read again by GET, so that it is
        not taken for a missing one. Raises as :class:`Requests`.
        """
        self._cache.invalidate_cards()
        found: dict[str, Card] = {}
        garbled: set[str] = set()

        def take(resource: Resource) -> None:
            found.pop(resource.path, None)
            if REPLACEMENT.encode() in bytes(resource.card):
                garbled.add(resource.path)
            elif resource.is_as_sent and is_readable(resource.card) and not is_group(resource.card):
                self._cache.store(resource)
                found[resource.path] = self._to_card(resource.path, resource.card)

        failed = await read_cards(self._requests, self._cache.lengths(paths), take, WHOLE)
        if failed:
            raise AddressBookError(f"the server fails to send {', '.join(sorted(failed))}")
        for resource in await all_of(self.get(path) for path in sorted(garbled)):
            if resource and is_readable(resource.card) and not is_group(resource.card):
                found[resource.path] = self._to_card(resource.path, resource.card)
        return tuple(found[path] for path in sorted(found))

    async def cached(self, path: str) -> Resource | None:
        """Return the cached version of a resource, or read it; None if it does not exist."""
        return self._cache.version(path) or await self.get(path)

    async def get(self, path: str, *, accept: str = ACCEPT) -> Resource | None:
        """Read one resource; None if it does not exist.

        Raises:
            AddressBookError: the resource cannot be read, or is too large to be edited.
        """
        response, resource = await self._requests.get(path, accept)
        if response.status in GONE:
            return None
        if response.status != HTTPStatus.OK:
            raise RefusedError(f"{path} cannot be read", response)
        if resource is None:
            raise LastingRefusalError(
                f"{path} is larger than {LARGEST_CARD} octets, and is not edited"
            )
        self._cache.store(resource)
        return resource

    async def create(self, uid: str, card: VCard) -> str | None:
        """Make a resource for a card; ``uid`` is the uid as written on the card.

        Returns:
            None if the resource was made. Otherwise the path of an existing resource, which has the
            same path or a card with the same uid.
        """
        paths = self._requests.paths
        path = paths.key(self._requests.url.raw_path + quote(f"{uid}.vcf", safe=""))
        response = await self._requests.put(path, card, {"If-None-Match": "*"})
        if response.status in _DONE:
            await self._store_written(path, card, response)
            return None
        refused = RefusedError(f"{path} cannot be made", response)
        if response.status == HTTPStatus.PRECONDITION_FAILED and not refused.is_about_card:
            return path
        conflict = conflicting_url(response)
        if conflict is None:
            raise refused
        return paths.key(conflict.raw_path)

    async def change(self, path: str, edit: Callable[[VCard], VCard]) -> None:
        """Carry out an edit on a card; repeat it on a version that somebody else wrote meanwhile.

        An edit that changes nothing writes nothing.

        Raises:
            AddressBookError: the card is gone or broken, the server refuses the new version, or the
                card was changed during every try.
        """

        async def attempt(accept: str) -> str:
            """Try once; return the Accept header for the next try, or "" if none is needed."""
            resource = self._cache.version(path) or await self.get(path, accept=accept)
            if resource is None:
                raise AddressBookError(f"{path} is gone")
            if not is_readable(resource.card):
                raise LastingRefusalError(f"{path} is broken: no vCard with a UID")
            if bytes(edit(resource.card)) == bytes(resource.card):
                return ""
            resource = await self.in_stored_version(resource)
            card = edit(resource.card)
            response = await self._requests.put(resource.path, card, _if_match(resource))
            self._cache.invalidate(resource.path)
            if response.status in _DONE:
                await self._store_written(resource.path, card, response)
                return ""
            refused = RefusedError(f"{resource.path} cannot be changed", response)
            if response.status != HTTPStatus.PRECONDITION_FAILED or refused.is_about_card:
                raise refused
            return ACCEPT_VCARD4 if is_vcard4(resource.card) else ACCEPT

        if await retry_while_changed(attempt, ACCEPT, tries=_TRIES):
            raise AddressBookError(f"{path} is changed by somebody else all the time")

    async def in_stored_version(self, resource: Resource) -> Resource:
        """Return the resource in the vCard version in which the server stores it."""
        if not resource.may_be_converted:
            return resource
        stored = await self.get(resource.path, accept=ACCEPT_VCARD4)
        if stored and is_readable(stored.card) and stored.is_stored_version_of(resource):
            return stored
        # Reading the other version has put that one into the cache.
        self._cache.store(resource)
        return resource

    async def unchanged_version(self, card: Card) -> Resource | None:
        """Return the resource of a card; None if the card is gone.

        Raises:
            AddressBookError: the card has changed.
        """
        resource = await self.cached(card.id)
        if resource is not None and self._to_card(card.id, resource.card) != card:
            raise AddressBookError(_CHANGED.format(card.id))
        return resource

    async def delete(self, resource: Resource) -> None:
        """Delete a resource if it still has this version; a missing resource is ignored.

        Raises:
            AddressBookError: the resource has changed, or the server refuses.
        """
        path = resource.path
        self._cache.invalidate(path)
        response = await self._requests.delete(path, _if_match(resource))
        if response.status in _DONE | GONE:
            self._cache.discard(path)
            return
        if response.status != HTTPStatus.PRECONDITION_FAILED:
            raise RefusedError(f"{path} cannot be deleted", response)
        # The answer is 412 also if the resource is missing (RFC 9110 section 13.1.1).
        if await self.get(path) is not None:
            raise AddressBookError(_CHANGED.format(path))

    async def _store_written(self, path: str, card: VCard, response: Response) -> None:
        """Update the cache after a card was written to the server.

        The usual answers to a PUT are 201 and 204 (RFC 9110 section 9.3.4). A proxy that answers in
        place of the server sends a web page with 200, so after a 200 the card is read again.

        Raises:
            AddressBookError: the server does not have the card as it was written.
        """
        if response.status == HTTPStatus.OK:
            present = await self.get(path)
            if present is None or not says_the_same(present.card, card):
                raise AddressBookError(f"{path} was not written, though the server answered 200")
            return
        etag = entity_tag(response.headers.get("ETag", ""))
        self._cache.store_written(Resource(path, etag, card, octets=len(bytes(card))))


def _if_match(resource: Resource) -> dict[str, str]:
    if not resource.etag:
        raise LastingRefusalError(
            f"{resource.path} is not changed, because the server reports no ETag for it"
        )
    return {"If-Match": resource.etag}
