"""Carry out the plan of a pass. Decides nothing.

The order of the writes makes it safe to stop Mailroom at any moment:

1. ``@ToScreener`` takes back the decision that the address book shows for a mail. If that decision
   is on a whole domain or a list, the mail gets ``@WholeDomain`` or ``@ThisList``. The mail then
   shows its subject, even after the address book has changed.
2. Contacts and all other mail are written at the same time, because neither depends on the other.
3. The labelled mail of the decisions is filed, and the update that files it removes the labels.
   Until then the labels show that the work is not done, and every step can be repeated.

A decision by name has no labelled mail. Its contact is written after the mail that was found.

Mail of a decided sender may come while a pass runs, and no label leads to such mail. So the last
update is held to the Email state that the pass itself has left behind. If the server is still in
that state, no mail has come. If not, late mail is looked for and filed first.

Mail is patched in the state in which it was read. If the state has changed, the owner may have
moved the mail; so the mail is read again, and its patch is planned anew.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from mailroom.contacts.book import AddressBook
from mailroom.jmap.errors import is_read_only
from mailroom.jmap.habits import Limitation
from mailroom.jmap.mail import Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.methods import SetResponse
from mailroom.screener.arrivals.screening import Screening
from mailroom.screener.model.categories import Categories
from mailroom.screener.model.mend import Replan
from mailroom.screener.model.patches import target_of
from mailroom.screener.passes.gather import Gatherer
from mailroom.screener.passes.plan import Plan
from mailroom.screener.passes.progress import Progress, Report
from mailroom.screener.passes.replan import (
    plan_filings,
    replan_labelled_patches,
    replan_other_patches,
    replan_subject_labels,
)
from mailroom.screener.passes.states import StateTrail
from mailroom.screener.search.mail_search import Search
from mailroom.screener.updating import update_and_mend
from mailroom.waiting.concurrency import all_of
from mailroom.waiting.retrying import retry_while_changed

_TRIES: Final = 2
"""The largest number of updates that are held to a state. The next update is sent without one."""


class PlanExecutor:
    """Writes to one account.

    Args:
        account: the account's mail.
        book: the account's contacts.
        categories: the categories.
        gatherer: finds mail that has come meanwhile.
        screening: files new mail; None if new mail is not screened.
    """

    def __init__(
        self,
        account: MailAccount,
        book: AddressBook,
        categories: Categories,
        *,
        gatherer: Gatherer,
        screening: Screening | None,
    ) -> None:
        self._account = account
        self._book = book
        self._categories = categories
        self._gatherer = gatherer
        self._screening = screening

    async def apply(self, plan: Plan) -> Report:
        """Carry out a plan.

        Raises:
            HttpError, JmapError, AddressBookError: nothing can be written at all.
        """
        progress = Progress(plan)
        if plan.subject_labels:
            # ``replan`` adds ``@ThisList`` or ``@WholeDomain`` only to mail whose labels have not
            # changed since the reading. If they have changed, another instance may have carried out
            # the decision, and no pass would remove the added label from the mail.
            replan = partial(replan_subject_labels, plan)
            state = plan.gathered.state
            await self._update(plan.subject_labels, state, replan, progress, as_read=plan.emails)
        if progress.has_decisions_without_labels:
            # No label shows that these decisions are not finished. So the contact is written after
            # the mail. Until then the address book does not show the decision, and a person sees
            # that the decision must be made again.
            await self._write_other_patches(progress)
            await self._write_contacts(progress)
            _, mails = await self._gatherer.late_mail_of(
                self._late_searches(progress), since=plan.gathered.state
            )
            await self._file_late(mails, progress)
        else:
            await all_of([self._write_contacts(progress), self._write_other_patches(progress)])
            await self._file_labelled(progress)
        return progress.report()

    async def _write_contacts(self, progress: Progress) -> None:
        edits = [edit for filing in progress.open_filings for edit in filing.decision.edits]
        if edits:
            failures = await self._book.write(edits, progress.plan.snapshot)
            for error in failures.values():
                # Credentials that may only read concern the account, not these contacts.
                if is_read_only(error):
                    raise error
            progress.contacts_failed(failures)

    async def _write_other_patches(self, progress: Progress) -> None:
        """Write the :attr:`Progress.other_patches`, and file new mail."""
        plan = progress.plan

        def replan(emails: Collection[Email]) -> dict[str, Patch]:
            return replan_other_patches(plan, progress.open_filings, emails, self._categories)

        # The labels for the subject of an undo may have changed the state already.
        state = progress.trail.end or plan.gathered.state
        await self._update(progress.other_patches, state, replan, progress, as_read=plan.emails)
        if self._screening is None or plan.judged is None:
            return
        # The updates above changed the state. If new mail was read in the state before the updates,
        # and nobody else changed mail since, then new mail is still as it was read, and is filed in
        # the state after the updates.
        state = plan.judged.new_mail.state
        if state == progress.trail.seen:
            state = progress.trail.end or state
        progress.new_mail_filed(await self._screening.apply(plan.judged, state))

    async def _file_labelled(self, progress: Progress) -> None:
        """File the labelled mail, and before it the mail that came since the pass began.

        A label is the only sign of a decision that is not finished, so all mail of the sender must
        be filed before the label is removed.
        """
        if not progress.labelled_patches:
            return

        def replan(emails: Collection[Email]) -> dict[str, Patch]:
            return replan_labelled_patches(
                progress.plan, progress.open_filings, emails, self._categories
            )

        remaining: Collection[str] = progress.labelled_patches
        # The update is held to the state that the pass itself left behind, so it succeeds only if
        # no mail has come. A server that ignores the state would remove labels in spite of late
        # mail.
        if (state := progress.trail.end) and Limitation.STATES not in self._account.habits:
            remaining, _ = await self._update_and_mend(
                progress.labelled_patches, state, replan, progress, as_read=progress.plan.emails
            )
        # Ask for the end of the trail again: the update above may have shown that somebody else
        # changed mail. Then there may be late mail, even if no labelled mail remains.
        if progress.trail.end is None or remaining:
            await self._file_with_late_mail(remaining, replan, progress)

    async def _file_with_late_mail(
        self, remaining: Collection[str], replan: Replan, progress: Progress
    ) -> None:
        """File late mail, and then the remaining labelled mail.

        The labelled mail is read again, because its owner may have deleted it or changed its label.
        """
        readings, mails = await self._gatherer.late_mail_of(
            self._late_searches(progress),
            since=progress.plan.gathered.state,
            preceded_by=self._account.readings(sorted(remaining)),
        )
        updates = await self._file_late(mails, progress)
        if not readings:
            # No labelled mail is left to update; only late mail had to be filed.
            return
        # The labelled mail was read before the late mail was updated. If these updates are the only
        # changes since, the labelled mail is still as it was read, and ``trail.end`` is the present
        # state. If somebody else has changed mail, ``trail.end`` is None or an old state. Then the
        # update is refused, and the labelled mail is read again.
        steps = [(update.old_state, update.new_state) for update in updates]
        # The labelled mail was read in the state of the first reading, or in a later state.
        trail = StateTrail(readings[0][0], steps)
        emails = {email.id: email for _, part in readings for email in part}
        was_held = await self._update(
            replan(emails.values()), trail.end or trail.seen, replan, progress, as_read=emails
        )
        # If the update was not held to a state, mail may have come just before it. The labels are
        # gone now, so no later pass would file that mail.
        if not was_held:
            _, mails = await self._gatherer.late_mail_of(
                self._late_searches(progress), since=progress.plan.gathered.state
            )
            await self._file_late(mails, progress)

    async def _file_late(self, mails: Iterable[Email], progress: Progress) -> Sequence[SetResponse]:
        """File mail of the decided senders that came after their mail was searched for."""
        late = plan_filings(progress.plan, progress.open_filings, mails, self._categories)
        patches = {
            email_id: patch for filing in late for email_id, patch in filing.swept_patches.items()
        }
        updates = [update for _, update in await self._account.update(patches)]
        progress.late_updated(late, updates)
        return updates

    async def _update(
        self,
        patches: Mapping[str, Patch],
        state: str,
        replan: Replan,
        progress: Progress,
        *,
        as_read: Mapping[str, Email],
    ) -> bool:
        """Patch mails in the state in which they were read; read them again if it has changed.

        So a mail that its owner deletes or archives meanwhile stays deleted or archived. If mail
        changes all the time, it is patched in any state after a few readings, because labels are
        waiting. Returns False if some mail was patched without being held to a state.
        """
        were_held = True

        async def attempt(patches: Mapping[str, Patch]) -> Mapping[str, Patch]:
            nonlocal state, as_read, were_held
            left, was_held = await self._update_and_mend(
                patches, state, replan, progress, as_read=as_read
            )
            were_held = were_held and was_held
            if not left:
                return {}
            state, emails = await self._account.read(sorted(left))
            as_read = {email.id: email for email in emails}
            return replan(emails)

        left = await retry_while_changed(attempt, patches, tries=_TRIES)
        if left:
            progress.mails_updated(update for _, update in await self._account.update(left))
        return were_held and not left

    async def _update_and_mend(
        self,
        patches: Mapping[str, Patch],
        state: str,
        replan: Replan,
        progress: Progress,
        *,
        as_read: Mapping[str, Email],
    ) -> tuple[Collection[str], bool]:
        """Call :func:`update_and_mend`, and note the results of all updates in ``progress``.

        Returns:
            The ids of the mails whose patches were not carried out, because somebody else has
            changed mail; and True if every update was held.
        """
        left, were_held = await update_and_mend(
            self._account,
            patches,
            state,
            as_read=as_read,
            replan=replan,
            note=lambda _, updated: progress.mails_updated([updated]),
            note_mended=lambda updated: progress.mails_updated([updated]),
        )
        return left.keys(), were_held

    def _late_searches(self, progress: Progress) -> list[Search]:
        """Return the searches for late mail: in the managed mailboxes but the sender's destination.

        Mail in the only destination is where it belongs. If the sender's mail has several
        destinations, all managed mailboxes are searched, because a provider's rule may have filed
        late mail to only some of the destinations.
        """
        addresses_by_destinations = defaultdict[frozenset[str], set[str]](set)
        places = progress.plan.gathered.places
        for filing in progress.open_filings:
            target = target_of(filing.decision.answer, self._categories, places)
            contact = filing.decision.contact
            addresses_by_destinations[target.destinations] |= contact.keys
        searches = []
        for destinations, addresses in addresses_by_destinations.items():
            done = destinations if len(destinations) == 1 else frozenset[str]()
            searches.append(Search(frozenset(addresses), places.managed - done))
        return searches
