"""The cards of one address book as resources: read, and written one at a time.

A write says which version it replaces (``If-Match``), so that nobody's change is lost. Each is safe
to repeat: if the answer to the first was lost, the second is told 412, and what it then reads shows
that the work is done.
"""

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from yarl import URL

from mailroom.concurrency import all_of
from mailroom.contacts.book import AddressBookError, Card
from mailroom.contacts.carddav.known import Known
from mailroom.contacts.carddav.refusals import GONE, RefusedError
from mailroom.contacts.carddav.reports import AT_ONCE, Reports
from mailroom.contacts.carddav.resource import Resource, entity_tag
from mailroom.contacts.carddav.webdav import ANSWERS, REPLACEMENT, at_path, chunks, conflicting_url
from mailroom.contacts.vcard.edit import is_readable, to_card
from mailroom.contacts.vcard.fields import is_vcard4
from mailroom.contacts.vcard.lines import VCard
from mailroom.http import HttpClient, Response

_TRIES: Final = 4
_DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})
_ACCEPT: Final = "text/vcard"
_ACCEPT_VCARD4: Final = "text/vcard; version=4.0, text/vcard; q=0.5"
_CHANGED: Final = "{} was changed in the meantime"


class Resources:
    """The resources of one address book.

    Args:
        http: a client with the user's credentials.
        url: of the address book.
        known: what is known of them; reading and writing adds to it.
    """

    def __init__(self, http: HttpClient, url: URL, known: Known) -> None:
        self._http = http
        self._url = url
        self._reports = Reports(http, url)
        self._known = known

    async def read(self, paths: Collection[str]) -> list[Resource]:
        """Certain cards as they are now, by path; one that is gone or unreadable is left out.

        One that XML could not carry whole is asked for by itself, as it is or was only garbled on
        its way: it must not be taken for one that is not there.

        It is the next sync that says that they are gone for good. Raises as :class:`Reports`.
        """
        self._known.outdate_cards()
        parts = chunks(sorted(paths), AT_ONCE)
        answers = await all_of(self._reports.cards(part, whole=True) for part in parts)
        cards = await all_of(self._as_it_is(each) for answer in answers for each in answer)
        found = {each.path: each for each in cards if each and is_readable(each.card)}
        return [self._see(found[path]) for path in sorted(found)]

    async def _as_it_is(self, shown: Resource) -> Resource | None:
        if REPLACEMENT.encode() not in bytes(shown.card):
            return shown
        return await self.get(shown.path)

    async def seen(self, path: str) -> Resource | None:
        """A resource as it was seen last, or is now; None if there is none."""
        return self._known.whole(path) or await self.get(path)

    async def get(self, path: str, *, accept: str = _ACCEPT) -> Resource | None:
        """Read one resource as it is now; None if there is none."""
        response = await self._request("GET", path, {"Accept": accept})
        if response.status in GONE:
            return None
        if response.status != HTTPStatus.OK:
            raise RefusedError(f"{path} cannot be read", response)
        etag = entity_tag(response.headers.get("ETag", ""))
        return self._see(Resource(path, etag, VCard.parse(response.body)))

    async def create(self, uid: str, card: VCard) -> str | None:
        """Make a resource for a card with this uid.

        Returns:
            None, or the path of the resource that has this name or uid already.
        """
        path = self._url.raw_path + quote(f"{uid}.vcf", safe="")
        response = await self._put(path, card, {"If-None-Match": "*"})
        self._known.is_fresh = False
        if response.status in _DONE:
            return None
        if response.status == HTTPStatus.PRECONDITION_FAILED:
            return path
        conflict = conflicting_url(response)
        if conflict is None:
            raise RefusedError(f"{path} cannot be made", response)
        return conflict.raw_path

    async def change(self, path: str, edit: Callable[[VCard], VCard]) -> None:
        """Carry out an edit on a card; again on what somebody else made of it in the meantime.

        An edit that changes nothing writes nothing.

        Raises:
            AddressBookError: the card is gone, is broken, is refused, or never holds still.
        """
        resource, accept = self._known.whole(path), _ACCEPT
        for _ in range(_TRIES):
            resource = resource or await self._get_for_change(path, accept)
            if bytes(edit(resource.card)) == bytes(resource.card):
                return
            resource = await self.as_kept(resource)
            if await self._replace(resource, edit(resource.card)):
                return
            accept = _ACCEPT_VCARD4 if is_vcard4(resource.card) else _ACCEPT
            resource = None
        raise AddressBookError(f"{path} is changed by somebody else all the time")

    async def as_kept(self, resource: Resource) -> Resource:
        """The resource in the version of vCard in which the server keeps it."""
        if not resource.may_be_converted:
            return resource
        kept = await self.get(resource.path, accept=_ACCEPT_VCARD4)
        if kept and is_readable(kept.card) and kept.is_kept_version_of(resource):
            return kept
        return self._see(resource)

    async def unchanged(self, card: Card) -> Resource | None:
        """The version of a card that was read; None if it is gone.

        Raises:
            AddressBookError: it has changed.
        """
        resource = await self.seen(card.id)
        if resource is not None and to_card(card.id, resource.card) != card:
            raise AddressBookError(_CHANGED.format(card.id))
        return resource

    async def delete(self, resource: Resource) -> None:
        """Delete a resource if this still is its version; one that is gone is no failure.

        Raises:
            AddressBookError: it has changed, or the server refuses.
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
            raise AddressBookError(f"{path} is broken: no vCard with a UID")
        return resource

    async def _replace(self, resource: Resource, card: VCard) -> bool:
        """Write a new version; False if the old one is not the current one any more."""
        response = await self._put(resource.path, card, _if_match(resource))
        self._known.outdate(resource.path)
        if response.status == HTTPStatus.PRECONDITION_FAILED:
            return False
        if response.status not in _DONE:
            raise RefusedError(f"{resource.path} cannot be changed", response)
        etag = entity_tag(response.headers.get("ETag", ""))
        self._see(Resource(resource.path, etag, card))
        return True

    async def _put(self, path: str, card: VCard, headers: Mapping[str, str]) -> Response:
        version = "; version=4.0" if is_vcard4(card) else ""
        content_type = f"text/vcard{version}; charset=utf-8"
        return await self._request(
            "PUT", path, {**headers, "Content-Type": content_type}, bytes(card)
        )

    async def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        url = at_path(self._url, path)
        return await self._http.request(method, url, headers=headers, data=body, expected=ANSWERS)


def _if_match(resource: Resource) -> dict[str, str]:
    if not resource.etag:
        raise AddressBookError(f"{resource.path} has no ETag, and is not changed blindly")
    return {"If-Match": resource.etag}
