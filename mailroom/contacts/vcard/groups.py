"""Groups: cards of kind ``group`` that name their members by uid.

Two forms are in use: vCard 4 (``KIND:group``, ``MEMBER``; RFC 6350 section 6.6.5), and Apple's
for vCard 3 (``X-ADDRESSBOOKSERVER-KIND:group``, ``X-ADDRESSBOOKSERVER-MEMBER``). A group keeps its
own.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from mailroom.contacts.vcard.fields import KIND, bare_uid, kind_of
from mailroom.contacts.vcard.lines import ContentLine, VCard
from mailroom.contacts.vcard.text import escape, unescape


class GroupForm(StrEnum):
    """How a group is written; the value is the property that names a member."""

    VCARD4 = "MEMBER"
    APPLE = "X-ADDRESSBOOKSERVER-MEMBER"


_MEMBER: Final = tuple(GroupForm)


def is_group(card: VCard) -> bool:
    """Whether the card is a group's."""
    return kind_of(card) == "group"


def form_of(card: VCard) -> GroupForm:
    """The form of a group: that of its members, of its kind if it has none."""
    members = card.named(*_MEMBER)
    if members:
        return GroupForm(members[-1].name)
    return GroupForm.VCARD4 if card.named(KIND[0]) else GroupForm.APPLE


def members_of(card: VCard) -> frozenset[str]:
    """The bare uids of a group's members."""
    return frozenset(_member(line) for line in card.named(*_MEMBER))


def with_members(card: VCard, *, join: Collection[str], leave: Collection[str]) -> VCard:
    """The group with some members more and some less.

    Args:
        card: the group.
        join: bare uids; those that are members already are not added again.
        leave: bare uids; every line that names one of them goes.
    """
    form, members = form_of(card), members_of(card)
    for uid in join:
        if uid not in members:
            card = card.with_new(form, f"urn:uuid:{escape(uid)}")
    return card.without(*(line for line in card.named(*_MEMBER) if _member(line) in leave))


def _member(line: ContentLine) -> str:
    return bare_uid(unescape(line.value))
