"""Find the mail that has come since the last pass. Reads only.

The first pass reads the unread mail in the Inbox, back to a certain age. Every later pass reads the
changes since the state of the pass before it. The changes show new mail in the Screener as well.

If the server cannot return all changes at once, it divides the list of changes. If a mail changes
between the reading of two parts, the server may report in neither part that the mail was created.
So the changes are not used then, and the unread mail is read once more.

Mail that its owner has read is not searched for, because such mail usually stays in the Inbox (see
:mod:`mailroom.screener.arrivals.delivery`). Read mail of a sender in a category that denies leaves
the Inbox if the changes show it. Such mail stays if it came before the first pass.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom.jmap.listing import list_dates
from mailroom.jmap.mail import ARRIVAL, CreatedEmails, Email, Filter
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.queries import EmailPage
from mailroom.jmap.request import Operation
from mailroom.screener.arrivals.verdict import is_new
from mailroom.screener.model.places import Places


@dataclass(frozen=True, slots=True)
class NewMail:
    """The new mail of one pass.

    Attributes:
        emails: new mail in the Inbox that nobody has filed, oldest first. If the pass read the
            changes, new mail that the provider's rules put into the Screener is among them.
        state: an Email state. ``emails`` holds all new mail that came before this state, and was
            read in this state or a later one. The next pass reads the changes since this state.
        reported: the id of each mail that the server reported as created -> the time at which the
            mail came. None if the pass searched for unread mail and did not read the changes.
    """

    emails: tuple[Email, ...]
    state: str
    reported: Mapping[str, str] | None = None


FirstResponse = EmailPage | CreatedEmails | None
"""The first page of the unread mail, or the mail created since the last pass; None if the server
cannot calculate the changes."""


class NewMailFinder:
    """Finds the new mail of one account, from pass to pass.

    Args:
        account: the account.
        lookback: the largest age of mail that is screened.
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
        self._ignored = set[str]()
        # The time since which all changes were read, and the mails that they reported as created.
        self._followed_since = ""
        self._reported = dict[str, str]()

    def ignore(self, email_ids: Iterable[str]) -> None:
        """Ignore mails that were filed, but could not get the keyword that says so.

        They are ignored until the process ends, so a mail that its owner moves back to the Inbox
        stays there.
        """
        self._ignored.update(email_ids)

    def note_handled(self, new_mail: NewMail) -> None:
        """Note that all new mail was handled. The next pass finds only later mail."""
        self._state = new_mail.state
        if new_mail.reported is None:
            self._followed_since, self._reported = _text_of(self._now()), {}
        else:
            oldest, reported = self._oldest, {**self._reported, **new_mail.reported}
            self._reported = {
                email_id: received_at
                for email_id, received_at in reported.items()
                if received_at >= oldest
            }

    def start_over(self) -> None:
        """Make the next pass read the unread mail again, for mail that could not be filed."""
        self._state = ""

    def first_operation(self, places: Places) -> Operation[FirstResponse]:
        """Return the first operation that finds new mail; :meth:`new_mail` takes its result.

        A pass sends this operation in one request with others.
        """
        if self._state:
            changes = self._account.created(self._state, also=ARRIVAL)
            return Operation(changes.calls, changes.read)
        unread = self._account.first_page(_unread(places), also=ARRIVAL)
        return Operation(unread.calls, unread.read)

    async def new_mail(self, first: FirstResponse, places: Places) -> NewMail:
        """Return the new mail, after reading the rest that the first response does not hold.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        reported = None
        match first:
            case CreatedEmails(is_silent=False, has_more=False):
                reported = {email.id: email.received_at for email in first.emails}
                emails, state = first.emails, first.new_state
            case EmailPage():
                emails, state = await self._all_unread(first, places), first.state
            case _:
                # The server cannot calculate the changes, has more of them, or was restored from a
                # backup: a new mail may be missing from them.
                unread = self._account.first_page(_unread(places), also=ARRIVAL)
                (page,) = await self._account.client.perform(unread)
                emails, state = await self._all_unread(page, places), page.state
        oldest = self._oldest
        # Some servers report a mail as created whenever it enters a mailbox. So old mail may be
        # reported, because its owner or an undo has moved it to the Screener. A mail outside the
        # Inbox is new only if it came after the unread mail was last read, and is reported for the
        # first time.
        new = (
            email
            for email in emails
            if is_new(email, places)
            and email.received_at >= oldest
            and email.id not in self._ignored
            and (
                places.inbox in email.mailbox_ids
                or (email.received_at >= self._followed_since and email.id not in self._reported)
            )
        )
        in_order = sorted(new, key=lambda email: (email.received_at, email.id))
        return NewMail(tuple(in_order), state, reported)

    async def _all_unread(self, first: EmailPage, places: Places) -> tuple[Email, ...]:
        """Return the first page, and all other unread mail that is recent enough.

        Only ids and dates are read of the other pages, because there may be very much old mail.
        Dates are compared here: some servers search dates in an index that lacks the newest mail.
        """
        dates = await list_dates(self._account, _unread(places), first)
        known = {email.id for email in first.emails}
        recent = [
            email_id
            for email_id, received_at in dates.items()
            if email_id not in known and received_at >= self._oldest
        ]
        _, others = await self._account.read(recent, also=ARRIVAL)
        return (*first.emails, *others)

    @property
    def _oldest(self) -> str:
        """The earliest ``receivedAt`` of mail that is screened."""
        return _text_of(self._now() - self._lookback)


def _text_of(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _unread(places: Places) -> Filter:
    return {"inMailbox": places.inbox, "notKeyword": "$seen"}
