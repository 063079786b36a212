from typing import Any

import pytest

from mailroom.jmap.push import StateChange

CHANGED = {"a": {"Email": "1", "Mailbox": "2"}, "shared": {"Email": "9"}}


def test_only_changed_is_read() -> None:
    value = {"@type": "Surprise", "type": "connect", "changed": CHANGED, "pushState": 3}
    assert StateChange.parse(value) == StateChange(CHANGED)


def test_the_type_need_not_be_named() -> None:
    assert StateChange.parse({"changed": CHANGED}) == StateChange(CHANGED)


def test_changes_are_reported_by_account() -> None:
    change = StateChange(CHANGED)
    assert change.for_account("a") == {"Email": "1", "Mailbox": "2"}
    assert change.for_account("shared") == {"Email": "9"}
    assert change.for_account("elsewhere") == {}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "changed",
        7,
        {},
        {"changed": None},
        {"changed": ["a"]},
        {"changed": {"a": None}},
        {"changed": {"a": {"Email": 7}}},
        {"changed": {"a": {"Email": "1"}, "b": "2"}},
    ],
)
def test_what_cannot_be_understood_may_be_any_change(value: Any) -> None:
    change = StateChange.parse(value)
    assert change == StateChange(None)
    assert change.for_account("a") is None
