"""A mail account and an address book that carry out a plan step by step, without any I/O.

They can be stopped between any two steps.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from mailroom.contacts.model import Card, ContactEdit, DeleteCard, Names
from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.keywords import SPAM, WAIVED
from mailroom.screener.model.places import Directory
from mailroom.screener.model.sender import sender_key
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.passes.plan import MailsByKey, Plan, plan_decisions
from mailroom.screener.passes.reading import Reading
from mailroom.screener.triage.contacts import find_contacts
from mailroom.screener.triage.decide import decide
from mailroom.screener.triage.groups import find_groups
from tests.support.domain.builders import (
    LAYOUT,
    NOW,
    PLACES,
    Contacts,
    decisions,
    group_list,
    patched,
    sort_mail,
    written,
)
from tests.support.domain.contents import snapshot_of

IDENTITIES: Final = ("me@home.example",)
LABELS: Final = PLACES.tap_labels | {PLACES.error}


@dataclass
class Account:
    """Mail and contacts, and a pass over them without any I/O."""

    mails: dict[str, Email]
    contacts: Contacts = field(default_factory=Contacts.of)

    @classmethod
    def of(
        cls,
        *mails: Email,
        cards: Iterable[Card] = (),
        members: Mapping[str, Iterable[str]] | None = None,
    ) -> "Account":
        return cls({mail.id: mail for mail in mails}, Contacts.of(cards, group_list(members)))

    def plan(self) -> Plan:
        """Return the plan of a pass."""
        labelled = tuple(mail for mail in self.mails.values() if mail.mailbox_ids & LABELS)
        sorted_mail = sort_mail(labelled, IDENTITIES, self.contacts.index)
        groups = find_groups(list(self.contacts.groups.values()), DEFAULTS, LAYOUT)
        cards = self.contacts.bearing(
            frozenset(sorted_mail.mails_by_key).union(*sorted_mail.companions.values())
        )
        searched = PLACES.swept
        if any(SPAM in mail.keywords for mail in labelled):
            searched |= PLACES.junk
        swept = [
            mail
            for mail in self.mails.values()
            if mail.mailbox_ids & searched or WAIVED in mail.keywords
        ]
        outcomes = [
            decide(
                contact,
                places=PLACES,
                categories=DEFAULTS,
                groups=groups,
                uids=self.contacts.cards.keys(),
                now=NOW,
                mails_of=MailsByKey(swept, sender_key).of,
            )
            for contact in find_contacts(
                sorted_mail.mails_by_key,
                cards,
                IDENTITIES,
                self.contacts.index,
                groups,
                sorted_mail.companions,
            )
        ]
        gathered = GatheredMail(
            labelled, None, Directory([]), PLACES, IDENTITIES, has_waived=False, state="state"
        )
        reading = Reading(
            gathered,
            snapshot_of(self.contacts.index),
            decisions(self.contacts.index, identities=IDENTITIES),
            DEFAULTS,
            LAYOUT,
            server="",
        )
        return plan_decisions(reading, sorted_mail, outcomes, swept, categories=DEFAULTS)

    def steps(self, plan: Plan) -> Iterator[Callable[[], None]]:
        """The plan's writes, in the order in which the workflow makes them."""
        yield from self._patches(plan.subject_labels)
        for filing in plan.filings:
            for edit in filing.decision.edits:
                yield from (partial(self._write, part) for part in parts(edit))
        for filing in plan.filings:
            yield from self._patches(filing.swept_patches)
        yield from self._patches(plan.label_only_patches)
        for filing in plan.filings:
            yield from self._patches(filing.labelled_patches)

    def _patches(self, patches: Mapping[str, Patch]) -> Iterator[Callable[[], None]]:
        return (partial(self._patch, *item) for item in patches.items())

    def _write(self, edit: ContactEdit) -> None:
        self.contacts = written(edit, self.contacts)

    def _patch(self, email_id: str, patch: Patch) -> None:
        email = self.mails[email_id]
        keywords = set(email.keywords)
        for name, value in patch.items():
            if name.startswith("keywords/"):
                (keywords.add if value else keywords.discard)(name.removeprefix("keywords/"))
        self.mails[email_id] = replace(
            email,
            mailbox_ids=patched(email.mailbox_ids, patch),
            keywords=frozenset(keywords),
        )

    def run(self, *, stop_after: int | None = None) -> None:
        """Carry out a pass, or only its first ``stop_after`` writes."""
        for at, step in enumerate(self.steps(self.plan())):
            if at == stop_after:
                return
            step()

    def where(self) -> dict[str, set[str]]:
        return {mail.id: set(mail.mailbox_ids) for mail in self.mails.values()}

    def people(self) -> dict[str, tuple[Names, str, set[str]]]:
        """Return the contents of the cards, and their groups."""
        return {
            uid: (card.names, card.note, self.contacts.groups_of(uid))
            for uid, card in self.contacts.cards.items()
        }


def parts(edit: ContactEdit) -> Iterator[ContactEdit]:
    """Yield the writes of an edit, in order: card, groups to join, groups to leave, deletion."""
    nothing = replace(edit, card=None, join=frozenset(), leave=frozenset())
    deletes = isinstance(edit.card, DeleteCard)
    if edit.card is not None and not deletes:
        yield replace(nothing, card=edit.card)
    for group in sorted(edit.join):
        yield replace(nothing, join=frozenset({group}))
    for group in sorted(edit.leave):
        yield replace(nothing, leave=frozenset({group}))
    if deletes:
        yield replace(nothing, card=edit.card)
