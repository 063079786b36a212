"""Groups that are made of the CATEGORIES on cards. Pure."""

from collections.abc import Collection, Iterator

from mailroom.contacts.model import Group
from mailroom.contacts.vcard.categories import category_key

_ID = "categories:"


def category_id(name: str) -> str:
    """Return the id of the group that a category stands for."""
    return _ID + category_key(name)


class CategoryMembers:
    """The members of certain categories.

    Args:
        names: the names of the categories; other categories are ignored.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = {category_key(name): name for name in names}
        self._uids: dict[str, str] = {}
        self._members: dict[str, set[str]] = {key: set() for key in self._names}

    def put(self, path: str, uid: str, categories: Collection[str]) -> None:
        """Store the categories of a card."""
        self.forget(path)
        keys = self._members.keys() & {category_key(name) for name in categories}
        for key in keys:
            self._members[key].add(path)
        if keys:
            self._uids[path] = uid

    def forget(self, path: str) -> None:
        """Remove a card."""
        if self._uids.pop(path, None) is not None:
            for paths in self._members.values():
                paths.discard(path)

    def groups(self) -> Iterator[Group]:
        """Yield every category as a group, even without members."""
        for key, name in self._names.items():
            members = frozenset(self._uids[path] for path in self._members[key])
            yield Group(id=category_id(name), uid="", name=name, members=members)

    def used(self) -> tuple[str, ...]:
        """Return the names of the categories that have members."""
        return tuple(name for key, name in self._names.items() if self._members[key])
