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
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.passes.plan import Filing
from mailroom.screener.triage.contact_edits import release_strays
from mailroom.screener.triage.groups import find_groups

_TAKING_BACK: Final = "Taking back"
_ROUNDS: Final = 3
_RESTLESS: Final = "somebody files it all the time; is Mailroom or a rule still running?"


async def take_back(scope: Scope, found: Traces) -> Outcome:
    """Take back everything in the plan.

    Raises:
        HttpError, JmapError, AddressBookError: a server cannot be used as it should; another
            survey finds the rest.
        MissingError: contact groups are missing.
    """
    outcome = Outcome()
    if found.seen is not None and not found.is_empty:
        work = _Work(scope, found.seen, outcome)
        for some in in_batches(found.cards, scope.show_progress, _TAKING_BACK):
            await work.take_back(some)
        if found.strays:
            await work.release(found.strays)
        await Orphans(scope, found.seen).take_back(outcome)
        await MailTraces(scope, found.seen).remove(outcome)
    return outcome


class _Work:
    """The reset of one account."""

    def __init__(self, scope: Scope, seen: GatheredMail, outcome: Outcome) -> None:
        self._scope = scope
        self._senders = Senders(scope, seen)
        self._outcome = outcome

    async def take_back(self, card_ids: Sequence[str]) -> None:
        """Take back the decisions on some contacts."""
        batch = await self._file(await self._senders.read(card_ids))
        settled = [each for each in batch.filings if not each.swept]
        edits = [edit for each in settled for edit in each.decision.edits]
        failures = await self._scope.book.write(edits, batch.snapshot) if edits else {}
        for filing in settled:
            if reason := failures.get(filing.decision.id):
                self._outcome.failures[_who(filing)] = f"contact: {reason}"
            else:
                self._outcome.senders += 1

    async def _file(self, batch: Batch) -> Batch:
        """Move mail until none is left but mail that the server refuses to move."""
        refused: dict[str, str] = {}
        for _ in range(_ROUNDS):
            patches = {each: how for each, how in batch.patches.items() if each not in refused}
            if not patches:
                break
            updates, batch = await self._senders.update_and_search(
                batch, after=self._scope.mail.updates(patches)
            )
            failed = {mail: error for each in updates for mail, error in each.failed.items()}
            if lasting := {mail: patches[mail] for mail in failed if failed[mail].is_lasting}:
                # The server may refuse only this form of the patch; this call tries others.
                for asked, update in await self._scope.mail.update(lasting):
                    done = asked.keys() - update.failed.keys()
                    failed = {mail: error for mail, error in failed.items() if mail not in done}
                _, batch = await self._senders.update_and_search(batch)
            refused |= {mail: str(error) for mail, error in failed.items()}
            self._outcome.mails += len(patches.keys() - failed.keys())
        for filing in batch.filings:
            for email_id in filing.swept:
                reason = refused.get(email_id, _RESTLESS)
                self._outcome.failures[_who(filing)] = f"mail {email_id}: {reason}"
        return batch

    async def release(self, uids: Iterable[str]) -> None:
        """Remove uids that no card has from the groups."""
        snapshot = await self._scope.book.sync()
        ours = find_groups(snapshot.groups, self._scope.categories, self._scope.layout)
        edits = release_strays(uids, ours, snapshot.index.uids)
        failures = await self._scope.book.write(edits, snapshot) if edits else {}
        self._outcome.failures |= {f"member {uid}": str(why) for uid, why in failures.items()}


def _who(filing: Filing) -> str:
    contact = filing.decision.contact
    return ", ".join(sorted(contact.addresses)) or filing.decision.id
