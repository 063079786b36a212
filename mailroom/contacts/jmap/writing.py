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
from mailroom.contacts.jmap.calls import WriteResult, set_cards
from mailroom.contacts.jmap.plan import Job, Patches, RequestPlan, WritingRules, edit_octets
from mailroom.contacts.jmap.reading import Cards, CardsChangedError, read_in_one_state
from mailroom.contacts.jmap.rollback import Rollback
from mailroom.contacts.jmap.sync import Synchronizer
from mailroom.contacts.jscontact.fields import addresses_of, uid_of
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

_BAD_PATH: Final = frozenset({"invalidProperties", "invalidPatch"})
"""The types by which a server refuses a path in a patch."""
_TRIES: Final = 4
"""The number of attempts to write, while somebody else changes contacts, before edits fail."""


class Writing:
    """Carries out the edits of one :meth:`AddressBook.write`.

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
        self._rules = WritingRules(annotate, written_uid=synchronizer.written_uid)
        self._cards = cards
        self._address_book = address_book
        self._edits = edits
        self._index = index
        self._groups_before: Collection[Group] = index.groups
        self._group_names = {group.id: group.name for group in index.groups}
        self._synchronizer = synchronizer
        self._has_renewed_ids = False
        self._jobs: dict[str, Job] = {}  # key -> the last job that was attempted
        self._report = EditReport(edits)
        self._rollback = Rollback(cards)

    async def run(self) -> Mapping[str, Exception]:
        """Carry out the edits, and return the error of each failed edit by its key.

        Raises:
            CredentialsRefusedError: 401.
            HttpError: no edit succeeded, because the server failed or cannot be reached.
        """
        limits = (await self._cards.client.session()).limits
        for batch in set_batches(self._edits, edit_octets, limits, besides=len(self._group_names)):
            jobs = []
            for edit in batch:
                uid, create = edit.uid, edit.card
                # If another person's card has the uid, take another uid now. Otherwise the first
                # request would put that person into the groups, and if Mailroom were stopped then,
                # nothing would show the mistake. The uid of a list's card is nobody else's.
                while (
                    isinstance(create, CreateCard)
                    and not is_of_list(uid)
                    and self._index.bears(uid, create.address) is False
                ):
                    uid = other_uid(uid, create.address)
                jobs.append(Job(edit, uid))
            left = await retry_while_changed(self._attempt, jobs, tries=_TRIES)
            error = AddressBookError("contacts are changed by somebody else all the time")
            self._report.fail((job.key for job in left), error)
        await self._clear_failures_of_completed_edits()
        patches = self._rollback.patches(self._report.failures)
        patches = await retry_while_changed(self._roll_back, patches, tries=_TRIES)
        # Patches are left if others change contacts all the time: then any state has to do.
        await self._rollback.write(patches, if_in_state=None)
        self._report.raise_if_nothing_worked()
        return self._report.failures

    async def _attempt(self, jobs: list[Job]) -> list[Job]:
        """Write some jobs in one request, and return the jobs to try again."""
        self._jobs |= {job.key: job for job in jobs}
        again: dict[str, Job] = {}
        with self._report.failing(*(job.key for job in jobs)):
            await self._read_for(jobs)
            jobs = [job for job in jobs if job.key not in self._report.failures]
            plan = self._plan(jobs)
            self._report.failures |= plan.failed
            account, sets = self._cards.account_id, (plan.cards, plan.joins, plan.leaves)
            results = await self._cards.write(*(set_cards(account, writes) for writes in sets))
            self._rollback.add(plan.undo)
            of_cards = results[0]
            if of_cards.refusal is None:
                # A rollback must not add the uid of a deleted card to groups.
                deleted = [card for card in plan.cards.destroy if card not in of_cards.failed]
                self._rollback.note_deleted(plan.keys_of(deleted))
            keys_to_retry = self._record_failures(plan, *results)
            again = {job.key: job for job in jobs if job.key in keys_to_retry}
            taken = [job for job in jobs if job.makes_card and job.key in of_cards.taken]
            again |= {job.key: job for job in await self._resolve_uid_conflicts(taken)}
            again |= {job.key: job for job in await self._jobs_with_present_ids(jobs, results)}
        return [job for key, job in again.items() if key not in self._report.failures]

    def _plan(self, jobs: Iterable[Job]) -> RequestPlan:
        seen, state = self._cards.last_read, self._cards.state
        return RequestPlan(jobs, seen, state, self._address_book, self._group_names, self._rules)

    async def _read_for(self, jobs: Sequence[Job]) -> None:
        """Read the cards and groups that the jobs need, unless they are up to date.

        Before a deletion, every group is read together with the cards. If somebody has added the
        card to a group meanwhile, the deletion fails.
        """
        needed = {card_id for job in jobs for card_id in job.needed_ids}
        deletions = [job.edit for job in jobs if job.is_deletion]
        if not deletions or self._cards.is_fresh(needed):
            await self._cards.fetch_if_stale(needed)
            return

        async def read() -> Collection[Group]:
            cache = await self._synchronizer.sync()
            await self._cards.fetch(needed - cache.groups.keys(), cache.groups, cache.state)
            if self._cards.state is None:
                raise CardsChangedError
            return cache.index.groups

        groups_now = await read_in_one_state(read)
        for edit in deletions:
            with self._report.failing(edit.key):
                edit.refuse_if_joined(self._groups_before, groups_now)

    def _record_failures(
        self,
        plan: RequestPlan,
        of_cards: WriteResult,
        of_joins: WriteResult,
        of_leaves: WriteResult,
    ) -> set[str]:
        """Record each refused change as the failure of its edits, unless another try may succeed.

        Returns:
            The keys of edits to try again as they are.
        """
        # Some servers refuse a path because of the form of its tokens, but accept the whole map of
        # members. Such groups are written as a whole map in the next try.
        whole_already = self._rules.groups_written_whole
        whole_next = {
            group
            for result in (of_joins, of_leaves)
            for group, why in result.failed.items()
            if why.type in _BAD_PATH and group not in whole_already
        }
        self._rules = replace(self._rules, groups_written_whole=whole_already | whole_next)
        again = plan.keys_of(whole_next)
        # A taken uid is resolved afterwards. A card to delete counts as deleted if it is gone.
        taken = of_cards.taken & plan.cards.create.keys()
        gone = of_cards.gone & {*plan.cards.destroy}
        for writes, result, no_failures in (
            (plan.cards, of_cards, taken | gone),
            (plan.joins, of_joins, whole_next),
            (plan.leaves, of_leaves, whole_next),
        ):
            keys = plan.keys_of([*writes.create, *writes.update, *writes.destroy])
            if result is of_cards and result.is_outdated:
                again |= keys
            elif result.refusal is not None:
                self._report.fail(keys, result.refusal)
            for object_id, why in result.failed.items():
                if object_id not in no_failures:
                    group = self._group_names.get(object_id)
                    name = f"card {object_id}" if group is None else f"contact group {group}"
                    error = LastingRefusalError if why.is_lasting else AddressBookError
                    self._report.fail(plan.keys_of([object_id]), error(f"{name}: {why}"))
        return again

    async def _resolve_uid_conflicts(self, jobs: Sequence[Job]) -> list[Job]:
        """Return a job in place of each job whose uid is taken by an existing card.

        If the card is the contact's, the new job uses this card. If it is somebody else's card, the
        new job has another uid. If no card has the uid any more, the same job is tried again.
        """
        resolved: list[Job] = []
        with self._report.failing(*(job.key for job in jobs)):
            cards = await self._cards.find(job.uid for job in jobs) if jobs else []
            by_uid = {uid_of(card): card for card in cards}
            for job in jobs:
                create, card = job.edit.card, by_uid.get(job.uid)
                if card is None or not isinstance(create, CreateCard):
                    resolved.append(job)
                elif create.is_for(uid_of(card), addresses_of(card)):
                    resolved.append(replace(job, adopting=card["id"]))
                else:
                    self._rollback.note_wrong_uid(job.key)
                    resolved.append(replace(job, uid=other_uid(job.uid, create.address)))
        return resolved

    async def _jobs_with_present_ids(
        self, jobs: Sequence[Job], results: Iterable[WriteResult]
    ) -> list[Job]:
        """Return the jobs with cards or groups whose ids have changed, with the present ids.

        The present ids are searched for only once in a write: a card or group that is missing later
        was deleted.
        """
        missing = {card_id for job in jobs for card_id in job.needed_ids}
        missing -= self._cards.last_read.keys()
        for result in results:
            missing |= result.gone
        if not missing or self._has_renewed_ids:
            return []
        self._has_renewed_ids = True
        _, ids = await self._synchronizer.renew_ids(self._index, missing)
        again = [
            job
            for job in jobs
            if any(ids.get(former, former) != former for former in job.needed_ids)
        ]
        for job in again:
            self._report.failures.pop(job.key, None)
            self._rollback.discard(job.key)
        groups = [replace(group, id=ids.get(group.id, group.id)) for group in self._groups_before]
        self._groups_before = groups
        self._group_names = {group.id: group.name for group in groups}
        return [job.with_present_ids(ids) for job in again]

    async def _roll_back(self, patches: Patches) -> Patches:
        """Write the patches of a rollback, and return the patches to try again.

        They are held to the state that showed the edits incomplete. If no state could be read, they
        are written in any state.
        """
        if await self._rollback.write(patches, if_in_state=self._cards.state):
            return {}
        await self._clear_failures_of_completed_edits()
        return self._rollback.patches(self._report.failures)

    async def _clear_failures_of_completed_edits(self) -> None:
        """Clear the failures of edits that another instance has completed.

        A rollback would undo the work of the other instance. That instance has removed the label
        too, so no later pass would do the work again. If the cards cannot be read, the failures
        stay.
        """
        jobs = [self._jobs[key] for key in self._report.failures if self._rollback.has_patches(key)]
        with suppress(HttpError, JmapError):
            new = [job for job in jobs if job.makes_card]
            jobs = [job for job in jobs if not job.makes_card]
            jobs += await self._resolve_uid_conflicts(new)
            if jobs:
                needed = {card_id for job in jobs for card_id in job.needed_ids}
                await self._cards.fetch_if_stale(needed)
            for job in jobs:
                if self._plan([job]).is_empty:
                    del self._report.failures[job.key]
                elif job.is_deletion and job.card_id not in self._cards.last_read:
                    # The other instance has deleted the card, but has not finished the groups.
                    self._rollback.note_deleted([job.key])
