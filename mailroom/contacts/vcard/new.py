"""New cards and groups."""

from typing import Final

from mailroom.contacts.model import CreateCard
from mailroom.contacts.vcard.edit import as_made
from mailroom.contacts.vcard.groups import GroupForm
from mailroom.contacts.vcard.lines import VCard
from mailroom.contacts.vcard.text import escape

_NEW_CARD: Final = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nEND:VCARD\r\n"
_NEW_GROUP: Final = {
    GroupForm.APPLE: (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nX-ADDRESSBOOKSERVER-KIND:group\r\nEND:VCARD\r\n"
    ),
    GroupForm.VCARD4: (
        "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:{uid}\r\nKIND:group\r\nEND:VCARD\r\n"
    ),
}


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
    if create.lines:
        card = card.with_new("NOTE", escape(create.lines))
    if names.organization:
        card = card.with_new("ORG", escape(names.organization))
    return as_made(card)


def new_group(name: str, uid: str, form: GroupForm) -> VCard:
    """Return a group without members; ``uid`` is a UUID."""
    card = VCard.parse(_NEW_GROUP[form].format(uid=uid).encode())
    card = card.with_new("FN", escape(name))
    return card.with_new("N", f"{escape(name)};;;;") if form is GroupForm.APPLE else card
