"""JMAP requests and their responses (RFC 8620 section 3). No I/O.

A :class:`Call` may refer to an earlier call (:meth:`Call.at`). An :class:`Operation` is a few calls
that belong together, with the function that reads their results. :func:`pack` puts operations into
as few requests as the server's limits allow; the calls of an operation stay in one request.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from mailroom.http import MAX_OCTETS
from mailroom.jmap.errors import JmapError, MethodError
from mailroom.jmap.session import CONTACTS, CORE, MAIL, SUBMISSION, Limits

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

_CAPABILITY_OF: Final = {
    "AddressBook": CONTACTS,
    "ContactCard": CONTACTS,
    "Core": CORE,
    "Email": MAIL,
    "Identity": SUBMISSION,
    "Mailbox": MAIL,
    "Thread": MAIL,
}
_ENVELOPE_SIZE: Final = 1000
"""The largest size of ``using`` and the braces around the calls, in octets."""
_WIDEST_ID: Final = "99999"
_ERROR: Final = "error"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One method call. An argument whose value is a :class:`Reference` is sent with a ``#``.

    Attributes:
        method: the name of the method.
        arguments: the arguments, their names without ``#``.
        max_octets: the largest size of the answer to the request.
    """

    method: str
    arguments: Mapping[str, Any]
    max_octets: int = MAX_OCTETS

    @property
    def data_type(self) -> str:
        """The type of the objects: ``Email``, for example."""
        return self.method.partition("/")[0]

    def at(self, path: str) -> "Reference":
        """Return a reference to ``path`` in this call's result (RFC 8620 section 3.7)."""
        return Reference(self, path)


@dataclass(frozen=True, slots=True)
class Reference:
    """A back-reference to the result of an earlier call in the same operation."""

    call: Call
    path: str


class Results:
    """The server's answers, by call."""

    def __init__(self, answers: Mapping[Call, Mapping[str, Any] | JmapError]) -> None:
        self._answers = answers

    def __getitem__(self, call: Call) -> Mapping[str, Any]:
        """Return the arguments of a call's result.

        Raises:
            MethodError: the server refused this call, or did not answer it.
        """
        answer = self._answers.get(call)
        if answer is None:
            raise MethodError(call.method, "serverFail", "the server did not answer this call")
        if isinstance(answer, JmapError):
            raise answer
        return answer


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """Calls that must stay in one request, and the function that reads their results."""

    calls: tuple[Call, ...]
    read: Callable[[Results], T]

    def at(self, path: str) -> Reference:
        """Return a reference to ``path`` in the result of the only call; see :meth:`Call.at`."""
        (call,) = self.calls
        return call.at(path)

    def then(self, convert: Callable[[T], A]) -> "Operation[A]":
        """Return the same operation with a converted result."""
        return Operation(self.calls, lambda results: convert(self.read(results)))


def in_order(a: Operation[A], b: Operation[B]) -> Operation[tuple[A, B]]:
    """Return two operations as one, carried out in this order in one request."""
    return Operation(a.calls + b.calls, lambda results: (a.read(results), b.read(results)))


@dataclass(frozen=True, slots=True)
class Request:
    """The calls of one POST."""

    calls: tuple[Call, ...]

    @property
    def max_octets(self) -> int:
        """The largest size of the answer: the smallest limit of the calls."""
        return min(call.max_octets for call in self.calls)

    def to_json(self) -> bytes:
        """Return the body (RFC 8620 section 3.3)."""
        ids = {call: str(number) for number, call in enumerate(self.calls)}
        return encode_json(
            {
                "using": sorted({CORE, *(_CAPABILITY_OF[call.data_type] for call in self.calls)}),
                "methodCalls": [_invocation(call, ids) for call in self.calls],
            }
        )

    def read(self, method_responses: Sequence[Any]) -> dict[Call, Mapping[str, Any] | JmapError]:
        """Match ``methodResponses`` with the calls; other entries are ignored.

        A call's answer is the first entry with its id that has its name or is an error. Other
        entries with the same id come from methods that the call triggered (RFC 8620 section 3.4).
        """
        calls = {str(number): call for number, call in enumerate(self.calls)}
        answers: dict[Call, Mapping[str, Any] | JmapError] = {}
        for entry in method_responses:
            match entry:
                case [str(name), dict(arguments), str(call_id)] if call_id in calls:
                    call = calls[call_id]
                    if name == call.method:
                        answers.setdefault(call, arguments)
                    elif name == _ERROR:
                        kind = str(arguments.get("type") or "serverFail")
                        text = str(arguments.get("description") or arguments.get("arguments") or "")
                        answers.setdefault(call, MethodError(call.method, kind, text))
        return answers


def encode_json(value: Any) -> bytes:
    """Return JSON in UTF-8. Lone surrogates, which I-JSON forbids (RFC 7493), become ``?``."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _invocation(call: Call, ids: Mapping[Call, str]) -> list[Any]:
    arguments: dict[str, Any] = {}
    for name, value in call.arguments.items():
        if isinstance(value, Reference):
            arguments[f"#{name}"] = {
                "resultOf": ids[value.call],
                "name": value.call.method,
                "path": value.path,
            }
        else:
            arguments[name] = value
    return [call.method, arguments, ids[call]]


def pack(operations: Sequence[Operation[Any]], limits: Limits) -> Iterator[Request]:
    """Put operations into requests, in order, as many into each as the limits allow."""
    return (request_of(part) for part in parts(operations, limits))


def request_of(operations: Sequence[Operation[Any]]) -> Request:
    """Return the request with the calls of these operations."""
    return Request(tuple(call for operation in operations for call in operation.calls))


def parts(operations: Sequence[Operation[T]], limits: Limits) -> Iterator[Sequence[Operation[T]]]:
    """Divide operations into parts that fit into one request each; see :func:`pack`."""
    part: list[Operation[T]] = []
    count, size = 0, _ENVELOPE_SIZE
    for operation in operations:
        added = 0
        for call in operation.calls:
            referred = [
                value.call for value in call.arguments.values() if isinstance(value, Reference)
            ]
            invocation = _invocation(call, dict.fromkeys([call, *referred], _WIDEST_ID))
            added += len(encode_json(invocation)) + len(",")
        too_many = count + len(operation.calls) > limits.max_calls_in_request
        if count and (too_many or size + added > limits.max_size_request):
            yield part
            part, count, size = [], 0, _ENVELOPE_SIZE
        part.append(operation)
        count += len(operation.calls)
        size += added
    if count:
        yield part
