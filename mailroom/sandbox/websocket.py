"""JMAP over WebSocket (RFC 8887): requests, their errors, and push, as on Cyrus.

Quirks change that.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from mailroom.sandbox.dispatch import decode
from mailroom.sandbox.errors import Problem
from mailroom.sandbox.push import Subscription
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.sandbox_account import SandboxAccount

_SUBPROTOCOL: Final = "jmap"


async def converse(
    request: web.Request, account: SandboxAccount, quirks: Quirks
) -> web.StreamResponse:
    """Answer a request for a WebSocket; return when the WebSocket has ended."""
    offered = request.headers.get("Sec-WebSocket-Protocol")
    if offered is None:
        return web.Response(status=400, text="Missing WebSocket protocol")
    if _SUBPROTOCOL not in map(str.strip, offered.split(",")):
        return web.Response(status=400, text="Unsupported WebSocket protocol")
    socket = web.WebSocketResponse(
        protocols=(_SUBPROTOCOL,), compress=False, max_msg_size=0, autoping=False
    )
    await socket.prepare(request)
    conversation = _Conversation(socket, account)
    try:
        async with asyncio.timeout(quirks.websocket_life):
            await conversation.run()
    except TimeoutError:
        await socket.close(code=WSCloseCode.GOING_AWAY)
    finally:
        conversation.stop_push()
    return socket


class _BrokenOffError(Exception):
    """The server fails to process a message, and the connection ends."""


class _Conversation:
    """One open WebSocket. Messages are answered in order, one at a time."""

    def __init__(self, socket: web.WebSocketResponse, account: SandboxAccount) -> None:
        self._socket = socket
        self._account = account
        self._subscription: Subscription | None = None
        self._pushing: asyncio.Task[None] | None = None
        self._habits = account.quirks.pushing
        self._has_answered = False
        self._enables = 0

    async def run(self) -> None:
        """Answer messages until the client leaves.

        Raises:
            TimeoutError: the client sent no frame for too long.
        """
        while True:
            async with asyncio.timeout(self._habits.idle):
                message = await self._socket.receive()
            match message.type:
                case WSMsgType.TEXT:
                    await self._answer(message.data)
                case WSMsgType.PING:
                    await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case WSMsgType.BINARY:
                    words = b"406 Not Acceptable"
                    await self._socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=words)
                    return
                case _:
                    return

    async def _answer(self, text: str) -> None:
        request_id = None
        try:
            message = decode(text, self._account.quirks.limits)
            request_id = message.get("id") if isinstance(message, dict) else None
            answer = self._carry_out(message)
        except Problem as problem:
            answer = {**problem.facts, "@type": "RequestError"}
        except _BrokenOffError:
            await self._socket.close(code=WSCloseCode.GOING_AWAY)
            return
        if answer is not None:
            await self._send(answer if request_id is None else {**answer, "requestId": request_id})
            self._has_answered = True

    def _carry_out(self, message: Any) -> dict[str, Any] | None:
        """Carry out a message, and return the answer, if there is one."""
        kind = message.get("@type") if isinstance(message, dict) else None
        match kind:
            case "Request":
                return {**self._account.dispatcher.perform(message), "@type": "Response"}
            case "WebSocketPushEnable":
                self._enable(message.get("dataTypes"), message.get("pushState"))
            case "WebSocketPushDisable":
                self.stop_push()
            case _:
                shown = json.dumps(kind) if kind is None else kind
                raise Problem("notRequest", detail=f"Unknown request @type: {shown}")
        return None

    def stop_push(self) -> None:
        """Stop pushing."""
        self._subscription = None
        if self._pushing is not None:
            self._pushing.cancel()
            self._pushing = None

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_str(json.dumps(message, separators=(",", ":")))

    def _enable(self, types: Any, position: Any) -> None:
        """Also push these types. An empty list or null ends push, as on Cyrus."""
        if self._habits.blocks:
            raise _BrokenOffError
        if self._habits.enable_needs_answer and not self._has_answered:
            return
        self._enables += 1
        if self._habits.enables_once and self._enables > 1:
            self.stop_push()
            return
        if not isinstance(types, list) or not types:
            self.stop_push()
            return
        wanted = {name for name in types if isinstance(name, str)}
        if self._subscription is not None and not isinstance(position, str):
            self._subscription.add(wanted)
            return
        if self._subscription is not None:
            wanted |= self._subscription.types
        self.stop_push()
        self._subscription = Subscription(
            self._account.id,
            self._account.states,
            types=wanted,
            position=position if isinstance(position, str) and self._habits.has_positions else None,
            least_gap=self._habits.least_gap,
        )
        push = self._push(self._subscription)
        self._pushing = asyncio.create_task(push, name="sandbox websocket push")

    async def _push(self, subscription: Subscription) -> None:
        with contextlib.suppress(ConnectionError):  # the client has left
            while True:
                announced = await subscription.next(within=None)
                if announced is not None:
                    position = {"pushState": str(announced.position)}
                    more = position if self._habits.has_positions else {}
                    await self._send({**announced.change, **more})
