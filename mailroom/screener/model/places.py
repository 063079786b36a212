"""The ids of the mailboxes that the configuration names. Pure.

Every pass finds these ids anew. So if somebody deletes or renames a mailbox, and then creates it
again or renames it back, Mailroom needs no restart.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mailroom.jmap.mailboxes import Mailbox
from mailroom.screener.model.categories import Answer, Categories, Layout, Special
from mailroom.screener.model.missing import MissingError, UnsuitableError
from mailroom.screener.model.spelling import composed
from mailroom.screener.model.subject import Kind, Subject

_NEEDED: Final = ("mayReadItems", "mayAddItems", "mayRemoveItems", "maySetKeywords", "maySetSeen")
"""The rights (RFC 8621 section 2) that Mailroom needs in each of its mailboxes."""
_NO_DESTINATIONS: Final = frozenset({"inbox", "trash", "drafts", "sent", "junk"})
"""The roles of mailboxes that no category may file mail to."""


@dataclass(frozen=True, slots=True)
class Places:
    """Mailbox ids, by their use.

    Attributes:
        labels: triage label -> its answer.
        destinations: category name -> mailbox.
        screener: the mailbox for mail of undecided senders.
        inbox: the mailbox with the role ``inbox``.
        error: the error label.
        warning: the warning label; None if mail with a name mismatch gets no label.
        domain_label: the label for whole domains.
        list_label: the label for mailing lists.
        trash: the mailboxes with the role ``trash``; empty if there are none.
        drafts: the same for the role ``drafts``.
        sent: the same for the role ``sent``.
        junk: the same for the role ``junk``.
        archive: the same for the role ``archive``.
        missing_labels: the paths of missing mailboxes that should be the triage labels of
            categories. Nobody can tap these labels, and everything else works.
    """

    labels: Mapping[str, Answer]
    destinations: Mapping[str, str]
    screener: str
    inbox: str
    error: str
    warning: str | None
    domain_label: str
    list_label: str
    trash: frozenset[str]
    drafts: frozenset[str]
    sent: frozenset[str]
    junk: frozenset[str]
    archive: frozenset[str] = frozenset()
    missing_labels: tuple[str, ...] = ()

    @property
    def tap_labels(self) -> frozenset[str]:
        """The labels that people tap: the triage labels, and the labels that widen a decision."""
        return frozenset((*self.labels, self.domain_label, self.list_label))

    def labels_for(self, subject: Subject, answer: Answer) -> frozenset[str]:
        """Return the labels that together give an answer about a subject.

        For spam from a whole domain, these are ``@ToSpam`` and ``@WholeDomain``. The result is
        empty if the label of the answer is missing.
        """
        labels = {label for label, given in self.labels.items() if given == answer}
        if not labels:
            return frozenset()
        match subject.kind:
            case Kind.DOMAIN:
                labels.add(self.domain_label)
            case Kind.LIST:
                labels.add(self.list_label)
            case Kind.ADDRESS:
                pass  # the sender of the mail is meant
        return frozenset(labels)

    @property
    def managed(self) -> frozenset[str]:
        """The Screener and every category's destination."""
        return frozenset((self.screener, *self.destinations.values()))

    @property
    def all_labels(self) -> frozenset[str]:
        """The labels that people tap, the error label and the warning label."""
        return self._problem_labels | self.tap_labels

    @property
    def swept(self) -> frozenset[str]:
        """The mailboxes in which mail of a decided sender is always searched for.

        A pass may also search for waived mail in the archive and for spam in the Junk folder.
        """
        return self.managed | self._problem_labels

    @property
    def _problem_labels(self) -> frozenset[str]:
        """The labels that show a problem with a mail: the error label and the warning label."""
        labels = {self.error} if self.warning is None else {self.error, self.warning}
        return frozenset(labels)


def locate(directory: "Directory", categories: Categories, layout: Layout) -> Places:
    """Find every mailbox that the configuration names.

    Raises:
        MissingError: a mailbox is missing that is not just the triage label of a category.
        UnsuitableError: a mailbox has a role that does not fit.
    """
    missing = missing_mailboxes(directory, categories, layout)
    # If the label of a category was deleted, the other labels and new mail are not held up.
    missing_labels = {category.label for category in categories} & set(missing)
    if any(path not in missing_labels for path in missing):
        raise MissingError(mailboxes=missing)
    raise_if_unsuitable(directory, categories, layout)
    labels: dict[str, Answer] = {
        directory[category.label]: category
        for category in categories
        if category.label not in missing_labels
    }
    labels[directory[layout.screener_label]] = None
    labels[directory[layout.spam_label]] = Special.SPAM
    return Places(
        labels=labels,
        destinations={category.name: directory[category.destination] for category in categories},
        screener=directory[layout.screener],
        inbox=min(directory.by_role("inbox")),
        error=directory[layout.error_label],
        warning=directory[layout.warning_label] if layout.warn_on_name_mismatch else None,
        domain_label=directory[layout.domain_label],
        list_label=directory[layout.list_label],
        trash=directory.by_role("trash"),
        drafts=directory.by_role("drafts"),
        sent=directory.by_role("sent"),
        junk=directory.by_role("junk"),
        archive=directory.by_role("archive"),
        missing_labels=tuple(sorted(missing_labels)),
    )


def wanted_mailboxes(categories: Categories, layout: Layout) -> list[str]:
    """Return the paths of all mailboxes that Mailroom needs, without their parents."""
    paths = [layout.screener]
    paths += [category.destination for category in categories]
    paths += [category.label for category in categories]
    paths += [layout.screener_label, layout.spam_label, layout.domain_label, layout.list_label]
    paths.append(layout.error_label)
    if layout.warn_on_name_mismatch:
        paths.append(layout.warning_label)
    return list(dict.fromkeys(paths))


def missing_mailboxes(directory: "Directory", categories: Categories, layout: Layout) -> list[str]:
    """Return the paths of the :func:`wanted_mailboxes` (and the Inbox) that are missing."""
    missing = [path for path in wanted_mailboxes(categories, layout) if not directory.find(path)]
    return missing if directory.by_role("inbox") else ["Inbox", *missing]


def raise_if_unsuitable(directory: "Directory", categories: Categories, layout: Layout) -> None:
    """Raise an error if the configuration uses a mailbox whose role does not fit.

    The Screener and the labels must have no role. For example, if the archive were a label, all
    archived mail would be triaged. A destination may have a role, for example ``archive``. But mail
    must not be filed to the Inbox, Drafts, Sent, Junk, or Trash, where the server may delete it.

    Raises:
        UnsuitableError: there are such mailboxes.
    """
    destinations = {category.destination for category in categories}
    roles = {path: directory.role(path) for path in wanted_mailboxes(categories, layout)}
    unsuitable = {
        path: role
        for path, role in roles.items()
        if role and (path not in destinations or role in _NO_DESTINATIONS)
    }
    if unsuitable:
        raise UnsuitableError(unsuitable)


def lacking_rights(directory: "Directory", categories: Categories, layout: Layout) -> Iterator[str]:
    """Find the mailboxes in which the user lacks rights that filing needs.

    Yields:
        The path of each of these mailboxes, and the rights that are missing.
    """
    for path in dict.fromkeys(["Inbox", *wanted_mailboxes(categories, layout)]):
        rights = directory.rights(path)
        missing = [] if rights is None else [right for right in _NEEDED if right not in rights]
        if missing:
            yield f"mailbox {path}: {', '.join(missing)} not granted"


class Directory:
    """An account's mailboxes, by path and by role."""

    def __init__(self, mailboxes: Iterable[Mailbox]) -> None:
        self._by_id = {mailbox.id: mailbox for mailbox in mailboxes}
        self._children: dict[tuple[str | None, str], str] = {}
        for mailbox in self._by_id.values():
            parent = mailbox.parent_id if mailbox.parent_id in self._by_id else None
            self._children.setdefault((parent, composed(mailbox.name)), mailbox.id)

    def find(self, path: str) -> str | None:
        """Return the id of the mailbox at ``path`` (``Inbox/Screener``), or None.

        ``Inbox`` at the start of a path is the mailbox with the role ``inbox``, unless another
        mailbox has the name ``Inbox``.
        """
        current: str | None = None
        for depth, name in enumerate(path.split("/")):
            found = self._children.get((current, composed(name)))
            if found is None and depth == 0 and name.lower() == "inbox":
                found = min(self.by_role("inbox"), default=None)
            if found is None:
                return None
            current = found
        return current

    def __getitem__(self, path: str) -> str:
        """Return the id of the mailbox at ``path``.

        Raises:
            KeyError: there is no such mailbox.
        """
        found = self.find(path)
        if found is None:
            raise KeyError(path)
        return found

    def role(self, path: str) -> str:
        """Return the role of the mailbox at ``path``, in lower case; empty if there is none."""
        found = self.find(path)
        return "" if found is None else self._by_id[found].role

    def rights(self, path: str) -> frozenset[str] | None:
        """Return the user's rights in the mailbox at ``path``; None if they are not known."""
        found = self.find(path)
        return None if found is None else self._by_id[found].rights

    def total_emails(self, mailbox_id: str) -> int | None:
        """Return the number of mails in a mailbox; None if it is not known."""
        found = self._by_id.get(mailbox_id)
        return None if found is None else found.total_emails

    def by_role(self, role: str) -> frozenset[str]:
        """Return the ids of all mailboxes with a role (some servers allow several)."""
        return frozenset(mailbox.id for mailbox in self._by_id.values() if mailbox.role == role)

    def path(self, mailbox_id: str) -> str:
        """Return the path of a mailbox."""
        names: list[str] = []
        current: str | None = mailbox_id
        while current in self._by_id and len(names) < len(self._by_id):
            mailbox = self._by_id[current]
            names.insert(0, mailbox.name)
            current = mailbox.parent_id
        return "/".join(names)
