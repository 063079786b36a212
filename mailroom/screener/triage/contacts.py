"""The contacts of labelled mail: its senders, with the cards that have their addresses. Pure.

Senders whose addresses are on the same card are one contact, and all addresses on the contact's
cards belong to the contact. But an address that is on the cards of several people is a contact of
its own.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import Card
from mailroom.contacts.uid import is_of_list, key_on_card, uid_for
from mailroom.screener.model.names import are_several_people
from mailroom.screener.model.sender import own_keys
from mailroom.screener.model.subject import Subject
from mailroom.screener.triage.contact_edits import is_deleted_by_undo
from mailroom.screener.triage.groups import Groups
from mailroom.screener.triage.labelled import LabelledMail


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact that is decided on.

    Attributes:
        keys: the keys of the subjects that are decided on (senders, mailing lists, whole domains),
            and of the addresses on the contact's cards.
        cards: the contact's cards; empty if the address book has none.
        labelled: the contact's labelled mails, oldest first; empty for a contact that a person
            names in a command or on the page.
    """

    keys: frozenset[str]
    cards: tuple[Card, ...]
    labelled: tuple[LabelledMail, ...]

    @property
    def keys_for_people(self) -> list[str]:
        """The ``keys`` as people write them: addresses, ``*@domain``, List-Ids; sorted."""
        return sorted(str(Subject(key)) for key in self.keys)

    @property
    def subject_keys(self) -> frozenset[str]:
        """The keys of the subjects that the labels decide on."""
        return frozenset(mail.subject.key for mail in self.labelled)

    @property
    def sender_keys(self) -> frozenset[str]:
        """The keys of the addresses whose mail is labelled."""
        return frozenset(mail.sender.key for mail in self.labelled)


def find_contacts(
    mails_by_key: Mapping[str, Sequence[LabelledMail]],
    cards: Collection[Card],
    own_addresses: Collection[str],
    index: ContactIndex,
    groups: Groups,
    companions: Mapping[str, Collection[str]] | None = None,
) -> tuple[Contact, ...]:
    """Return the contacts of subjects: subjects that share a card are one contact.

    Args:
        mails_by_key: the key of a subject -> labelled mails.
        cards: every card that stands for one of the subjects or companions.
        own_addresses: the user's own addresses; these belong to no contact, even on a card.
        index: the address book.
        groups: Mailroom's groups.
        companions: the key of a whole domain -> the keys of the senders of the domain's labelled
            mail. The domain and these senders are one contact.
    """
    every_companion = companions or {}
    cards_by_key = _cards_by_key({*mails_by_key}.union(*every_companion.values()), cards)
    # Each part is the keys and the cards (by id) of one contact. A subject joins the parts with
    # which it shares a card or a companion.
    parts: list[tuple[set[str], dict[str, Card]]] = []
    for subject_key in mails_by_key:
        keys = {subject_key, *every_companion.get(subject_key, ())}
        its_cards = {
            card.id: card for key in keys for card in _cards_for(key, cards_by_key[key], groups)
        }
        apart = []
        for part_keys, part_cards in parts:
            if part_cards.keys() & its_cards.keys() or part_keys & keys:
                keys |= part_keys
                its_cards |= part_cards
            else:
                apart.append((part_keys, part_cards))
        parts = [*apart, (keys, its_cards)]
    contacts, own = [], own_keys(own_addresses)
    every_card = {card.id: card for card in cards}
    for keys, by_id in parts:
        further = _addresses_of_nobody_else([*by_id.values()], every_card, index) - own
        labelled = [mail for key in keys for mail in mails_by_key.get(key, ())]
        # An address on the cards may be a subject of another part. Then it is that contact's.
        contact = Contact(
            keys=frozenset(keys) | (further - mails_by_key.keys()),
            cards=tuple(sorted(by_id.values(), key=lambda card: card.uid)),
            labelled=tuple(
                sorted(labelled, key=lambda mail: (mail.email.received_at, mail.email.id))
            ),
        )
        contacts.append(contact)
    return tuple(contacts)


def _cards_by_key(keys: Collection[str], cards: Iterable[Card]) -> dict[str, list[Card]]:
    """Return the cards that stand for each key. Each card is looked at once, as there are many."""
    keys_by_key_on_card = {key_on_card(key): key for key in keys}
    by_key: dict[str, list[Card]] = {key: [] for key in keys}
    for card in cards:
        for key in card.keys & keys_by_key_on_card.keys():
            by_key[keys_by_key_on_card[key]].append(card)
    return by_key


def _cards_for(key: str, bearing: list[Card], groups: Groups) -> list[Card]:
    """Return the cards of the contact of an address, out of the cards that bear the address.

    If the cards are one person's, all of them are the contact's. If they are several people's, only
    the address's own cards are: the card that Mailroom made for it, else the cards that have no
    other address.
    """
    made = [
        card
        for card in bearing
        if card.uid == uid_for(key)
        or (card.keys == {key_on_card(key)} and is_deleted_by_undo(card, groups))
    ]
    others = [card for card in bearing if card not in made]
    # A card that Mailroom made for the address does not count as a person, because an undo deletes
    # such a card. Suppose that this card counted, and that Bob's card has the address as well. The
    # two cards would be those of several people, so an undo would concern only Mailroom's card. If
    # the pass were cut short after the deletion of Mailroom's card, the next pass would find only
    # Bob's card, and would take back the decision on Bob as well.
    if not are_several_people(others):
        return bearing
    return made or [card for card in others if card.keys == {key_on_card(key)}]


def _addresses_of_nobody_else(
    its_cards: Sequence[Card], every_card: Mapping[str, Card], index: ContactIndex
) -> frozenset[str]:
    """Return the addresses on a contact's cards that are on no other person's card.

    If another card with such an address was not read, its person is not known. Then the address is
    left out as well, because a decision on one person must not reach others. ``every_card`` has
    the cards that were read, by their ids.
    """
    addresses = set()
    # The card of a mailing list decides on no address, not even on the posting address.
    for address in {key for card in its_cards if not is_of_list(card.uid) for key in card.keys}:
        other_ids = index.ids_of([address]) - {card.id for card in its_cards}
        bearing = [card for card in its_cards if card.stands_for(address)]
        others = [every_card[card_id] for card_id in other_ids & every_card.keys()]
        was_all_read = len(others) == len(other_ids)
        if was_all_read and not are_several_people([*bearing, *others]):
            addresses.add(address)
    return frozenset(addresses)
