"""Filters of ``Email/query`` (RFC 8621 section 4.4.1): from JSON to a function of a mail.

A value that is not a filter is refused with ``invalidArguments`` and the path to it, as on Cyrus; a
filter that the sandbox does not know, with ``unsupportedFilter``. Nothing is guessed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.sandbox.arguments import invalid
from mailroom.sandbox.errors import MethodFailure
from mailroom.sandbox.filter_shape import (
    TEXT,
    has_text,
    mailboxes_of,
    refuse_nested_mailboxes,
)
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.search import matcher
from mailroom.sandbox.store import Email, MailStore

Test = Callable[[Email], bool]

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
        if not habits.evaluates_nested and self._is_cut_short(value):
            return lambda _: False
        if habits.text_hides_unindexed and has_text(value):
            return lambda email: self.index.has(email) and matches(email)
        return matches

    def _is_cut_short(self, value: Any) -> bool:
        """Return True if an operator follows an empty condition of an AND."""
        match value:
            case {"operator": str(operator), "conditions": [*conditions]}:
                for place, condition in enumerate(conditions, start=1):
                    if self._is_cut_short(condition):
                        return True
                    is_left = any("operator" in later for later in conditions[place:])
                    if operator == "AND" and is_left and not self._finds_any(conditions[:place]):
                        return True
        return False

    def _finds_any(self, conditions: Sequence[Any]) -> bool:
        together = {"operator": "AND", "conditions": conditions}
        return any(map(self._compile(together, "filter"), self.candidates(together)))

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
        for condition, its_path in zip(conditions, paths, strict=True):
            if not isinstance(condition, dict):
                raise invalid(its_path)
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
        if name in TEXT:
            return self._text(name, value, path)
        if name in _UNSUPPORTED or (name == "header" and not self._quirks.header_filter):
            raise MethodFailure("unsupportedFilter", description=f"no {name} here")
        compilers = {
            "inMailbox": self._in_mailbox,
            "inMailboxOtherThan": self._other_than,
            "header": self._header,
            "hasKeyword": _has_keyword,
            "notKeyword": _not_keyword,
        }
        if name not in compilers:
            raise invalid(path)
        return compilers[name](value, path)

    def _in_mailbox(self, value: Any, path: str) -> Test:
        if not isinstance(value, str) or not self._may_name(value):
            raise invalid(path)
        return lambda email: value in email.mailbox_ids

    def _may_name(self, mailbox_id: str) -> bool:
        return mailbox_id in self.store.mailboxes or not self._quirks.querying.refuses_unknown

    def _other_than(self, value: Any, path: str) -> Test:
        if not isinstance(value, list):
            raise invalid(path)
        for place, mailbox_id in enumerate(value):
            if not self._may_name(mailbox_id):
                raise invalid(f"{path}[{place}:{mailbox_id}]")
        return lambda email: not email.mailbox_ids <= set(value)

    def _text(self, name: str, value: Any, path: str) -> Test:
        if not isinstance(value, str):
            raise invalid(path)
        matches = matcher(value)
        if matches is None:
            raise MethodFailure("unsupportedFilter", description=f"no such search for {name} here")
        return lambda email: self.index.has(email) and matches(email.message.terms(name))

    def _header(self, value: Any, path: str) -> Test:
        if not isinstance(value, list) or not value:
            raise invalid(path)
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


def _keyword(value: Any, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise invalid(path)
    return value.lower()


def _has_keyword(value: Any, path: str) -> Test:
    keyword = _keyword(value, path)
    return lambda email: keyword in email.keywords


def _not_keyword(value: Any, path: str) -> Test:
    keyword = _keyword(value, path)
    return lambda email: keyword not in email.keywords
