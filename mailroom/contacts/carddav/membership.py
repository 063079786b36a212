"""The order of group writes, so that a contact always is in a group. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Final

from mailroom.contacts.model import ContactEdit, Group

_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class GroupWrite:
    """One write of one group: its id, and the edits whose contacts join or leave the group."""

    group: str
    joining: tuple[ContactEdit, ...]
    leaving: tuple[ContactEdit, ...]


def waves(edits: Sequence[ContactEdit], groups: Collection[Group]) -> list[list[GroupWrite]]:
    """Return group writes in waves: writes of one wave are concurrent, waves are consecutive.

    Every contact joins its new groups before it leaves the old ones, and every group is written
    once. If contacts swap groups, that is impossible: then every contact joins in a first wave and
    leaves in a second one. A group that an edit both joins and leaves is joined.
    """
    edits = [replace(edit, leave=edit.leave - edit.join) for edit in edits]
    members = {group.id: group.members for group in groups}
    # A group is written before the groups that its new members leave.
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for edit in edits:
        entered = [group for group in edit.join if edit.uid not in members.get(group, ())]
        for group in edit.join | edit.leave:
            sorter.add(group)
        for group in edit.leave:
            if edit.uid in members.get(group, ()):
                sorter.add(group, *entered)
    try:
        sorter.prepare()
    except CycleError:
        all_groups = [sorted({group for edit in edits for group in edit.join | edit.leave})]
        joined = _writes(all_groups, [replace(edit, leave=_NONE) for edit in edits])
        left = _writes(all_groups, [replace(edit, join=_NONE) for edit in edits])
        return joined + left
    order = []
    while sorter.is_active():
        ready = sorter.get_ready()
        order.append(sorted(ready))
        sorter.done(*ready)
    return _writes(order, edits)


def _writes(order: list[list[str]], edits: Sequence[ContactEdit]) -> list[list[GroupWrite]]:
    """Return the writes of these groups, wave by wave; groups without a change are left out."""
    planned = [
        [
            GroupWrite(
                group,
                joining=tuple(edit for edit in edits if group in edit.join),
                leaving=tuple(edit for edit in edits if group in edit.leave),
            )
            for group in wave
        ]
        for wave in order
    ]
    return [[write for write in wave if write.joining or write.leaving] for wave in planned]
