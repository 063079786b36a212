"""Screening of new mail: find it, judge it, and file it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from mailroom.contacts.index import ContactIndex
from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.arrivals.answers import Answers
from mailroom.screener.arrivals.correspondents import Correspondents
from mailroom.screener.arrivals.executor import ArrivalsReport, VerdictExecutor
from mailroom.screener.arrivals.inbox import Inbox, NewMail
from mailroom.screener.arrivals.verdict import (
    Acquaintance,
    Rules,
    Verdict,
    judge,
    strangers,
    unexplained,
)
from mailroom.screener.model.categories import Categories
from mailroom.screener.model.keywords import SCREENED
from mailroom.screener.model.places import Places
from mailroom.screener.model.refusals import Refusals
from mailroom.screener.triage.decide import DecidedAddresses
from mailroom.waiting.concurrency import both


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings for new mail.

    Attributes:
        lookback: the largest age of mail that is screened.
        authserv_id: see :func:`mailroom.screener.arrivals.authentication.opinion_on_from`.
    """

    lookback: timedelta
    authserv_id: str


@dataclass(frozen=True, slots=True)
class JudgedMail:
    """The plan for new mail.

    Attributes:
        new_mail: the new mail.
        verdicts: one verdict for each mail, in the same order.
        rules: the rules of the verdicts.
    """

    new_mail: NewMail
    verdicts: tuple[Verdict, ...]
    rules: Rules

    @property
    def moves(self) -> tuple[Verdict, ...]:
        """The verdicts that move a mail."""
        return tuple(each for each in self.verdicts if each.patch is not None)


def judge_all(new_mail: NewMail, rules: Rules, decided: DecidedAddresses) -> JudgedMail:
    """Decide on each mail. Pure.

    Args:
        new_mail: the new mail.
        rules: the rules for the senders.
        decided: the addresses that the same pass decides on.
    """
    rules = replace(rules, decided=decided)
    return JudgedMail(new_mail, tuple(judge(each, rules) for each in new_mail.emails), rules)


def _is_marked(verdict: Verdict) -> bool:
    """Return True if the mail got the keyword; some mailboxes have no room for it."""
    return f"keywords/{SCREENED}" in (verdict.patch or {})


class Screening:
    """The new mail of one account.

    Args:
        account: the account.
        categories: the categories.
        policy: the policy for new mail.

    Attributes:
        inbox: finds the new mail.
    """

    def __init__(self, account: MailAccount, categories: Categories, policy: Policy) -> None:
        self.inbox = Inbox(account, lookback=policy.lookback, now=account.client.server_now)
        self._account = account
        self._categories = categories
        self._policy = policy
        self._correspondents = Correspondents(account)
        self._answers = Answers(account)
        self._refusals = Refusals()

    async def rules(
        self, new_mail: NewMail, places: Places, index: ContactIndex, identities: Collection[str]
    ) -> Rules:
        """Return the rules for the senders of new mail. Reads only.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        acquaintance = Acquaintance(index, self._categories, identities)
        unknown = unexplained(new_mail.emails, acquaintance)
        correspondents, answers = await both(
            self._correspondents.among(strangers(unknown), places.sent),
            self._answers.among(unknown, places.sent),
        )
        return Rules(
            acquaintance=acquaintance,
            correspondents=correspondents,
            places=places,
            categories=self._categories,
            authserv_id=self._policy.authserv_id,
            answers=answers,
        )

    async def apply(self, plan: JudgedMail, state: str) -> ArrivalsReport:
        """Carry out a plan. The next pass looks again at mail that could not be filed.

        Mail that the server refuses to move for good stays in the Inbox, and is tried again after
        an hour. ``state`` is an Email state in which every mail is as it was planned for.

        Raises:
            HttpError: the server cannot be asked.
        """
        is_time_to_try_again = self._refusals.forget_expired()
        put_off = self._refusals.lasting
        moves = [each for each in plan.moves if each.email.id not in put_off]
        arrived = await VerdictExecutor(self._account, plan.rules).run(moves, state)
        self._note_refused(arrived)
        self.inbox.ignore(each.email.id for each in arrived.filed if not _is_marked(each))
        if not arrived.failures:
            self.inbox.note_handled(plan.new_mail)
        if is_time_to_try_again:
            self.inbox.start_over()
        return arrived

    def _note_refused(self, arrived: ArrivalsReport) -> None:
        """Remember lasting refusals. A refusal counts as a failure until it is repeated."""
        for email_id, reason in arrived.refused.items():
            self._refusals.note(email_id, reason)
        arrived.stuck = self._refusals.lasting
        unconfirmed = arrived.refused.keys() - arrived.stuck.keys()
        arrived.failures |= {each: arrived.refused.pop(each) for each in unconfirmed}
