"""Mistakes in the configuration of categories and mailboxes. Pure."""

import difflib
import json
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from mailroom.screener.model.categories import Categories, Layout, Special
from mailroom.screener.model.spelling import folded

_INBOX: Final = "inbox"


def find_mistakes(categories: Categories, layout: Layout, *, has_gaps: bool = False) -> list[str]:
    """Return all mistakes in the categories, each as a line for people; empty if there are none.

    Args:
        categories: the categories.
        layout: the other mailboxes and names.
        has_gaps: True if some categories could not be read. A parent that is missing in
            ``categories`` may be one of the unread ones, so missing parents are not reported then.
    """
    if not len(categories):
        return [] if has_gaps else ["there is no category"]
    return [
        *_mistakes_in_names(categories, layout),
        *_mistakes_in_parents(categories, has_gaps=has_gaps),
        *_mistakes_in_mailboxes(categories, layout),
        *_mistakes_in_groups(categories, layout),
    ]


def _mistakes_in_names(categories: Categories, layout: Layout) -> Iterator[str]:
    """Yield empty, repeated and reserved names, and broken paths of mailboxes."""
    names = [
        (f"category {at}: the name", category.name) for at, category in enumerate(categories, 1)
    ]
    names += [
        (f"category {_q(category.name)}: the group", category.group) for category in categories
    ]
    names.append(("the provenance group", layout.provenance_group))
    for use, name in names:
        if not name.strip():
            yield f"{use} is empty"
    for use, path in _mailboxes(categories, layout):
        if not path.strip():
            yield f"{use} is empty"
        elif any(part != part.strip() or not part for part in path.split("/")):
            yield f"{use} {_q(path)} has a part that is empty, or begins or ends with a blank"
    same: dict[str, list[str]] = {}
    for category in categories:
        if folded(category.name) == Special.SPAM.value:
            yield (
                f"category {_q(category.name)}: in commands, this name means that mail goes to"
                " the Junk folder; choose another name"
            )
        same.setdefault(folded(category.name), []).append(category.name)
    for key, spellings in same.items():
        if len(spellings) > 1 and key.strip():
            listed = ", ".join(_q(name) for name in dict.fromkeys(spellings))
            yield f"{len(spellings)} categories have the same name: {listed}"


def _mistakes_in_parents(categories: Categories, *, has_gaps: bool) -> Iterator[str]:
    """Yield parents that do not exist, and categories that are each other's parents."""
    names = {folded(category.name): category.name for category in categories}
    for category in categories:
        if has_gaps or category.parent is None or categories.by_name(category.parent):
            continue
        near = difflib.get_close_matches(folded(category.parent), names, n=1)
        hint = f"; did you mean {_q(names[near[0]])}?" if near else ""
        parent = _q(category.parent)
        yield f"category {_q(category.name)}: there is no category {parent} (parent){hint}"
    reported: set[str] = set()
    for category in categories:
        chain = categories.chain(category)
        if category.name not in reported and chain[-1].parent == category.name:
            reported.update(link.name for link in chain)
            # [1:-1] leaves out the quotation marks.
            cycle = " -> ".join(_q(link.name)[1:-1] for link in (*chain, category))
            yield f"categories are each other's parents: {cycle}"


def _mistakes_in_mailboxes(categories: Categories, layout: Layout) -> Iterator[str]:
    """Yield uses of the Inbox, and mailboxes that have several uses."""
    for category in categories:
        if folded(category.destination) == _INBOX:
            yield (
                f"category {_q(category.name)}: the destination must not be the Inbox; choose"
                " another mailbox, and set add_to_inbox: true"
            )
    labels = [
        (f"category {_q(category.name)}: the label", category.label) for category in categories
    ]
    for use, path in [*labels, *_fixed_mailboxes(layout)]:
        if folded(path) == _INBOX:
            yield f"{use} must not be the Inbox"
    uses: dict[str, dict[str, str]] = {}
    paths: dict[str, str] = {}
    for use, path in _mailboxes(categories, layout):
        if path.strip() and folded(path) != _INBOX:
            # The key is the use, so two categories of the same name count as one use. That mistake
            # is already reported among the names.
            uses.setdefault(folded(path), {})[folded(use)] = use.replace(": the ", "'s ")
            paths.setdefault(folded(path), path)
    for key, several in uses.items():
        if len(several) > 1:
            yield f"mailbox {_q(paths[key])} is used more than once: {', '.join(several.values())}"


def _mistakes_in_groups(categories: Categories, layout: Layout) -> Iterator[str]:
    """Yield uses of the provenance group, and groups that unrelated categories share."""
    for category in categories:
        group = category.group
        if group.strip() and folded(group) == folded(layout.provenance_group):
            yield (
                f"category {_q(category.name)}: the group {_q(group)} is the provenance group,"
                " which no category may use"
            )
    for first, second in combinations(categories, 2):
        related = first in categories.chain(second) or second in categories.chain(first)
        related |= folded(first.name) == folded(second.name)
        if first.group.strip() and folded(first.group) == folded(second.group) and not related:
            yield (
                f"categories {_q(first.name)} and {_q(second.name)} share the group"
                f" {_q(first.group)}, but neither is the other's parent"
            )


def _mailboxes(categories: Categories, layout: Layout) -> list[tuple[str, str]]:
    """Return the use and the path of each mailbox; a path occurs once for each of its uses."""
    uses = _fixed_mailboxes(layout)
    uses += [
        (f"category {_q(category.name)}: the label", category.label) for category in categories
    ]
    uses += [
        (f"category {_q(category.name)}: the destination", category.destination)
        for category in categories
    ]
    return uses


def _fixed_mailboxes(layout: Layout) -> list[tuple[str, str]]:
    """Return the use and the path of each mailbox that belongs to no category."""
    fixed = [
        ("the Screener", layout.screener),
        ("the Screener's label", layout.screener_label),
        ("the label for spam", layout.spam_label),
        ("the label for whole domains", layout.domain_label),
        ("the label for mailing lists", layout.list_label),
        ("the error label", layout.error_label),
    ]
    if layout.warn_on_name_mismatch:
        fixed.append(("the warning label", layout.warning_label))
    return fixed


def _q(name: str) -> str:
    """Return a name in quotation marks, on one line."""
    return json.dumps(name, ensure_ascii=False)
