"""The criteria in a filter of ``Email/query``, and their nesting."""

from typing import Any, Final

from mailroom.sandbox.errors import MethodFailure

TEXT: Final = frozenset({"from", "to", "cc", "bcc"})
"""The text criteria that the sandbox knows (RFC 8621 section 4.4.1)."""
_MAILBOX_CONDITIONS: Final = frozenset({"inMailbox", "inMailboxOtherThan"})


def has_text(value: Any) -> bool:
    """Return True if a filter has a text criterion anywhere."""
    match value:
        case {"conditions": [*conditions]}:
            return any(map(has_text, conditions))
        case dict():
            return not TEXT.isdisjoint(value)
        case _:
            return False


def mailboxes_of(value: Any) -> frozenset[str] | None:
    """Return the only mailboxes in which a filter can find mail; None if it is not limited."""
    match value:
        case {"operator": "AND", "conditions": [*conditions]}:
            limits = [mailboxes_of(condition) for condition in conditions]
            return min((limit for limit in limits if limit is not None), key=len, default=None)
        case {"operator": "OR", "conditions": [*conditions]}:
            limits = [mailboxes_of(condition) for condition in conditions]
            known = [limit for limit in limits if limit is not None]
            return frozenset[str]().union(*known) if len(known) == len(limits) else None
        case {"inMailbox": str(mailbox_id)} if "operator" not in value:
            return frozenset({mailbox_id})
        case _:
            return None


def refuse_nested_mailboxes(value: Any) -> None:
    """Refuse mailbox conditions inside operators, except a single one at the top of an AND.

    Raises:
        MethodFailure: the filter has a condition that Apache James refuses.
    """
    match value:
        case {"operator": "AND", "conditions": [*conditions]}:
            nested = sum(map(_mailbox_conditions, conditions))
            at_top = [condition for condition in conditions if "operator" not in condition]
            if nested == 0 or nested == sum(map(_mailbox_conditions, at_top)) == 1:
                return
            _refuse_mailboxes(value)
        case {"operator": str()}:
            _refuse_mailboxes(value)


def _mailbox_conditions(value: Any) -> int:
    if "operator" in value:
        return sum(map(_mailbox_conditions, value["conditions"]))
    return len(_MAILBOX_CONDITIONS & value.keys())


def _refuse_mailboxes(value: Any) -> None:
    for condition in value["conditions"]:
        if "operator" in condition:
            _refuse_mailboxes(condition)
        for name in sorted(_MAILBOX_CONDITIONS & condition.keys()):
            words = f"Nested {name} filters are not supported"
            raise MethodFailure("unsupportedFilter", description=words)
