"""Groups: cards of kind ``group`` that name their members by uid, and categories.

Cards of kind ``group`` have two forms: that of vCard 4 (``KIND:group``, ``MEMBER``; RFC 6350
section 6.6.5), and Apple's for vCard 3 (``X-ADDRESSBOOKSERVER-KIND:group``,
``X-ADDRESSBOOKSERVER-MEMBER``). An edit does not change the form of a group.

Nextcloud's contacts app and DAVx5 keep groups as CATEGORIES (RFC 6350 section 6.7.1) on the cards
of the members. A card may have several of these properties, and each may hold several values.
"""

import unicodedata
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Final

from mailroom.contacts.uid import uid_key
from mailroom.contacts.vcard.fields import (
    KIND,
    ends_in_escape,
    escape,
    kind_of,
    pieces,
    text_of,
    unescape,
)
from mailroom.contacts.vcard.lines import ContentLine, VCard


class GroupForm(StrEnum):
    """The form of a group; the value is the property that names a member."""

    VCARD4 = "MEMBER"
    APPLE = "X-ADDRESSBOOKSERVER-MEMBER"


_MEMBER: Final = tuple(GroupForm)
_URN: Final = "urn:uuid:"
_CATEGORIES: Final = "CATEGORIES"
_SEPARATOR: Final = ","


def is_group(card: VCard) -> bool:
    """Return True if the card is a group."""
    return kind_of(card) == "group"


def form_of(card: VCard) -> GroupForm:
    """Return the form of a group: that of its last member; without members, that of its kind."""
    members = card.named(*_MEMBER)
    if members:
        return GroupForm(members[-1].name)
    return GroupForm.VCARD4 if card.named(KIND[0]) else GroupForm.APPLE


def members_of(card: VCard) -> frozenset[str]:
    """Return the :func:`uid_key` of each member of a group."""
    return frozenset(_member(line) for line in card.named(*_MEMBER))


def with_members(
    card: VCard,
    *,
    join: Collection[str],
    leave: Collection[str],
    written_uid: Callable[[str], str] = lambda uid: uid,
) -> VCard:
    """Return the group with some members added and some removed.

    Args:
        card: the group.
        join: uids to add; existing members are not added again.
        leave: uids to remove; every line that names one of them is removed.
        written_uid: returns the UID of a member as written on the member's card.
    """
    form, members = form_of(card), members_of(card)
    for uid in join:
        if uid not in members:
            # In vCard 4, the value is the member's UID as written, because some programs compare
            # the two as texts. Apple's programs put urn:uuid: before the UID.
            value = written_uid(uid)
            if form is GroupForm.APPLE and value[: len(_URN)].lower() != _URN:
                value = _URN + value
            card = card.with_new(form, escape(value))
    return card.without(*(line for line in card.named(*_MEMBER) if _member(line) in leave))


def _member(line: ContentLine) -> str:
    """Return the uid on a line.

    Some programs name a member by ``mailto:`` and an address. Such a text is returned as it is, and
    no card has it as its uid.
    """
    return uid_key(unescape(line.value))


def category_key(name: str) -> str:
    """Return the spelling in which names of categories are compared."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def categories_of(card: VCard) -> tuple[str, ...]:
    """Return every category on the card, as written."""
    names = (
        unescape(value).strip()
        for line in card.named(_CATEGORIES)
        for _, value in pieces(text_of(line), _SEPARATOR)
    )
    return tuple(dict.fromkeys(name for name in names if name))


def with_categories(card: VCard, *, join: Collection[str], leave: Collection[str]) -> VCard:
    """Return the card with some categories added and some removed; others keep their bytes.

    A category in both ``join`` and ``leave`` is joined. A new category is added to the first
    property with a category, because some apps read only the first one.
    """
    joined = {category_key(name) for name in join}
    left = {category_key(name) for name in leave} - joined
    present = {category_key(name) for name in categories_of(card)}
    for name in sorted(join):
        if category_key(name) not in present:
            present.add(category_key(name))
            lines = [
                line
                for line in card.named(_CATEGORIES)
                if line.value.strip() and not ends_in_escape(line.value)
            ]
            if lines:
                longer = lines[0].value + _SEPARATOR + escape(name)
                card = card.with_value(lines[0], longer)
            else:
                card = card.with_new(_CATEGORIES, escape(name))
    for line in card.named(_CATEGORIES):
        values = pieces(line.value, _SEPARATOR)
        kept = [
            (separator, text)
            for separator, text in values
            if category_key(unescape(text)) not in left
        ]
        if not kept:
            card = card.without(line)
        elif len(kept) < len(values):
            value = "".join(separator + text for separator, text in kept)
            card = card.with_value(line, value.removeprefix(kept[0][0]))
    return card
