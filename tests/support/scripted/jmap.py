"""A JMAP server with a session resource that answers by script."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from mailroom.http import HttpClient
from mailroom.jmap.client import JmapClient
from mailroom.jmap.request import Call, Operation, Request, Results, T
from mailroom.jmap.session import CORE, MAIL, SUBMISSION
from tests.support.scripted.http import http_client

Invocation = tuple[str, dict[str, Any], str]
Responses = list[Any]


def echo_all(calls: list[Invocation]) -> Responses:
    return [[name, arguments, call_id] for name, arguments, call_id in calls]


@dataclass
class JmapServer:
    """Answers each request by ``respond``; ``refusals`` come first, one for each request.

    Attributes:
        respond: methodCalls -> methodResponses.
        refusals: whole HTTP answers, or None for the usual one.
        session_refusals: the same for the session resource.
        before: awaited during each request.
        intercept: awaited for each request; the answer that it returns, if any, is sent.
        before_session: called during each request for the session.
        core: the core limits.
        session_state: the state in the session.
        response_state: the state in responses; None: that of the session.
        urls: parts of the session resource that replace the default ones.
        headers: sent with every answer.
        heads: the headers of all requests, the session's too.
    """

    respond: Callable[[list[Invocation]], Responses] = echo_all
    refusals: list[web.Response | None] = field(default_factory=list)
    session_refusals: list[web.Response] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None
    intercept: Callable[[], Awaitable[web.Response | None]] | None = None
    before_session: Callable[[], None] | None = None
    core: dict[str, Any] = field(default_factory=dict)
    accounts: dict[str, Any] = field(
        default_factory=lambda: {"alice": {"accountCapabilities": {MAIL: {}, SUBMISSION: {}}}}
    )
    username: str = "alice"
    session_state: str = "0"
    response_state: str | None = None
    urls: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    heads: list[dict[str, str]] = field(default_factory=list)
    sessions: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    octets: list[int] = field(default_factory=list)
    url: URL = field(default_factory=URL)

    @property
    def calls(self) -> list[list[str]]:
        """The names of the methods called, by request."""
        return [[call[0] for call in request["methodCalls"]] for request in self.requests]

    async def session(self, _: web.Request) -> web.Response:
        self.sessions += 1
        if self.before_session is not None:
            self.before_session()
        if self.session_refusals:
            return self.session_refusals.pop(0)
        return web.json_response(
            {
                "username": self.username,
                "apiUrl": "/jmap/",
                "eventSourceUrl": "/es?types={types}",
                "state": self.session_state,
                "capabilities": {CORE: self.core, MAIL: {}, SUBMISSION: {}},
                "accounts": self.accounts,
                "primaryAccounts": {MAIL: "alice"},
                **self.urls,
            }
        )

    async def api(self, request: web.Request) -> web.Response:
        octets = await request.read()
        body = json.loads(octets)
        self.requests.append(body)
        self.octets.append(len(octets))
        refusal = self.refusals.pop(0) if self.refusals else None
        state = self.session_state if self.response_state is None else self.response_state
        if self.before is not None:
            await self.before()
        if self.intercept is not None:
            refusal = await self.intercept()
        if refusal is not None:
            return refusal
        responses = self.respond(body["methodCalls"])
        return web.json_response({"methodResponses": responses, "sessionState": state})

    @asynccontextmanager
    async def running(
        self,
        *,
        keep_origin: bool = False,
        pauses: Callable[[float], Awaitable[None]] | None = None,
    ) -> AsyncIterator[tuple[JmapClient, HttpClient]]:
        """The server, and a client of it that never waits between attempts."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.on_response_prepare.append(self._prepare)
        app.router.add_get("/.well-known/jmap", _moved)
        app.router.add_get("/session", self.session)
        app.router.add_post("/jmap/", self.api)
        app.router.add_post("/api", self.api)
        async with TestServer(app) as server, http_client(pauses=pauses) as http:
            self.url = server.make_url("/")
            session_url = self.url / ".well-known/jmap"
            yield JmapClient(http, session_url, keep_origin=keep_origin), http

    async def _prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        self.heads.append(dict(request.headers))
        response.headers.update(self.headers)


@dataclass
class Mails:
    """Answers calls for mail; a filter names a mailbox, as ``{"inMailbox": name}``.

    Attributes:
        boxes: mailbox -> the ids of its mails, oldest first.
        cap: position -> how many ids the server puts into a page at most.
        tells_total: True if answers have a total.
        total: (position of the page's end, number of mails) -> the total in the answer.
        state: the number of queries so far -> the Email state.
        query_state: position -> queryState.
        gone: mails that vanish between a query and its get.
    """

    boxes: dict[str, Sequence[str]]
    cap: Callable[[int], int] = lambda _: 1000
    tells_total: bool = True
    total: Callable[[int, int], int] = lambda _, whole: whole
    state: Callable[[int], str] = lambda _: "51"
    query_state: Callable[[int], str] = lambda _: "51:0"
    gone: frozenset[str] = frozenset()
    asked: list[tuple[int, int]] = field(default_factory=list)
    received: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def __call__(self, calls: list[Invocation]) -> Responses:
        results: dict[str, dict[str, Any]] = {}
        for method, arguments, call_id in calls:
            self.log.append(method)
            results[call_id] = self._answer(method, arguments, results)
        return [[method, results[call_id], call_id] for method, _, call_id in calls]

    def _answer(self, method: str, arguments: Any, results: Any) -> dict[str, Any]:
        match method:
            case "Email/query":
                return self._query(arguments)
            case "Email/get":
                ids = arguments.get("ids")
                return self._get(
                    results[arguments["#ids"]["resultOf"]]["ids"] if ids is None else ids
                )
            case "Email/set":
                self.log += arguments["update"]
                return {"oldState": "1", "newState": "2", "updated": arguments["update"]}
        return {"list": [{"id": "1", "email": "ann@example.com"}]}

    def _query(self, arguments: Any) -> dict[str, Any]:
        position, limit = arguments["position"], arguments["limit"]
        self.asked.append((position, limit))
        ids = self.boxes[arguments["filter"]["inMailbox"]]
        answer: dict[str, Any] = {
            "queryState": self.query_state(position),
            "position": position,
            "ids": ids[position : position + min(limit, self.cap(position))],
        }
        end = position + len(answer["ids"])
        return answer | ({"total": self.total(end, len(ids))} if self.tells_total else {})

    def _get(self, ids: Sequence[str]) -> dict[str, Any]:
        listed = [self._email(mail_id) for mail_id in ids if mail_id not in self.gone]
        return {"state": self.state(len(self.asked)), "list": listed}

    def _email(self, email_id: str) -> dict[str, Any]:
        return {
            "id": email_id,
            "mailboxIds": {"m": True},
            "keywords": {},
            "receivedAt": self.received.get(email_id, email_id),
            "header:From:asAddresses:all": [],
        }


async def _moved(_: web.Request) -> web.Response:
    return web.Response(status=301, headers={"Location": "/session"})


def echo(text: str = "hello") -> Operation[str]:
    """Return an operation whose result is the text."""
    call = Call("Core/echo", {"text": text})
    return Operation((call,), lambda results: str(results[call]["text"]))


def asked(operation: Operation[Any]) -> list[Any]:
    calls: list[Any] = json.loads(Request(operation.calls).to_json())["methodCalls"]
    return calls


def read(operation: Operation[T], *answers: Any) -> T:
    """Return the operation's result for these answers, in the order of its calls."""
    responses = [
        [call.method, answer, str(number)]
        for number, (call, answer) in enumerate(zip(operation.calls, answers, strict=True))
    ]
    return operation.read(Results(Request(operation.calls).read(responses)))


def problem(kind: str, status: int = 400, **facts: Any) -> web.Response:
    """Problem details as Cyrus sends them."""
    body = {"type": f"urn:ietf:params:jmap:error:{kind}", "status": status, **facts}
    return web.json_response(body, status=status, content_type="application/problem+json")
