"""What text, data and log have in common: mailboxes by their paths, groups by their names."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Final

from mailroom.contacts.model import ContactEdit, CreateCard, DeleteCard, Group, Names, UpdateCard
from mailroom.jmap.mail import Patch
from mailroom.screener.model.places import Directory
from mailroom.screener.passes.plan import Filing
from mailroom.screener.triage.decide import Decision

_MAILBOX: Final = "mailboxIds/"


def move(patch: Patch, directory: Directory) -> dict[str, list[str]]:
    """The mailboxes that a patch adds and removes."""
    moved = {
        directory.path(key.removeprefix(_MAILBOX)): value
        for key, value in patch.items()
        if key.startswith(_MAILBOX)
    }
    return {
        "add": sorted(path for path, value in moved.items() if value),
        "remove": sorted(path for path, value in moved.items() if not value),
    }


def moves_of(filing: Filing) -> dict[str, Patch]:
    """All that a decision does to mail."""
    return {**filing.swept, **filing.labelled}


def paths(mailbox_ids: Iterable[str], directory: Directory) -> list[str]:
    """How a person would name mailboxes."""
    return sorted(map(directory.path, mailbox_ids))


def group_names(group_ids: Collection[str], groups: Iterable[Group]) -> list[str]:
    """The names of groups."""
    return sorted(group.name for group in groups if group.id in group_ids)


def where(decision: Decision) -> str:
    """Where a decision sends a contact."""
    return "back to the Screener" if decision.category is None else decision.category.name


def given(names: Names) -> dict[str, str]:
    """The names that are not empty."""
    return {part: name for part, name in asdict(names).items() if name}


def change(edit: ContactEdit) -> str:
    """What becomes of a card, in a word."""
    match edit.card:
        case CreateCard():
            return "create"
        case UpdateCard():
            return "update"
        case DeleteCard():
            return "delete"
        case None:
            return "none"


def shown(text: str) -> str:
    """Text from a mail, with what a terminal would hide or take for a command escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
