"""One pass of the Screener: gather, decide, apply.

This module gathers and decides, and writes nothing; :mod:`mailroom.screener.passes.executor`
carries out the plan.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from mailroom.contacts.book import AddressBook, Snapshot
from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import Email
from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.arrivals.screening import Policy, Screening, judge_all
from mailroom.screener.arrivals.verdict import Facts
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.missing import MissingError, NoRightToWriteError
from mailroom.screener.model.places import (
    lacking_rights,
    missing_mailboxes,
    raise_if_unsuitable,
)
from mailroom.screener.model.refusals import Refusals
from mailroom.screener.model.sender import sender_key
from mailroom.screener.passes.by_name import PlannerByName
from mailroom.screener.passes.executor import PlanExecutor
from mailroom.screener.passes.gather import GatheredMail, Gatherer
from mailroom.screener.passes.plan import MailsByKey, Plan, label_change_key, plan_decisions
from mailroom.screener.passes.progress import Report
from mailroom.screener.passes.reading import AccountReader, Reading
from mailroom.screener.search.own_addresses import senders_of
from mailroom.screener.triage.contacts import find_contacts
from mailroom.screener.triage.decide import Conflict, Decision, decide
from mailroom.screener.triage.groups import missing_groups
from mailroom.screener.triage.labelled import SortedMail
from mailroom.waiting.concurrency import both


class ScreenerWorkflow:
    """The Screener of one account.

    Args:
        account: the account's mail.
        book: the account's contacts.
        categories: the categories.
        layout: the other mailboxes and names.
        policy: the policy for new mail; None: new mail is not screened.
        now: returns the time for notes, in the local time zone.

    Attributes:
        planner_by_name: plans decisions on subjects that a person names.
    """

    def __init__(
        self,
        account: MailAccount,
        book: AddressBook,
        categories: Categories,
        layout: Layout,
        *,
        policy: Policy | None,
        now: Callable[[], datetime],
    ) -> None:
        self._account = account
        self._book = book
        self._categories = categories
        self._layout = layout
        self._now = now
        self._refusals = Refusals()
        self._screening = None if policy is None else Screening(account, categories, policy)
        finder = None if self._screening is None else self._screening.finder
        self._gatherer = Gatherer(account, categories, layout, finder)
        self._reader = AccountReader(
            self._gatherer, book, categories, layout, server=account.client.host
        )
        self.planner_by_name = PlannerByName(self._reader, categories, now)
        self._executor = PlanExecutor(
            account, book, categories, gatherer=self._gatherer, screening=self._screening
        )

    async def check(self) -> None:
        """Raise an error unless every mailbox and contact group exists and can be used.

        Raises:
            NoRightToWriteError: the credentials may only read.
            MissingError: mailboxes or groups are missing; the error names them all.
            UnsuitableError: mailboxes have a role that does not fit.
            HttpError, JmapError, AddressBookError: a server cannot be used as it should.
        """
        if self._account.is_read_only:
            raise NoRightToWriteError([f"account {self._account.id}: isReadOnly"])
        directory, snapshot = await both(self._gatherer.directory(), self._book.sync())
        if lacking := list(lacking_rights(directory, self._categories, self._layout)):
            raise NoRightToWriteError(lacking)
        mailboxes = missing_mailboxes(directory, self._categories, self._layout)
        groups = missing_groups(snapshot.groups, self._categories, self._layout)
        if mailboxes or groups:
            only_carddav = snapshot.index.names_without_address(groups)
            raise MissingError(mailboxes=mailboxes, groups=groups, only_carddav=only_carddav)
        raise_if_unsuitable(directory, self._categories, self._layout)
        self._gatherer.expect(directory)

    async def run(self, is_still_current: Callable[[str], Awaitable[bool]] | None = None) -> Report:
        """Run one whole pass.

        Args:
            is_still_current: called with the Email state in which mail was read, before anything is
                decided. The call may wait for the end of the settle. If it returns False, the
                account is read once more. None: the account is read once.

        Raises:
            HttpError, JmapError, AddressBookError: a server cannot be used as it should.
            MissingError: mailboxes or contact groups are missing.
        """
        gathered, snapshot = await self._reader.gather()
        if is_still_current is not None and not await is_still_current(gathered.state):
            gathered, snapshot = await self._reader.gather()
        return await self.apply(await self._plan(gathered, snapshot))

    async def plan(self) -> Plan:
        """Gather and decide; write nothing. Raises as :meth:`run`.

        If a contact group is missing, no plan is made: the group's members would be taken for
        contacts without a category.
        """
        return await self._plan(*await self._reader.gather())

    async def _plan(self, gathered: GatheredMail, snapshot: Snapshot) -> Plan:
        labelled_senders = senders_of(gathered.emails)
        new_mail = () if gathered.new_mail is None else gathered.new_mail.emails
        senders = labelled_senders | senders_of(new_mail)
        try:
            own = await self._gatherer.own_among(senders, gathered)
        except MethodError:
            # The server refuses the search. Leave out the senders of new mail, so that decisions
            # can still be carried out: only senders in doubt are searched for, and senders of
            # labelled mail seldom are in doubt.
            own = await self._gatherer.own_among(labelled_senders, gathered)
        gathered = replace(gathered, own_addresses=(*gathered.own_addresses, *sorted(own)))
        reading = self._reader.reading(gathered, snapshot)
        sorted_mail = reading.sorter.sort(gathered.emails)
        (outcomes, mails), (facts, screening_error) = await both(
            self._decide(sorted_mail, reading),
            self._facts_for_new(reading),
        )
        plan = plan_decisions(
            reading,
            sorted_mail,
            outcomes,
            mails,
            categories=self._categories,
            refusal_of=self._refusals.reason,
        )
        judged = None
        if gathered.new_mail is not None and facts is not None:
            judged = judge_all(gathered.new_mail, facts, plan.decisions)
        # Forget refusals of changes that nobody wants any more.
        decision_ids = {outcome.id for outcome in outcomes if isinstance(outcome, Decision)}
        self._refusals.keep_only(decision_ids | set(map(label_change_key, gathered.emails)))
        return replace(plan, judged=judged, screening_error=screening_error)

    async def _facts_for_new(self, reading: Reading) -> tuple[Facts | None, str]:
        """Return the facts about new mail, or None and the error because of which there are none.

        After an error, new mail stays where it is, and decisions are carried out all the same.
        """
        gathered = reading.gathered
        if self._screening is None or gathered.new_mail is None:
            return None, ""
        try:
            facts = await self._screening.facts(
                gathered.new_mail, gathered.places, reading.decisions
            )
        except MethodError as error:
            return None, str(error)
        return facts, ""

    async def _decide(
        self, sorted_mail: SortedMail, reading: Reading
    ) -> tuple[list[Decision | Conflict], tuple[Email, ...]]:
        """Read contacts and mail, and decide; return the outcomes and the mail to file."""
        if not sorted_mail.mails_by_key:
            return [], ()
        keys = frozenset(sorted_mail.mails_by_key).union(*sorted_mail.companions.values())
        gathered, snapshot = reading.gathered, reading.snapshot
        cards, mails = await both(snapshot.read(keys), self._reader.mail_of(keys, gathered))
        groups = reading.groups()
        contacts = find_contacts(
            sorted_mail.mails_by_key,
            cards,
            gathered.own_addresses,
            snapshot.index,
            groups,
            sorted_mail.companions,
        )
        now, mails_of = self._now(), MailsByKey(mails, sender_key).of
        outcomes = [
            decide(
                contact,
                places=gathered.places,
                categories=self._categories,
                groups=groups,
                uids=snapshot.index.card_uids,
                now=now,
                mails_of=mails_of,
            )
            for contact in contacts
        ]
        # The cards may have further addresses, whose mail is filed as well.
        further = frozenset().union(*(contact.keys for contact in contacts)) - keys
        mails += await self._reader.mail_of(further, gathered)
        return outcomes, mails

    async def apply(self, plan: Plan) -> Report:
        """Carry out a plan. Raises as :meth:`run`, but only if nothing can be written at all."""
        report = await self._executor.apply(plan)
        for key, reason in report.lasting_refusals.items():
            self._refusals.note(key, reason)
        return report
