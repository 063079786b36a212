"""Decisions on contacts, from labelled mail and the address book. Pure."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from mailroom.contacts.address import whole_domain
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import Card, ContactEdit, CreateCard, UpdateCard
from mailroom.jmap.mail import Email
from mailroom.screener.model.categories import Categories, Category
from mailroom.screener.model.names import DisplayNames, display_names, filled, is_called
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import is_own
from mailroom.screener.triage.contact_edits import (
    edits_for_strays,
    edits_for_triage,
    edits_for_undo,
)
from mailroom.screener.triage.contacts import Contact
from mailroom.screener.triage.groups import Groups


@dataclass(frozen=True, slots=True)
class Decision:
    """The category that a contact gets.

    Attributes:
        id: the same for the same label on the same mails, so that a retry can be recognised.
        contact: the contact.
        category: the category; None means back to the Screener.
        edits: the edits of the address book.
        mismatched: ids of labelled mails whose display name is not on the contact's cards.
    """

    id: str
    contact: Contact
    category: Category | None
    edits: tuple[ContactEdit, ...]
    mismatched: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contact with different labels on its mails: nothing is done until one is left."""

    contact: Contact
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class DecidedAddresses:
    """The addresses that a pass decides on.

    Attributes:
        categories: the key of each address -> its category; None: back to the Screener.
        index: the address book.
        identities: the user's own addresses, for which no ``*@domain`` stands in.
    """

    categories: Mapping[str, Category | None] = field(default_factory=dict)
    index: ContactIndex = field(default_factory=ContactIndex)
    identities: Collection[str] = ()

    @classmethod
    def of(
        cls, decisions: Iterable[Decision], index: ContactIndex, identities: Collection[str]
    ) -> Self:
        """Return the addresses of some decisions; the other arguments are as the attributes."""
        categories = {
            address: decision.category
            for decision in decisions
            for address in decision.contact.addresses
        }
        return cls(categories, index, identities)

    def stand_in(self, sender: str) -> str:
        """Return the address whose decision holds for a sender; both are keys.

        It is the sender's own address, or ``*@`` and its domain if no card has the own address.
        """
        itself = sender in self.categories or self.index.ids_of([sender])
        return sender if itself or is_own(sender, self.identities) else whole_domain(sender)


def decide(
    contact: Contact,
    *,
    places: Places,
    categories: Categories,
    groups: Groups,
    uids: Collection[str],
    now: datetime,
    mails_of: Callable[[Iterable[str]], Iterator[Email]],
) -> Decision | Conflict:
    """Decide on a contact, or find that its labels contradict one another.

    Args:
        contact: the contact.
        places: the ids of the mailboxes.
        categories: all categories, for the chain.
        groups: Mailroom's groups.
        uids: the uids of all cards in the address book.
        now: the time of the decision.
        mails_of: returns the mails that were found of some addresses, maybe labelled ones too.
    """
    labels = frozenset().union(*(mail.labels for mail in contact.labelled))
    if len(labels) > 1:
        return Conflict(contact, labels)
    (label,) = labels
    made_from = "\n".join((label, *sorted(mail.email.id for mail in contact.labelled)))
    decision_id = hashlib.sha256(made_from.encode()).hexdigest()[:8]
    category = places.labels[label]
    if category is None:
        strays = edits_for_strays(contact.senders, groups, uids)
        edits = edits_for_undo(contact.cards, groups) + strays
        return Decision(decision_id, contact, None, edits, frozenset())
    names = {
        key: display_names(
            [
                *(mail.email for mail in contact.labelled if mail.sender.key == key),
                *mails_of([key]),
            ]
        )
        for key in contact.senders
    }
    # The card is made for the sender of the newest mail that has a display name.
    best_named = max(
        contact.labelled, key=lambda mail: (bool(mail.sender.name), mail.email.received_at)
    )
    edits = edits_for_triage(
        contact.cards,
        best_named.sender,
        categories.chain(category),
        groups,
        now,
        collective=names[best_named.sender.key].name_for(contact.cards),
    )
    return Decision(decision_id, contact, category, edits, _mismatched(contact, edits, names))


def _mismatched(
    contact: Contact, edits: Iterable[ContactEdit], names: Mapping[str, DisplayNames]
) -> frozenset[str]:
    """Return the ids of labelled mails whose display name is on none of the contact's cards.

    The cards count as they will be after the edits, so that a repeated pass finds the same mails.

    Args:
        contact: the contact.
        edits: the edits of its cards.
        names: sender key -> the names in the mails of this sender.
    """
    cards = []
    for edit in edits:
        match edit.card:
            case CreateCard(uid=uid, names=new_names, address=address):
                cards.append(Card(id="", uid=uid, names=new_names, addresses=(address,)))
            case UpdateCard(card=card, fill=fill):
                cards.append(replace(card, names=filled(card.names, fill)))
            case _:
                cards += [card for card in contact.cards if card.uid == edit.uid]
    return frozenset(
        mail.email.id
        for mail in contact.labelled
        if not any(
            is_called(mail.sender.name, card) or names[mail.sender.key].fit(card) for card in cards
        )
    )
