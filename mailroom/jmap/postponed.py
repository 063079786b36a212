"""Calls that were answered with "not now", and their second answers. Pure.

A request can succeed while some of its calls, or some objects of a ``/set``, are put off
(``serverFail``, ``rateLimit``). Only these are sent again, because the rest is done.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.http.not_now import Action, Row, of_method_error, of_set_error
from mailroom.http.retry import ATTEMPTS, BASE_PAUSE, LONGEST_PAUSE
from mailroom.jmap.errors import JmapError, MethodError, SetError
from mailroom.jmap.request import Call, Operation, Reference
from mailroom.waiting.backoff import full_jitter

Answers = Mapping[Call, Mapping[str, Any] | JmapError]

_PARTS: Final = {"create": "notCreated", "update": "notUpdated", "destroy": "notDestroyed"}


@dataclass(frozen=True, slots=True)
class Repetition:
    """Calls to send again.

    Attributes:
        row: the row of the "not now" table for their answers.
        operation: the calls to send.
        instead_of: for each call of ``operation`` the original call whose answer it completes.
    """

    row: Row
    operation: Operation[None]
    instead_of: tuple[Call, ...]


def put_off(
    operations: Sequence[Operation[Any]], answers: Answers, *, repeatable: bool
) -> list[Repetition]:
    """Return the calls of these operations that were put off and may be sent again.

    ``repeatable`` is True if doing the operations twice is the same as doing them once.
    """
    repetitions: list[Repetition] = []
    for operation in operations:
        errors = [answers.get(call) for call in operation.calls]
        matches = [
            of_method_error(error.type) for error in errors if isinstance(error, MethodError)
        ]
        rows = [row for row in matches if row and row.may_repeat(repeatable=repeatable)]
        # An operation that must not be done twice is sent again only if none of its calls was done.
        if rows and (repeatable or len(rows) == len(operation.calls)):
            row = max(rows, key=lambda row: row.seconds)
            repetitions.append(Repetition(row, _unread(operation.calls), operation.calls))
        else:
            repetitions += _objects_put_off(operation, answers, repeatable=repeatable)
    return repetitions


def completed(answers: Answers, second: Answers, repetition: Repetition) -> Answers:
    """Return ``answers``, completed by ``second``: the answers to ``repetition``."""
    merged = dict(answers)
    for call, original in zip(repetition.operation.calls, repetition.instead_of, strict=True):
        first, new = answers.get(original), second.get(call)
        if new is None or (call is not original and isinstance(new, JmapError)):
            continue  # the first answer still says why the objects were not changed
        if call is original or not isinstance(first, Mapping) or isinstance(new, JmapError):
            merged[original] = new
            continue
        # Both are answers to a /set; the second one is about a part of the objects.
        united = {**first, "newState": new.get("newState", first.get("newState"))}
        for part, refused_as in _PARTS.items():
            asked, refused = call.arguments.get(part) or (), first.get(refused_as) or {}
            left = {key: why for key, why in refused.items() if key not in asked}
            united[refused_as] = left | (new.get(refused_as) or {})
            done_as = f"{part.removesuffix('e')}ed" if part != "destroy" else "destroyed"
            before, after = first.get(done_as), new.get(done_as)
            if part == "destroy":
                united[done_as] = [*(before or ()), *(after or ())]
            else:
                united[done_as] = {**(before or {}), **(after or {})}
        merged[original] = united
    return merged


def pause(rows: Sequence[Row], *, attempt: int, waited: float) -> float | None:
    """Return the seconds before the next attempt; None if no further attempt is to be made.

    Args:
        rows: the rows of the table for the calls that are put off.
        attempt: the number of attempts that were made.
        waited: the sum of the pauses so far, in seconds.
    """
    seconds = max((row.seconds for row in rows if row.action is Action.WAIT), default=0.0)
    if attempt >= ATTEMPTS and waited >= seconds:
        return None
    return full_jitter(attempt, base=BASE_PAUSE, cap=LONGEST_PAUSE)


def _unread(calls: Sequence[Call]) -> Operation[None]:
    return Operation(tuple(calls), lambda _: None)


def _objects_put_off(
    operation: Operation[Any], answers: Answers, *, repeatable: bool
) -> Iterator[Repetition]:
    """For each ``/set`` that puts objects off, yield a ``/set`` of these objects alone."""
    for call in operation.calls:
        answer = answers.get(call)
        if not call.method.endswith("/set") or not isinstance(answer, Mapping):
            continue
        if any(isinstance(value, Reference) for value in call.arguments.values()):
            continue
        rows, parts = _parts_put_off(call, answer, repeatable=repeatable)
        if rows:
            arguments = {
                name: value for name, value in call.arguments.items() if name not in _PARTS
            }
            if "ifInState" in arguments:
                arguments["ifInState"] = answer.get("newState")
            again = Call(call.method, arguments | parts, call.max_octets)
            row = max(rows, key=lambda row: row.seconds)
            yield Repetition(row, _unread([again]), (call,))


def _parts_put_off(
    call: Call, answer: Mapping[str, Any], *, repeatable: bool
) -> tuple[list[Row], dict[str, Any]]:
    rows: list[Row] = []
    parts: dict[str, Any] = {}
    for part, refused_as in _PARTS.items():
        refused = answer.get(refused_as)
        if not isinstance(refused, dict) or part not in call.arguments:
            continue
        is_repeatable = repeatable and part != "create"
        row_of = {}
        for object_id, error in refused.items():
            row = of_set_error(SetError.parse(error).type)
            if row is not None and row.may_repeat(repeatable=is_repeatable):
                row_of[object_id] = row
        asked = call.arguments[part]
        again = [object_id for object_id in asked if object_id in row_of]
        if again:
            rows += [row_of[object_id] for object_id in again]
            parts[part] = again if part == "destroy" else {key: asked[key] for key in again}
    return rows, parts
