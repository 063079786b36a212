"""The HTTP side of the sandbox: authentication and routes."""

import asyncio
import base64
import binascii
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from mailroom.sandbox import eventsource, session, websocket
from mailroom.sandbox.contacts.carddav import ROOT
from mailroom.sandbox.dispatch import decode
from mailroom.sandbox.errors import Problem
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.sandbox.traffic import Rate, StreamDelay

_ACCOUNT: Final = web.RequestKey("account", SandboxAccount)
_WELL_KNOWN: Final = "/.well-known/jmap"


class SandboxApp:
    """Makes the aiohttp application.

    Args:
        accounts: user name -> account.
        quirks: the habits of the server.
    """

    def __init__(self, accounts: Mapping[str, SandboxAccount], quirks: Quirks) -> None:
        self._accounts = accounts
        self._quirks = quirks
        self._in_flight: Counter[str] = Counter()
        self._rates = {account: Rate(quirks.serving.per_minute) for account in accounts}
        self._delays = {account: StreamDelay() for account in accounts}
        self._streams: set[asyncio.Task[Any]] = set()

    def build(self) -> web.Application:
        """Return the application, to be served once."""
        app = web.Application(middlewares=[self._middleware], client_max_size=0)
        app.on_shutdown.append(self._end_streams)
        for path in (session.API, session.API.rstrip("/")):
            app.router.add_get(path, self._session)
            app.router.add_post(path, self._api)
        app.router.add_get(_WELL_KNOWN, self._well_known)
        app.router.add_get(session.EVENT_SOURCE, self._event_source)
        app.router.add_get(session.WEBSOCKET, self._websocket)
        app.router.add_post(session.UPLOAD, self._upload)
        for pattern in ("/.well-known/carddav", ROOT.rstrip("/"), ROOT + "{tail:.*}"):
            app.router.add_route("*", pattern, self._carddav)
        return app

    async def _end_streams(self, _: web.Application) -> None:
        for task in self._streams:
            task.cancel()

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Find the account, refuse or delay the request as quirks demand, and answer a Problem."""
        if request.path == _WELL_KNOWN:
            return await handler(request)
        account = find_account(self._accounts.values(), request.headers.get("Authorization", ""))
        if account is None:
            return _page(401, "Unauthorized", {"WWW-Authenticate": 'Basic realm="sandbox"'})
        request[_ACCOUNT] = account
        if wait := self._rates[account.id].seconds_to_wait():
            return web.Response(status=429, headers={"Retry-After": str(wait)})
        if request.path != session.EVENT_SOURCE:
            await self._delays[account.id].wait()
        try:
            return await handler(request)
        except Problem as problem:
            text = json.dumps(problem.facts)
            return web.Response(
                status=problem.status, text=text, content_type="application/problem+json"
            )

    async def _well_known(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=301, headers={"Location": session.API})

    async def _session(self, request: web.Request) -> web.StreamResponse:
        origin = f"{request.scheme}://{request.host}"
        return web.json_response(session.session(request[_ACCOUNT], origin))

    async def _api(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            return _page(415, "This method requires a JSON request body")
        account = request[_ACCOUNT]
        with self._slot(account):
            body = await request.read()
            await asyncio.sleep(self._quirks.latency)
            answer = account.dispatcher.perform(decode(body, self._quirks.limits))
        return web.json_response(answer)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Keep data for a later Email/import (RFC 8620 section 6.1)."""
        account = request[_ACCOUNT]
        if request.match_info["accountId"] != account.id:
            return _page(404, "Not Found")
        with self._slot(account):
            data = await request.read()
            await asyncio.sleep(self._quirks.latency)
        if len(data) > self._quirks.limits.max_size_upload:
            raise Problem("limit", status=413, limit="maxSizeUpload")
        facts = {
            "accountId": account.id,
            "blobId": account.mail.keep_blob(data),
            "type": request.headers.get("Content-Type", "application/octet-stream"),
            "size": len(data),
        }
        return web.json_response(facts, status=201)

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

    async def _event_source(self, request: web.Request) -> web.StreamResponse:
        account = request[_ACCOUNT]
        # Without the quirk, nobody waits for this new delay.
        delay = self._delays[account.id] if self._quirks.pushing.blocks else StreamDelay()
        with self._stream(account), delay.delaying():
            return await eventsource.stream(request, account, self._quirks)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        account = request[_ACCOUNT]
        if not self._quirks.websocket:
            return _page(404, "Not Found")
        with self._stream(account):
            return await websocket.converse(request, account, self._quirks)

    @contextmanager
    def _stream(self, account: SandboxAccount) -> Iterator[None]:
        """Note the request of an open stream or WebSocket, to end it when the server stops."""
        if self._quirks.serving.counts_all:
            with self._slot(account):  # refuses the handshake beyond the limit
                pass
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is handled in a task")
        self._streams.add(task)
        try:
            yield
        finally:
            self._streams.discard(task)

    async def _carddav(self, request: web.Request) -> web.StreamResponse:
        account = request[_ACCOUNT]
        if not account.has_carddav:
            return _page(404, "Not Found")
        if not request.path.startswith(ROOT.rstrip("/")):
            return web.Response(status=301, headers={"Location": ROOT})
        body = await request.read()
        carddav_request = (request.method, request.rel_url.raw_path, request.headers, body)
        if not self._quirks.serving.counts_all:
            return account.carddav.answer(*carddav_request)
        with self._slot(account):
            await asyncio.sleep(self._quirks.latency)
            return account.carddav.answer(*carddav_request)


def find_account(accounts: Iterable[SandboxAccount], authorization: str) -> SandboxAccount | None:
    """Return the account that an Authorization header opens; None if there is none."""
    scheme, _, value = authorization.partition(" ")
    for account in accounts:
        user = account.user
        if scheme.lower() == "bearer" and user.token and value == user.token:
            return account
        if scheme.lower() == "basic" and _basic(value) == (user.name, user.password):
            return account
    return None


def _basic(value: str) -> tuple[str, str] | None:
    """Return the name and password in a Basic header; None if it has none."""
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


def _page(status: int, words: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an HTTP error as a page for people."""
    html = f"<!DOCTYPE html><html><body><h1>{status}</h1><p>{words}</p></body></html>"
    return web.Response(status=status, text=html, content_type="text/html", headers=headers)
