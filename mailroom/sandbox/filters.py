"""Filters of ``Email/query`` (RFC 8621 section 4.4.1): from JSON to a function of a mail.

A value that is not a filter is refused with ``invalidArguments`` and the path to the value, as on
Cyrus. A filter that the sandbox does not know is refused with ``unsupportedFilter``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.sandbox.arguments import invalid
from mailroom.sandbox.errors import MethodFailure
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.search import matcher
from mailroom.sandbox.store import Email, MailStore

Test = Callable[[Email], bool]

_TEXT: Final = frozenset({"from", "to", "cc", "bcc"})
"""The text criteria that the sandbox knows (RFC 8621 section 4.4.1)."""
_MAILBOX_CONDITIONS: Final = frozenset({"inMailbox", "inMailboxOtherThan"})
_UNSUPPORTED: Final = frozenset(
    {
        *("before", "after", "minSize", "maxSize", "hasAttachment", "text", "subject", "body"),
        *("allInThreadHaveKeyword", "someInThreadHaveKeyword", "noneInThreadHaveKeyword"),
    }
)


@dataclass(frozen=True, slots=True)
class Index:
    """The search index of one account at one moment.

    Attributes:
        now: the time of the account's clock; mails with a later ``indexed_at`` are not indexed yet.
        first_missing: the number of the oldest record that the index does not have yet.
    """

    now: float
    first_missing: float

    @classmethod
    def of(cls, store: MailStore) -> "Index":
        """Return the present index."""
        first_missing = float("inf")
        if behind := store.context.quirks.querying.behind:
            records = sorted((email.record for email in store.emails.values()), reverse=True)
            first_missing = min(records[:behind], default=first_missing)
        return cls(store.context.clock(), first_missing)

    def has(self, email: Email) -> bool:
        """Return True if a search can find a mail."""
        is_due = email.indexed_at is not None and email.indexed_at <= self.now
        return is_due and email.record < self.first_missing


@dataclass(frozen=True, slots=True)
class Filters:
    """Compiles filters for one account.

    Attributes:
        store: the account's mail.
        index: the account's search index.
    """

    store: MailStore
    index: Index

    @property
    def _quirks(self) -> Quirks:
        return self.store.context.quirks

    def test(self, value: Any) -> Test:
        """Return the test of a whole filter; the filter None matches all mail.

        Raises:
            MethodFailure: the value is not a filter, or the sandbox does not know it.
        """
        habits = self._quirks.querying
        matches = self._compile(value, "filter")
        if not habits.nests_mailboxes:
            refuse_nested_mailboxes(value)
        if not habits.evaluates_nested and self._stops_at_operator(value):
            return lambda _: False
        if habits.text_hides_unindexed and has_text(value):
            return lambda email: self.index.has(email) and matches(email)
        return matches

    def _stops_at_operator(self, value: Any) -> bool:
        """Return True if an operator follows conditions of an AND that no mail meets."""
        match value:
            case {"operator": str(operator), "conditions": [*conditions]}:
                for place, condition in enumerate(conditions, start=1):
                    if self._stops_at_operator(condition):
                        return True
                    is_followed = any("operator" in later for later in conditions[place:])
                    if operator != "AND" or not is_followed:
                        continue
                    so_far = {"operator": "AND", "conditions": conditions[:place]}
                    if not any(map(self._compile(so_far, "filter"), self.candidates(so_far))):
                        return True
        return False

    def candidates(self, value: Any) -> Iterable[Email]:
        """Return the mails that a filter may match: the mails in its mailboxes, or every mail."""
        inside = mailboxes_of(value)
        return self.store.emails.values() if inside is None else self.store.emails_in(*inside)

    def _compile(self, value: Any, path: str) -> Test:
        if value is None:
            return lambda _: True
        if not isinstance(value, dict):
            raise invalid(path)
        if "operator" in value:
            return self._operator(value, path)
        tests = [self._condition(name, facts, f"{path}/{name}") for name, facts in value.items()]
        return lambda email: all(test(email) for test in tests)

    def _operator(self, value: dict[str, Any], path: str) -> Test:
        conditions = value.get("conditions")
        if not isinstance(conditions, list):
            raise invalid(f"{path}/conditions")
        paths = [f"{path}/conditions[{place}]" for place in range(len(conditions))]
        for condition, condition_path in zip(conditions, paths, strict=True):
            if not isinstance(condition, dict):
                raise invalid(condition_path)
        tests = list(map(self._compile, conditions, paths))
        match value["operator"]:
            case "AND":  # an empty one matches nothing, as on Cyrus
                return lambda email: bool(tests) and all(test(email) for test in tests)
            case "OR":
                return lambda email: any(test(email) for test in tests)
            case "NOT":
                raise MethodFailure("unsupportedFilter", description="no NOT here")
            case _:
                raise invalid(f"{path}/operator")

    def _condition(self, name: str, value: Any, path: str) -> Test:
        if name in _UNSUPPORTED or (name == "header" and not self._quirks.header_filter):
            raise MethodFailure("unsupportedFilter", description=f"no {name} here")
        match name, value:
            case (("from" | "to" | "cc" | "bcc"), str()):
                return self._text(name, value)
            case "header", [_, *_]:
                return self._header(value, path)
            case "inMailbox", str() if self._may_name(value):
                return lambda email: value in email.mailbox_ids
            case "inMailboxOtherThan", [*mailbox_ids]:
                for place, mailbox_id in enumerate(mailbox_ids):
                    if not self._may_name(mailbox_id):
                        raise invalid(f"{path}[{place}:{mailbox_id}]")
                return lambda email: not email.mailbox_ids <= set(mailbox_ids)
            case "hasKeyword", str() if value:
                return lambda email: value.lower() in email.keywords
            case "notKeyword", str() if value:
                return lambda email: value.lower() not in email.keywords
            case _:
                raise invalid(path)

    def _may_name(self, mailbox_id: str) -> bool:
        return mailbox_id in self.store.mailboxes or not self._quirks.querying.refuses_unknown

    def _text(self, name: str, value: str) -> Test:
        matches = matcher(value)
        if matches is None:
            raise MethodFailure("unsupportedFilter", description=f"no such search for {name} here")
        return lambda email: self.index.has(email) and matches(email.message.terms(name))

    def _header(self, value: Sequence[Any], path: str) -> Test:
        for place, item in enumerate(value):
            if not isinstance(item, str):
                raise invalid(f"{path}[{place}]")
            if not item or place > 1:
                raise invalid(f"{path}[{place}:{item}]")
        name, *texts = value
        part = texts[0].lower() if texts else ""

        def has_part(email: Email) -> bool:
            return any(part in field.lower() for field in email.message.values(name))

        match self._quirks.querying.header:
            case "mail":
                return has_part
            case "index":
                return lambda email: self.index.has(email) and has_part(email)
            case _:
                return lambda _: False


def has_text(value: Any) -> bool:
    """Return True if a filter has a text criterion anywhere."""
    match value:
        case {"conditions": [*conditions]}:
            return any(map(has_text, conditions))
        case dict():
            return not _TEXT.isdisjoint(value)
        case _:
            return False


def mailboxes_of(value: Any) -> frozenset[str] | None:
    """Return the only mailboxes in which a filter can find mail; None if it may find any mail."""
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
