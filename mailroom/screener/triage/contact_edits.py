"""The edits of the address book that a decision requires. Pure."""

from collections.abc import Collection, Iterable
from datetime import datetime

from mailroom.contacts.address import list_id_of
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
from mailroom.contacts.note import (
    domain_line,
    lines_of_mailroom,
    list_line,
    triage_line,
    triage_lines,
)
from mailroom.contacts.uid import uid_for
from mailroom.screener.model.categories import Category
from mailroom.screener.model.names import contradicts, missing_names, names_for
from mailroom.screener.model.sender import Sender
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.triage.groups import Groups


def edits_for_triage(
    cards: Collection[Card],
    sender: Sender,
    chain: tuple[Category, ...],
    groups: Groups,
    now: datetime,
    *,
    collective: str = "",
    subject: Subject | None = None,
) -> tuple[ContactEdit, ...]:
    """Return the edits that put a contact into the groups of a chain.

    They also remove the contact from the groups of all other categories.

    If a contact has several cards, a card without a name gets no name in two cases:

    - The display name is on none of the cards with a name. Such a name is another person's.
    - There is no display name, so the address would become the card's name. Suppose that a pass saw
      a display name, left the card without a name because of the first case, and was killed after
      the mail with the display name had lost its label. The next pass sees only the labelled mail
      that is left, which has no display name, and must leave the card without a name too.

    Args:
        cards: the contact's cards; empty if there is none yet.
        sender: the address and the name for a card: those of the sender, the list or the domain.
        chain: the category, its parent, ...
        groups: Mailroom's groups.
        now: the time of the decision, for the note.
        collective: the name for the card of a list, a domain, or an address that several people
            write from; the name in ``sender`` is then ignored, because it may be one person's.
            Empty for other addresses.
        subject: the mailing list or the whole domain that the card stands for; None for the
            address of the sender.
    """
    subject = Subject(sender.key) if subject is None else subject
    contact_type = ContactType.COMPANY if collective else chain[0].contact_type
    name = collective or sender.name
    names = names_for(Sender(sender.address, name), contact_type)
    joined = frozenset(groups.categories[category.name].id for category in chain)
    if not cards:
        uid = uid_for(subject.key)
        card = CreateCard(
            uid=uid,
            contact_type=contact_type,
            names=names,
            address=sender.address,
            note=triage_line(chain[0].name, now, again=False),
            about=_about(subject),
        )
        # A deleted card may have left this uid in some groups. So the card leaves the other
        # categories' groups that list the uid. The chain's groups are joined even if they list the
        # uid: if another card takes the uid before the write, the new card gets another uid, which
        # these groups do not list.
        others = frozenset(group.id for group in groups.managed if uid in group.members) - joined
        return (ContactEdit(uid, uid, card, join=joined | {groups.provenance.id}, leave=others),)
    if len(cards) > 1 and (not name or contradicts(name, cards)):
        # The display name is another person's, or the address would become the name (see above).
        names = Names()
    return tuple(
        _contact_edit(
            card.uid,
            _update_for_triage(card, names, chain[0], groups, now),
            join=joined | {groups.provenance.id} if card.made_by_us else joined,
            leave=frozenset(group.id for group in groups.managed) - joined,
            groups=groups,
        )
        for card in cards
    )


def _about(subject: Subject) -> str:
    """Return the line of a card that says what the card stands for; empty for an address."""
    match subject.kind:
        case Kind.LIST:
            return list_line(list_id_of(subject.key))
        case Kind.DOMAIN:
            return domain_line(subject.key.removeprefix("*@"))
        case Kind.ADDRESS:
            return ""


def _update_for_triage(
    card: Card, names: Names, category: Category, groups: Groups, now: datetime
) -> UpdateCard | None:
    """Return the update of a card: empty names are filled, and the note gets a line.

    The note gets no line if its last line has the same category, so a retry adds nothing.
    """
    if not may_edit(card, groups):
        return None
    earlier = triage_lines(card.note)
    is_repeated = bool(earlier) and earlier[-1].category == category.name
    line = "" if is_repeated else triage_line(category.name, now, again=bool(earlier))
    fill = missing_names(card, names)
    if not line and fill == Names():
        return None
    is_ours = is_ours_by_group(card, groups.provenance)
    return UpdateCard(card, fill=fill, add_line=line, mark_as_made=is_ours)


def edits_for_undo(cards: Collection[Card], groups: Groups) -> tuple[ContactEdit, ...]:
    """Return the edits that undo a decision on a contact.

    They remove the contact from all of Mailroom's groups, and Mailroom's traces from its cards. A
    card is deleted if :func:`is_deleted_by_undo`.
    """
    edits = []
    for card in cards:
        change: UpdateCard | DeleteCard | None = None
        if is_deleted_by_undo(card, groups):
            change = DeleteCard(card)
        elif may_edit(card, groups):
            lines = frozenset(lines_of_mailroom(card.note, made=card.made_by_us))
            change = UpdateCard(card, remove_lines=lines, forget=True)
        edits.append(_leave_all_groups(card.uid, change, groups))
    return tuple(edits)


def edits_for_strays(
    keys: Collection[str], groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    """Return the edits that remove strays from the groups: the uids of deleted cards of subjects.

    Some servers leave the uid of a deleted card in its groups. Suppose that the server deleted a
    card that Mailroom had made, but refused to change a group, and that Mailroom was stopped then.
    The next pass finds no card, so it looks for the uid that the subject's card had.

    Args:
        keys: the keys of the subjects.
        groups: Mailroom's groups.
        uids: the uids of all cards in the address book.
    """
    return edits_for_strays_among(map(uid_for, keys), groups, uids)


def edits_for_strays_among(
    candidates: Iterable[str], groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    """Return the edits that remove from all groups the ``candidates`` that are no card's uid."""
    strays = groups.members.intersection(candidates).difference(uids)
    return tuple(_leave_all_groups(uid, None, groups) for uid in sorted(strays))


def is_ours_by_group(card: Card, provenance: Group) -> bool:
    """Return True if Mailroom made a card, although the card shows no mark.

    Over JMAP, servers do not show marks that were written over CardDAV, and some do not show marks
    of JMAP over CardDAV. Such a card holds nothing but properties that Mailroom writes, and it is
    in the provenance group.
    """
    return card.is_bare and card.uid in provenance.members


def may_edit(card: Card, groups: Groups) -> bool:
    """Return True if Mailroom may change the card itself, and not only its groups."""
    return card.is_editable or is_ours_by_group(card, groups.provenance)


def is_deleted_by_undo(card: Card, groups: Groups) -> bool:
    """Return True if an undo deletes a card instead of updating it.

    Mailroom must have made the card, nobody else may have changed it, and it must be in no group
    that is not Mailroom's.
    """
    is_ours = (card.made_by_us and card.untouched) or is_ours_by_group(card, groups.provenance)
    return is_ours and card.uid not in groups.foreign_members


def _leave_all_groups(
    uid: str, change: UpdateCard | DeleteCard | None, groups: Groups
) -> ContactEdit:
    """Return an edit that removes a uid from all of Mailroom's groups."""
    leave = frozenset(group.id for group in groups.every)
    return _contact_edit(uid, change, join=frozenset(), leave=leave, groups=groups)


def _contact_edit(
    uid: str,
    change: UpdateCard | DeleteCard | None,
    *,
    join: frozenset[str],
    leave: frozenset[str],
    groups: Groups,
) -> ContactEdit:
    """Return an edit that names only the groups whose members change."""
    member_of = {group.id for group in groups.every if uid in group.members}
    return ContactEdit(uid, uid, change, join=join - member_of, leave=leave & member_of)
