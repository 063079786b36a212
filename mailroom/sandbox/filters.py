"""Filters of ``Email/query`` (RFC 8621 section 4.4.1): from JSON to a function of a mail.

What is no filter at all is ``invalidArguments``, with the path to it, as on Cyrus; what is one but
is not known here is ``unsupportedFilter``, never a guess.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from mailroom.sandbox.arguments import invalid
from mailroom.sandbox.plugin import MethodFailure
from mailroom.sandbox.search import matcher
from mailroom.sandbox.store import Email, MailStore

Test = Callable[[Email], bool]

_TEXT: Final = frozenset({"from", "to", "cc", "bcc"})
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
        now: the store's clock; mail indexed later than this is not found by searching.
        has_header: whether ``header`` is known.
    """

    store: MailStore
    now: float
    has_header: bool

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
        if name in _TEXT:
            return self._text(name, value, path)
        if name in _UNSUPPORTED or (name == "header" and not self.has_header):
            raise MethodFailure("unsupportedFilter", description=f"no {name} here")
        compilers = {
            "inMailbox": self._in_mailbox,
            "inMailboxOtherThan": self._other_than,
            "header": _header,
            "hasKeyword": _has_keyword,
            "notKeyword": _not_keyword,
            "after": _after,
            "before": _before,
        }
        if name not in compilers:
            raise invalid(path)
        return compilers[name](value, path)

    def _in_mailbox(self, value: Any, path: str) -> Test:
        if not isinstance(value, str) or value not in self.store.mailboxes:
            raise invalid(path)
        return lambda email: value in email.mailbox_ids

    def _other_than(self, value: Any, path: str) -> Test:
        if not isinstance(value, list):
            raise invalid(path)
        for place, each in enumerate(value):
            if each not in self.store.mailboxes:
                raise invalid(f"{path}[{place}:{each}]")
        return lambda email: not email.mailbox_ids <= set(value)

    def _text(self, name: str, value: Any, path: str) -> Test:
        if not isinstance(value, str):
            raise invalid(path)
        matches = matcher(value)
        if matches is None:
            raise MethodFailure("unsupportedFilter", description=f"no such search for {name} here")
        now = self.now
        return lambda email: is_indexed(email, now) and matches(email.message.terms[name])


def is_indexed(email: Email, now: float) -> bool:
    """Whether a mail can be found by searching."""
    return email.indexed_at is not None and email.indexed_at <= now


def _header(value: Any, path: str) -> Test:
    if not isinstance(value, list) or not value:
        raise invalid(path)
    _check_strings(value, path)
    name, *wanted = value
    part = wanted[0].lower() if wanted else ""
    return lambda email: any(part in each.lower() for each in email.message.values(name))


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


def _after(value: Any, path: str) -> Test:
    """That date or later (RFC 8621 section 4.4.1)."""
    moment = _date(value, path)
    return lambda email: email.received_at >= moment


def _before(value: Any, path: str) -> Test:
    moment = _date(value, path)
    return lambda email: email.received_at < moment
