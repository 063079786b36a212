"""Terms that text, data and log share: mailboxes by their paths, groups by their names."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Final

from mailroom.contacts.model import ContactEdit, CreateCard, DeleteCard, Group, Names, UpdateCard
from mailroom.jmap.mail import Patch
from mailroom.screener.model.categories import Special
from mailroom.screener.model.places import Directory
from mailroom.screener.passes.plan import Filing
from mailroom.screener.triage.decide import Decision

_MAILBOX: Final = "mailboxIds/"


def mailbox_changes(patch: Patch, directory: Directory) -> dict[str, list[str]]:
    """Return the paths of the mailboxes that a patch adds and removes."""
    moved = {
        directory.path(key.removeprefix(_MAILBOX)): value
        for key, value in patch.items()
        if key.startswith(_MAILBOX)
    }
    return {
        "add": sorted(path for path, value in moved.items() if value),
        "remove": sorted(path for path, value in moved.items() if not value),
    }


def patches_of(filing: Filing) -> dict[str, Patch]:
    """Return all patches of a decision's mail, by mail id."""
    return {**filing.swept_patches, **filing.labelled_patches}


def paths(mailbox_ids: Iterable[str], directory: Directory) -> list[str]:
    """Return the paths of mailboxes."""
    return sorted(map(directory.path, mailbox_ids))


def group_names(group_ids: Collection[str], groups: Iterable[Group]) -> list[str]:
    """Return the names of the groups that have one of the ids."""
    return sorted(group.name for group in groups if group.id in group_ids)


def answer_name(decision: Decision) -> str:
    """Return the name of a decision's answer: the category, spam, or back to the Screener."""
    match decision.answer:
        case None:
            return "back to the Screener"
        case Special.SPAM:
            return "spam"
        case category:
            return category.name


def filled_names(names: Names) -> dict[str, str]:
    """Return the names that are not empty."""
    return {part: name for part, name in asdict(names).items() if name}


def card_change(edit: ContactEdit) -> str:
    """Return ``create``, ``update``, ``delete`` or ``none``: the change of the card itself."""
    match edit.card:
        case CreateCard():
            return "create"
        case UpdateCard():
            return "update"
        case DeleteCard():
            return "delete"
        case None:
            return "none"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: ``1 mail``, ``2 mails``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def local_time(utc_date: str, form: str) -> str:
    """Return a UTCDate as a time in the machine's time zone; an unreadable one stays as it is.

    ``form`` is a format of :meth:`datetime.datetime.strftime`.
    """
    try:
        return datetime.fromisoformat(utc_date).astimezone().strftime(form)
    except (ValueError, OverflowError):
        return printable(utc_date)


def account_option(account: str) -> str:
    """Return the option that names one of several accounts, for a command; empty for no name."""
    return f" --account {account}" if account else ""


def printable(text: str) -> str:
    """Return text from a mail; characters that a terminal hides or obeys are written as escapes."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
