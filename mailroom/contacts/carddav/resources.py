"""Reads the cards of one address book, and writes them one at a time.

A write names the version that it replaces (``If-Match``), so that nobody's change is lost. A write
is safe to repeat: if the answer to the first request was lost, the second is refused with 412, and
the card that is then read shows that the work is done.
"""

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from mailroom.contacts.carddav.answers import CardAnswer
from mailroom.contacts.carddav.hrefs import REPLACEMENT, Paths, at_path
from mailroom.contacts.carddav.known import Known
from mailroom.contacts.carddav.reading import LARGEST_CARD, WHOLE, CardReader
from mailroom.contacts.carddav.refusals import GONE, RefusedError, not_a_page
from mailroom.contacts.carddav.reports import Reports
from mailroom.contacts.carddav.resource import Resource, entity_tag, says_the_same
from mailroom.contacts.carddav.webdav import ANSWERS, conflicting_url
from mailroom.contacts.model import AddressBookError, Card, LastingRefusalError
from mailroom.contacts.vcard.edit import is_readable
from mailroom.contacts.vcard.fields import is_vcard4
from mailroom.contacts.vcard.groups import is_group
from mailroom.contacts.vcard.lines import VCard
from mailroom.http import HttpClient, HttpRequest, Response
from mailroom.waiting.concurrency import all_of
from mailroom.waiting.retrying import retry_while_changed

_TRIES: Final = 4
"""The number of attempts to edit a card, while somebody else changes it, before the edit fails."""
_DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})
_ACCEPT: Final = "text/vcard"
_ACCEPT_VCARD4: Final = "text/vcard; version=4.0, text/vcard; q=0.5"
_CHANGED: Final = "{} was changed in the meantime"


class Resources:
    """The resources of one address book.

    Args:
        http: a client with the user's credentials.
        reports: the requests to the address book.
        paths: the resources of this server.
        known: the address book in memory; updated by reads and writes.
        to_card: converts a path and a vCard to a contact.
    """

    def __init__(
        self,
        http: HttpClient,
        reports: Reports,
        paths: Paths,
        known: Known,
        to_card: Callable[[str, VCard], Card],
    ) -> None:
        self._http = http
        self._url = reports.url
        self._reader = CardReader(reports)
        self._paths = paths
        self._known = known
        self._to_card = to_card

    async def read(self, paths: Collection[str]) -> tuple[Card, ...]:
        """Return some cards as they are now, sorted by path.

        Groups and missing or unreadable cards are left out; the next sync reports cards that were
        deleted. A card with characters that XML cannot carry is read again by GET, so that it is
        not taken for a missing one. Raises as :class:`Reports`.
        """
        self._known.outdate_cards()
        found: dict[str, Card] = {}
        garbled: set[str] = set()

        def take(resource: Resource) -> None:
            found.pop(resource.path, None)
            if REPLACEMENT.encode() in bytes(resource.card):
                garbled.add(resource.path)
            elif resource.is_whole and is_readable(resource.card) and not is_group(resource.card):
                self._known.see(resource)
                found[resource.path] = self._to_card(resource.path, resource.card)

        unread = await self._reader.read(self._known.lengths(paths), take, WHOLE)
        if unread:
            raise AddressBookError(f"the server fails to give {', '.join(sorted(unread))}")
        for resource in await all_of(self.get(path) for path in sorted(garbled)):
            if resource and is_readable(resource.card) and not is_group(resource.card):
                found[resource.path] = self._to_card(resource.path, resource.card)
        return tuple(found[path] for path in sorted(found))

    async def seen(self, path: str) -> Resource | None:
        """Return the known version of a resource, or read it; None if there is no such resource."""
        return self._known.whole(path) or await self.get(path)

    async def get(self, path: str, *, accept: str = _ACCEPT) -> Resource | None:
        """Read one resource; None if it does not exist.

        Raises:
            AddressBookError: the resource cannot be read, or is too large to be edited.
        """
        url = at_path(self._url, self._paths.spelled(path))
        request = HttpRequest("GET", url, {"Accept": accept}, expected=ANSWERS)
        response, data = await self._http.ask_in_pieces(request, lambda: CardAnswer(LARGEST_CARD))
        if response.status in GONE:
            return None
        if response.status != HTTPStatus.OK:
            raise RefusedError(f"{path} cannot be read", response)
        if data is None:
            raise LastingRefusalError(
                f"{path} is larger than {LARGEST_CARD} octets, and is not edited"
            )
        etag = entity_tag(response.headers.get("ETag", ""))
        return self._see(Resource(path, etag, VCard.parse(data), octets=len(data)))

    async def create(self, uid: str, card: VCard) -> str | None:
        """Make a resource for a card; ``uid`` is the uid as written on the card.

        Returns:
            None, or the path of an existing resource with this name or uid.
        """
        path = self._paths.key(self._url.raw_path + quote(f"{uid}.vcf", safe=""))
        response = await self._put(path, card, {"If-None-Match": "*"})
        if response.status == HTTPStatus.OK:
            await self._look_whether_written(path, card)
            return None
        if response.status in _DONE:
            self._wrote(path, card, response)
            return None
        refused = RefusedError(f"{path} cannot be made", response)
        if response.status == HTTPStatus.PRECONDITION_FAILED and not refused.is_about_card:
            return path
        conflict = conflicting_url(response)
        if conflict is None:
            raise refused
        return self._paths.key(conflict.raw_path)

    async def change(self, path: str, edit: Callable[[VCard], VCard]) -> None:
        """Carry out an edit on a card; repeat it on a version that somebody else wrote meanwhile.

        An edit that changes nothing writes nothing.

        Raises:
            AddressBookError: the card is gone or broken, the server refuses the new version, or the
                card was changed during every try.
        """

        async def attempt(accept: str) -> str:
            """Return the Accept header for the next try; empty if the card is as it should be."""
            resource = self._known.whole(path) or await self._get_for_change(path, accept)
            if bytes(edit(resource.card)) == bytes(resource.card):
                return ""
            resource = await self.as_kept(resource)
            if await self._replace(resource, edit(resource.card)):
                return ""
            return _ACCEPT_VCARD4 if is_vcard4(resource.card) else _ACCEPT

        if await retry_while_changed(attempt, _ACCEPT, tries=_TRIES):
            raise AddressBookError(f"{path} is changed by somebody else all the time")

    async def as_kept(self, resource: Resource) -> Resource:
        """Return the resource in the vCard version in which the server stores it."""
        if not resource.may_be_converted:
            return resource
        kept = await self.get(resource.path, accept=_ACCEPT_VCARD4)
        if kept and is_readable(kept.card) and kept.is_kept_version_of(resource):
            return kept
        return self._see(resource)

    async def unchanged(self, card: Card) -> Resource | None:
        """Return the resource of a card; None if the card is gone.

        Raises:
            AddressBookError: the card has changed.
        """
        resource = await self.seen(card.id)
        if resource is not None and self._to_card(card.id, resource.card) != card:
            raise AddressBookError(_CHANGED.format(card.id))
        return resource

    async def delete(self, resource: Resource) -> None:
        """Delete a resource if it still has this version; a missing resource is ignored.

        Raises:
            AddressBookError: the resource has changed, or the server refuses.
        """
        path = resource.path
        self._known.outdate(path)
        response = await self._request("DELETE", path, _if_match(resource))
        if response.status in _DONE | GONE:
            self._known.forget(path)
            return
        if response.status != HTTPStatus.PRECONDITION_FAILED:
            raise RefusedError(f"{path} cannot be deleted", response)
        if await self.get(path) is not None:
            raise AddressBookError(_CHANGED.format(path))

    def _see(self, resource: Resource) -> Resource:
        self._known.see(resource)
        return resource

    async def _get_for_change(self, path: str, accept: str) -> Resource:
        resource = await self.get(path, accept=accept)
        if resource is None:
            raise AddressBookError(f"{path} is gone")
        if not is_readable(resource.card):
            raise LastingRefusalError(f"{path} is broken: no vCard with a UID")
        return resource

    async def _replace(self, resource: Resource, card: VCard) -> bool:
        """Write a new version; return False if the old version is no longer the current one."""
        response = await self._put(resource.path, card, _if_match(resource))
        self._known.outdate(resource.path)
        if response.status not in _DONE:
            refused = RefusedError(f"{resource.path} cannot be changed", response)
            if response.status == HTTPStatus.PRECONDITION_FAILED and not refused.is_about_card:
                return False
            raise refused
        if response.status == HTTPStatus.OK:
            await self._look_whether_written(resource.path, card)
            return True
        self._wrote(resource.path, card, response)
        return True

    def _wrote(self, path: str, card: VCard, response: Response) -> None:
        etag = entity_tag(response.headers.get("ETag", ""))
        self._known.wrote(Resource(path, etag, card, octets=len(bytes(card))))

    async def _look_whether_written(self, path: str, card: VCard) -> None:
        """Check that a PUT with the answer 200 was carried out.

        The usual answers are 201 and 204 (RFC 9110 section 9.3.4). A proxy that answers in place of
        the server sends a web page with 200.

        Raises:
            AddressBookError: the server does not have the card as it was written.
        """
        there = await self.get(path)
        if there is None or not says_the_same(there.card, card):
            raise AddressBookError(f"{path} was not written, though the server answered 200")

    async def _put(self, path: str, card: VCard, headers: Mapping[str, str]) -> Response:
        version = "; version=4.0" if is_vcard4(card) else ""
        content_type = f"text/vcard{version}; charset=utf-8"
        return await self._request(
            "PUT", path, {**headers, "Content-Type": content_type}, bytes(card)
        )

    async def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        url = at_path(self._url, self._paths.spelled(path))
        request = HttpRequest(method, url, headers, body, expected=ANSWERS)
        return await self._http.ask(request, not_a_page)


def _if_match(resource: Resource) -> dict[str, str]:
    if not resource.etag:
        raise LastingRefusalError(f"{resource.path} has no ETag, and is not changed blindly")
    return {"If-Match": resource.etag}
