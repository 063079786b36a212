"""Push over WebSocket (RFC 8887 section 4.3.5): one connection, from its URL to its end.

Only push goes this way, and the requests that prove it; all others go over HTTP. Reconnecting is
:mod:`mailroom.jmap.push`'s business; frames, pings and their time-outs are the library's; the
meaning of an end or an error is decided in :mod:`mailroom.jmap.websocket_errors`.
"""

import asyncio
import json
import logging
import ssl
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidURI
from websockets.typing import Subprotocol
from yarl import URL

from mailroom.http import USER_AGENT, Credentials, UnreachableError
from mailroom.jmap.liveness import PATIENCE, Mutes, Patience
from mailroom.jmap.push import PushUnavailableError, StateChange
from mailroom.jmap.sse import LIMIT
from mailroom.jmap.websocket_errors import (
    HANDSHAKE_ERRORS,
    end_error,
    handshake_error,
    is_oversized,
    lost,
    refusal,
)

_SUBPROTOCOL: Final = Subprotocol("jmap")
_LONGEST_QUEUE: Final = 16
"""Messages that wait to be read; with their greatest length, it bounds the memory."""
_CLOSING: Final = 1.0
"""Seconds that the server may take to answer our farewell."""
_HEARD: Final = 3.0
"""Seconds in which a request is answered, if it does not have to wait behind a heap of messages."""
_ECHO: Final = json.dumps(
    {
        "@type": "Request",
        "id": "echo",
        "using": ["urn:ietf:params:jmap:core"],
        "methodCalls": [["Core/echo", {}, "0"]],
    }
)

_frames_log = logging.getLogger(f"{__name__}.frames")
_frames_log.setLevel(logging.INFO)
"""The library's: what it logs on the level below holds the Authorization header."""


class _Opening(connect):
    """A handshake that stays with its server: credentials do not follow a redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Judge an answer that is no success: as it is, wherever it points."""
        return exc


class WebSocketConnection:
    """One open connection; a :class:`mailroom.jmap.push.Connection`."""

    def __init__(self, websocket: ClientConnection, url: URL, position: str) -> None:
        self._websocket = websocket
        self._url = url
        self._resumes = bool(position)
        self._position = position
        self._early: deque[bytes] = deque()
        self._end: ConnectionClosed | None = None
        self._closed = False

    @property
    def position(self) -> str:
        """The last ``pushState``. See :class:`mailroom.jmap.push.Connection`."""
        return self._position

    @property
    def retry(self) -> float | None:
        """None: nothing in this protocol asks to stay away."""
        return None

    def close(self) -> None:
        """See :class:`mailroom.jmap.push.Connection`."""
        self._closed = True
        self._websocket.transport.abort()

    async def prove(self) -> None:
        """Wait for the answer to a request (``Core/echo``, RFC 8620 section 4).

        An upgrade proves nothing: a server that has just started may answer pings and lose
        WebSocketPushEnable for good (Apache James 3.8).

        Raises:
            HttpError: the connection was lost before, or the server refuses the credentials.
            RequestError: the server says "not now".
        """
        try:
            await self._websocket.send(_ECHO)
            await self._receive_answer()
        except ConnectionClosed as closed:
            raise lost(closed, self._url) from None

    async def _receive_answer(self) -> None:
        """Receive messages up to the answer, and keep those before it."""
        while True:
            message = await self._websocket.recv(decode=False)
            answer = _answer_in(message)
            if answer is None:
                self._early.append(message)
                continue
            error = refusal(answer, self._url, resumed=False) if _is_refusal(answer) else None
            if error is not None and not isinstance(error, PushUnavailableError):
                raise error
            return  # a refusal of just this request is an answer as well

    async def enable(self, types: Sequence[str]) -> None:
        """Ask for pushes (RFC 8887 section 4.3.5.2), from the position on.

        Only once on each connection: a second time makes Apache James deaf. Nothing confirms it,
        and what happens before the server has read it is not told. So a request is sent after it,
        and the next message is waited for, if it comes soon: the answer, or what is told already.
        If the connection ends meanwhile, :meth:`changes` reports how.
        """
        request = {"@type": "WebSocketPushEnable", "dataTypes": list(types)}
        if self._position:
            request["pushState"] = self._position
        try:
            await self._websocket.send(json.dumps(request))
            await self._websocket.send(_ECHO)
            async with asyncio.timeout(_HEARD):
                self._early.append(await self._websocket.recv(decode=False))
        except TimeoutError:
            pass
        except ConnectionClosed as closed:
            self._end = closed

    async def first_bytes(self) -> None:
        """Wait for a sign of life, here the answer to a ping; nothing is lost by it.

        Raises:
            HttpError: the connection was lost before there was any.
        """
        try:
            await (await self._websocket.ping())
        except ConnectionClosed as closed:
            raise lost(closed, self._url) from None

    async def changes(self) -> AsyncGenerator[StateChange, None]:
        """See :class:`mailroom.jmap.push.Connection`.

        Raises:
            HttpError: the connection broke, or is dead.
            RequestError: the server did not enable push, but may do so next time.
            PushUnavailableError: it never will.
        """
        try:
            while True:
                change = self._read(await self._next())
                if change is not None:
                    yield change
        except ConnectionClosed as closed:
            end = closed
        if is_oversized(end):
            self._position = ""  # from where it would come again
            yield StateChange(None)
        error = None if self._closed else end_error(end, self._url)
        if error is not None:
            raise error

    async def _next(self) -> bytes:
        if self._early:
            return self._early.popleft()
        if self._end is not None:
            raise self._end
        return await self._websocket.recv(decode=False)

    def _read(self, message: bytes) -> StateChange | None:
        """What a message says; one that cannot be understood says that something changed."""
        try:
            value = json.loads(message)
        except (ValueError, RecursionError):
            return StateChange(None)
        kind = value.get("@type", "StateChange") if isinstance(value, dict) else None
        match kind:
            case "StateChange":
                self._remember(value.get("pushState"))
                return StateChange.parse(value)
            case "RequestError" if value.get("requestId") is None:  # no request of ours has an id
                resumed, self._position = self._resumes, ""
                raise refusal(value, self._url, resumed=resumed)
            case str():
                return None
            case _:
                return StateChange(None)

    def _remember(self, push_state: object) -> None:
        if isinstance(push_state, str) and push_state:
            self._position = push_state


def _answer_in(message: bytes) -> dict[str, Any] | None:
    """Return the Response or RequestError in a message; None if it holds something else."""
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return None
    is_answer = isinstance(value, dict) and value.get("@type") in {"Response", "RequestError"}
    return value if is_answer else None


def _is_refusal(answer: dict[str, Any]) -> bool:
    return bool(answer["@type"] == "RequestError")


class WebSocketTransport:
    """Opens WebSocket connections.

    No proxy is used, whatever the environment says, as for all other requests; and no compression:
    messages are small, and a small one could unpack to a very large one.

    Args:
        credentials: sent with the handshake.
        url: gives the session's present :attr:`~mailroom.jmap.session.Session.websocket_url` each
            time it is needed; may raise HttpError and JmapError.
        types: the types to hear of, at least one: without any, push is off. Some servers refuse a
            name that they do not know.
        ping: seconds between pings.
        patience: how long the handshake may take, and the answer to a ping.
    """

    name = "websocket"

    def __init__(
        self,
        credentials: Credentials,
        url: Callable[[], Awaitable[URL | None]],
        *,
        types: Sequence[str],
        ping: float,
        patience: Patience = PATIENCE,
    ) -> None:
        self._credentials = credentials
        self._url = url
        self._types = tuple(types)
        self._ping = ping
        self._patience = patience
        self._mutes = Mutes()

    @asynccontextmanager
    async def connect(self, position: str) -> AsyncIterator[WebSocketConnection]:
        """Open a connection, prove it and enable push; see :data:`mailroom.jmap.push.Connect`.

        Raises:
            HttpError: the server cannot be reached, refuses the credentials, cannot now, or
                redirects (which is never followed).
            RequestError: the server says "not now".
            PushUnavailableError: it answers, but not with JMAP over WebSocket.
        """
        url = await self._url()
        if url is None:
            raise PushUnavailableError("the session offers no push over WebSocket")
        websocket = await self._open(url)
        try:
            connection = WebSocketConnection(websocket, url, position)
            await self._prove(connection, url)
            await connection.enable(self._types)
            yield connection
        finally:
            await websocket.close()

    async def _prove(self, connection: WebSocketConnection, url: URL) -> None:
        try:
            async with asyncio.timeout(self._patience.proof):
                await connection.prove()
        except TimeoutError:
            raise self._mutes.another(UnreachableError(url, "no answer", sent=True)) from None
        self._mutes.heard()

    async def _open(self, url: URL) -> ClientConnection:
        self._credentials.reach.check(url)
        try:
            return await self._opening(url)
        except InvalidURI:
            raise PushUnavailableError("the session's URL for WebSocket is none") from None
        except HANDSHAKE_ERRORS as error:
            raise handshake_error(error, url) from None

    def _opening(self, url: URL) -> _Opening:
        return _Opening(
            str(url),
            subprotocols=[_SUBPROTOCOL],
            additional_headers={"Authorization": self._credentials.header},
            user_agent_header=USER_AGENT,
            compression=None,
            proxy=None,
            open_timeout=self._patience.handshake,
            ping_interval=self._ping,
            ping_timeout=(self._patience.pinged - 1) * self._ping,
            close_timeout=_CLOSING,
            max_size=LIMIT,
            max_queue=_LONGEST_QUEUE,
            logger=_frames_log,
            ssl=_tls() if url.scheme == "wss" else None,
        )


@cache
def _tls() -> ssl.SSLContext:
    """One for all connections: each holds every certificate of the system, near a megabyte."""
    return ssl.create_default_context()
