"""The values and edits of :mod:`mailroom.contacts.model`, on a vCard."""

from mailroom.contacts import editing
from mailroom.contacts.model import Card, CreateCard, Group, UpdateCard
from mailroom.contacts.vcard.fields import addresses_of, names_of, nicknames_of, uid_of
from mailroom.contacts.vcard.form import VCardForm
from mailroom.contacts.vcard.groups import members_of
from mailroom.contacts.vcard.lines import VCard
from mailroom.contacts.vcard.notes import note_of


def is_readable(card: VCard) -> bool:
    """Return True for a single card with a uid, as CardDAV demands it."""
    return card.is_whole and bool(uid_of(card))


def to_card(card_id: str, card: VCard) -> Card:
    """Return a contact."""
    contact = Card(
        id=card_id,
        uid=uid_of(card),
        names=names_of(card),
        nicknames=nicknames_of(card),
        addresses=addresses_of(card),
        note=note_of(card),
    )
    return editing.with_marks(contact, VCardForm(card))


def to_group(group_id: str, card: VCard) -> Group:
    """Return a group."""
    return Group(id=group_id, uid=uid_of(card), name=names_of(card).full, members=members_of(card))


def updated(card: VCard, edit: UpdateCard) -> VCard:
    """Return the card after an edit."""
    return editing.updated(VCardForm(card), edit).card


def adopted(card: VCard, create: CreateCard) -> VCard:
    """Return the card with the line that a new one would have had in its note."""
    return editing.adopted(VCardForm(card), create).card


def as_made(card: VCard) -> VCard:
    """Return the card with the mark that Mailroom wrote everything on it."""
    return editing.as_made(VCardForm(card)).card
