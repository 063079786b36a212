"""The order of group writes, so that a contact always is in a group. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Final

from mailroom.contacts.model import Group

_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """The changes of one contact's memberships.

    Attributes:
        key: the key of the edit.
        uid: the uid of the contact.
        join: ids of the groups to join.
        leave: ids of the groups to leave; groups in ``join`` are ignored.
    """

    key: str
    uid: str
    join: frozenset[str]
    leave: frozenset[str]


@dataclass(frozen=True, slots=True)
class GroupWrite:
    """One write of one group."""

    group: str
    joining: tuple[Move, ...]
    leaving: tuple[Move, ...]


def waves(moves: Sequence[Move], groups: Collection[Group]) -> list[list[GroupWrite]]:
    """Return group writes in waves: writes of one wave are concurrent, waves are consecutive.

    Every contact joins its new groups before it leaves the old ones, and every group is written
    once. If contacts swap groups, that is impossible: then every contact joins in a first wave and
    leaves in a second one.
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
    """Return the ids of groups in waves; a group is before the groups its new members leave."""
    members = {group.id: group.members for group in groups}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for move in moves:
        entered = [group for group in move.join if move.uid not in members.get(group, ())]
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
    planned = [
        [
            GroupWrite(
                group,
                joining=tuple(move for move in moves if group in move.join),
                leaving=tuple(move for move in moves if group in move.leave),
            )
            for group in wave
        ]
        for wave in order
    ]
    return [[write for write in wave if write.joining or write.leaving] for wave in planned]
