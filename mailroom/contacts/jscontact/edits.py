"""The edits of :mod:`mailroom.contacts.model`, on a JSContact Card (RFC 9553). Pure.

An edit takes a card and returns the changed card; only the difference is sent, see
:mod:`mailroom.contacts.jscontact.patches`.
"""

from typing import Any, Final

from mailroom.contacts import editing
from mailroom.contacts.editing import as_made
from mailroom.contacts.jscontact.fields import OURS, JsCard, cleaned, name_components
from mailroom.contacts.jscontact.form import JsContactForm
from mailroom.contacts.model import CreateCard, UpdateCard
from mailroom.contacts.text import clean

_CARD: Final = {"@type": "Card", "version": "1.0"}


def new_card(create: CreateCard, uid: str, address_book: str) -> dict[str, Any]:
    """Return the card of a new contact, with the mark.

    The card has no ``kind``: apps recognise a company by a name without components, and some apps
    list only cards of kind ``individual``.
    """
    names = cleaned(create.names)
    address = clean(create.address)
    name: dict[str, Any] = {"full": names.full or address}
    if components := name_components(names):
        name["components"] = components
    card: dict[str, Any] = {
        **_CARD,
        "uid": uid,
        "addressBookIds": {address_book: True},
        "name": name,
    }
    if address:
        card["emails"] = {OURS: {"address": address}}
    if names.organization:
        card["organizations"] = {OURS: {"name": names.organization}}
    if note := clean(create.lines):
        card["notes"] = {OURS: {"note": note}}
    return dict(as_made(JsContactForm(card)).card)


def new_group(name: str, uid: str, address_book: str) -> dict[str, Any]:
    """Return a group without members."""
    return {
        **_CARD,
        "kind": "group",
        "uid": uid,
        "addressBookIds": {address_book: True},
        "name": {"full": clean(name)},
        "members": {},
    }


def updated(card: JsCard, edit: UpdateCard) -> JsCard:
    """Return the card after an edit."""
    return editing.updated(JsContactForm(card), edit).card


def adopted(card: JsCard, create: CreateCard) -> JsCard:
    """Return the card with the line that a new card would have in its note."""
    return editing.adopted(JsContactForm(card), create).card
