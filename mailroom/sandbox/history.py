"""The history of the objects of one type, from which ``/changes`` is answered.

No I/O, and no objects: ids and states only.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes between two states (RFC 8620 section 5.2); ids in the order of the changes.

    Attributes:
        new_state: the state after these changes.
        has_more: True if further changes follow.
    """

    created: tuple[str, ...]
    updated: tuple[str, ...]
    destroyed: tuple[str, ...]
    new_state: int
    has_more: bool


@dataclass(slots=True)
class _Entry:
    created: int
    changed: int
    is_destroyed: bool = False


class History:
    """The changes of all objects of one type."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def record_created(self, object_id: str, state: int) -> None:
        """Record a new object."""
        self._entries[object_id] = _Entry(state, state)

    def record_updated(self, object_id: str, state: int) -> None:
        """Record a change of an object."""
        self._entries[object_id].changed = state

    def record_destroyed(self, object_id: str, state: int) -> None:
        """Record the removal of an object."""
        self._entries[object_id].changed = state
        self._entries[object_id].is_destroyed = True

    def rename(self, new: Mapping[str, str]) -> None:
        """Change the ids of objects, also in past changes."""
        self._entries = {new.get(old, old): entry for old, entry in self._entries.items()}

    def since(self, state: int, *, now: int, at_most: int | None = None) -> Changes:
        """Return the changes after a state, without objects that were created and destroyed since.

        Each object is reported once, at its last change. So an object that was created in state 5
        and changed in state 9 is not in a page that ends in state 7. The next page reports the
        object as updated, although no page has reported it as created. Cyrus does the same.

        Args:
            state: the client's state.
            now: the type's present state.
            at_most: the number of changes to return at most; None: all.
        """
        entries = {
            object_id: entry
            for object_id, entry in self._entries.items()
            if entry.changed > state and not (entry.is_destroyed and entry.created > state)
        }
        ids = sorted(entries, key=lambda object_id: entries[object_id].changed)
        page = ids[:at_most]
        has_more = len(page) < len(ids)
        destroyed = tuple(object_id for object_id in page if entries[object_id].is_destroyed)
        created = tuple(object_id for object_id in page if entries[object_id].created > state)
        others = {*destroyed, *created}
        return Changes(
            created=created,
            updated=tuple(object_id for object_id in page if object_id not in others),
            destroyed=destroyed,
            new_state=entries[page[-1]].changed if has_more and page else now,
            has_more=has_more,
        )
