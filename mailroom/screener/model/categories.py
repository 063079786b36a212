"""The categories of senders, the fixed mailboxes, and the mistakes in their configuration.

:mod:`mailroom.settings` reads categories from a configuration;
:mod:`mailroom.screener.model.places` finds their mailboxes in an account.
"""

import difflib
import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Self

from mailroom.contacts.model import ContactType

_INBOX: Final = "inbox"


def triage_label(name: str) -> str:
    """Return the default label of a category: ``@To`` and its name without spaces."""
    return "@To" + "".join(name.split())


def _same(name: str) -> str:
    """Return the form in which names are compared: letter case and composition do not count."""
    return unicodedata.normalize("NFC", name).casefold()


@dataclass(frozen=True, slots=True)
class Category:
    """A destination that a sender can be given.

    Attributes:
        name: its name, for people.
        label: path of the mailbox that is its triage label.
        group: name of its contact group.
        destination: path of the mailbox that its mail is filed to. In all paths, ``Work/Feed`` is a
            child of ``Work``.
        parent: name of the category whose group and destination a sender gets as well.
        contact_type: the type of a card made for one of its senders.
        add_to_inbox: True if its mail is in the Inbox too. Never inherited.
    """

    name: str
    label: str
    group: str
    destination: str
    parent: str | None = None
    contact_type: ContactType = ContactType.COMPANY
    add_to_inbox: bool = False

    @classmethod
    def named(
        cls,
        name: str,
        *,
        label: str | None = None,
        group: str | None = None,
        destination: str | None = None,
        parent: str | None = None,
        contact_type: ContactType = ContactType.COMPANY,
        add_to_inbox: bool = False,
    ) -> Self:
        """Return a category; its label, group and destination follow from its name if None."""
        return cls(
            name=name,
            label=triage_label(name) if label is None else label,
            group=name if group is None else group,
            destination=name if destination is None else destination,
            parent=parent,
            contact_type=contact_type,
            add_to_inbox=add_to_inbox,
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """The mailboxes (as paths) and the contact group that belong to no category.

    Attributes:
        screener: the mailbox for mail of undecided senders.
        screener_label: the label that takes a decision back.
        error_label: the label for labelled mail that cannot be triaged.
        warning_label: the label for mail whose sender's name is not the name on the card.
        provenance_group: the contact group of cards that Mailroom made.
        warn_on_name_mismatch: True if ``warning_label`` is used.
    """

    screener: str = "Screener"
    screener_label: str = "@ToScreener"
    error_label: str = "@MailroomError"
    warning_label: str = "@MailroomWarning"
    provenance_group: str = "Mailroom"
    warn_on_name_mismatch: bool = True


class Categories:
    """The categories of an account, in the order of the configuration."""

    def __init__(self, categories: Iterable[Category]) -> None:
        self._all = tuple(categories)
        self._by_name = {each.name: each for each in self._all}
        self._by_label = {_same(each.label): each for each in self._all}

    def __iter__(self) -> Iterator[Category]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Categories) and self._all == other._all

    def __hash__(self) -> int:
        return hash(self._all)

    def __repr__(self) -> str:
        return f"Categories({list(self._all)!r})"

    def by_name(self, name: str) -> Category | None:
        """Return the category of exactly this name; None if there is none."""
        return self._by_name.get(name)

    def by_label(self, label: str) -> Category | None:
        """Return the category of this triage label, in any letter case; None if there is none."""
        return self._by_label.get(_same(label))

    def chain(self, category: Category) -> tuple[Category, ...]:
        """Return the category, its parent, its parent's parent, ... (in a cycle: once around)."""
        chain = [category]
        while (parent := self._parent(chain[-1])) and parent not in chain:
            chain.append(parent)
        return tuple(chain)

    def groups(self) -> frozenset[str]:
        """Return the names of all categories' contact groups."""
        return frozenset(each.group for each in self._all)

    def _parent(self, category: Category) -> Category | None:
        return None if category.parent is None else self.by_name(category.parent)


DEFAULTS: Final = Categories(
    [
        Category.named("Imbox", add_to_inbox=True),
        Category.named("Feed"),
        Category.named("Paper Trail"),
        Category.named("Jail"),
        Category.named(
            "Person", parent="Imbox", contact_type=ContactType.PERSON, add_to_inbox=True
        ),
        Category.named("Billboard", parent="Paper Trail"),
        Category.named("Truck", parent="Paper Trail"),
    ]
)


def find_mistakes(categories: Categories, layout: Layout, *, has_gaps: bool = False) -> list[str]:
    """Return all mistakes in the categories, each as a line for people; empty if there are none.

    Args:
        categories: the categories.
        layout: the other mailboxes and names.
        has_gaps: True if there are categories that could not be read, which may be parents.
    """
    if not len(categories):
        if has_gaps:
            return []
        return ["there is no category"]
    return [
        *_misnamed(categories, layout),
        *_duplicates(categories),
        *(() if has_gaps else _unknown_parents(categories)),
        *_cycles(categories),
        *_in_the_inbox(categories, layout),
        *_collisions(categories, layout),
        *_shared_groups(categories, layout),
    ]


def _misnamed(categories: Categories, layout: Layout) -> Iterator[str]:
    """Yield the empty names of categories and groups, and the broken paths of mailboxes."""
    names = [(f"category {at}: the name", each.name) for at, each in enumerate(categories, 1)]
    names += [(f"category {_q(each.name)}: the group", each.group) for each in categories]
    names.append(("the provenance group", layout.provenance_group))
    for what, name in names:
        if not name.strip():
            yield f"{what} is empty"
    for what, path in _mailboxes(categories, layout):
        if not path.strip():
            yield f"{what} is empty"
        elif any(part != part.strip() or not part for part in path.split("/")):
            yield f"{what} {_q(path)} has a part that is empty, or begins or ends with a blank"


def _duplicates(categories: Categories) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for each in categories:
        names.setdefault(_same(each.name), []).append(each.name)
    for key, written in names.items():
        if len(written) > 1 and key.strip():
            listed = ", ".join(_q(name) for name in dict.fromkeys(written))
            yield f"{len(written)} categories have the same name: {listed}"


def _unknown_parents(categories: Categories) -> Iterator[str]:
    names = {_same(each.name): each.name for each in categories}
    for each in categories:
        if each.parent is None or categories.by_name(each.parent):
            continue
        near = difflib.get_close_matches(_same(each.parent), names, n=1)
        hint = f"; did you mean {_q(names[near[0]])}?" if near else ""
        yield f"category {_q(each.name)}: there is no category {_q(each.parent)} (parent){hint}"


def _cycles(categories: Categories) -> Iterator[str]:
    seen: set[str] = set()
    for each in categories:
        chain = categories.chain(each)
        if each.name not in seen and chain[-1].parent == each.name:
            seen.update(link.name for link in chain)
            path = " -> ".join(_q(link.name)[1:-1] for link in (*chain, each))
            yield f"categories are each other's parents: {path}"


def _in_the_inbox(categories: Categories, layout: Layout) -> Iterator[str]:
    for each in categories:
        if _same(each.destination) == _INBOX:
            yield (
                f"category {_q(each.name)}: the destination must not be the Inbox; give it"
                " another one, and add_to_inbox: true"
            )
    others = [(f"category {_q(each.name)}: the label", each.label) for each in categories]
    for what, path in [*others, *_fixed_mailboxes(layout)]:
        if _same(path) == _INBOX:
            yield f"{what} must not be the Inbox"


def _collisions(categories: Categories, layout: Layout) -> Iterator[str]:
    """Yield the mailboxes that have several uses."""
    uses: dict[str, dict[str, str]] = {}
    paths: dict[str, str] = {}
    for what, path in _mailboxes(categories, layout):
        if path.strip() and _same(path) != _INBOX:
            # Keyed by the use: two categories of one name are reported elsewhere.
            uses.setdefault(_same(path), {})[_same(what)] = what.replace(": the ", "'s ")
            paths.setdefault(_same(path), path)
    for key, found in uses.items():
        if len(found) > 1:
            yield f"mailbox {_q(paths[key])} is used more than once: {', '.join(found.values())}"


def _shared_groups(categories: Categories, layout: Layout) -> Iterator[str]:
    for each in categories:
        if each.group.strip() and _same(each.group) == _same(layout.provenance_group):
            yield (
                f"category {_q(each.name)}: the group {_q(each.group)} is the provenance group,"
                " which no category may use"
            )
    for one, other in combinations(categories, 2):
        related = one in categories.chain(other) or other in categories.chain(one)
        related |= _same(one.name) == _same(other.name)
        if one.group.strip() and _same(one.group) == _same(other.group) and not related:
            yield (
                f"categories {_q(one.name)} and {_q(other.name)} share the group"
                f" {_q(one.group)}, but neither is the other's parent"
            )


def _mailboxes(categories: Categories, layout: Layout) -> list[tuple[str, str]]:
    """Return the use and the path of each mailbox; a path occurs once for each of its uses."""
    found = _fixed_mailboxes(layout)
    found += [(f"category {_q(each.name)}: the label", each.label) for each in categories]
    found += [
        (f"category {_q(each.name)}: the destination", each.destination) for each in categories
    ]
    return found


def _fixed_mailboxes(layout: Layout) -> list[tuple[str, str]]:
    fixed = [
        ("the Screener", layout.screener),
        ("the Screener's label", layout.screener_label),
        ("the error label", layout.error_label),
    ]
    if layout.warn_on_name_mismatch:
        fixed.append(("the warning label", layout.warning_label))
    return fixed


def _q(name: str) -> str:
    """Return a name in quotation marks, on one line."""
    return json.dumps(name, ensure_ascii=False)
