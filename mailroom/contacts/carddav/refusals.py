"""How an address book server says no to one request."""

from http import HTTPStatus
from typing import Final

from mailroom.contacts.book import AddressBookError
from mailroom.contacts.carddav.webdav import explanation
from mailroom.http import Response
from mailroom.http.not_now import Action, of_precondition

GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_PASSING: Final = GONE | {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""The statuses of the 400s that are about the moment, not about the resource."""
_LASTING: Final = (
    frozenset(range(400, 500)) | {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.INSUFFICIENT_STORAGE}
) - _PASSING
"""A server judges the resource by these, or has no room for it: neither passes by itself. A card
that the server finds invalid is 400 on Radicale, and 415 on sabre/dav."""


_ABOUT_CARD: Final = frozenset(
    {"valid-address-data", "supported-address-data", "max-resource-size"}
)


class AddressBookGoneError(AddressBookError):
    """The collection is not there, or not any more."""


class RefusedError(AddressBookError):
    """The server judged one request, and will not have it."""

    def __init__(self, what: str, response: Response | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.status = None if response is None else response.status
        self.why = "" if response is None else explanation(response.body)
        self.is_lasting = self.status in _LASTING or self.is_about_card

    @property
    def is_about_card(self) -> bool:
        """True if the server finds the card itself invalid or too large (RFC 6352 section 6.3.2.1).

        Xandikos says so with the status of a failed ``If-Match``, 412.
        """
        return not _ABOUT_CARD.isdisjoint(self.why.partition(":")[0].split(", "))

    def __str__(self) -> str:
        status = "" if self.status is None else _phrase(self.status)
        details = ", ".join(filter(None, [status, self.why]))
        return f"{self.what} ({details})" if details else self.what


class SyncRefusedError(RefusedError):
    """The server has no ``sync-collection``, or not from this token on."""

    @property
    def is_stale(self) -> bool:
        """True if the server does not know the token any more: nothing is lost by reading anew."""
        rows = map(of_precondition, self.why.partition(":")[0].split(", "))
        return any(row is not None and row.action is Action.RESYNC for row in rows)


def not_a_page(response: Response) -> Response:
    """Let an answer pass that the address book server itself may have written.

    Raises:
        IntermediaryError: a page for people came with a 403, as bot filters and firewalls answer. A
            200 is left to the caller: after a write it looks again.
    """
    page = response.intermediary
    if page is not None and response.status == HTTPStatus.FORBIDDEN:
        raise page
    return response


class TooManyError(RefusedError):
    """A query would find more cards than the server tells of."""


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
