"""New cards and groups."""

from typing import Final

import vobject
from vobject.vcard import Name

from mailroom.contacts.model import CreateCard
from mailroom.contacts.text import clean
from mailroom.contacts.vcard.groups import GroupForm
from mailroom.contacts.vcard.lines import VCard, fold
from mailroom.contacts.vcard.mark import as_made
from mailroom.contacts.vcard.text import escape

_UNFOLDED: Final = 10**9
"""vobject's own folding lets lines with certain characters grow longer than 75 octets."""
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
    card = vobject.vCard()
    card.add("uid").value = clean(uid)
    card.add("fn").value = clean(names.full)
    card.add("n").value = Name(family=clean(names.surname), given=clean(names.given))
    if names.organization:
        card.add("org").value = [clean(names.organization)]
    card.add("email").value = clean(create.address)
    if create.note:
        card.add("note").value = clean(create.note)
    lines = card.serialize(lineLength=_UNFOLDED).encode().splitlines()
    return as_made(VCard.parse(b"".join(fold(line, b"\r\n") + b"\r\n" for line in lines)))


def new_group(name: str, uid: str, form: GroupForm) -> VCard:
    """Return a group without members; ``uid`` is a UUID."""
    card = VCard.parse(_NEW_GROUP[form].format(uid=uid).encode())
    card = card.with_new("FN", escape(name))
    return card.with_new("N", f"{escape(name)};;;;") if form is GroupForm.APPLE else card
