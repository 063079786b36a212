"""A server of notices that accepts what ntfy accepts, and nothing else.

The rules are those of ntfy's source (server/server.go, server/types.go, server/actions.go and
server/errors.go) and of its documentation ("Publish as JSON", "Action buttons", "Limitations"). It
is stricter in two points: ntfy ignores unknown members, and makes a message of more than 4,096
octets an attachment; this server refuses both.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from tests.support.owner.person import until

_BODY: Final = 2 * 4096
_MESSAGE: Final = 4096
_TOPIC: Final = re.compile(r"[-_A-Za-z0-9]{1,64}")
_TYPES: Final[dict[str, type]] = {
    **dict.fromkeys(("topic", "title", "message", "click", "icon", "attach", "filename"), str),
    **dict.fromkeys(("email", "call", "delay"), str),
    "priority": int,
    "tags": list,
    "actions": list,
    "markdown": bool,
}
_ACTION_TYPES: Final[dict[str, type]] = {
    **dict.fromkeys(("action", "label", "url", "method", "body", "intent"), str),
    "clear": bool,
    "headers": dict,
    "extras": dict,
}
_ACTIONS: Final = frozenset({"view", "broadcast", "http"})
_MOST_ACTIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure of the server.

    Attributes:
        status: the status of the answer; 0: the connection is closed without an answer.
        headers: the headers of the answer.
        hangs: True to send no answer at all.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False


class _RefusedError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class NoticeServer:
    """A server of notices, at ``/`` for ntfy and at ``/hook`` for a webhook.

    Attributes:
        url: its address, without a slash at its end.
        token: the token that a request must have; empty: none.
        accepted: the bodies of the notices that were accepted.
        requests: each request: its method, its path, its headers and its body.
        faults: the answers to the next requests, before any other is answered.
    """

    url: str = ""
    token: str = ""
    accepted: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)

    async def until_accepted(self, count: int) -> None:
        """Wait until so many notices were accepted."""

        async def enough() -> bool:
            return len(self.accepted) >= count

        await until(enough, f"{count} notices; there are {self.accepted}")

    async def until_asked(self, count: int) -> None:
        """Wait until so many requests have come."""

        async def enough() -> bool:
            return len(self.requests) >= count

        await until(enough, f"{count} requests")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        body = await request.read()
        self.requests.append((request.method, request.path, dict(request.headers), body))
        if self.faults:
            return await self._fail(request, self.faults.popleft())
        if request.method == "HEAD":
            return web.Response()
        return self._answer_post(request, body)

    def _answer_post(self, request: web.Request, body: bytes) -> web.Response:
        given = request.headers.get("Authorization", "")
        if self.token and given != f"Bearer {self.token}":
            status = HTTPStatus.UNAUTHORIZED if given else HTTPStatus.FORBIDDEN
            return _error(status, status * 100 + 1, status.phrase.lower())
        if request.path == "/hook":
            self.accepted.append(json.loads(body))
            return web.Response(status=HTTPStatus.NO_CONTENT)
        if request.path != "/" or request.method != "POST":
            return _error(HTTPStatus.NOT_FOUND, 40401, "page not found")
        try:
            message = published(body)
        except _RefusedError as error:
            return _error(HTTPStatus(error.code // 100), error.code, str(error))
        self.accepted.append(message)
        return web.json_response({"id": "sPs71M8A2T", "event": "message", **message})

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.hangs:
            await asyncio.Event().wait()
        if not fault.status:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=fault.status or 500, headers=fault.headers)


def published(body: bytes) -> dict[str, Any]:
    """Return the message in a body, as ntfy reads it.

    Raises:
        _RefusedError: ntfy refuses the message.
    """
    if len(body) > _BODY:
        raise _RefusedError(41303, "JSON body too large")
    try:
        message = json.loads(body.decode("utf-8"))
    except ValueError:
        raise _RefusedError(40024, "invalid request: request body must be valid JSON") from None
    _check_types(message, _TYPES, 40024)
    if not _TOPIC.fullmatch(message.get("topic", "")):
        raise _RefusedError(40009, "invalid request: topic invalid")
    if message.get("priority", 3) not in range(6):
        raise _RefusedError(40007, "invalid priority parameter")
    if len(message.get("message", "").encode()) > _MESSAGE:
        raise _RefusedError(40014, "invalid request: attachments not allowed")
    if not all(isinstance(tag, str) and "," not in tag for tag in message.get("tags", ())):
        raise _RefusedError(40024, "invalid request: request body must be valid JSON")
    _check_actions(message.get("actions", []))
    result: dict[str, Any] = message
    return result


def _check_actions(actions: list[Any]) -> None:
    if len(actions) > _MOST_ACTIONS:
        raise _RefusedError(40018, "invalid request: actions invalid, only 3 actions allowed")
    for action in actions:
        _check_types(action, _ACTION_TYPES, 40018)
        needs_url = action.get("action") in {"view", "http"}
        if action.get("action") not in _ACTIONS or not action.get("label"):
            raise _RefusedError(40018, "invalid request: actions invalid")
        if needs_url and not action.get("url"):
            raise _RefusedError(40018, "invalid request: actions invalid, 'url' is required")
        if action.get("method") in {"GET", "HEAD"} and action.get("body"):
            raise _RefusedError(40018, "invalid request: actions invalid, 'body' cannot be set")


def _check_types(value: object, types: dict[str, type], code: int) -> None:
    if not isinstance(value, dict):
        raise _RefusedError(code, "not an object")
    for name, member in value.items():
        # A Go decoder takes no truth value for a number.
        if name not in types or type(member) is not types[name]:
            raise _RefusedError(code, f"unknown or wrong: {name}")


def _error(status: HTTPStatus, code: int, text: str) -> web.Response:
    return web.json_response({"code": code, "http": status, "error": text}, status=status)


@asynccontextmanager
async def notice_server(token: str = "") -> AsyncIterator[NoticeServer]:
    """Run a server of notices as long as the block runs."""
    server = NoticeServer(token=token)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    # A hanging answer must not hold up the end of the test.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
