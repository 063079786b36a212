"""The edits of the address book that a decision requires. Pure."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailroom.contacts.address import uid_for
from mailroom.contacts.model import (
    Card,
    ContactEdit,
    ContactType,
    CreateCard,
    DeleteCard,
    Group,
    Names,
    UpdateCard,
)
from mailroom.contacts.note import triage_line, triage_lines
from mailroom.screener.model.categories import Categories, Category, Layout
from mailroom.screener.model.missing import MissingError
from mailroom.screener.model.names import contradicts, missing_names, names_for
from mailroom.screener.model.sender import Sender


@dataclass(frozen=True, slots=True)
class Groups:
    """The contact groups of Mailroom.

    Attributes:
        categories: category name -> its group.
        provenance: the group of the cards that Mailroom made.
        managed: every group whose name is a category's; more than in ``categories`` if several
            groups have the same name.
        foreign: the members of all groups that are not Mailroom's.
    """

    categories: Mapping[str, Group]
    provenance: Group
    managed: tuple[Group, ...]
    foreign: frozenset[str]

    @property
    def every(self) -> tuple[Group, ...]:
        """The managed groups and the provenance group."""
        return (*self.managed, self.provenance)

    @property
    def members(self) -> frozenset[str]:
        """The uids of the members of all Mailroom's groups."""
        return frozenset().union(*(each.members for each in self.every))


def find_groups(groups: Collection[Group], categories: Categories, layout: Layout) -> Groups:
    """Find the groups that the configuration names; of several with one name the first by id.

    Raises:
        MissingError: some groups are missing.
    """
    by_name: dict[str, Group] = {}
    for group in sorted(groups, key=lambda each: each.id):
        by_name.setdefault(_composed(group.name), group)
    if missing := missing_groups(groups, categories, layout):
        raise MissingError(groups=missing)
    of_categories = {_composed(category.group) for category in categories}
    ours = of_categories | {_composed(layout.provenance_group)}
    foreign = (each.members for each in groups if _composed(each.name) not in ours)
    return Groups(
        categories={each.name: by_name[_composed(each.group)] for each in categories},
        provenance=by_name[_composed(layout.provenance_group)],
        managed=tuple(each for each in groups if _composed(each.name) in of_categories),
        foreign=frozenset().union(*foreign),
    )


def wanted_groups(categories: Categories, layout: Layout) -> list[str]:
    """Return the names of all contact groups that Mailroom needs."""
    names = [category.group for category in categories]
    return list(dict.fromkeys((*names, layout.provenance_group)))


def missing_groups(groups: Iterable[Group], categories: Categories, layout: Layout) -> list[str]:
    """Return the names of the :func:`wanted_groups` that are missing."""
    there = {_composed(group.name) for group in groups}
    return [name for name in wanted_groups(categories, layout) if _composed(name) not in there]


def _composed(name: str) -> str:
    """Return a name in NFC, in which names are compared, because some apps decompose umlauts."""
    return unicodedata.normalize("NFC", name)


def edits_for_triage(
    cards: Collection[Card],
    sender: Sender,
    chain: tuple[Category, ...],
    groups: Groups,
    now: datetime,
    *,
    collective: str = "",
) -> tuple[ContactEdit, ...]:
    """Put a contact into the groups of a chain, and remove it from all other categories' groups.

    Args:
        cards: the contact's cards; empty if there is none yet.
        sender: the sender of the labelled mail.
        chain: the category, its parent, ...
        groups: Mailroom's groups.
        now: the time of the decision, for the note.
        collective: the name for the card of an address that several people write from; the name in
            ``sender`` is then ignored, because it is one person's. Empty for other addresses.
    """
    contact_type = ContactType.COMPANY if collective else chain[0].contact_type
    names = names_for(Sender(sender.address, collective or sender.name), contact_type)
    if not cards:
        return (_creation(sender, names, contact_type, chain, groups, now),)
    if len(cards) > 1 and contradicts(collective or sender.name, cards):
        # Filled into a card without a name, the name would turn it into somebody else's card.
        names = Names()
    joined = frozenset(groups.categories[category.name].id for category in chain)
    return tuple(
        _membership(
            card.uid,
            _update_for_triage(card, names, chain[0], groups, now),
            join=joined | {groups.provenance.id} if card.made_by_us else joined,
            leave=frozenset(each.id for each in groups.managed) - joined,
            groups=groups,
        )
        for card in cards
    )


def edits_for_undo(cards: Collection[Card], groups: Groups) -> tuple[ContactEdit, ...]:
    """Remove a contact from all of Mailroom's groups, and Mailroom's traces from its cards.

    A card is deleted if Mailroom made it, nobody changed it, and it is in no group but Mailroom's.
    """
    return tuple(_release(card.uid, _update_for_undo(card, groups), groups) for card in cards)


def edits_for_strays(
    keys: Collection[str], groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    """Remove group members whose card was deleted.

    Deleting a card leaves its uid in groups. If the server refused to change a group, and Mailroom
    was stopped then, no card is left that shows the work to be done.

    Args:
        keys: the :attr:`Sender.key` of each sender. Only cards that Mailroom made for one of these
            senders are looked for.
        groups: Mailroom's groups.
        uids: the uids of all cards in the address book.
    """
    return release_strays(map(uid_for, keys), groups, uids)


def release_strays(
    candidates: Iterable[str], groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    """Remove the candidate uids that no card has from Mailroom's groups."""
    strays = groups.members.intersection(candidates).difference(uids)
    return tuple(_release(uid, None, groups) for uid in sorted(strays))


def _creation(
    sender: Sender,
    names: Names,
    contact_type: ContactType,
    chain: tuple[Category, ...],
    groups: Groups,
    now: datetime,
) -> ContactEdit:
    category = chain[0]
    uid = uid_for(sender.key)
    joined = frozenset(groups.categories[each.name].id for each in chain)
    card = CreateCard(
        uid=uid,
        contact_type=contact_type,
        names=names,
        address=sender.address,
        note=triage_line(category.name, now, again=False),
    )
    # Another contact may have got this uid meanwhile, so every group that has it is named.
    leave = frozenset(each.id for each in groups.managed if uid in each.members)
    return ContactEdit(
        key=uid, uid=uid, card=card, join=joined | {groups.provenance.id}, leave=leave - joined
    )


def is_known_by_group(card: Card, provenance: Group) -> bool:
    """Return True if Mailroom made a card, although the card shows no mark.

    Over JMAP, servers do not show marks that were written over CardDAV, and some do not show marks
    of JMAP over CardDAV. Such a card holds nothing but properties that Mailroom writes, and it is
    in the provenance group.
    """
    return card.is_bare and card.uid in provenance.members


def may_edit(card: Card, groups: Groups) -> bool:
    """Return True if Mailroom may change the card itself, and not only its groups."""
    return card.is_editable or is_known_by_group(card, groups.provenance)


def _update_for_triage(
    card: Card, names: Names, category: Category, groups: Groups, now: datetime
) -> UpdateCard | None:
    if not may_edit(card, groups):
        return None
    earlier = triage_lines(card.note)
    repeated = bool(earlier) and earlier[-1].category == category.name
    line = "" if repeated else triage_line(category.name, now, again=bool(earlier))
    fill = missing_names(card, names)
    if not line and fill == Names():
        return None
    claim = is_known_by_group(card, groups.provenance)
    return UpdateCard(card, fill=fill, add_line=line, claim=claim)


def is_deleted_by_undo(card: Card, groups: Groups) -> bool:
    """Return True if Mailroom made the card, and nobody made it their own since."""
    is_ours = (card.made_by_us and card.untouched) or is_known_by_group(card, groups.provenance)
    return is_ours and card.uid not in groups.foreign


def _update_for_undo(card: Card, groups: Groups) -> UpdateCard | DeleteCard | None:
    if is_deleted_by_undo(card, groups):
        return DeleteCard(card)
    if not may_edit(card, groups):
        return None
    lines = frozenset(line.text for line in triage_lines(card.note))
    return UpdateCard(card, remove_lines=lines, forget=True)


def _release(uid: str, card: UpdateCard | DeleteCard | None, groups: Groups) -> ContactEdit:
    """Return an edit that removes a uid from all of Mailroom's groups."""
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
    """Return an edit that names only the groups whose members change."""
    member_of = {each.id for each in groups.every if uid in each.members}
    return ContactEdit(key=uid, uid=uid, card=card, join=join - member_of, leave=leave & member_of)
