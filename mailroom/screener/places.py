"""Which mailbox is which: the names of the configuration found among the account's mailboxes.

Pure. Looked up anew in every pass, so that a mailbox which somebody re-creates or renames back is
found without a restart.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mailroom.jmap.mailboxes import Mailbox
from mailroom.screener.categories import Categories, Category, Layout
from mailroom.screener.missing import MissingError, UnsuitableError

_NEEDED: Final = ("mayReadItems", "mayAddItems", "mayRemoveItems", "maySetKeywords")
_NO_DESTINATIONS: Final = frozenset({"inbox", "trash", "drafts", "sent", "junk"})


@dataclass(frozen=True, slots=True)
class Places:
    """Mailbox ids, by what they are to Mailroom.

    Attributes:
        labels: triage label -> its category, or None for the label that undoes.
        destinations: category name -> mailbox.
        screener: where undecided senders wait.
        inbox: by role.
        error: the error label.
        warning: the warning label; None when name mismatches are not to be marked.
        trash: by role, as those below; empty where the account has no such mailbox.
        drafts: likewise.
        sent: likewise.
        junk: likewise.
    """

    labels: Mapping[str, Category | None]
    destinations: Mapping[str, str]
    screener: str
    inbox: str
    error: str
    warning: str | None
    trash: frozenset[str]
    drafts: frozenset[str]
    sent: frozenset[str]
    junk: frozenset[str]

    @property
    def managed(self) -> frozenset[str]:
        """The Screener and every category's destination."""
        return frozenset((self.screener, *self.destinations.values()))

    @property
    def marks(self) -> frozenset[str]:
        """Labels of ours that are no place for a mail to be in."""
        return self._notices | self.labels.keys()

    @property
    def swept(self) -> frozenset[str]:
        """Where a sender's mail is looked for: mail elsewhere is left alone."""
        return self.managed | self._notices

    @property
    def _notices(self) -> frozenset[str]:
        notices = {self.error} if self.warning is None else {self.error, self.warning}
        return frozenset(notices)


def locate(directory: "Directory", categories: Categories, layout: Layout) -> Places:
    """Find every mailbox that the configuration names.

    Raises:
        MissingError: some are not there.
        UnsuitableError: some have another purpose.
    """
    if missing := missing_mailboxes(directory, categories, layout):
        raise MissingError(mailboxes=missing)
    refuse_unsuitable(directory, categories, layout)
    labels: dict[str, Category | None] = {
        directory[category.label]: category for category in categories
    }
    labels[directory[layout.screener_label]] = None
    return Places(
        labels=labels,
        destinations={each.name: directory[each.destination] for each in categories},
        screener=directory[layout.screener],
        inbox=min(directory.by_role("inbox")),
        error=directory[layout.error_label],
        warning=directory[layout.warning_label] if layout.warn_on_name_mismatch else None,
        trash=directory.by_role("trash"),
        drafts=directory.by_role("drafts"),
        sent=directory.by_role("sent"),
        junk=directory.by_role("junk"),
    )


def wanted_mailboxes(categories: Categories, layout: Layout) -> list[str]:
    """The names of all mailboxes that Mailroom needs, parents of paths not counted."""
    names = [layout.screener]
    names += [category.destination for category in categories]
    names += [category.label for category in categories]
    names += [layout.screener_label, layout.error_label]
    if layout.warn_on_name_mismatch:
        names.append(layout.warning_label)
    return list(dict.fromkeys(names))


def missing_mailboxes(directory: "Directory", categories: Categories, layout: Layout) -> list[str]:
    """Those of the :func:`wanted_mailboxes` (and the Inbox) that are not there."""
    missing = [name for name in wanted_mailboxes(categories, layout) if not directory.find(name)]
    return missing if directory.by_role("inbox") else ["Inbox", *missing]


def refuse_unsuitable(directory: "Directory", categories: Categories, layout: Layout) -> None:
    """See that no mailbox with a role is used where its mail would be lost sight of, or labelled.

    A label that is the archive would have all that was ever archived triaged. What is filed to the
    Trash may be purged. An archive may well be a destination.

    Raises:
        UnsuitableError: there is one.
    """
    destinations = {category.destination for category in categories}
    roles = {name: directory.role(name) for name in wanted_mailboxes(categories, layout)}
    unsuitable = {
        name: role
        for name, role in roles.items()
        if role and (name not in destinations or role in _NO_DESTINATIONS)
    }
    if unsuitable:
        raise UnsuitableError(unsuitable)


def lacking_rights(directory: "Directory", categories: Categories, layout: Layout) -> Iterator[str]:
    """Find the mailboxes of ours in which the user may not do what filing takes.

    Yields:
        For each of them its path, and the rights (RFC 8621 section 2) that are missing.
    """
    for path in dict.fromkeys(["Inbox", *wanted_mailboxes(categories, layout)]):
        rights = directory.rights(path)
        missing = [] if rights is None else [each for each in _NEEDED if each not in rights]
        if missing:
            yield f"mailbox {path}: {', '.join(missing)} not granted"


class Directory:
    """An account's mailboxes, to be found by path and by role."""

    def __init__(self, mailboxes: Iterable[Mailbox]) -> None:
        self._by_id = {mailbox.id: mailbox for mailbox in mailboxes}
        self._children: dict[tuple[str | None, str], str] = {}
        for mailbox in self._by_id.values():
            parent = mailbox.parent_id if mailbox.parent_id in self._by_id else None
            self._children.setdefault((parent, _same(mailbox.name)), mailbox.id)

    def find(self, path: str) -> str | None:
        """The id of the mailbox at ``path`` (``Inbox/Screener``), or None.

        Inbox at the start of a path means the mailbox of that role, whatever it is called.
        """
        current: str | None = None
        for depth, name in enumerate(path.split("/")):
            found = self._children.get((current, _same(name)))
            if found is None and depth == 0 and name.lower() == "inbox":
                found = min(self.by_role("inbox"), default=None)
            if found is None:
                return None
            current = found
        return current

    def __getitem__(self, path: str) -> str:
        """The id of the mailbox at ``path``.

        Raises:
            KeyError: there is none.
        """
        found = self.find(path)
        if found is None:
            raise KeyError(path)
        return found

    def role(self, path: str) -> str:
        """The role of the mailbox at ``path``, lower case; empty if there is none."""
        found = self.find(path)
        return "" if found is None else self._by_id[found].role

    def rights(self, path: str) -> frozenset[str] | None:
        """The user's rights in the mailbox at ``path``; None if it is missing or nobody told."""
        found = self.find(path)
        return None if found is None else self._by_id[found].rights

    def total_emails(self, mailbox_id: str) -> int | None:
        """How many mails are in a mailbox; None if nobody told."""
        found = self._by_id.get(mailbox_id)
        return None if found is None else found.total_emails

    def by_role(self, role: str) -> frozenset[str]:
        """The ids of all mailboxes of a role (some servers allow several)."""
        return frozenset(each.id for each in self._by_id.values() if each.role == role)

    def path(self, mailbox_id: str) -> str:
        """How a person would name a mailbox: its path."""
        names: list[str] = []
        current: str | None = mailbox_id
        while current in self._by_id and len(names) < len(self._by_id):
            mailbox = self._by_id[current]
            names.insert(0, mailbox.name)
            current = mailbox.parent_id
        return "/".join(names)


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name)
