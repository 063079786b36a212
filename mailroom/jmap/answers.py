"""Reading the results of method calls with suspicion (RFC 8620 section 5).

What has not the promised shape raises, and never passes for an empty result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.jmap.errors import MethodError, SetError
from mailroom.jmap.request import Call, Results

NO_WORD: Final = SetError("serverFail", "the server does not say what became of it")


@dataclass(frozen=True, slots=True)
class Updated:
    """What a ``/set`` did.

    Attributes:
        old_state: the state before; empty if the server does not say.
        new_state: the state after.
        failed: object id (or creation id) -> why it was left as it was.
    """

    old_state: str
    new_state: str
    failed: Mapping[str, SetError]


def read_updated(results: Results, call: Call, done: str, asked: Iterable[str]) -> Updated:
    """Read the answer to a ``/set``; what it says nothing of has not been done."""
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
    """The ``list`` of a ``/get``."""
    found: Sequence[Any] = checked(results[call].get("list"), list, call)
    return found


def checked(value: Any, kind: type, call: Call) -> Any:
    """A part of a call's result, which must be of this kind.

    Raises:
        MethodError: it is not.
    """
    if not isinstance(value, kind):
        raise MethodError(call.method, "serverFail", "the answer has not the promised shape")
    return value


def parsed(parse: Any, call: Call, value: Any) -> Any:
    """What ``parse`` makes of a part of a call's result.

    Raises:
        MethodError: it can make nothing of it.
    """
    try:
        return parse(value)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MethodError(
            call.method, "serverFail", "the answer has not the promised shape"
        ) from None


def string(value: Any) -> str:
    """A text that must be one.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError
    return value
