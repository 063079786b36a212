"""The decisions that stand, and the one that holds for a mail. Pure.

A mail may have several subjects: its sender, its mailing list, and everybody at its domain.
:meth:`Decisions.subject_key_for` decides between them.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailroom.contacts.address import list_key, whole_domain
from mailroom.contacts.index import ContactIndex
from mailroom.jmap.mail import Email
from mailroom.screener.model.categories import Answer, Categories, Category
from mailroom.screener.model.lists import list_id
from mailroom.screener.model.sender import sender_of


class StandingDecisions:
    """The decisions that the address book holds: cards in the categories' groups.

    Args:
        index: the address book.
        categories: the categories.
    """

    def __init__(self, index: ContactIndex, categories: Categories) -> None:
        self._index = index
        self._categories = categories
        self._members = defaultdict[str, list[frozenset[str]]](list)
        for group in index.groups:  # several groups may have one name
            self._members[group.name].append(group.members)

    def has_card(self, key: str) -> bool:
        """Return True if a card bears an address, or stands for a list or a whole domain.

        Cards that Mailroom may only read do not count.
        """
        return bool(self._index.ids_of([key]))

    def knows(self, address: str) -> bool:
        """Return True if a card bears an address, or ``*@`` and its domain.

        Cards that Mailroom may only read count as well.
        """
        return self._index.knows(address)

    def categories_for(self, key: str) -> tuple[Category, ...]:
        """Return the categories of a subject, by its key; empty if it is not decided.

        For an address that no card bears, the decision on its domain stands in.
        """
        own_uids, uids = self._index.own_uids_of(key), self._index.uids_standing_for(key)
        # Several people may share an address. A card without any other address takes precedence
        # over the cards of people who have other addresses as well.
        return self.categories_of_cards(own_uids) or self.categories_of_cards(uids)

    def categories_without_stand_in(self, key: str) -> tuple[Category, ...]:
        """Return the categories of a subject; empty for an address that no card bears."""
        return self.categories_for(key) if self.has_card(key) else ()

    def categories_of_cards(self, uids: frozenset[str]) -> tuple[Category, ...]:
        """Return the categories in whose groups the cards of a contact are.

        A category is left out if the contact is in one of its children as well. There may still be
        several: such a contact's mail is filed to all of them, as a provider's rules would do.
        """
        joined = [
            category
            for category in self._categories
            if any(uids & members for members in self._members.get(category.group, ()))
        ]
        inherited = {
            parent for category in joined for parent in self._categories.chain(category)[1:]
        }
        return tuple(category for category in joined if category not in inherited)


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions of the address book, and those of the present pass, which count more.

    After an earlier pass that was cut short, the address book may hold a part of a decision: a card
    without a group, or a child's group without the parent's.

    Attributes:
        standing: the decisions of the address book.
        of_pass: the key of each subject that the pass decides on -> its answer.
        own: the keys of the user's own addresses; no decision on a list or a domain is about them.
    """

    standing: StandingDecisions
    of_pass: Mapping[str, Answer] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    def subject_key_for(self, email: Email) -> str:
        """Return the key of the subject that counts for a mail; there may be no decision on it.

        For the user's own mail this is always the sender. For other mail it is the first of these:

        - the sender, if the sender is in a category that denies;
        - the mailing list, if it is decided on;
        - the sender, if the sender has a card or is decided on by this pass;
        - the sender's domain.

        Raises:
            UnusableFromError: the mail names no sender, or several.
        """
        sender, identifier = sender_of(email).key, list_id(email.list_id)
        if sender in self.own:
            return sender
        if identifier and not self.denies(sender):
            of_list = list_key(identifier)
            if of_list in self.of_pass or self.standing.categories_for(of_list):
                return of_list
        has_decision_or_card = sender in self.of_pass or self.standing.has_card(sender)
        return sender if has_decision_or_card else whole_domain(sender)

    def categories_for(self, key: str) -> tuple[Category, ...]:
        """Return the categories of a subject, by its key; empty if it is undecided, or spam."""
        if key not in self.of_pass:
            return self.standing.categories_for(key)
        answer = self.of_pass[key]
        return (answer,) if isinstance(answer, Category) else ()

    def denies(self, sender: str) -> bool:
        """Return True if a sender, by the key of the address, is in a category that denies."""
        has_decision_or_card = sender in self.of_pass or self.standing.has_card(sender)
        return has_decision_or_card and any(
            category.denies for category in self.categories_for(sender)
        )
