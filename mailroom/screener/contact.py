"""What a decision does to the address book: from cards and groups as read to edits. Pure."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mailroom.contacts.book import (
    Card,
    ContactEdit,
    CreateCard,
    DeleteCard,
    Group,
    Names,
    UpdateCard,
)
from mailroom.contacts.note import triage_line, triage_lines
from mailroom.screener.categories import Categories, Category, Layout
from mailroom.screener.missing import MissingError
from mailroom.screener.names import missing_names, names_for
from mailroom.screener.sender import Sender

_UIDS: Final = uuid.UUID("6f1c9f8e-3a54-4a6b-9d0e-52d6c6a1f0b7")
"""The name space of the uids we give: the same sender gets the same uid, so that a card is not
made twice by two instances, or by one that was killed after making it."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The contact groups that are Mailroom's.

    Attributes:
        categories: category name -> its group.
        provenance: the group of the cards that Mailroom made.
        managed: every group whose name is a category's; more than ``categories``' where a name
            occurs twice.
        foreign: the members of all groups that are not Mailroom's.
    """

    categories: Mapping[str, Group]
    provenance: Group
    managed: tuple[Group, ...]
    foreign: frozenset[str]

    @property
    def every(self) -> tuple[Group, ...]:
        """Every group that is Mailroom's."""
        return (*self.managed, self.provenance)

    @property
    def members(self) -> frozenset[str]:
        """The uids in any of those."""
        return frozenset().union(*(each.members for each in self.every))


def find_groups(groups: Collection[Group], categories: Categories, layout: Layout) -> Groups:
    """Find the groups that the configuration names; of several of one name the first by id.

    Raises:
        MissingError: some are not there.
    """
    by_name: dict[str, Group] = {}
    for group in sorted(groups, key=lambda each: each.id):
        by_name.setdefault(group.name, group)
    if missing := missing_groups(groups, categories, layout):
        raise MissingError(groups=missing)
    of_categories = {category.group for category in categories}
    ours = of_categories | {layout.provenance_group}
    foreign = (each.members for each in groups if each.name not in ours)
    return Groups(
        categories={each.name: by_name[each.group] for each in categories},
        provenance=by_name[layout.provenance_group],
        managed=tuple(each for each in groups if each.name in of_categories),
        foreign=frozenset().union(*foreign),
    )


def wanted_groups(categories: Categories, layout: Layout) -> list[str]:
    """The names of all contact groups that Mailroom needs."""
    names = [category.group for category in categories]
    return list(dict.fromkeys((*names, layout.provenance_group)))


def missing_groups(groups: Iterable[Group], categories: Categories, layout: Layout) -> list[str]:
    """Those of the :func:`wanted_groups` that are not there."""
    there = {group.name for group in groups}
    return [name for name in wanted_groups(categories, layout) if name not in there]


def edits_for_triage(
    cards: Collection[Card],
    sender: Sender,
    chain: tuple[Category, ...],
    groups: Groups,
    now: datetime,
) -> tuple[ContactEdit, ...]:
    """Put a contact into the groups of a chain and out of every other category's group.

    Args:
        cards: the contact's; empty if there is none yet.
        sender: whose mail was labelled.
        chain: the category, its parent, ...
        groups: all of Mailroom's.
        now: the time of the decision, for the note.
    """
    if not cards:
        return (_creation(sender, chain, groups, now),)
    joined = frozenset(groups.categories[category.name].id for category in chain)
    return tuple(
        _membership(
            card.uid,
            _update_for_triage(card, sender, chain[0], now),
            join=joined | {groups.provenance.id} if card.made_by_us else joined,
            leave=frozenset(each.id for each in groups.managed) - joined,
            groups=groups,
        )
        for card in cards
    )


def edits_for_undo(cards: Collection[Card], groups: Groups) -> tuple[ContactEdit, ...]:
    """Take a contact out of all of Mailroom's groups, and Mailroom's traces off its cards.

    A card that Mailroom made, that nobody touched, and that is in no group of somebody's own, is
    deleted.
    """
    return tuple(_release(card.uid, _update_for_undo(card, groups), groups) for card in cards)


def edits_for_strays(
    keys: Collection[str], groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    """Take out of Mailroom's groups whom a card that is no more has left in them.

    Deleting a card leaves its uid in groups. If one of those was refused, and Mailroom was stopped
    then, there is no card any more that would tell of it.

    Args:
        keys: the senders', as :attr:`Sender.key` has them; of cards that were made for others
            nothing is known.
        groups: all of Mailroom's.
        uids: of every card there is, whoever's it may be.
    """
    return release_strays(map(_uid_for, keys), groups, uids)


def release_strays(
    candidates: Iterable[str], groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    """Take those uids out of Mailroom's groups that no card has; as :func:`edits_for_strays`."""
    strays = groups.members.intersection(candidates).difference(uids)
    return tuple(_release(uid, None, groups) for uid in sorted(strays))


def _uid_for(key: str) -> str:
    return str(uuid.uuid5(_UIDS, key))


def _creation(
    sender: Sender, chain: tuple[Category, ...], groups: Groups, now: datetime
) -> ContactEdit:
    category = chain[0]
    uid = _uid_for(sender.key)
    joined = frozenset(groups.categories[each.name].id for each in chain)
    card = CreateCard(
        uid=uid,
        contact_type=category.contact_type,
        names=names_for(sender, category.contact_type),
        address=sender.address,
        note=triage_line(category.name, now, again=False),
    )
    # Another contact may have this uid by now, and be in groups under it: all are named.
    leave = frozenset(each.id for each in groups.managed if uid in each.members)
    return ContactEdit(
        key=uid, uid=uid, card=card, join=joined | {groups.provenance.id}, leave=leave - joined
    )


def _update_for_triage(
    card: Card, sender: Sender, category: Category, now: datetime
) -> UpdateCard | None:
    earlier = triage_lines(card.note)
    repeated = bool(earlier) and earlier[-1].category == category.name
    line = "" if repeated else triage_line(category.name, now, again=bool(earlier))
    fill = missing_names(card, names_for(sender, category.contact_type))
    if not line and fill == Names():
        return None
    return UpdateCard(card, fill=fill, add_line=line)


def _update_for_undo(card: Card, groups: Groups) -> UpdateCard | DeleteCard:
    if card.made_by_us and card.untouched and card.uid not in groups.foreign:
        return DeleteCard(card)
    lines = frozenset(line.text for line in triage_lines(card.note))
    return UpdateCard(card, remove_lines=lines, forget=True)


def _release(uid: str, card: UpdateCard | DeleteCard | None, groups: Groups) -> ContactEdit:
    """An edit that leaves all of Mailroom's groups."""
    leave = frozenset(each.id for each in groups.every)
    return _membership(uid, card, join=frozenset(), leave=leave, groups=groups)


def _membership(
    uid: str,
    card: UpdateCard | DeleteCard | None,
    *,
    join: frozenset[str],
    leave: frozenset[str],
    groups: Groups,
) -> ContactEdit:
    """An edit that names only the groups in which something changes."""
    member_of = {each.id for each in groups.every if uid in each.members}
    return ContactEdit(key=uid, uid=uid, card=card, join=join - member_of, leave=leave & member_of)
