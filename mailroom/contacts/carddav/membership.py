"""In which order groups are written, so that no contact is in none for a moment. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Final

from mailroom.contacts.book import Group

_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """What happens to one contact's memberships.

    Attributes:
        key: of the edit.
        uid: of the contact.
        join: ids of groups.
        leave: ids of groups; those it is also to join do not count.
    """

    key: str
    uid: str
    join: frozenset[str]
    leave: frozenset[str]


@dataclass(frozen=True, slots=True)
class GroupWrite:
    """What is to happen to one group at one time."""

    group: str
    joining: tuple[Move, ...]
    leaving: tuple[Move, ...]


def waves(moves: Sequence[Move], groups: Collection[Group]) -> list[list[GroupWrite]]:
    """Group writes: those of one wave may happen at once, the waves one after another.

    Every contact is in its new groups before it leaves the old ones, and every group is written
    once; where contacts change places, so that this is impossible, all join first, then all leave.
    """
    moves = [replace(move, leave=move.leave - move.join) for move in moves]
    try:
        order = _order(moves, groups)
    except CycleError:
        everywhere = [sorted({group for move in moves for group in move.join | move.leave})]
        joined = _writes(everywhere, [replace(move, leave=_NONE) for move in moves])
        left = _writes(everywhere, [replace(move, join=_NONE) for move in moves])
        return joined + left
    return _writes(order, moves)


def _order(moves: Sequence[Move], groups: Collection[Group]) -> list[list[str]]:
    """Groups, those before others that contacts join before they leave the others."""
    members = {group.id: group.members for group in groups}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for move in moves:
        entered = [each for each in move.join if move.uid not in members.get(each, ())]
        for group in move.join | move.leave:
            sorter.add(group)
        for group in move.leave:
            if move.uid in members.get(group, ()):
                sorter.add(group, *entered)
    sorter.prepare()
    order = []
    while sorter.is_active():
        ready = sorter.get_ready()
        order.append(sorted(ready))
        sorter.done(*ready)
    return order


def _writes(order: list[list[str]], moves: Sequence[Move]) -> list[list[GroupWrite]]:
    planned = [[_write(group, moves) for group in wave] for wave in order]
    return [[write for write in wave if write.joining or write.leaving] for wave in planned]


def _write(group: str, moves: Sequence[Move]) -> GroupWrite:
    return GroupWrite(
        group,
        joining=tuple(move for move in moves if group in move.join),
        leaving=tuple(move for move in moves if group in move.leave),
    )
