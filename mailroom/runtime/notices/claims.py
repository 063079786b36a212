"""Find new senders whose mail has the keyword for a notice, and claim their notices.

The keyword is a task in the account, like a label. Whoever removes it sends the notice: the update
is held to the Email state in which the mail was read, so of two instances only one succeeds. The
keyword is removed before the notice is sent. A process that is killed in between therefore sends no
notice, but never a second one: a missed notice is found on the page, and a phone that announces the
same sender twice is annoying.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailroom.jmap.email_store import Written
from mailroom.jmap.errors import SetError
from mailroom.jmap.listing import list_ids
from mailroom.jmap.mail import OVERVIEW, Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.methods import NOT_FOUND
from mailroom.jmap.recent_mail import MailWithHeaders, read_headers
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.keywords import NOTICE
from mailroom.screener.model.places import Places
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.overview.waiting import WaitingCollector, WaitingSubject, WaitReason
from mailroom.screener.search.mail_search import MailSearch, Search
from mailroom.screener.search.own_addresses import OwnAddresses
from mailroom.screener.search.people import SENDERS
from mailroom.screener.search.places import read_places
from mailroom.screener.suggest.classify import is_personal
from mailroom.waiting.retrying import retry_while_changed

_TRIES: Final = 5
"""The number of updates that are held to a state, while others change mail."""
_DECIDABLE: Final = frozenset({WaitReason.STRANGER, WaitReason.LIST})


class ClaimError(Exception):
    """No notice could be claimed; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A sender whose notice is claimed.

    Attributes:
        waiting: the sender as a waiting subject, with the mail that has come just now.
        is_person: True if nothing shows that a program has sent the mail, or sent it to many.
    """

    waiting: WaitingSubject
    is_person: bool


class NoticeClaims:
    """Claims the notices of one account.

    Args:
        account: the account's mail.
        categories: the categories.
        layout: the other mailboxes and names.
    """

    def __init__(self, account: MailAccount, categories: Categories, layout: Layout) -> None:
        self._account = account
        self._categories = categories
        self._layout = layout
        self._search = MailSearch(account, SENDERS)

    async def claim(self) -> tuple[Newcomer, ...] | None:
        """Claim notices that are owed, as many as one request reads; return the new senders.

        The claim is the last request: if a later one failed, the notices would be lost, because no
        other instance sends them.

        Returns:
            The senders, or None if no notice is owed. Call this again until no notice is owed.

        Raises:
            HttpError, JmapError: the server cannot be asked.
            MissingError: mailboxes are missing.
            ClaimError: others change mail all the time, or the server does not remove the keyword.
        """
        _, places = await read_places(self._account, self._categories, self._layout)
        claimed: tuple[Newcomer, ...] | None = None

        async def attempt(_others_were_first: bool) -> bool:  # noqa: FBT001 - called by position
            nonlocal claimed
            claimed, others_were_first = await self._claim_as_read(places)
            return others_were_first

        if await retry_while_changed(attempt, True, tries=_TRIES):  # noqa: FBT003 - as above
            raise ClaimError("mail is changed by somebody else all the time")
        return claimed

    async def _claim_as_read(self, places: Places) -> tuple[tuple[Newcomer, ...] | None, bool]:
        """Read the mail with the keyword, and claim its notices; return True if others were first.

        The senders are None if no notice is owed.

        Raises:
            ClaimError: the server does not remove the keyword.
        """
        reading_own = OwnAddresses(self._account).addresses(places)
        (own,), ids = await list_ids(
            self._account, [places.screener], keyword=NOTICE, preceded_by=[reading_own]
        )
        if not ids:
            return None, False
        state, mails = await read_headers(self._account, ids, also=OVERVIEW)
        owed = [
            mail
            for mail in mails
            if NOTICE in mail.email.keywords and places.screener in mail.email.mailbox_ids
        ]
        newcomers = await self._newcomers(owed, own, places.screener)
        done, refusals = set[str](), dict[str, SetError]()

        def note(written: Written) -> None:
            failed = written.response.failed
            done.update(written.patches.keys() - failed.keys())
            refusals.update((key, why) for key, why in failed.items() if why.type != NOT_FOUND)

        patches: dict[str, Patch] = {mail.email.id: {f"keywords/{NOTICE}": None} for mail in owed}
        left = await self._account.update_in_state(patches, state, note)
        if refusals and not (done or left):
            reason = next(iter(refusals.values()))
            raise ClaimError(f"the server does not remove the keyword {NOTICE}: {reason}")
        ours = (newcomer for newcomer in newcomers if not done.isdisjoint(newcomer.waiting.ids))
        return tuple(ours), not done

    async def _newcomers(
        self, owed: Iterable[MailWithHeaders], own: Iterable[str], screener: str
    ) -> list[Newcomer]:
        """Return the senders of mails who have no other waiting mail."""
        by_id = {mail.email.id: mail for mail in owed}
        subjects = self._subjects((mail.email for mail in by_id.values()), own)
        keys = frozenset(waiting.subject.key for waiting in subjects if waiting.subject is not None)
        _, emails = await self._search.find([Search(keys, frozenset({screener}))])
        others = self._subjects(
            (
                email
                for email in emails
                if email.id not in by_id
                and NOTICE not in email.keywords
                and screener in email.mailbox_ids
            ),
            own,
        )
        known = {(waiting.subject, waiting.reason) for waiting in others}
        newcomers = list[Newcomer]()
        for waiting in subjects:
            if waiting.reason in _DECIDABLE and (waiting.subject, waiting.reason) not in known:
                subject = waiting.subject or Subject("")
                mails = [by_id[email_id] for email_id in waiting.ids]
                is_person = subject.kind is Kind.ADDRESS and all(
                    is_personal(mail, subject.key) for mail in mails
                )
                newcomers.append(Newcomer(waiting, is_person))
        return newcomers

    def _subjects(self, emails: Iterable[Email], own: Iterable[str]) -> tuple[WaitingSubject, ...]:
        subjects = WaitingCollector(tuple(own), self._account.client.host)
        subjects.add(emails)
        return subjects.newest_first()
