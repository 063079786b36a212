"""Filters for Email/query (RFC 8621 section 4.4.1) that servers answer in full. Pure.

Cyrus multiplies a filter out into an OR of ANDs before it searches. It leaves out the part beyond
``search_normalisation_max`` nodes (1,000 unless configured otherwise), and answers with success and
too few mails. So a search for many senders in many mailboxes is divided into several filters.

Apache James refuses a filter with ``inMailbox`` inside an operator, except at the top of an AND.
After such a refusal, filters have another form (:func:`note_refused_filter`).

Stalwart finds nothing if an inner AND has an empty condition and, after it, an operator. No filter
of this module has such an AND.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mailroom.jmap.habits import Habits, Limitation
from mailroom.jmap.mail import Filter
from mailroom.waiting.batches import batches, batches_by_weight

_NODES: Final = 500
"""The largest number of nodes of a filter that is multiplied out. This is half of the safe number,
because the filter is longer while Cyrus multiplies it out."""
_MAILBOXES: Final = 30
"""The largest number of mailboxes in one filter. It leaves room for the conditions of a sender."""


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """Some of an account's mailboxes, to be searched.

    Attributes:
        ids: the ids of the mailboxes to be searched.
        every: the ids of all known mailboxes of the account; empty if they are not known. A mailbox
            that was created after they were read may be searched as well.
        keyword: only mail with this keyword is searched; empty for all mail.
    """

    ids: frozenset[str]
    every: frozenset[str] = frozenset()
    keyword: str = ""

    def filters(self, habits: Habits) -> list[Filter]:
        """Return filters that together find every mail in any of the mailboxes."""
        return [email_filter for email_filter, _ in self.sized_filters(habits)]

    def sized_filters(self, habits: Habits) -> Iterator[tuple[Filter, int]]:
        """Yield the filters, each with the number of its single conditions.

        A filter names several mailboxes if the server accepts this. Otherwise there is one filter
        that excludes all other mailboxes, or one for each mailbox.

        A mailbox with a keyword counts as two conditions, and a list of excluded mailboxes as one.
        Cyrus repeats the other conditions of a search for each of these conditions.
        """
        ordered = sorted(self.ids)
        also = {"hasKeyword": self.keyword} if self.keyword else {}
        if len(ordered) > 1 and Limitation.SEVERAL_MAILBOXES not in habits:
            for part in batches(ordered, _MAILBOXES):
                conditions = [{"inMailbox": mailbox_id, **also} for mailbox_id in part]
                yield {"operator": "OR", "conditions": conditions}, len(part) * (1 + len(also))
        elif len(ordered) > 1 and self.every and Limitation.EXCLUDED_MAILBOXES not in habits:
            yield {"inMailboxOtherThan": sorted(self.every - self.ids), **also}, 1 + len(also)
        else:
            for mailbox_id in ordered:
                yield {"inMailbox": mailbox_id, **also}, 1 + len(also)


def note_refused_filter(habits: Habits) -> bool:
    """Note that a filter of :class:`Mailboxes` was refused; False if no other form is left."""
    for limitation in (Limitation.SEVERAL_MAILBOXES, Limitation.EXCLUDED_MAILBOXES):
        if limitation not in habits:
            habits.learn(limitation)
            return True
    return False


def in_mailboxes_and_any(
    mailboxes: Mailboxes, groups: Iterable[Sequence[Filter]], habits: Habits
) -> Iterator[Filter]:
    """Yield filters that together find mail in any of the mailboxes that meets any condition.

    Args:
        mailboxes: the mailboxes.
        groups: the conditions in groups; a group is not divided between filters.
        habits: the server's limitations.
    """

    def weigh(group: Sequence[Filter]) -> int:
        # Multiplied out, each condition is an AND of a mailbox and its own single conditions: the
        # operator and the mailbox are two more nodes.
        return sum(2 + _leaves(condition) for condition in group)

    all_groups = [group for group in groups if group]
    for inside, count in mailboxes.sized_filters(habits):
        for part in batches_by_weight(all_groups, weigh, limit=_NODES // count):
            conditions = [condition for group in part for condition in group]
            either: Filter = {"operator": "OR", "conditions": conditions}
            yield {"operator": "AND", "conditions": [inside, either]}


def _leaves(condition: Filter) -> int:
    """Return the number of single conditions in a filter."""
    inner = condition.get("conditions")
    return 1 if inner is None else sum(map(_leaves, inner))
