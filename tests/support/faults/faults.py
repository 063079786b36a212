"""Faults: failures of one request, or of one call in a JMAP request, injected once in a run.

:mod:`tests.faults.test_matrix` explains the words.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from multidict import CIMultiDict

from tests.support.faults.server import AccountServer, Line, TruncatedAnswer
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward, Interceptor

_RESTART: Final = 5.0
"""Seconds of the loop's clock for which a server is down. No request is repeated for so long."""
_TOO_LONG: Final = 90.0
"""Seconds; longer than Mailroom waits for an answer."""
_NEVER: Final = "Fault/never"
"""No server knows this method, so it does nothing."""


@dataclass(frozen=True)
class Injection:
    """The request that a fault is injected into.

    Attributes:
        call: the number of the call in a JMAP request.
        server: set if the server can be taken down.
        line: the port of ``server`` that the request came in on.
    """

    exchange: Exchange
    forward: Forward
    call: int
    server: AccountServer | None = None
    line: Line | None = None


@dataclass(frozen=True)
class Fault:
    """A failure of one request.

    Attributes:
        inject: returns the answer in the server's place.
        calls: returns the numbers of the calls in a request that can fail in this way. Its
            arguments are the request in the reference run, and whether its answer had a body. For
            a fault of whole requests the only number is 0.
    """

    name: str
    inject: Callable[[Injection], Awaitable[Answer]]
    calls: Callable[[Exchange, bool], Sequence[int]]

    def __str__(self) -> str:
        return self.name

    def points(
        self, exchanges: Sequence[Exchange], answered: Sequence[bool]
    ) -> Iterator["InjectionPoint"]:
        """Yield all injection points of this fault in a run."""
        for at, (exchange, has_body) in enumerate(zip(exchanges, answered, strict=True)):
            for call in self.calls(exchange, has_body):
                yield InjectionPoint(at, call, exchange.kind)


@dataclass(frozen=True)
class InjectionPoint:
    """The number of a request in a run, and of a call in this request; both from 0."""

    request: int
    call: int
    kind: str

    def __str__(self) -> str:
        return f"n={self.request} call={self.call} ({self.kind})"


def inject(
    fault: Fault, point: InjectionPoint, server: AccountServer, line: Line
) -> tuple[Interceptor, asyncio.Event]:
    """Return an interceptor that injects a fault, and an event that it then sets."""
    remaining = [None] * (point.request + 1)
    injected = asyncio.Event()

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if remaining:
            remaining.pop()
            if not remaining:
                injected.set()
                return await fault.inject(Injection(exchange, forward, point.call, server, line))
        return await forward()

    return intercept, injected


# Of any request


def _any(exchange: Exchange, has_body: bool) -> Sequence[int]:  # noqa: FBT001 - a plain fact
    return (0,)


def _with_answer(exchange: Exchange, has_body: bool) -> Sequence[int]:  # noqa: FBT001 - as above
    return (0,) if has_body else ()


async def _restarted(injection: Injection) -> Answer:
    assert injection.server is not None
    assert injection.line is not None
    await injection.server.go_away(injection.line, _RESTART)
    return CUT


async def _dropped_before(injection: Injection) -> Answer:
    return CUT


async def _dropped_after(injection: Injection) -> Answer:
    await injection.forward()
    return CUT


async def _too_late(injection: Injection) -> Answer:
    answer = await injection.forward()
    await asyncio.sleep(_TOO_LONG)
    return answer


async def _half(injection: Injection) -> Answer:
    answer = await injection.forward()
    return TruncatedAnswer(answer.status, answer.headers, answer.body)


def _status(
    status: HTTPStatus, *, acts: bool = False, **headers: str
) -> Callable[[Injection], Awaitable[Answer]]:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})

    async def inject(injection: Injection) -> Answer:
        if acts:
            await injection.forward()
        return Answer(status, named, b"<p>Sorry</p>")

    return inject


def _garbled(change: Callable[[bytes], bytes]) -> Callable[[Injection], Awaitable[Answer]]:
    async def inject(injection: Injection) -> Answer:
        answer = await injection.forward()
        return replace(answer, body=change(answer.body))

    return inject


def _no_syntax(body: bytes) -> bytes:
    """Drop the last byte, so that the body is not well-formed."""
    return body.rstrip()[:-1]


def _other_shape(body: bytes) -> bytes:
    """Return a well-formed body that is no answer to any request."""
    if body.lstrip().startswith(b"<"):
        return b'<?xml version="1.0"?><d:error xmlns:d="DAV:"><d:no/></d:error>'
    return b'{"methodResponses": {"0": null}, "capabilities": [], "accounts": 1}'


def _cut_utf8(body: bytes) -> bytes:
    """Insert the first byte of a two-byte character into the middle of a text."""
    middle = len(body) // 2
    at = max(body.find(b'"', middle), body.find(b"</", middle), 1)
    return body[:at] + b"\xc3" + body[at:]


# Of one call of a JMAP request

_Json = dict[str, Any]


def _each_call(exchange: Exchange, has_body: bool) -> Sequence[int]:  # noqa: FBT001 - as above
    return range(len(exchange.calls))


def _last_call(exchange: Exchange, has_body: bool) -> Sequence[int]:  # noqa: FBT001 - as above
    return range(len(exchange.calls))[-1:]


def _each_set(exchange: Exchange, has_body: bool) -> Sequence[int]:  # noqa: FBT001 - as above
    body = json.loads(exchange.body) if exchange.calls else {}
    return [
        at
        for at, (method, arguments, _) in enumerate(body.get("methodCalls", ()))
        if method.endswith("/set") and any(map(arguments.get, _VERBS))
    ]


_VERBS: Final = {"create": "notCreated", "update": "notUpdated", "destroy": "notDestroyed"}


def _call_fails(error: str, *, acts: bool = False) -> Callable[[Injection], Awaitable[Answer]]:
    """Answer one call with an error; calls that refer to its result then fail as well."""

    async def inject(injection: Injection) -> Answer:
        body = json.loads(injection.exchange.body)
        call_id = body["methodCalls"][injection.call][2]
        if not acts:
            body["methodCalls"][injection.call][0] = _NEVER
            injection.exchange.body = json.dumps(body).encode()
        answer = await injection.forward()
        document = json.loads(answer.body)
        for response in document["methodResponses"]:
            if response[2] == call_id:
                response[:2] = ["error", {"type": error}]
        return replace(answer, body=json.dumps(document).encode())

    return inject


def _object_refused(error: str) -> Callable[[Injection], Awaitable[Answer]]:
    """Refuse one object of a /set, and carry out the rest."""

    async def inject(injection: Injection) -> Answer:
        body = json.loads(injection.exchange.body)
        _, arguments, call_id = body["methodCalls"][injection.call]
        verb = next(name for name in _VERBS if arguments.get(name))
        key = _remove_first_object(arguments, verb)
        injection.exchange.body = json.dumps(body).encode()
        answer = await injection.forward()
        document = json.loads(answer.body)
        (result,) = (
            response[1] for response in document["methodResponses"] if response[2] == call_id
        )
        result[_VERBS[verb]] = {**(result.get(_VERBS[verb]) or {}), key: {"type": error}}
        return replace(answer, body=json.dumps(document).encode())

    return inject


def _remove_first_object(arguments: _Json, verb: str) -> str:
    """Remove the first object from a /set, and return its id."""
    objects: Mapping[str, Any] | list[str] = arguments[verb]
    key = next(iter(objects))
    if isinstance(objects, list):
        arguments[verb] = objects[1:]
    else:
        arguments[verb] = {name: value for name, value in objects.items() if name != key}
    return key


# Of CardDAV


def _of_write(exchange: Exchange, has_body: bool) -> Sequence[int]:  # noqa: FBT001 - as above
    return (0,) if exchange.method in {"PUT", "DELETE"} else ()


FAULTS: Final = (
    Fault("server restarted", _restarted, _any),
    Fault("dropped before it acts", _dropped_before, _any),
    Fault("dropped after it acted", _dropped_after, _any),
    Fault("answered too late", _too_late, _any),
    Fault("500", _status(HTTPStatus.INTERNAL_SERVER_ERROR), _any),
    Fault("502 after it acted", _status(HTTPStatus.BAD_GATEWAY, acts=True), _any),
    Fault("503", _status(HTTPStatus.SERVICE_UNAVAILABLE, Retry_After="0"), _any),
    Fault("429", _status(HTTPStatus.TOO_MANY_REQUESTS, Retry_After="40"), _any),
    Fault("401", _status(HTTPStatus.UNAUTHORIZED), _any),
    Fault("half of the answer", _half, _with_answer),
    Fault("no JSON or XML", _garbled(_no_syntax), _with_answer),
    Fault("another shape", _garbled(_other_shape), _with_answer),
    Fault("truncated UTF-8", _garbled(_cut_utf8), _with_answer),
    Fault("call serverFail", _call_fails("serverFail"), _each_call),
    Fault("call rateLimit", _call_fails("rateLimit"), _last_call),
    Fault("call serverPartialFail", _call_fails("serverPartialFail", acts=True), _each_set),
    Fault("call stateMismatch", _call_fails("stateMismatch"), _each_set),
    Fault("object rateLimit", _object_refused("rateLimit"), _each_set),
    Fault("412", _status(HTTPStatus.PRECONDITION_FAILED), _of_write),
    Fault("423", _status(HTTPStatus.LOCKED), _of_write),
    Fault("507", _status(HTTPStatus.INSUFFICIENT_STORAGE), _of_write),
)
