"""Filters of ``Email/query`` (RFC 8621 section 4.4.1): from JSON to a function of a mail.

What is no filter at all is ``invalidArguments``, with the path to it, as on Cyrus; what is one but
is not known here is ``unsupportedFilter``, never a guess.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from mailroom.sandbox.arguments import invalid
from mailroom.sandbox.filter_shape import (
    TEXT,
    has_text,
    mailboxes_of,
    refuse_nested_mailboxes,
)
from mailroom.sandbox.index import Index
from mailroom.sandbox.plugin import MethodFailure
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.search import matcher
from mailroom.sandbox.store import Email, MailStore

Test = Callable[[Email], bool]

_UNSUPPORTED: Final = frozenset(
    {
        *("minSize", "maxSize", "hasAttachment", "text", "subject", "body"),
        *("allInThreadHaveKeyword", "someInThreadHaveKeyword", "noneInThreadHaveKeyword"),
    }
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Compiles filters for one account.

    Attributes:
        store: the account's mail.
        index: what the search index holds.
        quirks: what is known here, and where it is looked up.
    """

    store: MailStore
    index: Index
    quirks: Quirks

    def test(self, value: Any) -> Test:
        """Return the test of a whole filter; the filter None matches all mail.

        Raises:
            MethodFailure: it is no filter, or not known here.
        """
        habits = self.quirks.querying
        matches = self.compile(value)
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
                for place, each in enumerate(conditions):
                    if self._is_cut_short(each):
                        return True
                    is_left = any("operator" in later for later in conditions[place + 1 :])
                    if (
                        operator == "AND"
                        and is_left
                        and not self._finds_any(conditions[: place + 1])
                    ):
                        return True
        return False

    def _finds_any(self, conditions: Sequence[Any]) -> bool:
        tests = [self.compile(each) for each in conditions]
        candidates = self.candidates({"operator": "AND", "conditions": conditions})
        return any(all(test(email) for test in tests) for email in candidates)

    def candidates(self, value: Any) -> Iterable[Email]:
        """Return the mails that a filter may match: the mails in its mailboxes, or every mail."""
        inside = mailboxes_of(value)
        return self.store.emails.values() if inside is None else self.store.emails_in(*inside)

    def compile(self, value: Any, path: str = "filter") -> Test:
        """The test that a filter stands for; None stands for all mail.

        Raises:
            MethodFailure: it is none, or not known here.
        """
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
        for place, each in enumerate(conditions):
            if not isinstance(each, dict):
                raise invalid(f"{path}/conditions[{place}]")
        tests = [
            self.compile(each, f"{path}/conditions[{place}]")
            for place, each in enumerate(conditions)
        ]
        match value["operator"]:
            case "AND":  # an empty one matches nothing, as on Cyrus
                return lambda email: bool(tests) and all(test(email) for test in tests)
            case "OR":
                return lambda email: any(test(email) for test in tests)
            case "NOT":
                return lambda email: not any(test(email) for test in tests)
            case _:
                raise invalid(f"{path}/operator")

    def _condition(self, name: str, value: Any, path: str) -> Test:
        if name in TEXT:
            return self._text(name, value, path)
        if name in _UNSUPPORTED or (name == "header" and not self.quirks.header_filter):
            raise MethodFailure("unsupportedFilter", description=f"no {name} here")
        compilers = {
            "inMailbox": self._in_mailbox,
            "inMailboxOtherThan": self._other_than,
            "header": self._header,
            "hasKeyword": _has_keyword,
            "notKeyword": _not_keyword,
            "after": self._after,
            "before": self._before,
        }
        if name not in compilers:
            raise invalid(path)
        return compilers[name](value, path)

    def _in_mailbox(self, value: Any, path: str) -> Test:
        if not isinstance(value, str) or not self._may_name(value):
            raise invalid(path)
        return lambda email: value in email.mailbox_ids

    def _may_name(self, mailbox_id: str) -> bool:
        return mailbox_id in self.store.mailboxes or not self.quirks.querying.refuses_unknown

    def _other_than(self, value: Any, path: str) -> Test:
        if not isinstance(value, list):
            raise invalid(path)
        for place, each in enumerate(value):
            if not self._may_name(each):
                raise invalid(f"{path}[{place}:{each}]")
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
        _check_strings(value, path)
        name, *wanted = value
        part = wanted[0].lower() if wanted else ""
        return self._where_header_looks(
            lambda email: any(part in each.lower() for each in email.message.values(name))
        )

    def _where_header_looks(self, test: Test) -> Test:
        match self.quirks.querying.header:
            case "mail":
                return test
            case "index":
                return self._indexed(test)
            case _:
                return lambda _: False

    def _indexed(self, test: Test) -> Test:
        return lambda email: self.index.has(email) and test(email)

    def _after(self, value: Any, path: str) -> Test:
        """Return a test for mail of that date or later (RFC 8621 section 4.4.1)."""
        moment = _date(value, path)
        return self._dated(lambda email: email.received_at >= moment)

    def _before(self, value: Any, path: str) -> Test:
        moment = _date(value, path)
        return self._dated(lambda email: email.received_at < moment)

    def _dated(self, test: Test) -> Test:
        return self._indexed(test) if self.quirks.querying.dates_are_indexed else test


def _check_strings(value: Sequence[Any], path: str) -> None:
    for place, each in enumerate(value):
        if not isinstance(each, str):
            raise invalid(f"{path}[{place}]")
        if not each or place > 1:
            raise invalid(f"{path}[{place}:{each}]")


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


def _date(value: Any, path: str) -> datetime:
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise invalid(path) from None
