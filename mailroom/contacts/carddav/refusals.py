"""The errors by which an address book server refuses one request."""

from http import HTTPStatus
from typing import Final

from mailroom.contacts.carddav.webdav import explanation
from mailroom.contacts.model import AddressBookError
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
"""The 4xx statuses that are temporary and not about the resource."""
_LASTING: Final = (
    frozenset(range(400, 500)) | {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.INSUFFICIENT_STORAGE}
) - _PASSING
"""The statuses of a resource that the server refuses or has no room for. A retry does not help.
For an invalid card Radicale answers 400, and sabre/dav 415."""


_ABOUT_CARD: Final = frozenset(
    {"valid-address-data", "supported-address-data", "max-resource-size"}
)


class AddressBookGoneError(AddressBookError):
    """The address book does not exist, or no longer exists."""


class RefusedError(AddressBookError):
    """The server refused one request."""

    def __init__(self, what: str, response: Response | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.status = None if response is None else response.status
        self.why = "" if response is None else explanation(response.body)
        self.is_lasting = self.status in _LASTING or self.is_about_card

    @property
    def is_about_card(self) -> bool:
        """True if the server finds the card itself invalid or too large (RFC 6352 section 6.3.2.1).

        Xandikos answers with the status of a failed ``If-Match``, 412.
        """
        return not _ABOUT_CARD.isdisjoint(self.why.partition(":")[0].split(", "))

    def __str__(self) -> str:
        status = "" if self.status is None else _phrase(self.status)
        details = ", ".join(filter(None, [status, self.why]))
        return f"{self.what} ({details})" if details else self.what


class SyncRefusedError(RefusedError):
    """The server does not offer ``sync-collection``, or refuses this token."""

    @property
    def is_stale(self) -> bool:
        """True if the server no longer knows the token, so that everything must be read anew."""
        rows = map(of_precondition, self.why.partition(":")[0].split(", "))
        return any(row is not None and row.action is Action.RESYNC for row in rows)


def not_a_page(response: Response) -> Response:
    """Return an answer, unless a proxy sent it in place of the address book server.

    Raises:
        IntermediaryError: a web page came with a 403, as bot filters and firewalls send it. A web
            page with a 200 is left to the caller, who reads the resource again after a write.
    """
    page = response.intermediary
    if page is not None and response.status == HTTPStatus.FORBIDDEN:
        raise page
    return response


class TooManyError(RefusedError):
    """A query would find more cards than the server returns."""


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
