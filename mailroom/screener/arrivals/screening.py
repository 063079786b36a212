"""Screening of new mail: find it, judge it, and file it."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.arrivals.correspondents import Correspondents
from mailroom.screener.arrivals.executor import ArrivalsReport, VerdictExecutor
from mailroom.screener.arrivals.new_mail import NewMail, NewMailFinder
from mailroom.screener.arrivals.replies import Replies
from mailroom.screener.arrivals.verdict import (
    Facts,
    Verdict,
    depending_on_sent_mail,
    judge,
    sender_keys,
)
from mailroom.screener.model.categories import Categories
from mailroom.screener.model.codes import CodeFinder
from mailroom.screener.model.keywords import SCREENED
from mailroom.screener.model.places import Places
from mailroom.screener.model.refusals import Refusals
from mailroom.screener.triage.standing import Decisions
from mailroom.waiting.concurrency import both

_RECENT: Final = 900.0
"""Seconds. A notice is sent only about mail that came in the 15 minutes before the pass. Older
mail, such as most mail at the first start, was in the Inbox so long that its owner has probably
seen it.
"""
_UTC_DATE: Final = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings for new mail.

    Attributes:
        lookback: the largest age of mail that is screened.
        authserv_id: see :func:`mailroom.screener.arrivals.authentication.opinion_on_from`.
        codes: see :class:`~mailroom.screener.arrivals.verdict.Facts`.
        has_notices: True if notices are sent about new senders.
        has_notices_of_bulk: see :class:`~mailroom.screener.arrivals.verdict.Facts`.
    """

    lookback: timedelta
    authserv_id: str
    codes: CodeFinder | None = None
    has_notices: bool = False
    has_notices_of_bulk: bool = False


@dataclass(frozen=True, slots=True)
class JudgedMail:
    """New mail with its verdicts.

    Attributes:
        new_mail: the new mail.
        verdicts: one verdict for each mail, in the same order.
        facts: the facts from which the verdicts follow.
    """

    new_mail: NewMail
    verdicts: tuple[Verdict, ...]
    facts: Facts

    @property
    def changing_verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts that change a mail: they file the mail, or only add the warning label."""
        return tuple(verdict for verdict in self.verdicts if verdict.patch is not None)


def judge_all(new_mail: NewMail, facts: Facts, decisions: Decisions) -> JudgedMail:
    """Decide on each mail. Pure.

    Args:
        new_mail: the new mail.
        facts: the facts about the senders.
        decisions: the decisions of the address book and of the same pass.
    """
    facts = replace(facts, decisions=decisions)
    return JudgedMail(new_mail, tuple(judge(email, facts) for email in new_mail.emails), facts)


class Screening:
    """Screens the new mail of one account.

    Args:
        account: the account.
        categories: the categories.
        policy: the policy for new mail.

    Attributes:
        finder: finds the new mail.
    """

    def __init__(self, account: MailAccount, categories: Categories, policy: Policy) -> None:
        self.finder = NewMailFinder(
            account, lookback=policy.lookback, now=account.client.server_now
        )
        self._account = account
        self._categories = categories
        self._policy = policy
        self._correspondents = Correspondents(account)
        self._replies = Replies(account)
        self._refusals = Refusals()

    async def facts(self, new_mail: NewMail, places: Places, decisions: Decisions) -> Facts:
        """Return the facts about the senders of new mail. Reads only.

        Args:
            new_mail: the new mail.
            places: the ids of the mailboxes.
            decisions: the decisions of the address book.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        unknown = depending_on_sent_mail(new_mail.emails, decisions, places)
        correspondents, reply_ids = await both(
            self._correspondents.among(sender_keys(unknown), places.sent),
            self._replies.among(unknown, places.sent),
        )
        notices_since = self._account.client.server_now() - timedelta(seconds=_RECENT)
        return Facts(
            decisions=decisions,
            correspondents=correspondents,
            places=places,
            categories=self._categories,
            authserv_id=self._policy.authserv_id,
            reply_ids=reply_ids,
            codes=self._policy.codes,
            notices_since=f"{notices_since:{_UTC_DATE}}" if self._policy.has_notices else "",
            has_notices_of_bulk=self._policy.has_notices_of_bulk,
        )

    async def apply(self, judged: JudgedMail, state: str) -> ArrivalsReport:
        """Carry out verdicts. The next pass tries again to file mail that could not be filed.

        Mail that the server refuses for good to change stays in its mailbox, and is tried again
        after an hour. ``state`` is an Email state in which every mail is as it was when it was
        judged.

        Raises:
            HttpError: the server cannot be asked.
        """
        has_expired_refusals = self._refusals.forget_expired()
        skipped = self._refusals.lasting
        verdicts = [
            verdict for verdict in judged.changing_verdicts if verdict.email.id not in skipped
        ]
        arrived = await VerdictExecutor(self._account, judged.facts).run(verdicts, state)
        for email_id, reason in arrived.lasting_refusals.items():
            self._refusals.note(email_id, reason)
        arrived.stuck = self._refusals.lasting
        # A refusal that is not confirmed yet may be a passing fault, so it is tried again soon.
        for email_id in arrived.lasting_refusals.keys() - arrived.stuck.keys():
            arrived.failures[email_id] = arrived.lasting_refusals.pop(email_id)
        # Some mailboxes have no room for the keyword that says that a mail was screened. Without
        # the keyword, a mail would be new again if its owner moved it back to the Inbox.
        self.finder.ignore(
            verdict.email.id
            for verdict in arrived.filed
            if f"keywords/{SCREENED}" not in (verdict.patch or {})
        )
        if not arrived.failures:
            self.finder.note_handled(judged.new_mail)
        # Refused mail counted as handled. After its pause, only reading all unread mail finds it.
        if has_expired_refusals:
            self.finder.start_over()
        return arrived
