"""The HTTP side of the sandbox: authentication and routes."""

import asyncio
import base64
import binascii
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from mailroom.sandbox import eventsource, session, websocket
from mailroom.sandbox.dispatch import decode
from mailroom.sandbox.problems import Problem
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.sandbox.traffic import Blocks, Rate

_ACCOUNT: Final = web.RequestKey("account", SandboxAccount)
_WELL_KNOWN: Final = "/.well-known/jmap"


class SandboxApp:
    """Makes the aiohttp application.

    Args:
        accounts: by their users' names.
        quirks: how the server misbehaves.
    """

    def __init__(self, accounts: Mapping[str, SandboxAccount], quirks: Quirks) -> None:
        self._accounts = accounts
        self._quirks = quirks
        self._in_flight: Counter[str] = Counter()
        self._rates = {account: Rate(quirks.serving.per_minute) for account in accounts}
        self._blocks = {account: Blocks() for account in accounts}
        self._streams: set[asyncio.Task[Any]] = set()

    def build(self) -> web.Application:
        """The application, to be served once."""
        app = web.Application(middlewares=[self._authenticate], client_max_size=0)
        app.on_shutdown.append(self._end_streams)
        api = session.API
        for path in (api, api.rstrip("/")):
            app.router.add_get(path, self._session)
            app.router.add_post(path, self._api)
        app.router.add_get(_WELL_KNOWN, self._well_known)
        app.router.add_get(session.EVENT_SOURCE, self._event_source)
        app.router.add_get(session.WEBSOCKET, self._websocket)
        app.router.add_get(session.DOWNLOAD + "{account}/{blob}/{name}", self._download)
        app.router.add_post(session.UPLOAD + "{account}/", self._upload)
        for pattern in self._plugin_patterns():
            app.router.add_route("*", pattern, partial(self._plugin, pattern))
        return app

    def _plugin_patterns(self) -> set[str]:
        plugins = (plugin for account in self._accounts.values() for plugin in account.plugins)
        return {pattern for plugin in plugins for pattern in plugin.routes}

    async def _end_streams(self, _: web.Application) -> None:
        for task in self._streams:
            task.cancel()

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == _WELL_KNOWN:
            return await handler(request)
        account = find_account(self._accounts.values(), request.headers.get("Authorization", ""))
        if account is None:
            return _page(401, "Unauthorized", {"WWW-Authenticate": 'Basic realm="sandbox"'})
        request[_ACCOUNT] = account
        if wait := self._rates[account.id].excess():
            return web.Response(status=429, headers={"Retry-After": str(wait)})
        if request.path != session.EVENT_SOURCE:
            await self._blocks[account.id].wait()
        return await handler(request)

    async def _well_known(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=301, headers={"Location": session.API})

    async def _session(self, request: web.Request) -> web.StreamResponse:
        origin = f"{request.scheme}://{request.host}"
        return web.json_response(session.session(request[_ACCOUNT], origin))

    async def _api(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            return _page(415, "This method requires a JSON request body")
        account = request[_ACCOUNT]
        try:
            with self._slot(account):
                body = await request.read()
                await asyncio.sleep(self._quirks.latency)
                answer = account.dispatcher.perform(decode(body, self._quirks.limits))
        except Problem as problem:
            return _problem(problem)
        return web.json_response(answer)

    @contextmanager
    def _slot(self, account: SandboxAccount) -> Iterator[None]:
        """Refuse requests beyond maxConcurrentRequests."""
        if self._in_flight[account.id] >= self._quirks.limits.max_concurrent_requests:
            raise Problem("limit", limit="maxConcurrentRequests")
        self._in_flight[account.id] += 1
        try:
            yield
        finally:
            self._in_flight[account.id] -= 1

    def _refused_handshake(self, account: SandboxAccount) -> web.Response | None:
        """Return the refusal of a push handshake beyond the limits."""
        if not self._quirks.serving.counts_all:
            return None
        try:
            with self._slot(account):
                return None
        except Problem as problem:
            return _problem(problem)

    async def _event_source(self, request: web.Request) -> web.StreamResponse:
        account = request[_ACCOUNT]
        if refused := self._refused_handshake(account):
            return refused
        blocks = self._blocks[account.id] if self._quirks.pushing.blocks else Blocks()
        with self._stream(), blocks.blocking():
            return await eventsource.stream(request, account, self._quirks)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if not self._quirks.websocket:
            return _page(404, "Not Found")
        if refused := self._refused_handshake(request[_ACCOUNT]):
            return refused
        with self._stream():
            return await websocket.converse(request, request[_ACCOUNT], self._quirks)

    @contextmanager
    def _stream(self) -> Iterator[None]:
        """End this request when the server stops."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is handled in a task")
        self._streams.add(task)
        try:
            yield
        finally:
            self._streams.discard(task)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        emails = request[_ACCOUNT].mail.emails.values()
        wanted = (request.match_info["account"], request.match_info["blob"])
        for email in emails:
            if (request[_ACCOUNT].id, email.blob_id) == wanted:
                return web.Response(body=email.message.raw, content_type="message/rfc822")
        return _page(404, "failed to find blob by id")

    async def _upload(self, _: web.Request) -> web.StreamResponse:
        return _problem(Problem("limit", status=413, limit="maxSizeUpload"))

    async def _plugin(self, pattern: str, request: web.Request) -> web.StreamResponse:
        account = request[_ACCOUNT]
        handlers = [each.routes[pattern] for each in account.plugins if pattern in each.routes]
        if not handlers:
            return _page(404, "Not Found")
        if not self._quirks.serving.counts_all:
            return await handlers[0](request)
        try:
            with self._slot(account):
                await asyncio.sleep(self._quirks.latency)
                return await handlers[0](request)
        except Problem as problem:
            return _problem(problem)


def find_account(accounts: Iterable[SandboxAccount], authorization: str) -> SandboxAccount | None:
    """The account that an Authorization header opens; None if it opens none."""
    scheme, _, value = authorization.partition(" ")
    for account in accounts:
        user = account.user
        if scheme.lower() == "bearer" and user.token and value == user.token:
            return account
        if scheme.lower() == "basic" and _basic(value) == (user.name, user.password):
            return account
    return None


def _basic(value: str) -> tuple[str, str] | None:
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


def _page(status: int, words: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error of HTTP's own, as a page for people."""
    html = f"<!DOCTYPE html><html><body><h1>{status}</h1><p>{words}</p></body></html>"
    return web.Response(status=status, text=html, content_type="text/html", headers=headers)


def _problem(problem: Problem) -> web.Response:
    return web.Response(
        status=problem.status,
        text=json.dumps(problem.facts),
        content_type="application/problem+json",
    )
