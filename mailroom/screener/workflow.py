"""One pass of the Screener: gather, decide, apply.

The order of writing is what makes it safe to be killed anywhere: contacts, the mails without a
label, and new mail first, all at once, for none depends on another; then the labelled ones, whose
labels come off in the same update that files them. Until then the label says that the work is not
done, and every step can be done again.

Mail that comes while a pass is under way came before the server could know where to put it, and no
label points to it: it is looked for once more together with that last update.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from mailroom.concurrency import all_of, both
from mailroom.contacts.book import AddressBook, Contents
from mailroom.contacts.index import ContactIndex
from mailroom.jmap.account import MailAccount
from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import Email, Patch
from mailroom.screener.arrivals.screening import ArrivalsPlan, Policy, Screening
from mailroom.screener.categories import Categories, Layout
from mailroom.screener.contact import find_groups, missing_groups
from mailroom.screener.decide import Conflict, Decision, decide, find_contacts
from mailroom.screener.filing import target_of
from mailroom.screener.gather import Gatherer, Marked, Sweep
from mailroom.screener.labelled import Sorted, sort_marked
from mailroom.screener.missing import MissingError
from mailroom.screener.places import Places, missing_mailboxes, refuse_unsuitable
from mailroom.screener.plan import BySender, Plan, plan_filing, plan_marks
from mailroom.screener.progress import Progress, Report


class ScreenerWorkflow:
    """The Screener of one account.

    Args:
        account: its mail.
        book: its contacts.
        categories: where senders can be sent.
        layout: the other mailboxes and names.
        policy: what of new mail is screened; None: nothing.
        today: the date for notes.
    """

    def __init__(
        self,
        account: MailAccount,
        book: AddressBook,
        categories: Categories,
        layout: Layout,
        *,
        policy: Policy | None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._account = account
        self._book = book
        self._categories = categories
        self._layout = layout
        self._today = today
        self._screening = None if policy is None else Screening(account, categories, policy)
        inbox = None if self._screening is None else self._screening.inbox
        self._gatherer = Gatherer(account, categories, layout, inbox)

    async def check(self) -> None:
        """See that every mailbox and contact group is there.

        Raises:
            MissingError: some are not; it names them all.
            UnsuitableError: some are there, but for another purpose.
            HttpError, JmapError, AddressBookError: a server cannot be used as it should.
        """
        directory, index = await both(self._gatherer.directory(), self._book.sync())
        mailboxes = missing_mailboxes(directory, self._categories, self._layout)
        groups = missing_groups(index.groups, self._categories, self._layout)
        if mailboxes or groups:
            raise MissingError(mailboxes=mailboxes, groups=groups)
        refuse_unsuitable(directory, self._categories, self._layout)
        self._gatherer.expect(directory)

    async def run(self) -> Report:
        """One whole pass.

        Raises:
            HttpError, JmapError, AddressBookError: a server cannot be used as it should.
            MissingError: the account lacks something.
        """
        return await self.apply(await self.plan())

    async def plan(self) -> Plan:
        """Gather and decide; writes nothing. Raises as :meth:`run`.

        Where a contact group is missing nothing can be told of anybody: its members would pass for
        contacts without a category.
        """
        marked, index = await both(self._gatherer.marked(), self._book.sync())
        if groups := missing_groups(index.groups, self._categories, self._layout):
            raise MissingError(groups=groups)
        sorted_ = sort_marked(marked.emails, marked.places, marked.identities)
        (contents, outcomes, mails), (arrivals, unscreened) = await both(
            self._judge(sorted_, marked), self._judge_new(marked, index)
        )
        mails_of = BySender(mails)
        filings = tuple(
            plan_filing(each, mails_of, marked.places, self._categories)
            for each in outcomes
            if isinstance(each, Decision)
        )
        conflicts = tuple(each for each in outcomes if isinstance(each, Conflict))
        return Plan(
            filings=filings,
            conflicts=conflicts,
            unusable=tuple(sorted_.unusable),
            own=tuple(sorted_.own),
            marks=plan_marks(sorted_, conflicts, filings, marked.places),
            marked=marked,
            arrivals=arrivals,
            unscreened=unscreened,
            groups=contents.groups,
        )

    async def _judge_new(
        self, marked: Marked, index: ContactIndex
    ) -> tuple[ArrivalsPlan | None, str]:
        """What becomes of new mail, or why that is not known.

        It fails open: new mail stays in the Inbox then, and decisions are carried out all the same.
        """
        if self._screening is None or marked.news is None:
            return None, ""
        try:
            plan = await self._screening.plan(marked.news, marked.places, index, marked.identities)
        except MethodError as error:
            return None, str(error)
        return plan, ""

    async def _judge(
        self, sorted_: Sorted, marked: Marked
    ) -> tuple[Contents, list[Decision | Conflict], tuple[Email, ...]]:
        """Read what deciding takes, and decide: contacts, outcomes, and the mail to be filed."""
        if not sorted_.senders:
            return Contents(), [], ()
        addresses = frozenset(sorted_.senders)
        contents, mails = await both(
            self._book.read(addresses), self._mail_of(addresses, marked.places)
        )
        groups = find_groups(contents.groups, self._categories, self._layout)
        contacts = find_contacts(sorted_.senders, contents.cards, marked.identities)
        decider = partial(
            decide,
            places=marked.places,
            categories=self._categories,
            groups=groups,
            today=self._today(),
        )
        outcomes = [decider(contact) for contact in contacts]
        further = frozenset().union(*(contact.addresses for contact in contacts)) - addresses
        mails += await self._mail_of(further, marked.places)
        return contents, outcomes, mails

    async def _mail_of(self, addresses: frozenset[str], places: Places) -> tuple[Email, ...]:
        """The mail of senders where a sweep looks for it: elsewhere it is left alone."""
        _, mails = await self._gatherer.mail_of([Sweep(addresses, places.swept)])
        return mails

    async def apply(self, plan: Plan) -> Report:
        """Carry out a plan. Raises as :meth:`run`, but only if nothing can be written at all."""
        progress = Progress(plan)
        await all_of(
            [
                self._write_contacts(progress),
                self._file_swept(progress),
                self._file_new(progress),
            ]
        )
        await self._file_labelled(progress)
        return progress.report()

    async def _write_contacts(self, progress: Progress) -> None:
        edits = [edit for each in progress.open for edit in each.decision.edits]
        if edits:
            progress.contacts_failed(await self._book.write(edits, progress.plan.groups))

    async def _file_new(self, progress: Progress) -> None:
        if self._screening is not None and progress.plan.arrivals is not None:
            progress.new_mail_filed(await self._screening.apply(progress.plan.arrivals))

    async def _file_swept(self, progress: Progress) -> None:
        patches: dict[str, Patch] = {}
        for filing in progress.open:
            patches |= filing.swept
        updates = await self._account.client.perform_all(self._account.updates(patches))
        progress.mails_updated(updates)

    async def _file_labelled(self, progress: Progress) -> None:
        """File the labelled mail, and what came of its senders in the meantime."""
        patches = dict(progress.plan.marks)
        for filing in progress.open:
            patches |= filing.labelled
        if not patches:
            return
        updates, came = await self._gatherer.mail_of(
            self._late_sweeps(progress), after=self._account.updates(patches)
        )
        progress.mails_updated(updates)
        late = self._late_patches(progress, came)
        updates = await self._account.client.perform_all(self._account.updates(late))
        progress.late_updated(late, updates)

    def _late_sweeps(self, progress: Progress) -> list[Sweep]:
        """Where late mail may be: in a managed mailbox that is not where its sender belongs."""
        addresses: defaultdict[frozenset[str], set[str]] = defaultdict(set)
        places = progress.plan.marked.places
        for each in progress.open:
            target = target_of(each.decision.category, self._categories, places)
            addresses[target.destinations] |= each.decision.contact.addresses
        return [
            Sweep(frozenset(of), places.managed - destinations)
            for destinations, of in addresses.items()
        ]

    def _late_patches(self, progress: Progress, came: Sequence[Email]) -> dict[str, Patch]:
        late: dict[str, Patch] = {}
        places, mails_of = progress.plan.marked.places, BySender(came)
        for each in progress.open:
            late |= plan_filing(each.decision, mails_of, places, self._categories).swept
        return late
