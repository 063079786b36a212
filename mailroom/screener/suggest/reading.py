"""Read the mail of the last year, and count the signals of its senders. Reads only."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mailroom.contacts.index import ContactIndex
from mailroom.jmap.errors import MethodError
from mailroom.jmap.habits import Limitation
from mailroom.jmap.mail import RECIPIENTS, Filter
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.recent_mail import MailWithHeaders, headers_since
from mailroom.screener.model.places import Places
from mailroom.screener.suggest.signals import Correspondence, Tally

PERIOD: Final = timedelta(days=365)
"""The age of the oldest mail that is read."""

ShowProgress = Callable[[str, int, int], None]
"""Shows progress: a name of the work, the number of things done, and the number of all things."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the mail of the last year.

    Attributes:
        account: the account.
        places: the ids of the mailboxes.
        show_progress: called with a name such as "Reading mail", the number of days whose mail has
            been read, and the number of all days.
    """

    account: MailAccount
    places: Places
    show_progress: ShowProgress

    async def tally(self, own: Collection[str], index: ContactIndex) -> Tally:
        """Return the signals of all senders.

        First sent mail is read, then all mail that is not only in Trash, Junk, Drafts or Sent.

        Args:
            own: the keys of the user's own addresses.
            index: the address book.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        now, places = self.account.client.server_now(), self.places
        correspondence = Correspondence()
        for mailbox_id in sorted(places.sent):
            in_sent = {"inMailbox": mailbox_id}
            await self._read("Reading sent mail", in_sent, now, correspondence.add, also=RECIPIENTS)
        tally = Tally(correspondence, own, index, now)
        excluded = places.trash | places.junk | places.drafts | places.sent

        def add(mails: Sequence[MailWithHeaders]) -> None:
            tally.add(mail for mail in mails if not mail.email.mailbox_ids <= excluded)

        elsewhere = {"inMailboxOtherThan": sorted(excluded)}
        habits, work = self.account.habits, "Reading mail"
        if excluded and Limitation.EXCLUDED_MAILBOXES not in habits:
            try:
                await self._read(work, elsewhere, now, add)
            except MethodError as error:
                if error.type != "unsupportedFilter":
                    raise
                habits.learn(Limitation.EXCLUDED_MAILBOXES)  # refused at the first page
            else:
                return tally
        await self._read(work, None, now, add)
        return tally

    async def _read(
        self,
        work: str,
        email_filter: Filter | None,
        now: datetime,
        use: Callable[[Sequence[MailWithHeaders]], None],
        *,
        also: Sequence[str] = (),
    ) -> None:
        done, total = 0, PERIOD.days
        self.show_progress(work, done, total)
        async for mails in headers_since(self.account, email_filter, now - PERIOD, also=also):
            use(mails)
            if mails:
                done = max(done, min(mails[-1].age(now).days, total - 1))
                self.show_progress(work, done, total)
        self.show_progress(work, total, total)
