"""Groups: cards of kind ``group`` that name their members by uid.

Two forms are in use: vCard 4 (``KIND:group``, ``MEMBER``; RFC 6350 section 6.6.5), and Apple's
for vCard 3 (``X-ADDRESSBOOKSERVER-KIND:group``, ``X-ADDRESSBOOKSERVER-MEMBER``). A group keeps its
own.
"""

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Final

from mailroom.contacts.uid import uid_key
from mailroom.contacts.vcard.fields import KIND, kind_of
from mailroom.contacts.vcard.lines import ContentLine, VCard
from mailroom.contacts.vcard.text import escape, unescape


class GroupForm(StrEnum):
    """The form of a group; the value is the property that names a member."""

    VCARD4 = "MEMBER"
    APPLE = "X-ADDRESSBOOKSERVER-MEMBER"


_MEMBER: Final = tuple(GroupForm)
_URN: Final = "urn:uuid:"


def is_group(card: VCard) -> bool:
    """Return True if the card is a group."""
    return kind_of(card) == "group"


def form_of(card: VCard) -> GroupForm:
    """Return the form of a group's members; without members, the form of its kind."""
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
    written: Callable[[str], str] = lambda uid: uid,
) -> VCard:
    """Return the group with some members added and some removed.

    Args:
        card: the group.
        join: uids to add; existing members are not added again.
        leave: uids to remove; every line that names one of them is removed.
        written: returns the UID of a member as written on the member's card.
    """
    form, members = form_of(card), members_of(card)
    for uid in join:
        if uid not in members:
            card = card.with_new(form, escape(_reference(form, written(uid))))
    return card.without(*(line for line in card.named(*_MEMBER) if _member(line) in leave))


def _reference(form: GroupForm, written: str) -> str:
    """Return the value by which a group names a member.

    In vCard 4, the value is the member's UID as written, because some programs compare the two as
    texts. Apple's programs put ``urn:uuid:`` before the UID.
    """
    if form is GroupForm.VCARD4 or written[: len(_URN)].lower() == _URN:
        return written
    return _URN + written


def _member(line: ContentLine) -> str:
    """Return the uid on a line. Some programs write ``mailto:`` and an address, not a uid."""
    return uid_key(unescape(line.value))
