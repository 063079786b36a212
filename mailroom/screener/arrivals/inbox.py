"""Finds the mail that has come since the last look. Reads only.

The first look goes back a while; every other asks for the changes since the state up to which
everything has been seen to. Where the server cannot tell all of them at once, we look back again: a
mail that is changed between two parts of the list may be told as new in neither.

Mail that has been read is of no interest to a look that goes back, for it stays where it is; see
:mod:`mailroom.screener.arrivals.delivery`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom.jmap.account import MailAccount
from mailroom.jmap.listing import list_dates
from mailroom.jmap.mail import ARRIVAL, Created, Email, Filter
from mailroom.jmap.queries import Page
from mailroom.jmap.request import Operation, Results
from mailroom.screener.arrivals.verdict import is_new
from mailroom.screener.places import Places


@dataclass(frozen=True, slots=True)
class News:
    """What a look found.

    Attributes:
        emails: new mail in the Inbox that nobody has filed.
        state: an Email state behind which nothing new was missed, and in which, or later, the
            mails were read.
    """

    emails: tuple[Email, ...]
    state: str


@dataclass(frozen=True, slots=True)
class LookBack:
    """The first page of the unread mail in the Inbox."""

    filter: Filter
    page: Page


Look = LookBack | Created | None
"""What the first request of a look gave; None where the server cannot tell what has changed."""


class Inbox:
    """The Inbox of one account, from look to look.

    Args:
        account: its mail.
        lookback: how far the first look goes back.
        now: the server's time; the clock of the machine that Mailroom runs on may be days off.
    """

    def __init__(
        self,
        account: MailAccount,
        *,
        lookback: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._account = account
        self._lookback = lookback
        self._now = now
        self._state = ""
        self._passed_over = set[str]()

    def pass_over(self, email_ids: Iterable[str]) -> None:
        """Count mails as filed that could not be given the keyword which says so.

        They are passed over until the process ends, so one that its owner moves back stays.
        """
        self._passed_over.update(email_ids)

    def seen_to(self, news: News) -> None:
        """Everything that a look found has been seen to; the next look is for what came later."""
        self._state = news.state

    def look_back_again(self) -> None:
        """Have the next look go back once more, for mail that could not be filed before."""
        self._state = ""

    def look(self, places: Places) -> Operation[Look]:
        """The first request of a look, to be sent along with others; :meth:`news` goes on."""
        if not self._state:
            back = self._look_back(places)
            return Operation(back.calls, back.read)
        changes = self._account.created(self._state, also=ARRIVAL)
        return Operation(changes.calls, changes.read)

    def _look_back(self, places: Places) -> Operation[LookBack]:
        """Ask for the first page of all unread mail in the Inbox, however old.

        Dates are compared here: on some servers a search by date goes through an index that lacks
        just the newest mail.
        """
        email_filter = {"inMailbox": places.inbox, "notKeyword": "$seen"}
        first = self._account.first_page(email_filter, also=ARRIVAL)

        def read(results: Results) -> LookBack:
            return LookBack(email_filter, first.read(results))

        return Operation(first.calls, read)

    async def news(self, look: Look, places: Places) -> News:
        """All that a look finds.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        match look:
            case LookBack(filter=email_filter, page=page):
                emails = await self._unread(email_filter, page)
                return self._news(emails, page.state, places)
            case Created(is_silent=False, has_more=False, emails=emails, new_state=state):
                return self._news(emails, state, places)
            case _:
                return await self._again(places)

    async def _unread(self, email_filter: Filter, first: Page) -> list[Email]:
        """All unread mail that is recent enough, though there may be very much that is not.

        Of the pages behind the first one only the ids and dates are read at first.
        """
        dates = await list_dates(self._account, email_filter, first)
        known = {email.id for email in first.emails}
        recent = [
            email_id
            for email_id, received_at in dates.items()
            if email_id not in known and received_at >= self._oldest
        ]
        _, others = await self._account.read(recent, also=ARRIVAL)
        return [*first.emails, *others]

    async def _again(self, places: Places) -> News:
        """Look back, for the changes do not tell everything."""
        (look,) = await self._account.client.perform(self._look_back(places))
        return await self.news(look, places)

    def _news(self, emails: Iterable[Email], state: str, places: Places) -> News:
        oldest = self._oldest
        new = (
            each
            for each in emails
            if is_new(each, places)
            and each.received_at >= oldest
            and each.id not in self._passed_over
        )
        return News(tuple(sorted(new, key=lambda each: (each.received_at, each.id))), state)

    @property
    def _oldest(self) -> str:
        """The date of the oldest mail that is looked at, to be compared with ``receivedAt``."""
        return (self._now() - self._lookback).strftime("%Y-%m-%dT%H:%M:%S")
