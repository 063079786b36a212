"""The sandbox's pure parts: patches, references, histories, addresses, searches, states."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.sandbox.addresses import Address, read_addresses
from mailroom.sandbox.dispatch import Response, resolved
from mailroom.sandbox.errors import MethodFailure
from mailroom.sandbox.history import History
from mailroom.sandbox.message import Message
from mailroom.sandbox.patch import InvalidPatchError, apply_patch
from mailroom.sandbox.search import Terms, matcher
from mailroom.sandbox.states import States

# Patches (RFC 8620 section 5.3)


@pytest.mark.parametrize(
    ("patch", "after"),
    [
        ({}, {"a": {"b": 1}, "c": [1]}),
        ({"c": 2}, {"a": {"b": 1}, "c": 2}),
        ({"a/b": None, "a/new": {"x": 1}}, {"a": {"new": {"x": 1}}, "c": [1]}),
        ({"a/x~1y": True, "a/x~0y": True}, {"a": {"b": 1, "x/y": True, "x~y": True}, "c": [1]}),
        ({"a": None, "gone": None}, {"c": [1]}),
        ({"d": {}}, {"a": {"b": 1}, "c": [1], "d": {}}),
    ],
)
def test_a_patch_is_applied(patch: dict[str, Any], after: dict[str, Any]) -> None:
    before = {"a": {"b": 1}, "c": [1]}
    assert apply_patch(before, patch) == after
    assert before == {"a": {"b": 1}, "c": [1]}


@pytest.mark.parametrize(
    "patch",
    [
        {"nope/x": 1},
        {"c/0": 1},
        {"a/b/c": 1},
        {"a": {}, "a/b": 1},
        {"a/b": 1, "a": {}},
        {"a/b/c": 1, "a": {"b": {}}},
    ],
)
def test_a_patch_that_leads_nowhere_is_refused(patch: dict[str, Any]) -> None:
    with pytest.raises(InvalidPatchError):
        apply_patch({"a": {"b": 1}, "c": [1]}, patch)


def test_what_was_patched_in_is_not_shared_with_the_patch() -> None:
    patch = {"a": {"b": [1]}}
    after = apply_patch({}, patch)
    patch["a"]["b"].append(2)
    assert after == {"a": {"b": [1]}}


# Back-references (RFC 8620 section 3.7)

EARLIER: list[Response] = [
    ("A/query", {"ids": ["1", "2"], "total": 2}, "0"),
    ("A/get", {"list": [{"id": "1", "x": [3, 4]}, {"id": "2", "x": [5]}], "a~/b": {"*": 9}}, "1"),
    ("error", {"type": "serverFail"}, "2"),
]


@pytest.mark.parametrize(
    ("call_id", "name", "path", "value"),
    [
        ("0", "A/query", "/ids", ["1", "2"]),
        ("0", "A/query", "/total", 2),
        ("0", "A/query", "/ids/1", "2"),
        ("1", "A/get", "/list/*/id", ["1", "2"]),
        ("1", "A/get", "/list/*/x", [3, 4, 5]),
        ("1", "A/get", "/list/*/x/0", [3, 5]),
        ("1", "A/get", "/a~0~1b/*", 9),
    ],
)
def test_a_reference_is_resolved(call_id: str, name: str, path: str, value: Any) -> None:
    reference = {"resultOf": call_id, "name": name, "path": path}
    assert resolved({"#ids": reference, "x": 1}, EARLIER) == {"ids": value, "x": 1}


@pytest.mark.parametrize(
    "reference",
    [
        {"resultOf": "9", "name": "A/query", "path": "/ids"},
        {"resultOf": "0", "name": "A/get", "path": "/ids"},
        {"resultOf": "0", "name": "A/query", "path": "ids"},
        {"resultOf": "0", "name": "A/query", "path": "/ids/2"},
        {"resultOf": "0", "name": "A/query", "path": "/ids/x"},
        {"resultOf": "0", "name": "A/query", "path": "/total/x"},
        {"resultOf": "1", "name": "A/get", "path": "/list/*/nope"},
        {"resultOf": "2", "name": "A/get", "path": "/list"},
        {"resultOf": "0", "name": "A/query"},
        "x",
    ],
)
def test_a_reference_to_nothing_is_refused(reference: Any) -> None:
    with pytest.raises(MethodFailure) as refused:
        resolved({"#ids": reference}, EARLIER)
    assert refused.value.type == "invalidResultReference"


def test_an_argument_is_given_once() -> None:
    reference = {"resultOf": "0", "name": "A/query", "path": "/ids"}
    with pytest.raises(MethodFailure) as refused:
        resolved({"#ids": reference, "ids": []}, EARLIER)
    assert refused.value.facts == {"arguments": ["#ids"]}


# Histories


def test_a_history_tells_each_object_once() -> None:
    history = History()
    for state, name in enumerate("abc", start=1):
        history.record_created(name, state)
    history.record_updated("a", 4)
    history.record_destroyed("b", 5)
    history.record_created("brief", 6)
    history.record_destroyed("brief", 7)
    history.record_updated("c", 8)
    since = history.since(2, now=8)
    assert (since.created, since.updated, since.destroyed) == (("c",), ("a",), ("b",))
    assert (since.new_state, since.has_more) == (8, False)


@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.integers(1, 4))
def test_pages_of_changes_tell_of_every_object(touched: list[str], at_most: int) -> None:
    history, known = History(), set()
    for state, name in enumerate(touched, start=1):
        (history.record_updated if name in known else history.record_created)(name, state)
        known.add(name)
    told: list[str] = []
    state, has_more = 0, True
    while has_more:
        page = history.since(state, now=len(touched), at_most=at_most)
        assert len(page.created + page.updated) <= at_most
        told += page.created + page.updated
        state, has_more = page.new_state, page.has_more
    assert (sorted(told), state) == (sorted(known), len(touched))


# States


async def test_states_wake_who_waits_for_a_later_number() -> None:
    states = States()
    early, late = asyncio.create_task(states.wait(0)), asyncio.create_task(states.wait(1))
    await asyncio.sleep(0)
    assert states.record_change("Email", "Mailbox") == 1
    await early
    assert not late.done()
    assert states.record_change("ContactCard") == 2
    await late
    assert states.since(1) == {"ContactCard": 2}
    newest = states.of("Email"), states.of("Email", "ContactCard"), states.of("Thread")
    assert newest == (1, 2, 0)


# Addresses and searches


def test_an_address_is_read_as_the_recordings_show() -> None:
    """The contract tests hold the reader to a real server; these are beyond them."""
    assert read_addresses("x <a@b.example>;y <c@d.example>") == [
        Address("x", "a@b.example"),
        Address(";y", "c@d.example"),
    ]
    assert read_addresses("=?bogus?q?x?= <a@b.example>") == [Address("", "a@b.example")]
    assert read_addresses("a@b.example (c (nested) d)") == [Address("c (nested) d", "a@b.example")]
    assert read_addresses(" \r\n ") is None


@given(st.text(max_size=60))
def test_no_field_is_too_odd_to_be_read(value: str) -> None:
    for address in read_addresses(value) or ():
        assert isinstance(address.email, str)


@given(st.binary(max_size=200))
def test_no_message_is_too_odd_to_be_read(data: bytes) -> None:
    message = Message.read(data)
    assert isinstance(message.subject, str)
    assert all(isinstance(each.email, str) for each in message.senders)


def test_what_is_no_field_is_passed_over() -> None:
    message = Message.read(b"From: a@b.example\nno field: x\nX-A:1\n\nFrom: body@x.example\n")
    assert message.fields == (("From", " a@b.example"), ("X-A", "1"))


def test_a_message_ends_its_lines_properly() -> None:
    message = Message.read(b"From: a@b.example\nX: 1\r\n 2\n\nbody\n")
    assert message.raw == b"From: a@b.example\r\nX: 1\r\n 2\r\n\r\nbody\r\n"
    assert message.fields == (("From", " a@b.example"), ("X", " 1\r\n 2"))


@pytest.mark.parametrize("text", ["*", "an*", '"Ann Example"', "ann, bob", "neil-smith", "(ann)"])
def test_a_search_that_the_index_does_not_know_is_not_guessed_at(text: str) -> None:
    assert matcher(text) is None


def test_words_match_in_a_row() -> None:
    terms = Terms.of([Address("Ann Example", "ann@x.example")])
    assert terms.has(["x", "example"])
    assert not terms.has(["example", "x"])
