"""Strict readers for the results of method calls (RFC 8620 section 5).

A result that does not have the promised shape raises an error, and is never taken for empty.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.jmap.errors import MethodError, SetError
from mailroom.jmap.request import Call, Results

NO_WORD: Final = SetError("serverFail", "the server does not say what became of it")


@dataclass(frozen=True, slots=True)
class Updated:
    """The result of a ``/set``.

    Attributes:
        old_state: the state before; empty if the server does not report it.
        new_state: the state after; empty if the server does not report it.
        failed: object id (or creation id) -> why the object was not changed.
    """

    old_state: str
    new_state: str
    failed: Mapping[str, SetError]


def read_updated(results: Results, call: Call, done: str, asked: Iterable[str]) -> Updated:
    """Read the answer to a ``/set``; objects that the answer does not mention count as failed."""
    answer = results[call]
    succeeded = checked(answer.get(done) or {}, dict, call)
    refused = checked(answer.get(f"not{done.capitalize()}") or {}, dict, call)
    unknown = {object_id: NO_WORD for object_id in asked if object_id not in succeeded}
    return Updated(
        old_state=str(answer.get("oldState") or ""),
        new_state=str(answer.get("newState") or ""),
        failed=unknown | {each: SetError.parse(error) for each, error in refused.items()},
    )


def listed(results: Results, call: Call) -> Sequence[Any]:
    """Return the ``list`` of a ``/get``."""
    found: Sequence[Any] = checked(results[call].get("list"), list, call)
    return found


def checked(value: Any, kind: type, call: Call) -> Any:
    """Return a part of a call's result if it is of the type ``kind``.

    Raises:
        MethodError: the part is of another type.
    """
    if not isinstance(value, kind):
        raise MethodError(call.method, "serverFail", "the answer has not the promised shape")
    return value


def parsed(parse: Any, call: Call, value: Any) -> Any:
    """Return the result of ``parse`` for a part of a call's result.

    Raises:
        MethodError: ``parse`` cannot read the part.
    """
    try:
        return parse(value)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MethodError(
            call.method, "serverFail", "the answer has not the promised shape"
        ) from None


def string(value: Any) -> str:
    """Return the value if it is a string.

    Raises:
        TypeError: the value is something else.
    """
    if not isinstance(value, str):
        raise TypeError
    return value
