"""Converts vCards to the values of :mod:`mailroom.contacts.model`, and edits and makes vCards."""

from typing import Final

from mailroom.contacts import editing
from mailroom.contacts.model import Card, CreateCard, Group, UpdateCard
from mailroom.contacts.vcard.fields import (
    addresses_of,
    escape,
    names_of,
    nicknames_of,
    note_of,
    uid_of,
)
from mailroom.contacts.vcard.form import VCardForm
from mailroom.contacts.vcard.groups import GroupForm, members_of
from mailroom.contacts.vcard.lines import VCard

_NEW_CARD: Final = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nEND:VCARD\r\n"
_NEW_GROUP: Final = {
    GroupForm.APPLE: (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nX-ADDRESSBOOKSERVER-KIND:group\r\nEND:VCARD\r\n"
    ),
    GroupForm.VCARD4: (
        "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:{uid}\r\nKIND:group\r\nEND:VCARD\r\n"
    ),
}


def is_readable(card: VCard) -> bool:
    """Return True for a single card with a uid, as CardDAV demands it."""
    return card.is_whole and bool(uid_of(card))


def to_card(card_id: str, card: VCard) -> Card:
    """Return a card as a contact; ``card_id`` is the path of the card's resource."""
    contact = Card(
        id=card_id,
        uid=uid_of(card),
        names=names_of(card),
        nicknames=nicknames_of(card),
        addresses=addresses_of(card),
        note=note_of(card),
    )
    return editing.with_facts_from_mark(contact, VCardForm(card))


def to_group(group_id: str, card: VCard) -> Group:
    """Return a card of kind ``group`` as a group; ``group_id`` is the path of its resource."""
    return Group(id=group_id, uid=uid_of(card), name=names_of(card).full, members=members_of(card))


def updated(card: VCard, edit: UpdateCard) -> VCard:
    """Return the card after an edit."""
    return editing.updated(VCardForm(card), edit).card


def adopted(card: VCard, create: CreateCard) -> VCard:
    """Return an existing card, which is used instead of a new one, with the decision added."""
    return editing.adopted(VCardForm(card), create).card


def new_card(create: CreateCard, uid: str) -> VCard:
    """Return the card of a new contact, with the mark, as a vCard 3, which every server accepts.

    The card has an N even if it is empty: vCard 3 demands N, and apps recognise an organization by
    an empty N.
    """
    names = create.names
    card = VCard.parse(_NEW_CARD.format(uid=escape(uid)).encode())
    if create.address:
        card = card.with_new("EMAIL", escape(create.address))
    card = card.with_new("FN", escape(names.full))
    card = card.with_new("N", f"{escape(names.surname)};{escape(names.given)};;;")
    if create.whole_note:
        card = card.with_new("NOTE", escape(create.whole_note))
    if names.organization:
        card = card.with_new("ORG", escape(names.organization))
    return editing.as_made(VCardForm(card)).card


def new_group(name: str, uid: str, form: GroupForm) -> VCard:
    """Return a group without members; ``uid`` is a UUID."""
    card = VCard.parse(_NEW_GROUP[form].format(uid=uid).encode())
    card = card.with_new("FN", escape(name))
    return card.with_new("N", f"{escape(name)};;;;") if form is GroupForm.APPLE else card
