"""Find the mail that has come since the last look. Reads only.

The first look goes back for a while; every later look reads the changes since the state of the last
one. If the server cannot return all changes at once, the look goes back again: a mail that is
changed between two parts of the list may be reported as created in neither.

A look that goes back ignores mail that has been read, because such mail stays in the Inbox; see
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
from mailroom.screener.model.places import Places


@dataclass(frozen=True, slots=True)
class News:
    """The result of a look.

    Attributes:
        emails: new mail in the Inbox that nobody has filed.
        state: an Email state up to which all new mail was found. The mails were read in this state
            or later.
    """

    emails: tuple[Email, ...]
    state: str


@dataclass(frozen=True, slots=True)
class LookBack:
    """The first page of the unread mail in the Inbox."""

    filter: Filter
    page: Page


Look = LookBack | Created | None
"""The result of the first request of a look; None if the server cannot calculate the changes."""


class Inbox:
    """The Inbox of one account, from look to look.

    Args:
        account: the account.
        lookback: the time that a look goes back.
        now: returns the server's time, because the clock of Mailroom's machine may be days off.
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
        """Ignore mails that were filed, but could not get the keyword that says so.

        They are ignored until the process ends, so a mail that its owner moves back to the Inbox
        stays there.
        """
        self._passed_over.update(email_ids)

    def seen_to(self, news: News) -> None:
        """Note that all mail of a look was handled. The next look finds only later mail."""
        self._state = news.state

    def look_back_again(self) -> None:
        """Make the next look go back once more, for mail that could not be filed before."""
        self._state = ""

    def look(self, places: Places) -> Operation[Look]:
        """Return the first operation of a look; pass its result to :meth:`news`."""
        if not self._state:
            back = self._look_back(places)
            return Operation(back.calls, back.read)
        changes = self._account.created(self._state, also=ARRIVAL)
        return Operation(changes.calls, changes.read)

    def _look_back(self, places: Places) -> Operation[LookBack]:
        """Read the first page of all unread mail in the Inbox, of any age.

        Mailroom compares the dates itself: some servers search dates in an index that lacks just
        the newest mail.
        """
        email_filter = {"inMailbox": places.inbox, "notKeyword": "$seen"}
        first = self._account.first_page(email_filter, also=ARRIVAL)

        def read(results: Results) -> LookBack:
            return LookBack(email_filter, first.read(results))

        return Operation(first.calls, read)

    async def news(self, look: Look, places: Places) -> News:
        """Complete a look, and return the new mail.

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
        """Return the first page, and all other unread mail that is recent enough.

        Only ids and dates are read of the other pages, because there may be very much old mail.
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
        """Look back, because the changes are incomplete."""
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
        """The earliest ``receivedAt`` of mail that is screened."""
        return (self._now() - self._lookback).strftime("%Y-%m-%dT%H:%M:%S")
