"""Contacts in batches, and their mail that goes back to the Screener. Reads only.

The decisions are those of a pass that finds the label ``@ToScreener`` on a mail of each contact.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mailroom.admin.reset.scope import Scope
from mailroom.admin.reset.traces import can_be_stripped
from mailroom.contacts.address import key_of, list_key
from mailroom.contacts.book import Snapshot
from mailroom.contacts.model import Card
from mailroom.contacts.note import list_in
from mailroom.contacts.uid import is_of_list
from mailroom.jmap.mail import Patch
from mailroom.jmap.methods import SetResponse
from mailroom.jmap.request import Operation
from mailroom.report.bars import ShowProgress
from mailroom.screener.model.sender import is_address, is_own, own_keys
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.passes.plan import Filing, MailsByKey, plan_filing
from mailroom.screener.search.mail_search import Search
from mailroom.screener.triage.contact_edits import edits_for_undo
from mailroom.screener.triage.contacts import Contact
from mailroom.screener.triage.decide import Decision
from mailroom.screener.triage.groups import Groups, find_groups
from mailroom.screener.triage.standing import Decisions, StandingDecisions

AT_ONCE: Final = 50
"""Cards in a batch: the most senders of one query, and few enough to hold their mail in memory."""


def in_batches(
    card_ids: Sequence[str], show_progress: ShowProgress, label: str
) -> Iterator[Sequence[str]]:
    """Yield the ids in batches, and show progress under a label."""
    for start in range(0, len(card_ids), AT_ONCE):
        show_progress(label, start, len(card_ids))
        yield card_ids[start : start + AT_ONCE]
    if card_ids:
        show_progress(label, len(card_ids), len(card_ids))


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of contacts.

    Attributes:
        cards: the cards. Each is taken for a contact of its own.
        ours: Mailroom's groups.
        snapshot: the address book from which the contacts were read.
        search: the search for the contacts' mail.
        filings: the edits and patches that undo the decision on each contact, for the mail that
            was found last.
    """

    cards: tuple[Card, ...]
    ours: Groups
    snapshot: Snapshot
    search: Search
    filings: tuple[Filing, ...] = ()

    @property
    def patches(self) -> dict[str, Patch]:
        """The patches of all mail, by mail id."""
        return {
            mail_id: patch
            for filing in self.filings
            for mail_id, patch in filing.swept_patches.items()
        }


class Senders:
    """The contacts of one account, and their mail.

    Args:
        scope: the account.
        gathered: the account's mailboxes, and the user's own addresses, whose mail is left alone.
    """

    def __init__(self, scope: Scope, gathered: GatheredMail) -> None:
        self._scope = scope
        self._places = gathered.places
        self._own_addresses = gathered.own_addresses

    async def read(self, card_ids: Collection[str]) -> Batch:
        """Read some contacts as they are now, and decide what to do.

        Raises:
            HttpError, JmapError, AddressBookError: a server cannot be used as it should.
            MissingError: contact groups are missing.
        """
        snapshot = await self._scope.book.sync()
        ours = find_groups(snapshot.groups, self._scope.categories, self._scope.layout)
        members = ours.members
        cards = tuple(
            card
            for card in await snapshot.read_cards(card_ids)
            if card.uid in members or can_be_stripped(card)
        )
        keys = frozenset().union(*map(self._search_keys, cards))
        search = Search(keys, self._places.swept)
        _, batch = await self.update_and_search(Batch(cards, ours, snapshot, search))
        return batch

    async def update_and_search(
        self, batch: Batch, *, preceded_by: Sequence[Operation[SetResponse]] = ()
    ) -> tuple[list[SetResponse], Batch]:
        """Send updates, and search for mail again after them in the same request.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        updates, emails = await self._scope.gatherer.mail_of(
            [batch.search], preceded_by=preceded_by
        )
        standing = StandingDecisions(batch.snapshot.index, self._scope.categories)
        decisions = Decisions(standing, own=own_keys(self._own_addresses))
        mails = MailsByKey(emails, decisions.subject_key_for)
        filings = []
        for card in batch.cards:
            contact = Contact(self._search_keys(card), (card,), labelled=())
            edits = edits_for_undo([card], batch.ours)
            decision = Decision(card.uid, contact, None, edits, mismatched=frozenset())
            filings.append(plan_filing(decision, mails, self._places, self._scope.categories))
        return updates, replace(batch, filings=tuple(filings))

    def _search_keys(self, card: Card) -> frozenset[str]:
        """Return the keys to search mail by: ann@corp.example, *@corp.example or a list's key."""
        if is_of_list(card.uid):
            return frozenset({list_key(list_in(card.note))} if list_in(card.note) else ())
        keys = set()
        for key in map(key_of, card.addresses):
            local, _, domain = key.rpartition("@")
            is_usable = is_address(key) or (local == "*" and is_address(f"anybody@{domain}"))
            if is_usable and not is_own(key, self._own_addresses):
                keys.add(key)
        return frozenset(keys)
