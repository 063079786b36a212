"""The contact groups that the configuration names. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from mailroom.contacts.model import Group
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.missing import MissingError
from mailroom.screener.model.spelling import composed


@dataclass(frozen=True, slots=True)
class Groups:
    """The contact groups of Mailroom.

    Attributes:
        categories: category name -> its group.
        provenance: the group of the cards that Mailroom made.
        managed: every group whose name is a category's; more than in ``categories`` if several
            groups have the same name.
        foreign_members: the uids of the members of all groups that are not Mailroom's.
    """

    categories: Mapping[str, Group]
    provenance: Group
    managed: tuple[Group, ...]
    foreign_members: frozenset[str]

    @property
    def every(self) -> tuple[Group, ...]:
        """The managed groups and the provenance group."""
        return (*self.managed, self.provenance)

    @property
    def members(self) -> frozenset[str]:
        """The uids of the members of all Mailroom's groups."""
        return frozenset().union(*(group.members for group in self.every))


def find_groups(groups: Collection[Group], categories: Categories, layout: Layout) -> Groups:
    """Find the groups that the configuration names.

    If several groups have the same name, the first by id is the category's, or the provenance
    group.

    Raises:
        MissingError: some groups are missing.
    """
    if missing := missing_groups(groups, categories, layout):
        raise MissingError(groups=missing)
    by_name: dict[str, Group] = {}
    for group in sorted(groups, key=lambda group: group.id):
        by_name.setdefault(composed(group.name), group)
    managed_names = {composed(category.group) for category in categories}
    provenance_name = composed(layout.provenance_group)
    managed = [group for group in groups if composed(group.name) in managed_names]
    foreign = [
        group.members
        for group in groups
        if composed(group.name) not in managed_names | {provenance_name}
    ]
    return Groups(
        categories={category.name: by_name[composed(category.group)] for category in categories},
        provenance=by_name[provenance_name],
        managed=tuple(managed),
        foreign_members=frozenset().union(*foreign),
    )


def wanted_groups(categories: Categories, layout: Layout) -> list[str]:
    """Return the names of all contact groups that Mailroom needs."""
    names = [category.group for category in categories]
    return list(dict.fromkeys((*names, layout.provenance_group)))


def missing_groups(groups: Iterable[Group], categories: Categories, layout: Layout) -> list[str]:
    """Return the names of the :func:`wanted_groups` that are missing."""
    present = {composed(group.name) for group in groups}
    return [name for name in wanted_groups(categories, layout) if composed(name) not in present]
