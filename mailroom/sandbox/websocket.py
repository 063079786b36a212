"""JMAP over WebSocket (RFC 8887), as Cyrus does it: requests, their errors, and push."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from mailroom.sandbox.account import Account
from mailroom.sandbox.dispatch import decode
from mailroom.sandbox.problems import Problem
from mailroom.sandbox.push import Subscription
from mailroom.sandbox.quirks import Quirks

_SUBPROTOCOL: Final = "jmap"


async def converse(request: web.Request, account: Account, quirks: Quirks) -> web.StreamResponse:
    """Answer a request for a WebSocket; returns when it has ended."""
    offered = request.headers.get("Sec-WebSocket-Protocol")
    if offered is None:
        return web.Response(status=400, text="Missing WebSocket protocol")
    if _SUBPROTOCOL not in map(str.strip, offered.split(",")):
        return web.Response(status=400, text="Unsupported WebSocket protocol")
    socket = web.WebSocketResponse(protocols=(_SUBPROTOCOL,), compress=False, max_msg_size=0)
    await socket.prepare(request)
    conversation = _Conversation(socket, account)
    try:
        async with asyncio.timeout(quirks.websocket_life):
            await conversation.run()
    except TimeoutError:
        await socket.close(code=WSCloseCode.GOING_AWAY)
    finally:
        conversation.end()
    return socket


class _Conversation:
    """One open WebSocket. Messages are answered in order, one at a time."""

    def __init__(self, socket: web.WebSocketResponse, account: Account) -> None:
        self._socket = socket
        self._account = account
        self._subscription: Subscription | None = None
        self._pushing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Answer messages until the client goes."""
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                await self._socket.close(
                    code=WSCloseCode.UNSUPPORTED_DATA, message=b"406 Not Acceptable"
                )
                return
            answer = self._answer(message.data)
            if answer is not None:
                await self._send(answer)

    def end(self) -> None:
        """Push nothing any more."""
        self._subscription = None
        if self._pushing is not None:
            self._pushing.cancel()
            self._pushing = None

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_str(json.dumps(message, separators=(",", ":")))

    def _answer(self, text: str) -> dict[str, Any] | None:
        request_id = None
        try:
            message = decode(text, self._account.quirks.limits)
            request_id = message.get("id") if isinstance(message, dict) else None
            return self._obey(message, request_id)
        except Problem as problem:
            return _labelled(problem.facts, "RequestError", request_id)

    def _obey(self, message: Any, request_id: Any) -> dict[str, Any] | None:
        kind = message.get("@type") if isinstance(message, dict) else None
        match kind:
            case "Request":
                response = self._account.dispatcher.perform(message)
                return _labelled(response, "Response", request_id)
            case "WebSocketPushEnable":
                self._enable(message.get("dataTypes"), message.get("pushState"))
            case "WebSocketPushDisable":
                self.end()
            case _:
                shown = json.dumps(kind) if kind is None else kind
                raise Problem("notRequest", detail=f"Unknown request @type: {shown}")
        return None

    def _enable(self, types: Any, position: Any) -> None:
        """Push these types too. None of them, or null, switches push off (as on Cyrus)."""
        if not isinstance(types, list) or not types:
            self.end()
            return
        wanted = {each for each in types if isinstance(each, str)}
        if self._subscription is not None and not isinstance(position, str):
            self._subscription.add(wanted)
            return
        if self._subscription is not None:
            wanted |= self._subscription.types
        self.end()
        self._subscription = Subscription(
            self._account.id,
            self._account.states,
            types=wanted,
            position=position if isinstance(position, str) else None,
        )
        push = self._push(self._subscription)
        self._pushing = asyncio.create_task(push, name="sandbox websocket push")

    async def _push(self, subscription: Subscription) -> None:
        with contextlib.suppress(ConnectionError):  # nobody listens any more
            while True:
                announced = await subscription.next(within=None)
                if announced is not None:
                    await self._send({**announced.change, "pushState": str(announced.position)})


def _labelled(message: Mapping[str, Any], kind: str, request_id: Any) -> dict[str, Any]:
    named = {} if request_id is None else {"requestId": request_id}
    return {**message, "@type": kind, **named}
