"""Decisions on contacts, from labelled mail and the address book. Pure.

A decision is about a *contact*: senders whose addresses are on one card are one contact, and all
addresses of its cards belong to it. But an address that is on the cards of several people is a
contact of its own.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailroom.contacts.address import key_of, uid_for, whole_domain
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import Card, ContactEdit, CreateCard, UpdateCard
from mailroom.jmap.mail import Email
from mailroom.screener.model.categories import Categories, Category
from mailroom.screener.model.names import (
    Namesakes,
    are_several_people,
    filled,
    is_called,
    namesakes,
)
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import is_own
from mailroom.screener.triage.contact import (
    Groups,
    edits_for_strays,
    edits_for_triage,
    edits_for_undo,
    is_deleted_by_undo,
)
from mailroom.screener.triage.labelled import LabelledMail


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact with labelled mail.

    Attributes:
        addresses: the keys of the senders of its labelled mails, and of the addresses on its cards.
        cards: its cards; empty if the address book has none.
        labelled: the labelled mails, oldest first.
    """

    addresses: frozenset[str]
    cards: tuple[Card, ...]
    labelled: tuple[LabelledMail, ...]

    @property
    def senders(self) -> frozenset[str]:
        """The keys of the addresses whose mail is labelled."""
        return frozenset(each.sender.key for each in self.labelled)


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
class Decided:
    """The addresses that a pass decides on.

    Attributes:
        categories: the key of each address -> its category; None: back to the Screener.
        index: the address book.
        identities: the user's own addresses, for which no ``*@domain`` stands in.
    """

    categories: Mapping[str, Category | None] = field(default_factory=dict)
    index: ContactIndex = field(default_factory=ContactIndex)
    identities: Collection[str] = ()

    def stand_in(self, sender: str) -> str:
        """Return the address under which a sender may be decided on; both are keys.

        The address is ``*@`` and the sender's domain if no card has the sender's own address.
        """
        itself = sender in self.categories or self.index.ids_of([sender])
        return sender if itself or is_own(sender, self.identities) else whole_domain(sender)


def decided_by(
    decisions: Iterable[Decision], index: ContactIndex, identities: Collection[str]
) -> Decided:
    """Return the addresses of some decisions; the other arguments as in :class:`Decided`."""
    categories = {key: each.category for each in decisions for key in each.contact.addresses}
    return Decided(categories, index, identities)


def find_contacts(
    senders: Mapping[str, Sequence[LabelledMail]],
    cards: Collection[Card],
    identities: Collection[str],
    index: ContactIndex,
    groups: Groups,
) -> tuple[Contact, ...]:
    """Return the contacts of senders: senders that share a card are one contact.

    Args:
        senders: sender key -> labelled mails.
        cards: every card that has one of these senders' addresses.
        identities: the user's own addresses, which belong to no contact, even if a card has them.
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
    """Return the cards that stand for an address, out of the cards that have it.

    If the cards are one person's, all of them stand for the address. If they are several people's,
    only the address's own cards do: the card that Mailroom made for it, else the cards that have no
    other address.
    """
    made = [
        card
        for card in bearing
        if card.uid == uid_for(key)
        or (_keys_on(card) == {key} and is_deleted_by_undo(card, groups))
    ]
    others = [card for card in bearing if card not in made]
    # Undo deletes the card that Mailroom made, so that card must not count as a person here: a
    # retry, without the card, would undo the decision on the one person who is left. A card that
    # somebody made their own is not deleted by undo, and counts as a person's.
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
    """Return the addresses on a contact's cards that are on no other person's card.

    If another card with such an address was not read, its person is not known. Then the address is
    left out as well, because a decision on one person must not reach others.
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
    senders: Mapping[str, Sequence[LabelledMail]],
    theirs: frozenset[str],
) -> Contact:
    tapped = [each for key in keys for each in senders[key]]
    return Contact(
        addresses=frozenset(keys) | (theirs - senders.keys()),
        cards=tuple(sorted(cards, key=lambda card: card.uid)),
        labelled=tuple(sorted(tapped, key=lambda each: (each.email.received_at, each.email.id))),
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
    """Decide on a contact, or find that its labels contradict one another.

    Args:
        contact: the contact.
        places: the ids of the mailboxes.
        categories: all categories, for the chain.
        groups: Mailroom's groups.
        uids: the uids of all cards in the address book.
        now: the time of the decision.
        mails_of: returns the mails that were found from some addresses, without the labelled mails.
    """
    labels = frozenset().union(*(each.labels for each in contact.labelled))
    if len(labels) > 1:
        return Conflict(contact, labels)
    (label,) = labels
    category = places.labels[label]
    if category is None:
        edits = _edits_for_the_way_back(contact, groups, uids)
        return Decision(_decision_id(contact, label), contact, None, edits, frozenset())
    best_named = max(
        contact.labelled, key=lambda each: (bool(each.sender.name), each.email.received_at)
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
    labelled = [tapped.email for tapped in contact.labelled if tapped.sender.key == key]
    return namesakes([*labelled, *mails_of([key])])


def _edits_for_the_way_back(
    contact: Contact, groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    strays = edits_for_strays(contact.senders, groups, uids)
    return edits_for_undo(contact.cards, groups) + strays


def _mismatched(
    contact: Contact, edits: Iterable[ContactEdit], names: Mapping[str, Namesakes]
) -> frozenset[str]:
    """Return the ids of labelled mails whose display name is on none of the contact's cards.

    The cards count as they will be after the edits, so that a repeated pass finds the same mails.

    Args:
        contact: the contact.
        edits: the edits of its cards.
        names: sender key -> the names in the mails of this sender.
    """
    cards = [_card_after(edit, contact) for edit in edits]
    return frozenset(
        tapped.email.id
        for tapped in contact.labelled
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
    facts = "\n".join((label, *sorted(each.email.id for each in contact.labelled)))
    return hashlib.sha256(facts.encode()).hexdigest()[:8]
