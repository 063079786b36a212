"""What can go wrong with one request, and where in a pass that can happen.

A fault strikes once, at one request of a run, or at one call of a JMAP request; then it is over.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from multidict import CIMultiDict

from tests.support.faults.server import Half, Line, Served
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward, Interceptor

_RESTART: Final = 5.0
"""Seconds of the loop's clock that a server is away: longer than a request is repeated."""
_TOO_LONG: Final = 90.0
"""Seconds; longer than Mailroom waits for an answer."""
_NEVER: Final = "Fault/never"
"""No server knows this method, so it does nothing."""


@dataclass(frozen=True)
class Struck:
    """Where a fault strikes; ``call`` counts the calls of a JMAP request.

    ``served`` and ``line`` are the server's, where it is one that can be sent away.
    """

    exchange: Exchange
    forward: Forward
    call: int
    served: Served | None = None
    line: Line | None = None


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong once.

    Attributes:
        strike: answers in the server's place.
        calls: which calls of a request, which was so answered (with a body?) before, it can strike;
            one that strikes requests as a whole strikes call 0.
    """

    name: str
    strike: Callable[[Struck], Awaitable[Answer]]
    calls: Callable[[Exchange, bool], Sequence[int]]

    def __str__(self) -> str:
        return self.name

    def spots(self, exchanges: Sequence[Exchange], answered: Sequence[bool]) -> Iterator["Spot"]:
        """Everywhere that it can strike in a run."""
        for at, (exchange, has_body) in enumerate(zip(exchanges, answered, strict=True)):
            for call in self.calls(exchange, has_body):
                yield Spot(at, call, exchange.kind)


@dataclass(frozen=True)
class Spot:
    """The request, counted from 0, and the call in it."""

    request: int
    call: int
    kind: str

    def __str__(self) -> str:
        return f"n={self.request} call={self.call} ({self.kind})"


def striking(
    fault: Fault, spot: Spot, served: Served, line: Line
) -> tuple[Interceptor, asyncio.Event]:
    """Has a fault strike; the event tells when it has."""
    remaining = [None] * (spot.request + 1)
    struck = asyncio.Event()

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if remaining:
            remaining.pop()
            if not remaining:
                struck.set()
                return await fault.strike(Struck(exchange, forward, spot.call, served, line))
        return await forward()

    return intercept, struck


# Of any request


def _any(exchange: Exchange, has_body: bool) -> Sequence[int]:  # noqa: FBT001 - a plain fact
    return (0,)


def _with_answer(exchange: Exchange, has_body: bool) -> Sequence[int]:  # noqa: FBT001 - as above
    return (0,) if has_body else ()


async def _restarted(struck: Struck) -> Answer:
    assert struck.served is not None
    assert struck.line is not None
    await struck.served.go_away(struck.line, _RESTART)
    return CUT


async def _dropped_before(struck: Struck) -> Answer:
    return CUT


async def _dropped_after(struck: Struck) -> Answer:
    await struck.forward()
    return CUT


async def _too_late(struck: Struck) -> Answer:
    answer = await struck.forward()
    await asyncio.sleep(_TOO_LONG)
    return answer


async def _half(struck: Struck) -> Answer:
    answer = await struck.forward()
    return Half(answer.status, answer.headers, answer.body)


def _status(
    status: HTTPStatus, *, acts: bool = False, **headers: str
) -> Callable[[Struck], Awaitable[Answer]]:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})

    async def strike(struck: Struck) -> Answer:
        if acts:
            await struck.forward()
        return Answer(status, named, b"<p>Sorry</p>")

    return strike


def _garbled(change: Callable[[bytes], bytes]) -> Callable[[Struck], Awaitable[Answer]]:
    async def strike(struck: Struck) -> Answer:
        answer = await struck.forward()
        return replace(answer, body=change(answer.body))

    return strike


def _no_syntax(body: bytes) -> bytes:
    """As if the server's own writer had stopped."""
    return body.rstrip()[:-1]


def _other_shape(body: bytes) -> bytes:
    """Well-formed, and something else."""
    if body.lstrip().startswith(b"<"):
        return b'<?xml version="1.0"?><d:error xmlns:d="DAV:"><d:no/></d:error>'
    return b'{"methodResponses": {"0": null}, "capabilities": [], "accounts": 1}'


def _cut_utf8(body: bytes) -> bytes:
    """The first byte of a character that has two, in the middle of a text."""
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


def _call_fails(error: str, *, acts: bool = False) -> Callable[[Struck], Awaitable[Answer]]:
    """One call is answered by an error; those that refer to it fail as they then do."""

    async def strike(struck: Struck) -> Answer:
        body = json.loads(struck.exchange.body)
        call_id = body["methodCalls"][struck.call][2]
        if not acts:
            body["methodCalls"][struck.call][0] = _NEVER
            struck.exchange.body = json.dumps(body).encode()
        answer = await struck.forward()
        told = json.loads(answer.body)
        for response in told["methodResponses"]:
            if response[2] == call_id:
                response[:2] = ["error", {"type": error}]
        return replace(answer, body=json.dumps(told).encode())

    return strike


def _object_refused(error: str) -> Callable[[Struck], Awaitable[Answer]]:
    """One object of a /set is refused; everything else is done."""

    async def strike(struck: Struck) -> Answer:
        body = json.loads(struck.exchange.body)
        _, arguments, call_id = body["methodCalls"][struck.call]
        verb = next(each for each in _VERBS if arguments.get(each))
        key = _taken_out(arguments, verb)
        struck.exchange.body = json.dumps(body).encode()
        answer = await struck.forward()
        told = json.loads(answer.body)
        (result,) = (each[1] for each in told["methodResponses"] if each[2] == call_id)
        result[_VERBS[verb]] = {**(result.get(_VERBS[verb]) or {}), key: {"type": error}}
        return replace(answer, body=json.dumps(told).encode())

    return strike


def _taken_out(arguments: _Json, verb: str) -> str:
    """Take the first object out of a /set; gives its id."""
    objects: Mapping[str, Any] | list[str] = arguments[verb]
    key = next(iter(objects))
    if isinstance(objects, list):
        arguments[verb] = objects[1:]
    else:
        arguments[verb] = {each: value for each, value in objects.items() if each != key}
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
