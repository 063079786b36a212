"""Operations with Email/query (RFC 8621 section 4.4), which find mail a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.jmap.email_methods import get_email_objects, get_email_state
from mailroom.jmap.mail import Email, Filter
from mailroom.jmap.methods import QueryResponse, get, query
from mailroom.jmap.request import Operation, Results

_OLDEST_FIRST: Final = ({"property": "receivedAt", "isAscending": True},)
"""In this order, mail that arrives while pages are read is added at the end."""


@dataclass(frozen=True, slots=True)
class IdPage:
    """A part of a query's result.

    Attributes:
        ids: the ids of the page.
        total: the number of ids in all pages; None if the server does not report it.
        states: the states of the objects (Email or ContactCard) before the query and after it. (The
            state of the query itself is of no use: on some servers it is a hash of the page.)
        limit: the largest number of ids that the page could have had, as far as is known.
    """

    ids: tuple[str, ...]
    total: int | None
    limit: int
    states: tuple[str, str]

    @property
    def length(self) -> int:
        """The number of ids that the server put into the page."""
        return len(self.ids)

    @property
    def is_full(self) -> bool:
        """True if the page has as many ids as it could have."""
        return self.length >= self.limit

    @property
    def state(self) -> str:
        """The Email state before the query; ``Email/changes`` since then reports later mail."""
        return self.states[0]


@dataclass(frozen=True, slots=True)
class EmailPage(IdPage):
    """A part of a query's result, with the mails that still exist."""

    emails: tuple[Email, ...]


@dataclass(frozen=True, slots=True)
class DatedPage(IdPage):
    """A part of a query's result, with the date (``receivedAt``) of each mail by its id.

    Both ``states`` are the Email state after the query.
    """

    dates: Mapping[str, str]


def find_dates(
    account_id: str, email_filter: Filter, *, position: int, limit: int
) -> Operation[DatedPage]:
    """Find a page of the mails that match, with their dates; see :func:`find_emails`."""
    finding = _find(account_id, email_filter, position=position, limit=limit)

    def dated(value: Any) -> tuple[str, str]:
        return str(value["id"]), str(value.get("receivedAt") or "")

    reading = get("Email", account_id, finding.at("/ids"), dated, properties=["id", "receivedAt"])

    def read(results: Results) -> DatedPage:
        page, response = _page(finding.read(results), limit), reading.read(results)
        return DatedPage(*page, (response.state, response.state), dict(response.objects))

    return Operation(finding.calls + reading.calls, read)


def find_emails(
    account_id: str,
    email_filter: Filter,
    *,
    position: int = 0,
    limit: int,
    also: Sequence[str] = (),
) -> Operation[EmailPage]:
    """Find a page of the mails that match, oldest first, and read the mails.

    Args:
        account_id: the account.
        email_filter: the filter.
        position: the position of the page in the result.
        limit: the largest number of mails, not more than maxObjectsInGet, because a back-reference
            passes all ids to one Email/get.
        also: further properties.
    """
    state = get_email_state(account_id)
    finding = _find(account_id, email_filter, position=position, limit=limit)
    reading = get_email_objects(account_id, finding.at("/ids"), also=also)

    def read(results: Results) -> EmailPage:
        # If the query is refused, Email/get fails as well. The query's error says why.
        page, response = _page(finding.read(results), limit), reading.read(results)
        return EmailPage(*page, (state.read(results), response.state), response.objects)

    return Operation(state.calls + finding.calls + reading.calls, read)


def find_ids(
    account_id: str, asked: Sequence[tuple[Filter, int]], *, limit: int
) -> Operation[list[IdPage]]:
    """Find pages of the ids of the mails that match, oldest first, one page after the other.

    Args:
        account_id: the account.
        asked: for each page the filter, and the position in the result.
        limit: the largest number of ids in each page; it may exceed maxObjectsInGet.
    """
    before, after = get_email_state(account_id), get_email_state(account_id)
    findings = [
        _find(account_id, email_filter, position=position, limit=limit)
        for email_filter, position in asked
    ]

    def read(results: Results) -> list[IdPage]:
        states = before.read(results), after.read(results)
        return [IdPage(*_page(finding.read(results), limit), states) for finding in findings]

    calls = (call for finding in findings for call in finding.calls)
    return Operation((*before.calls, *calls, *after.calls), read)


def find_any(account_id: str, email_filter: Filter) -> Operation[bool]:
    """Find out if any mail matches the filter."""
    finding = _find(account_id, email_filter, position=0, limit=1)
    return finding.then(lambda page: bool(page.ids))


def find_last_id(account_id: str, email_filter: Filter) -> Operation[IdPage]:
    """Find the id of the last mail in the list of the mails that match.

    Some servers put mail that their search index lacks at the end of the list, in whichever order
    the list is sorted. Other servers refuse a position that counts from the end
    (``invalidArguments``).
    """
    return find_ids(account_id, [(email_filter, -1)], limit=1).then(lambda pages: pages[0])


def _find(
    account_id: str, email_filter: Filter, *, position: int, limit: int
) -> Operation[QueryResponse]:
    return query(
        "Email",
        account_id,
        email_filter,
        sort=_OLDEST_FIRST,
        position=position,
        limit=limit,
        with_total=True,
    )


def _page(response: QueryResponse, limit: int) -> tuple[tuple[str, ...], int | None, int]:
    """Return the first attributes of an :class:`IdPage` that was asked for with a limit."""
    return response.ids, response.total, response.limit or limit
