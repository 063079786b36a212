"""One :meth:`AddressBook.write` on a JMAP server.

One request holds every change, in the order that :mod:`mailroom.contacts.jmap.plan` describes. The
server carries out every call of the request, even after a refused one, so refusals are handled
afterwards. If the cards had changed since they were read, they are read again and the edits are
repeated. If a card could not be written, a further request puts its contact back into the groups
that it was in, unless somebody else has completed the edit.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from mailroom.contacts.edit_report import EditReport
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.jmap.calls import uid_filter
from mailroom.contacts.jmap.card_set import (
    BAD_PATH,
    Changes,
    Done,
    edit_octets,
    is_gone,
    is_taken,
    set_cards,
)
from mailroom.contacts.jmap.plan import Job, RequestPlan, WritingRules
from mailroom.contacts.jmap.reading import Cards, CardsMovedError, undisturbed
from mailroom.contacts.jmap.rollback import Rollback
from mailroom.contacts.jmap.sync import Synchronizer
from mailroom.contacts.jscontact.fields import JsCard, addresses_of, uid_of
from mailroom.contacts.model import (
    AddressBookError,
    ContactEdit,
    CreateCard,
    Group,
    LastingRefusalError,
)
from mailroom.contacts.uid import is_of_list, other_uid
from mailroom.http import HttpError
from mailroom.jmap.errors import JmapError
from mailroom.jmap.methods import set_batches
from mailroom.waiting.retrying import retry_while_changed

_TRIES: Final = 4
"""The number of attempts to write, while somebody else changes contacts, before edits fail."""


class Writing:
    """The work of one call.

    Args:
        cards: reads and writes the cards.
        address_book: the id of the address book for new cards.
        edits: the edits, with unique keys.
        index: the cards and groups from which the edits were decided.
        synchronizer: reads every group before a deletion, and finds cards under other ids.
        annotate: True to edit also cards that Mailroom did not make.
    """

    def __init__(
        self,
        cards: Cards,
        address_book: str,
        edits: Sequence[ContactEdit],
        index: ContactIndex,
        synchronizer: Synchronizer,
        *,
        annotate: bool,
    ) -> None:
        self._rules = WritingRules(annotate, written=synchronizer.written_uid)
        self._cards = cards
        self._address_book = address_book
        self._edits = edits
        self._index = index
        self._before: Collection[Group] = index.groups
        self._groups = {group.id: group.name for group in self._before}
        self._synchronizer = synchronizer
        self._has_renewed = False
        self._jobs: dict[str, Job] = {}
        self._report = EditReport(edits)
        self._rollback = Rollback(cards)

    async def run(self) -> Mapping[str, Exception]:
        """Carry out the edits, and return the reasons of failed ones by key.

        Raises:
            CredentialsRefusedError: 401.
            HttpError: no edit succeeded, because the server failed or cannot be reached.
        """
        limits = (await self._cards.client.session()).limits
        for batch in set_batches(self._edits, edit_octets, limits, besides=len(self._groups)):
            await self._write([Job(edit, self._uid_for(edit)) for edit in batch])
        await self._look_again()
        await self._rollback.run(self._report.failures)
        self._report.raise_if_nothing_worked()
        return self._report.failures

    def _uid_for(self, edit: ContactEdit) -> str:
        """Return the uid of the contact; another one if the uid of the edit is another contact's.

        The other contact must not be in a group even for a moment: if Mailroom were stopped then,
        nothing would show that this contact does not belong there.
        """
        uid = edit.uid
        if isinstance(edit.card, CreateCard):
            while not is_of_list(uid) and self._index.bears(uid, edit.card.address) is False:
                uid = other_uid(uid, edit.card.address)
        return uid

    async def _write(self, jobs: list[Job]) -> None:
        """Write jobs, and try those again that may succeed."""

        async def attempt(jobs: list[Job]) -> list[Job]:
            again: list[Job] = []
            with self._report.failing(*(job.key for job in jobs)):
                again += await self._attempt(jobs)
            return again

        left = await retry_while_changed(attempt, jobs, tries=_TRIES)
        never_still = AddressBookError("contacts are changed by somebody else all the time")
        self._report.fail((job.key for job in left), never_still)

    async def _attempt(self, jobs: Sequence[Job]) -> list[Job]:
        """Write once, and return the jobs to try again."""
        self._jobs |= {job.key: job for job in jobs}
        await self._look_at(jobs)
        jobs = [job for job in jobs if job.key not in self._report.failures]
        plan = self._plan(jobs)
        self._report.failures |= plan.failed
        cards = plan.cards
        if plan.depends_on_seen:
            cards = replace(cards, if_in_state=self._cards.state)
        account = self._cards.account_id
        sets = [set_cards(account, changes) for changes in (cards, plan.joins, plan.leaves)]
        done, joined, left = await self._cards.write(*sets)
        self._rollback.add(plan.undo)
        if done.refusal is None:
            # A rollback must not add the uid of a deleted card to groups.
            deleted = [card_id for card_id in cards.destroy if card_id not in done.failed]
            self._rollback.note_deleted(plan.keys_of(deleted))
        whole = self._judge_members(plan, joined, left)
        again = {job.key: job for job in await self._judge_cards(plan, jobs, done)}
        again |= {job.key: job for job in jobs if job.key in whole and job.key not in again}
        again |= {job.key: job for job in await self._under_other_ids(jobs, (done, joined, left))}
        return [job for key, job in again.items() if key not in self._report.failures]

    def _plan(self, jobs: Iterable[Job]) -> RequestPlan:
        return RequestPlan(jobs, self._cards.cached, self._address_book, self._groups, self._rules)

    def _judge_members(self, plan: RequestPlan, joined: Done, left: Done) -> set[str]:
        """Record the failed changes of groups, and return the keys of edits to try again.

        Some servers refuse a path because of the form of its tokens, but accept the whole map of
        members. Such groups are written as a whole map in the next try.
        """
        refused = {
            group
            for done in (joined, left)
            for group, why in done.failed.items()
            if why.type in BAD_PATH and group not in self._rules.whole_members
        }
        whole = self._rules.whole_members | refused
        self._rules = replace(self._rules, whole_members=whole)
        for changes, done in ((plan.joins, joined), (plan.leaves, left)):
            rest = {group: why for group, why in done.failed.items() if group not in refused}
            self._judge(plan, changes, replace(done, failed=rest))
        return plan.keys_of(refused)

    async def _under_other_ids(self, jobs: Sequence[Job], results: Iterable[Done]) -> list[Job]:
        """Return the jobs whose cards or groups have got other ids, under these ids."""
        missing = {card_id for job in jobs for card_id in job.needs()} - self._cards.cached.keys()
        for done in results:
            missing |= {card_id for card_id, why in done.failed.items() if is_gone(why)}
        if not missing or self._has_renewed:
            return []
        self._has_renewed = True
        _, ids = await self._synchronizer.renew(self._index, missing)
        again = [job for job in jobs if any(ids.get(old, old) != old for old in job.needs())]
        for job in again:
            self._report.failures.pop(job.key, None)
            self._rollback.discard(job.key)
        self._before = [replace(group, id=ids.get(group.id, group.id)) for group in self._before]
        self._groups = {group.id: group.name for group in self._before}
        return [job.under(ids) for job in again]

    async def _look_at(self, jobs: Sequence[Job]) -> None:
        """Read the cards and groups that the jobs need, unless they are up to date.

        Before a deletion every group is read, because somebody may have added the card to one.
        """
        needs = {card_id for job in jobs for card_id in job.needs()}
        deletions = [job.edit for job in jobs if job.is_deletion]
        if not deletions or self._cards.is_fresh(needs):
            await self._cards.fetch_if_stale(needs)
            return

        async def read() -> Collection[Group]:
            cache = await self._synchronizer.sync()
            await self._cards.fetch(needs - cache.groups.keys(), cache.groups, cache.state)
            if self._cards.state is None:
                raise CardsMovedError
            return cache.index.groups

        now = await undisturbed(read)
        for edit in deletions:
            with self._report.failing(edit.key):
                edit.refuse_if_joined(self._before, now)

    async def _judge_cards(self, plan: RequestPlan, jobs: Sequence[Job], done: Done) -> list[Job]:
        """Record the failed changes of cards, and return the jobs to try again."""
        cards = plan.cards
        if done.is_outdated:
            keys = plan.keys_of([*cards.create, *cards.update, *cards.destroy])
            return [job for job in jobs if job.key in keys]
        taken = {key for key in cards.create if is_taken(done.failed.get(key))}
        gone = {card_id for card_id in cards.destroy if is_gone(done.failed.get(card_id))}
        others = {key: why for key, why in done.failed.items() if key not in taken | gone}
        self._judge(plan, cards, replace(done, failed=others))
        return await self._resolve_uid_conflicts([job for job in jobs if job.key in taken])

    def _judge(self, plan: RequestPlan, changes: Changes, done: Done) -> None:
        """Record each refused change as the failure of its edits."""
        if done.refusal is not None:
            every = [*changes.create, *changes.update, *changes.destroy]
            self._report.fail(plan.keys_of(every), done.refusal)
        for object_id, why in done.failed.items():
            group = self._groups.get(object_id)
            name = f"card {object_id}" if group is None else f"contact group {group}"
            error = LastingRefusalError if why.is_lasting else AddressBookError
            self._report.fail(plan.keys_of([object_id]), error(f"{name}: {why}"))

    async def _resolve_uid_conflicts(self, jobs: Sequence[Job]) -> list[Job]:
        """Return jobs whose uid is taken, on the contact's existing card or with another uid."""
        if not jobs:
            return []
        resolved: list[Job] = []
        with self._report.failing(*(job.key for job in jobs)):
            cards = await self._cards.find(uid_filter(job.uid for job in jobs))
            by_uid = {uid_of(card): card for card in cards}
            resolved += [self._job_for_existing_card(job, by_uid.get(job.uid)) for job in jobs]
        return resolved

    def _job_for_existing_card(self, job: Job, card: JsCard | None) -> Job:
        """Return the job on the card that has its uid, if that is the contact's own card."""
        if card is None or not isinstance(job.edit.card, CreateCard):
            return job
        create = job.edit.card
        if create.is_for(uid_of(card), addresses_of(card)):
            return replace(job, adopting=card["id"])
        self._rollback.note_wrong_uid(job.key)
        return replace(job, uid=other_uid(job.uid, create.address))

    async def _look_again(self) -> None:
        """Clear the failures of edits that another instance has completed.

        The other instance also removed the label, so nobody would ever repair a rollback. If the
        cards cannot be read, the failures stay.
        """
        jobs = [self._jobs[key] for key in self._report.failures if self._rollback.has_patches(key)]
        with suppress(HttpError, JmapError):
            new = [job for job in jobs if job.makes_card]
            jobs = [job for job in jobs if not job.makes_card]
            jobs += await self._resolve_uid_conflicts(new)
            if jobs:
                await self._cards.fetch_if_stale(card_id for job in jobs for card_id in job.needs())
            for job in jobs:
                if self._plan([job]).is_empty:
                    del self._report.failures[job.key]
                elif job.is_deletion and not job.cards & self._cards.cached.keys():
                    self._rollback.note_deleted([job.key])
