"""Changes to mail and mailboxes: what is asked, and what counts as done. No server."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.jmap.email_methods import get_email_state, get_identities, update_emails
from mailroom.jmap.errors import MethodError, SetError
from mailroom.jmap.mail import Patch
from mailroom.jmap.mailboxes import create_mailboxes, get_mailboxes
from mailroom.jmap.methods import SetResponse
from mailroom.jmap.queries import find_emails
from mailroom.jmap.request import Operation
from tests.support.scripted.jmap import asked, read

PATCHES: dict[str, Patch] = {
    "M1": {"mailboxIds/a": True, "mailboxIds/b": None},
    "M2": {"keywords/$seen": True},
}


def test_updates_are_patches() -> None:
    assert asked(update_emails("a", PATCHES)) == [
        ["Email/set", {"accountId": "a", "update": PATCHES}, "0"]
    ]


def test_an_update_that_went_through_is_read() -> None:
    answer = {
        "oldState": "57",
        "newState": "58",
        "updated": {"M1": None, "M2": {"size": 5}},
        "notUpdated": None,
    }
    assert read(update_emails("a", PATCHES), answer) == SetResponse("57", "58", {})


def test_what_was_not_updated_is_reported_by_mail() -> None:
    answer = {
        "oldState": None,
        "newState": "58",
        "updated": None,
        "notUpdated": {
            "M1": {"type": "notFound"},
            "M2": {
                "type": "invalidProperties",
                "properties": ["mailboxIds", "keywords/bad key("],
                "description": "no",
            },
        },
    }
    updated = read(update_emails("a", PATCHES), answer)
    assert (updated.old_state, updated.new_state) == ("", "58")
    assert updated.failed == {
        "M1": SetError("notFound"),
        "M2": SetError("invalidProperties", "no", ("mailboxIds", "keywords/bad key(")),
    }
    assert str(updated.failed["M2"]) == "invalidProperties mailboxIds, keywords/bad key( no"


def test_throttling_of_single_objects_is_reported() -> None:
    answer = {"updated": {"M1": None}, "notUpdated": {"M2": {"type": "rateLimit"}}}
    assert read(update_emails("a", PATCHES), answer).failed == {"M2": SetError("rateLimit")}


@pytest.mark.parametrize("answer", [{}, {"updated": None}, {"updated": {}, "notUpdated": {}}])
def test_what_the_server_says_nothing_of_is_not_done(answer: dict[str, Any]) -> None:
    updated = read(update_emails("a", PATCHES), answer)
    assert {object_id: error.type for object_id, error in updated.failed.items()} == {
        "M1": "serverFail",
        "M2": "serverFail",
    }


@pytest.mark.parametrize(
    "answer",
    [{"updated": ["M1", "M2"]}, {"updated": "M1"}, {"updated": {}, "notUpdated": ["M1"]}],
)
def test_an_answer_to_updates_of_a_wrong_shape_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(MethodError):
        read(update_emails("a", PATCHES), answer)


def test_mailboxes_are_created_and_refusals_told() -> None:
    mailboxes: dict[str, Patch] = {
        "p": {"name": "Inbox", "parentId": None},
        "c": {"name": "Screener", "parentId": "#p"},
    }
    operation = create_mailboxes("a", mailboxes)
    assert asked(operation) == [["Mailbox/set", {"accountId": "a", "create": mailboxes}, "0"]]
    answer = {"created": {"c": {"id": "new"}}, "notCreated": {"p": {"type": "alreadyExists"}}}
    assert read(operation, answer).failed == {"p": SetError("alreadyExists")}
    assert set(read(operation, {"created": None}).failed) == {"p", "c"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, SetError("serverFail")),
        ("forbidden", SetError("serverFail")),
        ({}, SetError("serverFail")),
        ({"type": None}, SetError("serverFail")),
        ({"type": "x", "properties": None}, SetError("x")),
        ({"type": "x", "properties": "name"}, SetError("x")),
        ({"type": "x", "properties": 5}, SetError("x")),
        ({"type": "x", "properties": ["a", 5]}, SetError("x", "", ("a", "5"))),
        ({"type": "x", "description": None}, SetError("x")),
    ],
)
def test_odd_set_errors_are_read_as_far_as_they_go(value: object, expected: SetError) -> None:
    assert SetError.parse(value) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
OPERATIONS: list[Callable[[], Operation[Any]]] = [
    lambda: get_mailboxes("a"),
    lambda: get_identities("a"),
    lambda: get_email_state("a"),
    lambda: find_emails("a", {}, limit=1),
    lambda: update_emails("a", PATCHES),
    lambda: create_mailboxes("a", PATCHES),
]
KEYS = st.sampled_from(
    ["list", "ids", "total", "state", "updated", "notUpdated", "created", "notCreated", "oldState"]
)


@given(st.sampled_from(OPERATIONS), st.dictionaries(KEYS, JSON))
def test_nonsense_is_refused_by_name(make: Callable[[], Operation[Any]], answer: Any) -> None:
    operation = make()
    try:
        read(operation, *[answer for _ in operation.calls])
    except MethodError as error:
        assert error.type == "serverFail"  # noqa: PT017 - not all nonsense is refused
