"""Writes the digest at its time of day, and later on the same day if that was not possible.

A server that cannot import mail at all is asked once a day, and the log says so once a day.

Only the day of the last digest is kept in memory. After a restart, the digests in the account show
which was the last one. The digest is written :data:`_GRACE` seconds after it is due, because mail
that came just before it was due must first reach the Screener.
"""

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final, NoReturn

import structlog

from mailroom.account import Account
from mailroom.digest.content import Digest, Window, digest_of, new_subjects
from mailroom.digest.delivery import DigestMails
from mailroom.digest.message import Frame, compose
from mailroom.digest.times import due_today, next_due
from mailroom.jmap.errors import MethodError, SessionError
from mailroom.jmap.mail import moment_of
from mailroom.jmap.methods import UNKNOWN_METHOD
from mailroom.jmap.recent_mail import read_headers
from mailroom.report.failures import EXPECTED
from mailroom.screener.model.missing import MissingError
from mailroom.screener.overview.decided import read_decided
from mailroom.screener.overview.waiting import WaitingList, read_waiting
from mailroom.screener.search.places import read_places
from mailroom.screener.suggest.classify import is_personal
from mailroom.waiting.batches import batches

log = structlog.get_logger(__name__)

_GRACE: Final = 30.0
"""Seconds from the time at which a digest is due until it is written."""
_AGAIN: Final = 600.0
"""Seconds until a digest that could not be written is tried again."""
_LONGEST_WAIT: Final = 3600.0
"""Seconds until the clock is looked at again, because a computer may sleep meanwhile."""
_AT_ONCE: Final = 500
"""Mails whose headers are read at a time."""
_DAY: Final = timedelta(days=1)


class DigestSchedule:
    """Writes the digests of one account.

    Args:
        account: the account; its settings have the time of day.
        note_failure: called for each digest that could not be written.
    """

    def __init__(self, account: Account, note_failure: Callable[[], None]) -> None:
        self._account = account
        self._note_failure = note_failure
        self._screened = asyncio.Event()
        self._done_day: date | None = None

    def pass_succeeded(self) -> None:
        """Note that the mail that came so far is in the Screener, or where it belongs."""
        self._screened.set()

    async def run(self) -> NoReturn:
        """Write a digest whenever it is due; cancel the task to stop."""
        while True:
            await self._screened.wait()
            seconds = await self.write_if_due()
            await asyncio.sleep(seconds)

    async def write_if_due(self) -> float:
        """Write the digest if it is due; return the seconds until the next look."""
        settings = self._account.settings
        at, zone = settings.digest.time, settings.zone
        now = self._account.client.server_now() - timedelta(seconds=_GRACE)
        due = due_today(now, at, zone)
        until_next = (next_due(now, at, zone) - now).total_seconds()
        if due is not None and due.astimezone(zone).date() != self._done_day:
            try:
                await self._write(due)
            except EXPECTED as error:
                self._note_failure()
                # A server that accepts no uploads or imports will not accept them later today.
                is_unknown = isinstance(error, MethodError) and error.type == UNKNOWN_METHOD
                is_lasting = is_unknown or isinstance(error, SessionError)
                again_in = until_next if is_lasting else _AGAIN
                log.warning("the digest was not written", error=str(error), again_in=again_in)
                if not is_lasting:
                    # Mail that came while the server was down is screened first.
                    self._screened.clear()
                    return _AGAIN
            except Exception:
                self._note_failure()
                log.exception("a mistake in Mailroom itself", effect="the digest was not written")
            self._done_day = due.astimezone(zone).date()
        return min(_LONGEST_WAIT, until_next)

    async def _write(self, due: datetime) -> None:
        """Write the digest of a day if anybody new waits, unless it was written before."""
        settings, account = self._account.settings, await self._account.mail()
        categories, layout = settings.categories, settings.screener.layout
        _, places = await read_places(account, categories, layout)
        mails = DigestMails(account, places)
        (own,) = await account.client.perform(account.identities())
        frame = Frame(
            account=account.id,
            owner=next(
                (address for address in own if not address.startswith("*")), settings.jmap.username
            ),
            due=due,
            zone=settings.zone,
            labels=[(category.name, category.label) for category in categories],
            page=settings.web.url if settings.web.is_on else "",
        )
        before = await mails.find()
        if not any(email.message_id == frame.message_id for email in before):
            moments = filter(None, (moment_of(email.received_at) for email in before))
            # If the last digest was deleted, this one covers the 24 hours before it is due.
            since = max((moment for moment in moments if moment < due), default=due - _DAY)
            waiting = await read_waiting(account, categories, layout)
            digest = await self._content(waiting, Window(since, due))
            if not digest.is_needed:
                return
            await mails.deliver(compose(digest, frame))
            log.info("digest written", people=len(digest.people), others=len(digest.others))
        await mails.tidy_up(frame.message_id)

    async def _content(self, waiting: WaitingList, window: Window) -> Digest:
        new = new_subjects(waiting.subjects, window)
        if not new:
            return digest_of(waiting.subjects, window, frozenset(), ())
        settings = self._account.settings
        try:
            decided = await read_decided(
                await self._account.book(), settings.categories, settings.screener.layout
            )
        except MissingError:  # A contact group was deleted; the senders who wait are known.
            decided = ()
        account, people = await self._account.mail(), set[str]()
        addresses = {subject.newest_id: subject.address for subject in new if subject.subject}
        for ids in batches(list(addresses), min(_AT_ONCE, account.page_size)):
            _, mails = await read_headers(account, ids)
            people |= {
                mail.email.id for mail in mails if is_personal(mail, addresses[mail.email.id])
            }
        return digest_of(waiting.subjects, window, frozenset(people), decided)
