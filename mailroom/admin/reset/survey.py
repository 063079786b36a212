"""Finds the traces of Mailroom in an account. Reads only."""

from collections import Counter
from dataclasses import replace
from typing import Final

from mailroom.admin.reset.mail_traces import MailTraces
from mailroom.admin.reset.orphans import Orphans
from mailroom.admin.reset.scope import Scope
from mailroom.admin.reset.senders import Batch, Senders, in_batches
from mailroom.admin.reset.traces import (
    UNDECIDED,
    CardTreatment,
    Traces,
    can_be_stripped,
    treatment_of,
)
from mailroom.contacts.book import Snapshot
from mailroom.screener.model.categories import Categories
from mailroom.screener.model.missing import MissingError
from mailroom.screener.triage.groups import find_groups, missing_groups, wanted_groups
from mailroom.screener.triage.standing import StandingDecisions

_READING: Final = "Reading contacts"
_FINDING: Final = "Finding mail"


async def survey(scope: Scope) -> Traces:
    """Look through an account; every card is read, because any card may have a trace.

    Raises:
        HttpError, JmapError, AddressBookError: a server cannot be used as it should.
        MissingError: the account has some of Mailroom's mailboxes or contact groups, but not all.
        UnsuitableError: mailboxes have another purpose.
    """
    snapshot = await scope.book.sync()
    try:
        members = find_groups(snapshot.groups, scope.categories, scope.layout).members
        gathered = await scope.gatherer.gather()
    except MissingError:
        if await _has_no_trace(scope, snapshot):
            return Traces()
        raise
    strays = members - snapshot.index.card_uids
    traces = Traces(
        gathered,
        cards=await _cards_with_traces(scope, snapshot, members),
        strays=strays,
        mail_traces=await MailTraces(scope, gathered).count(),
        labelled=sum(
            bool(email.mailbox_ids & gathered.places.tap_labels) for email in gathered.emails
        ),
    )
    tally = Tally(scope.categories)
    senders = Senders(scope, gathered)
    for card_ids in in_batches(traces.cards, scope.show_progress, _FINDING):
        tally.add(await senders.read(card_ids))
    orphans = len(await Orphans(scope, gathered).patches(snapshot.index))
    traces = tally.added_to(traces)
    return replace(traces, mails=traces.mails + orphans, orphans=orphans)


async def _has_no_trace(scope: Scope, snapshot: Snapshot) -> bool:
    """Return True if the account has no trace of Mailroom: then missing groups are no error."""
    labels = [category.label for category in scope.categories]
    layout = scope.layout
    labels += [layout.screener_label, layout.spam_label, layout.domain_label, layout.list_label]
    labels += [layout.error_label, layout.warning_label]
    directory = await scope.gatherer.directory()
    if any(directory.find(label) for label in labels):
        return False
    wanted = wanted_groups(scope.categories, scope.layout)
    if missing_groups(snapshot.groups, scope.categories, scope.layout) != wanted:
        return False
    return not await _cards_with_traces(scope, snapshot, frozenset())


async def _cards_with_traces(
    scope: Scope, snapshot: Snapshot, members: frozenset[str]
) -> tuple[str, ...]:
    """Return the ids of the cards in Mailroom's groups or with Mailroom's traces on them."""
    ids: list[str] = []
    for card_ids in in_batches(sorted(snapshot.index.card_ids), scope.show_progress, _READING):
        cards = await snapshot.read_cards(card_ids)
        ids += [card.id for card in cards if card.uid in members or can_be_stripped(card)]
    return tuple(ids)


class Tally:
    """Counts the traces that a reset would remove.

    Args:
        categories: the configured categories.
    """

    def __init__(self, categories: Categories) -> None:
        self._categories = categories
        self._senders = Counter[str]()
        self._treatments = Counter[CardTreatment]()
        self._mails = set[str]()

    def add(self, batch: Batch) -> None:
        """Count a batch of contacts."""
        standing = StandingDecisions(batch.snapshot.index, self._categories)
        for card in batch.cards:
            categories = standing.categories_of_cards(frozenset({card.uid}))
            self._senders.update([category.name for category in categories] or [UNDECIDED])
        for filing in batch.filings:
            self._treatments.update(map(treatment_of, filing.decision.edits))
        self._mails |= batch.patches.keys()

    def added_to(self, traces: Traces) -> Traces:
        """Return the traces with the numbers of this tally."""
        names = (*(category.name for category in self._categories), UNDECIDED)
        return replace(
            traces,
            senders={name: self._senders[name] for name in names if self._senders[name]},
            treatments={
                treatment: self._treatments[treatment]
                for treatment in CardTreatment
                if self._treatments[treatment]
            },
            mails=len(self._mails),
        )
