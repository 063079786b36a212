"""The conversion of JSContact Cards (RFC 9553) to Mailroom's cards and groups. Pure."""

from typing import Any, TypeGuard

from mailroom.contacts import editing
from mailroom.contacts.jscontact.fields import (
    JsCard,
    addresses_of,
    kind_of,
    member_keys,
    names_of,
    note_of,
    text,
    texts,
    uid_of,
)
from mailroom.contacts.jscontact.form import JsContactForm, is_safe_to_edit
from mailroom.contacts.model import Card, Group
from mailroom.contacts.uid import uid_key


def is_readable(value: Any) -> TypeGuard[JsCard]:
    """Return True for a card with an id and a uid; other cards cannot be used."""
    return isinstance(value, dict) and bool(text(value.get("id")) and uid_of(value))


def is_group(card: JsCard) -> bool:
    """Return True if the card is a group."""
    return kind_of(card) == "group"


def to_card(card: JsCard, *, annotate: bool = False) -> Card:
    """Return a contact.

    Args:
        card: the card as the server sent it.
        annotate: True to edit also cards that Mailroom did not make.
    """
    form = JsContactForm(card)
    contact = Card(
        id=card["id"],
        uid=uid_of(card),
        names=names_of(card),
        nicknames=texts(card, "nicknames", "name"),
        addresses=addresses_of(card),
        note=note_of(card),
        is_editable=annotate or (bool(form.mark.made) and is_safe_to_edit(card)),
    )
    return editing.with_marks(contact, form)


def to_group(card: JsCard) -> Group:
    """Return a group."""
    members = frozenset(uid_key(key) for key in member_keys(card))
    return Group(id=card["id"], uid=uid_of(card), name=names_of(card).full, members=members)
