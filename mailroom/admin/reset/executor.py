"""Takes back all decisions, a batch of contacts at a time, in an order that is safe to interrupt.

Mail is moved first, and searched for again until none is left. Only then the sender leaves the
groups and loses Mailroom's traces: without the traces, an interrupted reset could not find the
mail that has still to go back.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from mailroom.admin.reset.mail_traces import MailTraces
from mailroom.admin.reset.orphans import Orphans
from mailroom.admin.reset.scope import Scope
from mailroom.admin.reset.senders import Batch, Senders, in_batches
from mailroom.admin.reset.traces import Outcome, Traces
from mailroom.jmap.mail import Patch
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.passes.plan import Filing
from mailroom.screener.triage.contact_edits import edits_for_strays_among
from mailroom.screener.triage.groups import find_groups
from mailroom.waiting.retrying import retry_while_changed

_TAKING_BACK: Final = "Taking back"
_TRIES: Final = 3
"""Rounds of moving and searching. Mail that others file even after that is left where it is."""
_FILED_AGAIN: Final = "somebody files it all the time; is Mailroom or a rule still running?"


async def take_back(scope: Scope, traces: Traces) -> Outcome:
    """Remove all traces that a survey found.

    Raises:
        HttpError, JmapError, AddressBookError: a server cannot be used as it should; another
            survey finds the rest.
        MissingError: contact groups are missing.
    """
    outcome = Outcome()
    if traces.gathered is not None and not traces.is_empty:
        executor = _Executor(scope, traces.gathered, outcome)
        for card_ids in in_batches(traces.cards, scope.show_progress, _TAKING_BACK):
            await executor.take_back(card_ids)
        if traces.strays:
            await executor.remove_strays(traces.strays)
        await Orphans(scope, traces.gathered).take_back(outcome)
        await MailTraces(scope, traces.gathered).remove(outcome)
    return outcome


class _Executor:
    """Takes back the decisions on contacts."""

    def __init__(self, scope: Scope, gathered: GatheredMail, outcome: Outcome) -> None:
        self._scope = scope
        self._senders = Senders(scope, gathered)
        self._outcome = outcome

    async def take_back(self, card_ids: Sequence[str]) -> None:
        """Take back the decisions on some contacts."""
        batch = await self._file(await self._senders.read(card_ids))
        # A contact whose mail has not all gone back keeps its traces; see the module.
        without_mail = [filing for filing in batch.filings if not filing.swept_patches]
        edits = [edit for filing in without_mail for edit in filing.decision.edits]
        failures = await self._scope.book.write(edits, batch.snapshot) if edits else {}
        for filing in without_mail:
            if reason := failures.get(filing.decision.id):
                self._outcome.failures[_addresses(filing)] = f"contact: {reason}"
            else:
                self._outcome.senders += 1

    async def _file(self, batch: Batch) -> Batch:
        """Move mail until only mail is left that the server refuses to move."""
        refused: dict[str, str] = {}

        async def attempt(patches: dict[str, Patch]) -> dict[str, Patch]:
            nonlocal batch, refused
            updates, batch = await self._senders.update_and_search(
                batch, preceded_by=self._scope.mail.updates(patches)
            )
            failed = {
                mail_id: error for update in updates for mail_id, error in update.failed.items()
            }
            lasting = {
                mail_id: patches[mail_id] for mail_id, error in failed.items() if error.is_lasting
            }
            if lasting:
                # The server may refuse only this form of the patch; this call tries others.
                for sent, update in await self._scope.mail.update(lasting):
                    for mail_id in sent.keys() - update.failed.keys():
                        failed.pop(mail_id, None)
                _, batch = await self._senders.update_and_search(batch)
            refused |= {mail_id: str(error) for mail_id, error in failed.items()}
            self._outcome.mails += len(patches.keys() - failed.keys())
            return {
                mail_id: patch for mail_id, patch in batch.patches.items() if mail_id not in refused
            }

        await retry_while_changed(attempt, batch.patches, tries=_TRIES)
        for filing in batch.filings:
            for mail_id in filing.swept_patches:
                reason = refused.get(mail_id, _FILED_AGAIN)
                self._outcome.failures[_addresses(filing)] = f"mail {mail_id}: {reason}"
        return batch

    async def remove_strays(self, uids: Iterable[str]) -> None:
        """Remove strays from the groups: uids of cards that were deleted."""
        snapshot = await self._scope.book.sync()
        ours = find_groups(snapshot.groups, self._scope.categories, self._scope.layout)
        edits = edits_for_strays_among(uids, ours, snapshot.index.card_uids)
        failures = await self._scope.book.write(edits, snapshot) if edits else {}
        self._outcome.failures |= {f"member {uid}": str(error) for uid, error in failures.items()}


def _addresses(filing: Filing) -> str:
    contact = filing.decision.contact
    return ", ".join(sorted(contact.keys)) or filing.decision.id
