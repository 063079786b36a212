"""Requests are built, laid out within the limits, and their responses matched. No server."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.jmap.errors import MethodError
from mailroom.jmap.request import Call, Operation, Request, Results, pack
from mailroom.jmap.session import CORE, MAIL, SUBMISSION, Limits


def echo(text: str = "") -> Call:
    return Call("Core/echo", {"text": text})


def operation(*calls: Call) -> Operation[None]:
    return Operation(calls, lambda _: None)


def body(*calls: Call) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(Request(calls).to_json())
    return sent


def query_and_get() -> tuple[Call, Call]:
    query = Call("Email/query", {"accountId": "a", "limit": 2})
    return query, Call("Email/get", {"accountId": "a", "ids": query.at("/ids")})


def test_a_request_is_the_object_of_the_rfc() -> None:
    assert body(*query_and_get()) == {
        "using": [CORE, MAIL],
        "methodCalls": [
            ["Email/query", {"accountId": "a", "limit": 2}, "0"],
            [
                "Email/get",
                {
                    "accountId": "a",
                    "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"},
                },
                "1",
            ],
        ],
    }


@pytest.mark.parametrize(
    ("methods", "using"),
    [
        (["Core/echo"], [CORE]),
        (["Mailbox/get", "Email/set"], [CORE, MAIL]),
        (["Identity/get"], [CORE, SUBMISSION]),
        (["Identity/get", "Mailbox/get"], [CORE, MAIL, SUBMISSION]),
    ],
)
def test_only_the_capabilities_that_are_needed_are_used(
    methods: list[str], using: list[str]
) -> None:
    assert body(*(Call(method, {}) for method in methods))["using"] == using


def test_references_follow_their_calls_to_whatever_place_they_have() -> None:
    first, second = query_and_get(), query_and_get()
    calls = body(echo(), *first, *second)["methodCalls"]
    assert [call[2] for call in calls] == ["0", "1", "2", "3", "4"]
    assert calls[2][1]["#ids"]["resultOf"] == "1"
    assert calls[4][1]["#ids"]["resultOf"] == "3"


def test_calls_that_look_alike_are_told_apart() -> None:
    one, other = echo("same"), echo("same")
    answers = Request((one, other)).read(
        [["Core/echo", {"n": 0}, "0"], ["Core/echo", {"n": 1}, "1"]]
    )
    results = Results(answers)
    assert (results[one]["n"], results[other]["n"]) == (0, 1)


def test_text_is_sent_as_utf_8() -> None:
    sent = Request((echo("\u00e9\U0001f4ec"),)).to_json()
    assert "\u00e9\U0001f4ec".encode() in sent


def test_half_a_surrogate_pair_does_not_make_it_stumble() -> None:
    call = echo("a\ud83db")
    (request,) = pack([operation(call)], Limits())
    assert json.loads(request.to_json())["methodCalls"][0][1] == {"text": "a?b"}


def read(calls: tuple[Call, ...], *responses: Any) -> Results:
    return Results(Request(calls).read(list(responses)))


def refusal(results: Results, call: Call) -> MethodError:
    with pytest.raises(MethodError) as caught:
        results[call]
    return caught.value


def test_a_result_is_found_by_its_call_wherever_it_stands() -> None:
    calls = (echo(), echo())
    results = read(calls, ["Core/echo", {"b": 1}, "1"], ["Core/echo", {"a": 1}, "0"])
    assert [results[call] for call in calls] == [{"a": 1}, {"b": 1}]


def test_an_error_of_one_call_leaves_the_others_as_they_are() -> None:
    """As Cyrus answers to a method that it does not know."""
    calls = (Call("Mailbox/get", {}), echo())
    results = read(calls, ["error", {"type": "unknownMethod"}, "0"], ["Core/echo", {"x": 1}, "1"])
    error = refusal(results, calls[0])
    assert (error.method, error.type) == ("Mailbox/get", "unknownMethod")
    assert str(error) == "Mailbox/get refused: unknownMethod"
    assert results[calls[1]] == {"x": 1}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"type": "invalidArguments", "arguments": ["filter/inMailbox"]}, "filter/inMailbox"),
        ({"type": "requestTooLarge", "description": "too many objects"}, "too many objects"),
        ({"type": None}, "serverFail"),
        ({}, "serverFail"),
    ],
)
def test_an_error_tells_what_the_server_says(arguments: dict[str, Any], told: str) -> None:
    call = echo()
    assert told in str(refusal(read((call,), ["error", arguments, "0"]), call))


def test_a_call_without_an_answer_has_failed() -> None:
    calls = (echo(), echo())
    results = read(calls, ["Core/echo", {}, "0"])
    assert results[calls[0]] == {}
    assert refusal(results, calls[1]).type == "serverFail"


def test_answers_of_methods_that_a_call_set_off_are_passed_over() -> None:
    """RFC 8620 section 3.4: they bear the same id."""
    call = Call("Email/set", {})
    results = read(
        (call,),
        ["Email/set", {"oldState": "1"}, "0"],
        ["Email/set", {"oldState": "2"}, "0"],
        ["Email/get", {}, "0"],
        ["error", {"type": "serverFail"}, "0"],
    )
    assert results[call] == {"oldState": "1"}


def test_an_answer_of_another_method_is_not_taken_for_it() -> None:
    call = Call("Email/get", {})
    assert refusal(read((call,), ["Email/query", {"ids": []}, "0"]), call).type == "serverFail"


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        [],
        ["Core/echo", {}],
        ["Core/echo", {}, 0],
        ["Core/echo", {}, "1"],
        ["Core/echo", {}, "-1"],
        ["Core/echo", {}, "00"],
        ["Core/echo", {}, "9" * 5000],
        ["Core/echo", {}, "0", "more"],
        ["Core/echo", [], "0"],
        ["Core/echo", None, "0"],
        [None, {}, "0"],
    ],
    ids=range(13),
)
def test_entries_of_a_wrong_shape_are_no_answers(entry: Any) -> None:
    call = echo()
    assert refusal(read((call,), entry), call).type == "serverFail"
    assert read((call,), entry, ["Core/echo", {"x": 1}, "0"])[call] == {"x": 1}


def test_without_operations_there_is_no_request() -> None:
    assert list(pack([], Limits())) == []
    assert list(pack([operation(), operation()], Limits())) == []


def test_an_operation_without_calls_is_read_all_the_same() -> None:
    nothing: Operation[str] = Operation((), lambda _: "known before")
    assert nothing.read(Results({})) == "known before"


@pytest.mark.parametrize(
    ("most", "expected"), [(1, [2, 2, 1]), (2, [2, 2, 1]), (3, [2, 3]), (4, [4, 1]), (5, [5])]
)
def test_operations_are_packed_by_the_number_of_calls(most: int, expected: list[int]) -> None:
    operations = [operation(*query_and_get()), operation(*query_and_get()), operation(echo())]
    requests = pack(operations, Limits(max_calls_in_request=most))
    assert [len(request.calls) for request in requests] == expected


def test_an_operation_beyond_the_limits_is_sent_for_the_server_to_judge() -> None:
    large = operation(echo("x" * 20_000))
    requests = list(pack([operation(echo()), large, operation(echo())], Limits(10_000)))
    assert [len(request.calls) for request in requests] == [1, 1, 1]


def with_calls(texts: list[str], path: str | None) -> Operation[None]:
    calls = [echo(text) for text in texts]
    if path is not None:
        calls.append(Call("Email/get", {"accountId": "a", "ids": calls[0].at(path)}))
    return operation(*calls)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(lambda text: text * 100)
OPERATIONS = st.lists(
    st.builds(
        with_calls,
        st.lists(TEXT, min_size=1, max_size=3),
        st.none() | TEXT.map(lambda text: "/" + text),
    ),
    max_size=12,
)


@given(OPERATIONS, st.integers(1, 10), st.integers(1, 20_000))
def test_packing_keeps_order_tears_nothing_and_obeys_the_limits(
    operations: list[Operation[None]], most: int, octets: int
) -> None:
    limits = Limits(max_calls_in_request=most, max_size_request=octets)
    requests = list(pack(operations, limits))
    assert [call for request in requests for call in request.calls] == [
        call for each in operations for call in each.calls
    ]
    for each in operations:
        assert sum(each.calls[0] in request.calls for request in requests) == 1
        assert any(set(each.calls) <= set(request.calls) for request in requests)
    single = {each.calls for each in operations}
    for request in requests:
        if request.calls not in single:
            assert len(request.calls) <= most
            assert len(request.to_json()) <= octets


@given(OPERATIONS)
def test_a_request_that_would_be_one_octet_too_large_is_not_made(
    operations: list[Operation[None]],
) -> None:
    together = Request(tuple(call for each in operations for call in each.calls))
    octets = len(together.to_json()) - 1
    limits = Limits(max_calls_in_request=1000, max_size_request=octets)
    assert len(operations) <= 1 or len(list(pack(operations, limits))) > 1


@given(OPERATIONS)
def test_what_fits_goes_in_one_request(operations: list[Operation[None]]) -> None:
    assert len(list(pack(operations, Limits(max_calls_in_request=1000)))) <= 1
