"""How an address book server says no to one request."""

from http import HTTPStatus
from typing import Final

from mailroom.contacts.book import AddressBookError
from mailroom.contacts.carddav.webdav import explanation
from mailroom.http import Response

GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_LASTING: Final = frozenset(
    {
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.INSUFFICIENT_STORAGE,
    }
)
"""A server judges the resource by these, or has no room for it: neither passes by itself."""


class AddressBookGoneError(AddressBookError):
    """The collection is not there, or not any more."""


class RefusedError(AddressBookError):
    """The server judged one request, and will not have it."""

    def __init__(self, what: str, response: Response) -> None:
        super().__init__(what, response.status)
        self.what = what
        self.status = response.status
        self.is_lasting = response.status in _LASTING
        self.why = explanation(response.body)

    def __str__(self) -> str:
        return f"{self.what} ({', '.join(filter(None, [_phrase(self.status), self.why]))})"


class SyncRefusedError(RefusedError):
    """The server has no ``sync-collection``, or not from this token on."""


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
