"""From labelled mail and contacts to decisions. Pure: values in, values out.

The *contact* is what is decided on: senders whose addresses stand on one card are one contact, and
all addresses of its cards count.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailroom.contacts.address import key_of, whole_domain
from mailroom.contacts.book import Card, ContactEdit, CreateCard, UpdateCard
from mailroom.contacts.index import ContactIndex
from mailroom.screener.categories import Categories, Category
from mailroom.screener.contact import Groups, edits_for_strays, edits_for_triage, edits_for_undo
from mailroom.screener.labelled import Tapped
from mailroom.screener.names import filled, is_called
from mailroom.screener.places import Places
from mailroom.screener.sender import is_own


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact with labelled mail.

    Attributes:
        addresses: their keys: of those tapped, and of all on its cards.
        cards: empty if the address book has none.
        tapped: the labelled mails, oldest first.
    """

    addresses: frozenset[str]
    cards: tuple[Card, ...]
    tapped: tuple[Tapped, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a contact goes.

    Attributes:
        id: the same for the same decision on the same mails, so that a retry can be recognised.
        contact: whom it concerns.
        category: None means back to the Screener.
        edits: what it takes in the address book.
        mismatched: ids of labelled mails under another name than the card's.
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
class Decided:
    """Whom a pass decides on.

    Attributes:
        categories: where each address (its key) goes; None: back to the Screener.
        index: the address book.
        identities: the user's own addresses; nobody stands for them.
    """

    categories: Mapping[str, Category | None] = field(default_factory=dict)
    index: ContactIndex = field(default_factory=ContactIndex)
    identities: Collection[str] = ()

    def stand_in(self, sender: str) -> str:
        """The address under which a sender is decided on, if at all; both by their keys.

        That is ``*@`` and the domain where no card bears the address itself.
        """
        itself = sender in self.categories or self.index.ids_of([sender])
        return sender if itself or is_own(sender, self.identities) else whole_domain(sender)


def decided_by(
    decisions: Iterable[Decision], index: ContactIndex, identities: Collection[str]
) -> Decided:
    """Whom some decisions are about; the other arguments as in :class:`Decided`."""
    categories = {key: each.category for each in decisions for key in each.contact.addresses}
    return Decided(categories, index, identities)


def find_contacts(
    senders: Mapping[str, Sequence[Tapped]], cards: Collection[Card], identities: Collection[str]
) -> tuple[Contact, ...]:
    """Bring senders and cards together: what shares a card is one contact.

    Args:
        senders: sender key -> labelled mails.
        cards: every card that bears one of those addresses.
        identities: the user's own addresses; they count for nobody, whatever card they stand on.
    """
    parts: list[tuple[set[str], list[Card]]] = [({key}, []) for key in senders]
    for card in cards:
        keys = {key_of(address) for address in card.addresses} & senders.keys()
        touched = [part for part in parts if part[0] & keys]
        parts = [part for part in parts if not part[0] & keys]
        merged_keys = keys.union(*(part[0] for part in touched))
        parts.append((merged_keys, [card, *(each for part in touched for each in part[1])]))
    return tuple(_contact(keys, cards_of, senders, identities) for keys, cards_of in parts if keys)


def _contact(
    keys: Collection[str],
    cards: Sequence[Card],
    senders: Mapping[str, Sequence[Tapped]],
    identities: Collection[str],
) -> Contact:
    tapped = [each for key in keys for each in senders[key]]
    on_cards = {key_of(address) for card in cards for address in card.addresses}
    theirs = {address for address in on_cards if not is_own(address, identities)}
    return Contact(
        addresses=frozenset(keys) | theirs,
        cards=tuple(sorted(cards, key=lambda card: card.uid)),
        tapped=tuple(sorted(tapped, key=lambda each: (each.email.received_at, each.email.id))),
    )


def decide(
    contact: Contact,
    *,
    places: Places,
    categories: Categories,
    groups: Groups,
    uids: Collection[str],
    now: datetime,
) -> Decision | Conflict:
    """Decide where a contact goes, or find that its labels contradict one another.

    ``uids`` are those of every card in the address book.
    """
    labels = frozenset().union(*(each.labels for each in contact.tapped))
    if len(labels) > 1:
        return Conflict(contact, labels)
    (label,) = labels
    category = places.labels[label]
    if category is None:
        edits = _edits_for_the_way_back(contact, groups, uids)
        return Decision(_decision_id(contact, label), contact, None, edits, frozenset())
    best_named = max(
        contact.tapped, key=lambda each: (bool(each.sender.name), each.email.received_at)
    )
    edits = edits_for_triage(
        contact.cards, best_named.sender, categories.chain(category), groups, now
    )
    return Decision(
        _decision_id(contact, label), contact, category, edits, _mismatched(contact, edits)
    )


def _edits_for_the_way_back(
    contact: Contact, groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    senders = {each.sender.key for each in contact.tapped}
    return edits_for_undo(contact.cards, groups) + edits_for_strays(senders, groups, uids)


def _mismatched(contact: Contact, edits: Iterable[ContactEdit]) -> frozenset[str]:
    """The labelled mails whose display name is on none of the contact's cards.

    The cards as they will be: a pass that is cut short and done again must find the same.
    """
    cards = [_card_after(edit, contact) for edit in edits]
    return frozenset(
        each.email.id
        for each in contact.tapped
        if not any(is_called(each.sender.name, card) for card in cards)
    )


def _card_after(edit: ContactEdit, contact: Contact) -> Card:
    match edit.card:
        case CreateCard(uid=uid, names=names, address=address):
            return Card(id="", uid=uid, names=names, addresses=(address,))
        case UpdateCard(card=card, fill=fill):
            return replace(card, names=filled(card.names, fill))
        case _:
            return next(card for card in contact.cards if card.uid == edit.uid)


def _decision_id(contact: Contact, label: str) -> str:
    facts = "\n".join((label, *sorted(each.email.id for each in contact.tapped)))
    return hashlib.sha256(facts.encode()).hexdigest()[:8]
