"""Read mail with the header fields that show who sends it: all mail since a time, or by ids."""

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
class MailWithHeaders:
    """A mail with the header fields that show if a program sent it, or if many people got it.

    Attributes:
        email: the mail, with its thread and its subject line.
        unsubscribe: the raw List-Unsubscribe field (RFC 2369); empty if there is none, as every
            other attribute below.
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
        """Return the time since the mail was received; zero if its date cannot be read."""
        try:
            received = datetime.fromisoformat(self.email.received_at)
        except ValueError:
            return timedelta()
        return max(timedelta(), now - received.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class _HeadersPage(IdPage):
    """A part of a query's result, with the mails that still exist.

    Both ``states`` are the Email state after the query.
    """

    mails: tuple[MailWithHeaders, ...]


async def headers_since(
    account: MailAccount, email_filter: Filter | None, since: datetime, *, also: Sequence[str] = ()
) -> AsyncIterator[tuple[MailWithHeaders, ...]]:
    """Yield the mails since a moment, newest first, a page at a time; each page is one request.

    The reading ends after the first page whose last mail is from before the moment. Some servers
    take the order from a search index, and put mail that the index lacks at the end of the list. So
    the whole list is read if it is not in order, or if its very last mail is not from before the
    moment.

    New mail moves the last mails of one page to the next page; such mails are yielded once.

    Args:
        account: the account.
        email_filter: the filter; None for all mail.
        since: the moment.
        also: further properties to read.

    Raises:
        HttpError, JmapError: the server cannot be asked.
    """
    size, since_date = min(_PAGE, account.page_size), since.astimezone(UTC).strftime(_UTC_DATE)
    position, seen, last_date, is_in_order = 0, frozenset[str](), "", True

    def page_at(position: int) -> Operation[_HeadersPage]:
        return _find(account.id, email_filter, position=position, limit=size, also=also)

    page, very_last_date = await account.client.perform(
        page_at(0), _find_last_date(account.id, email_filter)
    )
    while page.length:
        position += page.length
        account.habits.weigh_total(page.total, position)
        dates = [mail.email.received_at for mail in page.mails if mail.email.id not in seen]
        sequence = [last_date, *dates] if last_date else dates
        is_in_order = is_in_order and sequence == sorted(sequence, reverse=True)
        last_date = dates[-1] if dates else last_date
        yield tuple(
            mail
            for mail in page.mails
            if mail.email.received_at >= since_date and mail.email.id not in seen
        )
        rest_is_older = is_in_order and max(last_date, very_last_date) < since_date
        is_last = account.habits.trusts_totals and position == page.total and not page.is_full
        if rest_is_older or is_last:
            return
        seen = frozenset(page.ids)
        (page,) = await account.client.perform(page_at(position))


async def read_headers(
    account: MailAccount, ids: Sequence[str], *, also: Sequence[str] = ()
) -> tuple[str, tuple[MailWithHeaders, ...]]:
    """Return the Email state, and mails with their headers.

    Mails that do not exist any more are left out. Only the first ``ids`` are read, as many as fit
    into one request.

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
        # If the query is refused, Email/get fails as well. The query's error says why.
        found, answer = finding.read(results), reading.read(results)
        states = (answer.state, answer.state)
        by_id = {mail.email.id: mail for mail in answer.objects}
        mails = tuple(by_id[email_id] for email_id in found.ids if email_id in by_id)
        return _HeadersPage(found.ids, found.total, found.limit or limit, states, mails)

    return Operation(finding.calls + reading.calls, read)


def _find_last_date(account_id: str, email_filter: Filter | None) -> Operation[str]:
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
            if error.type != "invalidArguments":  # some servers refuse a negative position
                raise
            return ""
        return next(iter(reading.read(results).objects), "")

    return Operation(finding.calls + reading.calls, read)


def _headers(value: Any) -> MailWithHeaders:
    return MailWithHeaders(
        email=read_email(value),
        unsubscribe=str(value.get(_UNSUBSCRIBE) or ""),
        precedence=str(value.get(_PRECEDENCE) or ""),
        auto_submitted=str(value.get(_AUTO_SUBMITTED) or ""),
        feedback_id=str(value.get(_FEEDBACK_ID) or ""),
    )
