"""The categories of senders, and the mailboxes and the group that belong to no category.

:mod:`mailroom.settings` reads categories from a configuration;
:mod:`mailroom.screener.model.places` finds their mailboxes in an account.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, Self

from mailroom.contacts.model import ContactType
from mailroom.screener.model.spelling import folded


def triage_label(name: str) -> str:
    """Return the default label of a category: ``@To`` and its name without spaces."""
    return "@To" + "".join(name.split())


@dataclass(frozen=True, slots=True)
class Category:
    """A place where a sender's mail can go.

    Attributes:
        name: the name of the category, for people.
        label: path of the mailbox that is the triage label. In all paths, ``Work/Feed`` is a child
            of ``Work``.
        group: name of the contact group.
        destination: path of the mailbox that the mail is filed to.
        parent: name of another category, or None. The senders of this category are in the
            parent's group as well, and their mail is in the parent's destination as well.
        contact_type: the type of the cards that are made for senders in the category.
        add_to_inbox: True if waiting or new mail that is filed to the category is put into the
            Inbox as well. Not inherited from the parent.
        mark_seen: True if mail that is filed to the category is marked as read. Not inherited from
            the parent.
        denies: True if the category means "no": no mailing list's decision overrides it, and new
            mail of its senders leaves the Inbox even if it is placed.
    """

    name: str
    label: str
    group: str
    destination: str
    parent: str | None = None
    contact_type: ContactType = ContactType.COMPANY
    add_to_inbox: bool = False
    mark_seen: bool = False
    denies: bool = False

    @classmethod
    def named(  # noqa: PLR0913 - one argument for each attribute
        cls,
        name: str,
        *,
        label: str | None = None,
        group: str | None = None,
        destination: str | None = None,
        parent: str | None = None,
        contact_type: ContactType = ContactType.COMPANY,
        add_to_inbox: bool = False,
        mark_seen: bool = False,
        denies: bool = False,
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
            mark_seen=mark_seen,
            denies=denies,
        )


class Special(Enum):
    """The answers of a triage label besides the categories and None."""

    SPAM = "spam"


Answer = Category | Literal[Special.SPAM] | None
"""The answer that a triage label gives: a category, spam, or None for "back to the Screener"."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The mailboxes (as paths) and the contact group that belong to no category.

    Attributes:
        screener: the mailbox for mail of undecided senders.
        screener_label: the label that undoes a decision.
        spam_label: the label for spam.
        domain_label: the label that, beside a triage label, decides on everybody at the sender's
            domain.
        list_label: the label that, beside a triage label, decides on the mail's mailing list.
        error_label: the label for labelled mail that cannot be triaged.
        warning_label: the label for mail whose sender's name is not the name on the card, and for
            mail that may be forged.
        provenance_group: the contact group of cards that Mailroom made.
        warn_on_name_mismatch: True if ``warning_label`` is used at all, for forged mail too.
    """

    screener: str = "Screener"
    screener_label: str = "@ToScreener"
    spam_label: str = "@ToSpam"
    domain_label: str = "@WholeDomain"
    list_label: str = "@ThisList"
    error_label: str = "@MailroomError"
    warning_label: str = "@MailroomWarning"
    provenance_group: str = "Mailroom"
    warn_on_name_mismatch: bool = True


class Categories:
    """The categories of an account, in the order of the configuration."""

    def __init__(self, categories: Iterable[Category]) -> None:
        self._all = tuple(categories)
        self._by_name = {category.name: category for category in self._all}

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

    def find(self, name: str) -> Category | None:
        """Return the category that a person names, regardless of case; None if there is none."""
        same = (category for category in self._all if folded(category.name) == folded(name))
        return next(same, None)

    def chain(self, category: Category) -> tuple[Category, ...]:
        """Return the category, its parent, its parent's parent, ... (in a cycle: once around)."""
        chain = [category]
        while (name := chain[-1].parent) is not None:
            parent = self.by_name(name)
            if parent is None or parent in chain:
                break
            chain.append(parent)
        return tuple(chain)

    def group_names(self) -> frozenset[str]:
        """Return the names of all categories' contact groups."""
        return frozenset(category.group for category in self._all)


DEFAULTS: Final = Categories(
    [
        Category.named("Imbox", add_to_inbox=True),
        Category.named("Feed"),
        Category.named("Paper Trail"),
        Category.named("Jail", mark_seen=True, denies=True),
        Category.named(
            "Person", parent="Imbox", contact_type=ContactType.PERSON, add_to_inbox=True
        ),
        Category.named("Billboard", parent="Paper Trail"),
        Category.named("Truck", parent="Paper Trail"),
    ]
)
