"""JSContact Cards (RFC 9553) as the values and edits of :mod:`mailroom.contacts.model`. Pure.

An edit takes a card and returns the changed card. Only the :func:`difference` is sent.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

from mailroom.contacts import editing
from mailroom.contacts.jscontact.fields import (
    OURS,
    JsCard,
    addresses_of,
    cleaned,
    kind_of,
    member_uids,
    name_components,
    names_of,
    note_of,
    says_something,
    text,
    texts,
    uid_of,
)
from mailroom.contacts.jscontact.form import JsContactForm
from mailroom.contacts.model import Card, CreateCard, Group, UpdateCard, clean
from mailroom.contacts.uid import uid_key

Patch = dict[str, Any]
"""A PatchObject (RFC 8620 section 5.3)."""
_CARD: Final = {"@type": "Card", "version": "1.0"}
_LOSSY: Final = ("nicknames", "addresses", "speakToAs", "vCardProps")
"""The properties that servers show but do not keep whole when they write the vCard anew: nicknames,
GEO and TZ, GENDER, and unknown properties."""


def is_readable(value: Any) -> TypeGuard[JsCard]:
    """Return True for a card with an id and a uid; other cards cannot be used."""
    return isinstance(value, dict) and bool(text(value.get("id")) and uid_of(value))


def is_group(card: JsCard) -> bool:
    """Return True if the card is a group."""
    return kind_of(card) == "group"


def to_card(card: JsCard, *, annotate: bool = False) -> Card:
    """Return the contact that a card describes.

    Args:
        card: the card as the server sent it.
        annotate: True to edit also cards that Mailroom did not make.
    """
    form = JsContactForm(card)
    # A bare card is not editable by itself. Mailroom edits it all the same if it is in the
    # provenance group; this is decided where the groups of the card are known.
    contact = Card(
        id=card["id"],
        uid=uid_of(card),
        names=names_of(card),
        nicknames=texts(card, "nicknames", "name"),
        addresses=addresses_of(card),
        note=note_of(card),
        is_editable=annotate or (bool(form.mark.made) and is_safe_to_edit(card)),
    )
    return editing.with_facts_from_mark(contact, form)


def to_group(card: JsCard) -> Group:
    """Return the group that a card describes."""
    members = frozenset(map(uid_key, member_uids(card)))
    return Group(id=card["id"], uid=uid_of(card), name=names_of(card).full, members=members)


def is_safe_to_edit(card: JsCard) -> bool:
    """Return True if no server loses anything that a person wrote when Mailroom edits the card.

    At any edit, Cyrus (3.14) and Stalwart write the whole vCard anew from JSContact. They lose the
    properties that JSContact does not show and those that they do not convert both ways. So only
    cards that Mailroom made are edited, as long as nobody added such properties to them.
    """
    form = JsContactForm(card)
    is_made = bool(form.mark.made) or editing.is_bare(form)
    return is_made and not any(says_something(card, name) for name in _LOSSY)


def new_card(create: CreateCard, uid: str, address_book: str) -> dict[str, Any]:
    """Return the card of a new contact, with the mark.

    The card has no ``kind``, not even if the contact is a company: some apps list only cards of
    kind ``individual``, which is the default. Apps know a company by a name without components.
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
    if note := clean(create.whole_note):
        card["notes"] = {OURS: {"note": note}}
    return dict(editing.as_made(JsContactForm(card)).card)


def new_group(name: str, uid: str, address_book: str) -> dict[str, Any]:
    """Return the card of a new group, which has no members yet."""
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


def pointer(*keys: str) -> str:
    """Return the path of a property; its keys may hold any character (RFC 6901 section 3)."""
    return "/".join(key.replace("~", "~0").replace("/", "~1") for key in keys)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Patch:
    """Return the smallest patch that turns ``before`` into ``after``.

    Equal values are not in the patch, so the patch does not undo changes by others.
    """
    return dict(_difference((), before, after))


def _difference(
    path: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    for key in before.keys() - after.keys():
        yield pointer(*path, key), None
    for key, value in after.items():
        old = before.get(key)
        if value is old and old is not None:
            continue  # the very same object: the edit left it alone, so do not look inside
        if isinstance(old, dict) and isinstance(value, dict):
            yield from _difference((*path, key), old, value)
        elif key not in before or old != value:
            yield pointer(*path, key), value
