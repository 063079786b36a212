"""Operations with Email/query (RFC 8621 section 4.4), which find mail a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mailroom.jmap.answers import checked, listed, parsed, string
from mailroom.jmap.mail import EMAIL_PROPERTIES, Email, Filter, get_email_state, read_email
from mailroom.jmap.request import Call, Operation, Results

_OLDEST_FIRST: Final = ({"property": "receivedAt", "isAscending": True},)
"""In this order, mail that arrives while pages are read is added at the end."""


@dataclass(frozen=True, slots=True)
class IdPage:
    """A part of a query's result.

    Attributes:
        ids: the ids of the page.
        total: the number of ids in all pages; None if the server does not report it.
        states: the Email states before the query and after it. (The state of the query itself is
            of no use: on some servers it is a hash of the page.)
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
        """An Email state from before the query; ``Email/changes`` since it reports later mail."""
        return self.states[0]


@dataclass(frozen=True, slots=True)
class Page(IdPage):
    """A part of a query's result, with the mails that still exist."""

    emails: tuple[Email, ...]


@dataclass(frozen=True, slots=True)
class DatedPage(IdPage):
    """A part of a query's result, with the date (``receivedAt``) of each mail by its id."""

    dates: Mapping[str, str]


def find_dates(
    account_id: str, email_filter: Filter, *, position: int, limit: int
) -> Operation[DatedPage]:
    """Find a page of the mails that match, with their dates; see :func:`find_emails`."""
    query = _query(account_id, email_filter, position=position, limit=limit)
    get = Call(
        "Email/get",
        {"accountId": account_id, "ids": query.at("/ids"), "properties": ["id", "receivedAt"]},
    )

    def read(results: Results) -> DatedPage:
        found = _found(results, query)
        state = str(results[get].get("state", ""))
        dates = {
            str(each["id"]): str(each.get("receivedAt") or "")
            for each in listed(results, get)
            if isinstance(each, dict) and "id" in each
        }
        return DatedPage(*found, (state, state), dates)

    return Operation((query, get), read)


def find_emails(
    account_id: str,
    email_filter: Filter,
    *,
    position: int = 0,
    limit: int,
    also: Sequence[str] = (),
) -> Operation[Page]:
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
    query = _query(account_id, email_filter, position=position, limit=limit)
    get = Call(
        "Email/get",
        {
            "accountId": account_id,
            "ids": query.at("/ids"),
            "properties": [*EMAIL_PROPERTIES, *also],
        },
    )

    def read(results: Results) -> Page:
        found = _found(results, query)
        emails = tuple(parsed(read_email, get, each) for each in listed(results, get))
        states = state.read(results), str(results[get].get("state", ""))
        return Page(*found, states, emails)

    return Operation((*state.calls, query, get), read)


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
    queries = [
        _query(account_id, email_filter, position=position, limit=limit)
        for email_filter, position in asked
    ]

    def read(results: Results) -> list[IdPage]:
        states = before.read(results), after.read(results)
        return [IdPage(*_found(results, query), states) for query in queries]

    return Operation((*before.calls, *queries, *after.calls), read)


def find_newest_id(account_id: str, email_filter: Filter) -> Operation[IdPage]:
    """Find the id of the last mail in the list of the mails that match.

    Some servers put mail that their search index lacks at the end of the list, in whichever order
    the list is sorted. Other servers refuse a position that counts from the end
    (``invalidArguments``).
    """
    query = _query(account_id, email_filter, position=-1, limit=1)
    before, after = get_email_state(account_id), get_email_state(account_id)

    def read(results: Results) -> IdPage:
        states = before.read(results), after.read(results)
        return IdPage(*_found(results, query), states)

    return Operation((*before.calls, query, *after.calls), read)


def _query(
    account_id: str,
    email_filter: Filter,
    *,
    position: int,
    limit: int,
) -> Call:
    arguments = {
        "accountId": account_id,
        "filter": email_filter,
        "sort": _OLDEST_FIRST,
        "position": position,
        "limit": limit,
        "calculateTotal": True,
    }
    return Call("Email/query", arguments)


def _found(results: Results, query: Call) -> tuple[tuple[str, ...], int | None, int]:
    """Return the ids, the total if there is one, and the smaller limit of ours and the server's."""
    found = results[query]
    ids = checked(found.get("ids"), list, query)
    total, limit = found.get("total"), found.get("limit")
    asked: int = query.arguments["limit"]
    return (
        tuple(parsed(string, query, each) for each in ids),
        total if type(total) is int else None,
        min(asked, limit) if type(limit) is int and limit > 0 else asked,
    )
