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
class _Life:
    born: int
    last: int
    dead: bool = False


class History:
    """The changes of all objects of one type."""

    def __init__(self) -> None:
        self._lives: dict[str, _Life] = {}

    def created(self, object_id: str, state: int) -> None:
        """Record a new object."""
        self._lives[object_id] = _Life(state, state)

    def updated(self, object_id: str, state: int) -> None:
        """Record a change of an object."""
        self._lives[object_id].last = state

    def destroyed(self, object_id: str, state: int) -> None:
        """Record the removal of an object."""
        self._lives[object_id].last = state
        self._lives[object_id].dead = True

    def rename(self, new: Mapping[str, str]) -> None:
        """Change the ids of objects, also in past changes."""
        self._lives = {new.get(old, old): life for old, life in self._lives.items()}

    def since(self, state: int, *, now: int, at_most: int | None = None) -> Changes:
        """Return the changes after a state, without objects that were created and destroyed since.

        An object that was created before a page's state and changed after that state is reported as
        updated by the next page only, as by Cyrus.

        Args:
            state: the client's state.
            now: the type's present state.
            at_most: the number of changes to return at most; None: all.
        """
        lives = {
            object_id: life
            for object_id, life in self._lives.items()
            if life.last > state and not (life.dead and life.born > state)
        }
        ids = sorted(lives, key=lambda object_id: lives[object_id].last)
        page = ids[:at_most]
        has_more = len(page) < len(ids)
        dead = tuple(object_id for object_id in page if lives[object_id].dead)
        created = tuple(object_id for object_id in page if lives[object_id].born > state)
        others = {*dead, *created}
        return Changes(
            created=created,
            updated=tuple(object_id for object_id in page if object_id not in others),
            destroyed=dead,
            new_state=lives[page[-1]].last if has_more and page else now,
            has_more=has_more,
        )
