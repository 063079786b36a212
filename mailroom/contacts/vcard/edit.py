"""The values and edits of :mod:`mailroom.contacts.model`, on a vCard."""

from typing import Final

from mailroom.contacts.mark import Filled, Mark
from mailroom.contacts.model import Card, CreateCard, Group, Names, UpdateCard
from mailroom.contacts.vcard.fields import (
    addresses_of,
    demanded_names,
    names_of,
    nicknames_of,
    uid_of,
    values_for,
    values_of,
    with_empty_field,
    with_field,
)
from mailroom.contacts.vcard.groups import members_of
from mailroom.contacts.vcard.lines import VCard
from mailroom.contacts.vcard.mark import (
    as_made,
    digest_of_field,
    is_as_filled,
    is_as_written,
    is_bare,
    is_untouched,
    mark_of,
    with_mark,
)
from mailroom.contacts.vcard.notes import note_of, with_line, without_lines

_PROPERTIES: Final = {"full": "FN", "components": "N", "organization": "ORG"}
"""The words in a mark that was written over JMAP -> the vCard properties."""


def is_readable(card: VCard) -> bool:
    """Return True for a single card with a uid, as CardDAV demands it."""
    return card.is_whole and bool(uid_of(card))


def to_card(card_id: str, card: VCard) -> Card:
    """Return a contact."""
    mark = mark_of(card)
    return Card(
        id=card_id,
        uid=uid_of(card),
        names=names_of(card),
        nicknames=nicknames_of(card),
        addresses=addresses_of(card),
        note=note_of(card),
        made_by_us=bool(mark.made),
        untouched=is_untouched(card),
        filled_by_us=bool(mark.filled),
        is_bare=is_bare(card),
    )


def to_group(group_id: str, card: VCard) -> Group:
    """Return a group."""
    return Group(id=group_id, uid=uid_of(card), name=names_of(card).full, members=members_of(card))


def updated(card: VCard, edit: UpdateCard) -> VCard:
    """Return the card after an edit. Doing an edit twice has the same result as doing it once."""
    if edit.forget:
        card = _forgotten(card)
    if edit.claim and is_bare(card) and not card.named("REV"):
        # Beside X-MAILROOM, a REV would look like an edit by a person.
        card = as_made(card)
    card = without_lines(_filled(card, edit.fill), edit.remove_lines)
    return with_line(card, edit.add_line)


def adopted(card: VCard, create: CreateCard) -> VCard:
    """Return the card with the line that a new one would have had in its note.

    The UID was made by Mailroom, so the card is Mailroom's. Nothing else is changed.
    """
    return with_line(card, create.note)


def _filled(card: VCard, names: Names) -> VCard:
    """Return the card with its empty names filled, and a mark that records the filled fields."""
    before, filled = card, {}
    for name, value in values_for(names).items():
        if not values_of(card, name):
            added = not card.named(name)
            card = with_field(card, name, value)
            filled[name] = Filled(digest_of_field(card, name), added=added)
    if not filled:
        return card
    mark = mark_of(before)
    if not mark.made:
        return with_mark(card, Mark(filled={**mark.filled, **filled}))
    return as_made(card) if is_as_written(before) else card


def _forgotten(card: VCard) -> VCard:
    """Return the card without the mark and without fields that only Mailroom has filled."""
    mark = mark_of(card)
    for word, filled in mark.filled.items():
        name = _PROPERTIES.get(word, word)
        if not is_as_filled(card, name, filled.digest):
            continue
        if filled.added and name not in demanded_names(card):
            card = card.without(*card.named(name))
        else:
            card = with_empty_field(card, name)
    return with_mark(card, Mark())
