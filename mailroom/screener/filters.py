"""Filters for Email/query (RFC 8621 section 4.4.1) that servers answer in full. Pure.

Cyrus multiplies a filter out into an OR of ANDs before it searches. What makes that longer than
``search_normalisation_max`` nodes (1,000 unless configured otherwise) it leaves out, and answers
with success and too little. So many senders in many mailboxes are asked for by several filters.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from mailroom.jmap.mail import Filter

_NODES: Final = 500
"""Half of what is safe, for on its way a filter gets longer than it is in the end."""
_MAILBOXES: Final = 30
"""So many at once leave room for what is asked about one sender."""


def in_any_of(mailbox_ids: Collection[str]) -> Filter:
    """Mail in at least one of the mailboxes."""
    conditions = [{"inMailbox": mailbox_id} for mailbox_id in sorted(mailbox_ids)]
    return {"operator": "OR", "conditions": conditions}


def in_any_and_any(
    mailbox_ids: Collection[str], groups: Iterable[Sequence[Filter]]
) -> Iterator[Filter]:
    """Filters that together find mail in any of the mailboxes that meets any of the conditions.

    Args:
        mailbox_ids: the mailboxes.
        groups: the conditions; those of a group stay together.
    """
    every, ordered = list(groups), sorted(mailbox_ids)
    for start in range(0, len(ordered), _MAILBOXES):
        some = ordered[start : start + _MAILBOXES]
        for conditions in _parts(every, _NODES // len(some)):
            either: Filter = {"operator": "OR", "conditions": conditions}
            yield {"operator": "AND", "conditions": [in_any_of(some), either]}


def _parts(groups: Iterable[Sequence[Filter]], nodes: int) -> Iterator[list[Filter]]:
    """The conditions, as many groups at once as make so many nodes with one mailbox."""
    part: list[Filter] = []
    size = 0
    for group in groups:
        more = sum(2 + _leaves(each) for each in group)  # an AND of the mailbox and the condition
        if part and size + more > nodes:
            yield part
            part, size = [], 0
        part += group
        size += more
    if part:
        yield part


def _leaves(condition: Filter) -> int:
    """How many single conditions are in one."""
    inner = condition.get("conditions")
    return 1 if inner is None else sum(map(_leaves, inner))
