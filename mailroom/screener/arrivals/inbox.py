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
from mailroom.jmap.mail import ARRIVAL, Created, Email, Filter, Page, get_email_state
from mailroom.jmap.request import Operation, Results, in_order
from mailroom.screener.arrivals.verdict import is_new
from mailroom.screener.keywords import SCREENED
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
    """The first page of the Inbox as far back as is looked, and the state before that was read."""

    state: str
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

    def look(self, places: Places) -> Operation[Look]:
        """The first request of a look, to be sent along with others; :meth:`news` goes on."""
        if not self._state:
            return self._look_back(places)
        changes = self._account.created(self._state, also=ARRIVAL)
        return Operation(changes.calls, changes.read)

    def _look_back(self, places: Places) -> Operation[Look]:
        email_filter = self._recent(places)
        search = in_order(
            get_email_state(self._account.id), self._account.first_page(email_filter, also=ARRIVAL)
        )

        def read(results: Results) -> LookBack:
            state, page = search.read(results)
            return LookBack(state, email_filter, page)

        return Operation(search.calls, read)

    def _recent(self, places: Places) -> Filter:
        since = self._now() - self._lookback
        return {
            "operator": "AND",
            "conditions": [
                {"inMailbox": places.inbox},
                {"after": since.strftime("%Y-%m-%dT%H:%M:%SZ")},
                {"notKeyword": SCREENED},
                {"notKeyword": "$seen"},
            ],
        }

    async def news(self, look: Look, places: Places) -> News:
        """All that a look finds.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        match look:
            case LookBack(state=state, filter=email_filter, page=page):
                emails = await self._account.whole(email_filter, page, also=ARRIVAL)
                return self._news(emails, state, places)
            case Created(is_silent=False, has_more=False, emails=emails, new_state=state):
                return self._news(emails, state, places)
            case _:
                return await self._again(places)

    async def _again(self, places: Places) -> News:
        """Look back, for the changes do not tell everything."""
        (look,) = await self._account.client.perform(self._look_back(places))
        return await self.news(look, places)

    def _news(self, emails: Iterable[Email], state: str, places: Places) -> News:
        oldest = (self._now() - self._lookback).strftime("%Y-%m-%dT%H:%M:%S")
        new = (
            each
            for each in emails
            if is_new(each, places)
            and each.received_at >= oldest
            and each.id not in self._passed_over
        )
        return News(tuple(sorted(new, key=lambda each: (each.received_at, each.id))), state)
