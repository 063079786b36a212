"""One open WebSocket connection (RFC 8887): prove that it works, enable push, and read changes."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from yarl import URL

from mailroom.jmap.push import StateChange
from mailroom.jmap.push_backoff import PushUnavailableError
from mailroom.jmap.websocket_errors import early_end_error, end_error, is_oversized, refusal

_ANSWER_TIMEOUT: Final = 3.0
"""Seconds to wait for the next message after push was enabled."""
_ANSWERS: Final = ("Response", "RequestError")
_ECHO: Final = json.dumps(
    {
        "@type": "Request",
        "id": "echo",
        "using": ["urn:ietf:params:jmap:core"],
        "methodCalls": [["Core/echo", {}, "0"]],
    }
)


class WebSocketConnection:
    """One open connection; a :class:`mailroom.jmap.push.Connection`."""

    def __init__(self, websocket: ClientConnection, url: URL, position: str) -> None:
        self._websocket = websocket
        self._url = url
        self._resumes = bool(position)
        self._position = position
        self._unread: deque[bytes] = deque()
        self._end: ConnectionClosed | None = None
        self._closed = False

    @property
    def position(self) -> str:
        """The last ``pushState``. See :class:`mailroom.jmap.push.Connection`."""
        return self._position

    @property
    def retry(self) -> float | None:
        """None, because the protocol has no way to ask for a pause."""
        return None

    def close(self) -> None:
        """See :class:`mailroom.jmap.push.Connection`."""
        self._closed = True
        self._websocket.transport.abort()

    async def prove(self) -> None:
        """Wait for the answer to a request (``Core/echo``, RFC 8620 section 4).

        The upgrade alone proves nothing: a server that has just started may answer pings, and lose
        the WebSocketPushEnable for ever (Apache James 3.8).

        Raises:
            HttpError: the connection was lost, or the server refuses the credentials.
            RequestError: the server says "not now".
        """
        try:
            await self._websocket.send(_ECHO)
            while True:
                message = await self._receive()
                answer = _decoded(message)
                if isinstance(answer, dict) and answer.get("@type") in _ANSWERS:
                    break
                self._unread.append(message)
        except ConnectionClosed as closed:
            raise early_end_error(closed, self._url) from None
        if answer["@type"] == "RequestError":
            error = refusal(answer, self._url, resumed=False)
            # If the server refuses nothing but this request, the connection works.
            if not isinstance(error, PushUnavailableError):
                raise error

    async def _receive(self) -> bytes:
        return await self._websocket.recv(decode=False)

    async def enable(self, types: Sequence[str]) -> None:
        """Enable push (RFC 8887 section 4.3.5.2), from the position on.

        Call this only once for each connection: after a second WebSocketPushEnable, Apache James
        announces nothing. The server does not confirm a WebSocketPushEnable, and changes that
        happen before the server has read it are not announced. So a request is sent after it, and
        this method waits a short time for the next message: the answer, or a first StateChange. If
        the connection ends meanwhile, :meth:`changes` raises the error.
        """
        request = {"@type": "WebSocketPushEnable", "dataTypes": list(types)}
        if self._position:
            request["pushState"] = self._position
        try:
            await self._websocket.send(json.dumps(request))
            await self._websocket.send(_ECHO)
            async with asyncio.timeout(_ANSWER_TIMEOUT):
                self._unread.append(await self._receive())
        except TimeoutError:
            pass
        except ConnectionClosed as closed:
            self._end = closed

    async def await_sign_of_life(self) -> None:
        """Wait for the answer to a ping. No message is lost.

        Raises:
            HttpError: the connection was lost before the answer came.
        """
        try:
            await (await self._websocket.ping())
        except ConnectionClosed as closed:
            raise early_end_error(closed, self._url) from None

    async def changes(self) -> AsyncGenerator[StateChange, None]:
        """See :class:`mailroom.jmap.push.Connection`.

        Raises:
            HttpError: the connection broke, or is dead.
            RequestError: the server did not enable push, but may do so next time.
            PushUnavailableError: the server does not enable push, and would not next time.
        """
        try:
            while self._end is None or self._unread:
                message = self._unread.popleft() if self._unread else await self._receive()
                change = self._read(message)
                if change is not None:
                    yield change
            raise self._end
        except ConnectionClosed as closed:
            end = closed
        if is_oversized(end):
            # Resumed at the position, the server would send the same message again.
            self._position = ""
            yield StateChange(None)
        error = None if self._closed else end_error(end, self._url)
        if error is not None:
            raise error

    def _read(self, message: bytes) -> StateChange | None:
        """Return the change in a message; None if the message announces no change.

        StateChange(None) if the message cannot be read.
        """
        value = _decoded(message)
        kind = value.get("@type", "StateChange") if isinstance(value, dict) else None
        match kind:
            case "StateChange":
                push_state = value.get("pushState")
                if isinstance(push_state, str) and push_state:
                    self._position = push_state
                return StateChange.parse(value)
            # WebSocketPushEnable has no id; the echo has one, and a refusal of it changes nothing.
            case "RequestError" if value.get("requestId") is None:
                resumed, self._position = self._resumes, ""
                raise refusal(value, self._url, resumed=resumed)
            case str():
                return None
            case _:
                return StateChange(None)


def _decoded(message: bytes) -> Any:
    """Return the JSON value of a message; None if the message cannot be read."""
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return None
