"""Reads the headers that show who sends mail: of all mail since a moment, or of some mails."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import EMAIL_PROPERTIES, Email, Filter, read_email
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.methods import get, query
from mailroom.jmap.queries import IdPage
from mailroom.jmap.request import Operation, Results

_NEWEST_FIRST: Final = ({"property": "receivedAt", "isAscending": False},)
_UNSUBSCRIBE: Final = "header:List-Unsubscribe"
_PRECEDENCE: Final = "header:Precedence"
_AUTO_SUBMITTED: Final = "header:Auto-Submitted"
_FEEDBACK_ID: Final = "header:Feedback-ID"
_PROPERTIES: Final = (
    *EMAIL_PROPERTIES,
    *("threadId", "subject", _UNSUBSCRIBE, _PRECEDENCE, _AUTO_SUBMITTED, _FEEDBACK_ID),
)
"""The fields in their default form, which is Raw."""
_PAGE: Final = 1000
"""Mails in one page: few enough that their headers take a few megabytes."""
_UTC_DATE: Final = "%Y-%m-%dT%H:%M:%SZ"
"""RFC 8620 section 1.4. Such dates are in the order of time if they are sorted as text."""


@dataclass(frozen=True, slots=True)
class Headers:
    """A mail with those header fields that show if a program has sent it, and to many people.

    Attributes:
        email: the mail, with its thread and its subject line.
        unsubscribe: the raw List-Unsubscribe field (RFC 2369); empty if there is none, as every
            other field.
        precedence: the raw Precedence field.
        auto_submitted: the raw Auto-Submitted field (RFC 3834).
        feedback_id: the raw Feedback-ID field, which senders of bulk mail write.
    """

    email: Email
    unsubscribe: str = ""
    precedence: str = ""
    auto_submitted: str = ""
    feedback_id: str = ""

    def age(self, now: datetime) -> timedelta:
        """Return the time since the mail was received; none if its date cannot be read."""
        try:
            received = datetime.fromisoformat(self.email.received_at)
        except ValueError:
            return timedelta()
        return max(timedelta(), now - received.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class _HeadersPage(IdPage):
    """A part of a query's result, with the mails that still exist."""

    mails: tuple[Headers, ...]


async def headers_since(
    account: MailAccount, email_filter: Filter | None, since: datetime, *, also: Sequence[str] = ()
) -> AsyncIterator[tuple[Headers, ...]]:
    """Yield the mails since a moment, newest first, a page at a time; each page is one request.

    The reading ends at the first page that ends with an older mail. Some servers take the order
    from a search index, and put mail that the index lacks at the end of the list. So if the list is
    not in order, or ends with a mail that is not older, it is read to its end.

    Mail that comes meanwhile moves the last mails of a page to the next page; they are yielded
    once.

    Args:
        account: the account.
        email_filter: the filter; None for all mail.
        since: the moment.
        also: further properties to read.

    Raises:
        HttpError, JmapError: the server cannot be asked.
    """
    size, oldest = min(_PAGE, account.page_size), since.astimezone(UTC).strftime(_UTC_DATE)
    position, seen, earliest, is_in_order = 0, frozenset[str](), "", True

    def page_at(position: int) -> Operation[_HeadersPage]:
        return _find(account.id, email_filter, position=position, limit=size, also=also)

    page, end = await account.client.perform(page_at(0), _find_end(account.id, email_filter))
    while page.length:
        position += page.length
        account.habits.weigh_total(page.total, position)
        dates = [mail.email.received_at for mail in page.mails if mail.email.id not in seen]
        before = [earliest, *dates] if earliest else dates
        is_in_order = is_in_order and before == sorted(before, reverse=True)
        earliest = dates[-1] if dates else earliest
        yield tuple(
            mail
            for mail in page.mails
            if mail.email.received_at >= oldest and mail.email.id not in seen
        )
        is_past = is_in_order and earliest < oldest and end < oldest
        is_last = account.habits.trusts_totals and position == page.total and not page.is_full
        if is_past or is_last:
            return
        seen = frozenset(page.ids)
        (page,) = await account.client.perform(page_at(position))


async def read_headers(
    account: MailAccount, ids: Sequence[str], *, also: Sequence[str] = ()
) -> tuple[str, tuple[Headers, ...]]:
    """Return the Email state and the headers of those of some mails that still exist.

    At most as many mails are read as one request may read.

    Args:
        account: the account.
        ids: the ids of the mails.
        also: further properties to read.

    Raises:
        HttpError, JmapError: the server cannot be asked.
    """
    first = ids[: min(_PAGE, account.page_size)]
    reading = get("Email", account.id, first, _headers, properties=[*_PROPERTIES, *also])
    (answer,) = await account.client.perform(reading)
    return answer.state, answer.objects


def _find(
    account_id: str,
    email_filter: Filter | None,
    *,
    position: int,
    limit: int,
    also: Sequence[str],
) -> Operation[_HeadersPage]:
    finding = query(
        "Email",
        account_id,
        email_filter,
        sort=_NEWEST_FIRST,
        position=position,
        limit=limit,
        with_total=True,
    )
    reading = get(
        "Email", account_id, finding.at("/ids"), _headers, properties=[*_PROPERTIES, *also]
    )

    def read(results: Results) -> _HeadersPage:
        # If the query was refused, its error is the cause of the other call's.
        found, answer = finding.read(results), reading.read(results)
        states = (answer.state, answer.state)
        by_id = {mail.email.id: mail for mail in answer.objects}
        mails = tuple(by_id[email_id] for email_id in found.ids if email_id in by_id)
        return _HeadersPage(found.ids, found.total, found.limit or limit, states, mails)

    return Operation(finding.calls + reading.calls, read)


def _find_end(account_id: str, email_filter: Filter | None) -> Operation[str]:
    """Return the date of the last mail in the list; "" if there is none, or the server refuses."""
    finding = query("Email", account_id, email_filter, sort=_NEWEST_FIRST, position=-1, limit=1)
    reading = get(
        "Email",
        account_id,
        finding.at("/ids"),
        lambda value: str(value.get("receivedAt") or ""),
        properties=["id", "receivedAt"],
    )

    def read(results: Results) -> str:
        try:
            finding.read(results)
        except MethodError as error:
            if error.type != "invalidArguments":  # the answer to a position that is negative
                raise
            return ""
        return next(iter(reading.read(results).objects), "")

    return Operation(finding.calls + reading.calls, read)


def _headers(value: Any) -> Headers:
    return Headers(
        email=read_email(value),
        unsubscribe=str(value.get(_UNSUBSCRIBE) or ""),
        precedence=str(value.get(_PRECEDENCE) or ""),
        auto_submitted=str(value.get(_AUTO_SUBMITTED) or ""),
        feedback_id=str(value.get(_FEEDBACK_ID) or ""),
    )
