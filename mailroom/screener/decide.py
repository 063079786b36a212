"""From labelled mail and contacts to decisions. Pure: values in, values out.

The *contact* is the subject of a decision: senders whose addresses stand on one card are one
contact, and all addresses of its cards count. But an address that stands on the cards of several
people is nobody's in particular: it is a contact of its own.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailroom.contacts.address import key_of, uid_for, whole_domain
from mailroom.contacts.book import Card, ContactEdit, CreateCard, UpdateCard
from mailroom.contacts.index import ContactIndex
from mailroom.jmap.mail import Email
from mailroom.screener.categories import Categories, Category
from mailroom.screener.contact import (
    Groups,
    edits_for_strays,
    edits_for_triage,
    edits_for_undo,
    is_deleted_by_undo,
)
from mailroom.screener.labelled import Tapped
from mailroom.screener.names import Namesakes, are_several_people, filled, is_called, namesakes
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

    @property
    def senders(self) -> frozenset[str]:
        """The keys of the addresses whose mail is labelled."""
        return frozenset(each.sender.key for each in self.tapped)


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
    senders: Mapping[str, Sequence[Tapped]],
    cards: Collection[Card],
    identities: Collection[str],
    index: ContactIndex,
    groups: Groups,
) -> tuple[Contact, ...]:
    """Bring senders and cards together: senders that share a card are one contact.

    Args:
        senders: sender key -> labelled mails.
        cards: every card that bears one of those addresses.
        identities: the user's own addresses; they count for nobody, whatever card they stand on.
        index: the address book.
        groups: all of Mailroom's.
    """
    bearing: dict[str, list[Card]] = {key: [] for key in senders}
    for card in cards:
        for key in _keys_on(card) & senders.keys():
            bearing[key].append(card)
    parts: list[tuple[set[str], dict[str, Card]]] = []
    for key in senders:
        keys, ours = {key}, {card.id: card for card in _cards_for(key, bearing[key], groups)}
        apart = []
        for part in parts:
            if part[1].keys() & ours.keys():
                keys |= part[0]
                ours |= part[1]
            else:
                apart.append(part)
        parts = [*apart, (keys, ours)]
    return tuple(
        _contact(
            keys,
            [*ours.values()],
            senders,
            _theirs([*ours.values()], cards, identities, index),
        )
        for keys, ours in parts
    )


def _cards_for(key: str, bearing: list[Card], groups: Groups) -> list[Card]:
    """Return those of the cards bearing an address that stand for it.

    Those are all of them if they are one person's. Of several people's, only the cards that are
    the address's own count: the one that Mailroom made for it, else those that bear no other.
    """
    made = [
        card
        for card in bearing
        if card.uid == uid_for(key)
        or (_keys_on(card) == {key} and is_deleted_by_undo(card, groups))
    ]
    others = [card for card in bearing if card not in made]
    # Undo deletes the card that Mailroom made. A retry must find the address as shared as before,
    # or it would undo what was decided on the one person who is left. A card that somebody made
    # their own outlives undo, and is a person's before and after.
    if not are_several_people(others):
        return bearing
    return made or [card for card in others if _keys_on(card) == {key}]


def _keys_on(card: Card) -> set[str]:
    return {key_of(address) for address in card.addresses}


def _theirs(
    ours: Sequence[Card],
    cards: Collection[Card],
    identities: Collection[str],
    index: ContactIndex,
) -> frozenset[str]:
    """Return the addresses on a contact's cards that are nobody else's.

    Of a further card that bears one of them it may not be known whose card it is: then the address
    is left out, for what is decided on one person must not reach others.
    """
    whole = {card.id: card for card in cards}
    theirs = set()
    for address in frozenset().union(*map(_keys_on, ours)):
        ids = index.ids_of([address]) - {card.id for card in ours}
        bearing = [card for card in ours if address in _keys_on(card)]
        others = [whole[card_id] for card_id in ids & whole.keys()]
        is_known = len(others) == len(ids) and not are_several_people([*bearing, *others])
        if is_known and not is_own(address, identities):
            theirs.add(address)
    return frozenset(theirs)


def _contact(
    keys: Collection[str],
    cards: Sequence[Card],
    senders: Mapping[str, Sequence[Tapped]],
    theirs: frozenset[str],
) -> Contact:
    tapped = [each for key in keys for each in senders[key]]
    return Contact(
        addresses=frozenset(keys) | (theirs - senders.keys()),
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
    mails_of: Callable[[Iterable[str]], Iterator[Email]],
) -> Decision | Conflict:
    """Decide where a contact goes, or find that its labels contradict one another.

    Args:
        contact: the contact.
        places: which mailbox is which.
        categories: all of them, for the chain.
        groups: all of Mailroom's.
        uids: those of every card in the address book.
        now: the time of the decision.
        mails_of: gives the mails that were found of some addresses, beside the labelled ones.
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
    sender = best_named.sender
    names = {key: _namesakes(contact, key, mails_of) for key in contact.senders}
    collective = names[sender.key].name_for(contact.cards)
    chain = categories.chain(category)
    edits = edits_for_triage(contact.cards, sender, chain, groups, now, collective=collective)
    mismatched = _mismatched(contact, edits, names)
    return Decision(_decision_id(contact, label), contact, category, edits, mismatched)


def _namesakes(
    contact: Contact, key: str, mails_of: Callable[[Iterable[str]], Iterator[Email]]
) -> Namesakes:
    labelled = [tapped.email for tapped in contact.tapped if tapped.sender.key == key]
    return namesakes([*labelled, *mails_of([key])])


def _edits_for_the_way_back(
    contact: Contact, groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    strays = edits_for_strays(contact.senders, groups, uids)
    return edits_for_undo(contact.cards, groups) + strays


def _mismatched(
    contact: Contact, edits: Iterable[ContactEdit], names: Mapping[str, Namesakes]
) -> frozenset[str]:
    """Return the labelled mails whose display name is on none of the contact's cards.

    The cards as they will be: a pass that is cut short and done again must find the same.

    Args:
        contact: the contact.
        edits: of its cards.
        names: sender key -> the names that mail of this sender bears.
    """
    cards = [_card_after(edit, contact) for edit in edits]
    return frozenset(
        tapped.email.id
        for tapped in contact.tapped
        if not any(
            is_called(tapped.sender.name, card) or names[tapped.sender.key].fit(card)
            for card in cards
        )
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
