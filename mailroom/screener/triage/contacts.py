"""The contacts of labelled mail: its senders, with the cards that have their addresses. Pure.

Senders whose addresses are on one card are one contact, and all addresses of its cards belong to
it. But an address that is on the cards of several people is a contact of its own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mailroom.contacts.address import key_of
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import Card
from mailroom.contacts.uid import uid_for
from mailroom.screener.model.names import are_several_people
from mailroom.screener.model.sender import is_own
from mailroom.screener.triage.contact_edits import is_deleted_by_undo
from mailroom.screener.triage.groups import Groups
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
        return frozenset(mail.sender.key for mail in self.labelled)


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
        groups: Mailroom's groups.
    """
    bearing: dict[str, list[Card]] = {key: [] for key in senders}
    for card in cards:
        for key in _keys_on(card) & senders.keys():
            bearing[key].append(card)
    # Each part is the senders and the cards (by id) of one contact. A sender joins the parts with
    # which it shares a card.
    parts: list[tuple[set[str], dict[str, Card]]] = []
    for sender in senders:
        keys = {sender}
        its_cards = {card.id: card for card in _cards_for(sender, bearing[sender], groups)}
        apart = []
        for part_keys, part_cards in parts:
            if part_cards.keys() & its_cards.keys():
                keys |= part_keys
                its_cards |= part_cards
            else:
                apart.append((part_keys, part_cards))
        parts = [*apart, (keys, its_cards)]
    contacts = []
    for keys, by_id in parts:
        further = _addresses_of_nobody_else([*by_id.values()], cards, identities, index)
        labelled = [mail for key in keys for mail in senders[key]]
        # A sender of labelled mail that is not in this part is a contact of its own.
        contact = Contact(
            addresses=frozenset(keys) | (further - senders.keys()),
            cards=tuple(sorted(by_id.values(), key=lambda card: card.uid)),
            labelled=tuple(
                sorted(labelled, key=lambda mail: (mail.email.received_at, mail.email.id))
            ),
        )
        contacts.append(contact)
    return tuple(contacts)


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
    # The card that Mailroom made does not count as a person, because undo deletes it. If the card
    # counted, it and Bob's card would be several people, and undo would concern Mailroom's card
    # alone. A retry, without that card, would find Bob's card alone and undo the decision on Bob. A
    # card that somebody made their own is not deleted by undo, and counts as a person's.
    if not are_several_people(others):
        return bearing
    return made or [card for card in others if _keys_on(card) == {key}]


def _addresses_of_nobody_else(
    its_cards: Sequence[Card],
    cards: Collection[Card],
    identities: Collection[str],
    index: ContactIndex,
) -> frozenset[str]:
    """Return the addresses on a contact's cards that are on no other person's card.

    If another card with such an address was not read, its person is not known. Then the address is
    left out as well, because a decision on one person must not reach others.
    """
    by_id = {card.id: card for card in cards}
    addresses = set()
    for address in frozenset().union(*map(_keys_on, its_cards)):
        other_ids = index.ids_of([address]) - {card.id for card in its_cards}
        bearing = [card for card in its_cards if address in _keys_on(card)]
        others = [by_id[card_id] for card_id in other_ids & by_id.keys()]
        was_all_read = len(others) == len(other_ids)
        if was_all_read and not are_several_people([*bearing, *others]):
            addresses.add(address)
    return frozenset(address for address in addresses if not is_own(address, identities))


def _keys_on(card: Card) -> set[str]:
    return {key_of(address) for address in card.addresses}
