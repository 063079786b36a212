"""Push over WebSocket (RFC 8887 section 4.3.5): one connection, from its URL to its end.

Only push goes this way, and the requests that prove it; all others go over HTTP. Reconnecting is
:mod:`mailroom.jmap.push`'s business; frames, pings and their time-outs are the library's; the
meaning of an end or an error is decided in :mod:`mailroom.jmap.websocket_errors`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI
from websockets.typing import Subprotocol
from yarl import URL

from mailroom.http import (
    NO_PROXIES,
    USER_AGENT,
    Credentials,
    Proxies,
    UnreachableError,
    trusting,
)
from mailroom.jmap.liveness import PATIENCE, Mutes, Patience
from mailroom.jmap.reconnecting import PushUnavailableError
from mailroom.jmap.session import JMAP
from mailroom.jmap.sse import LIMIT
from mailroom.jmap.websocket_connection import WebSocketConnection
from mailroom.jmap.websocket_errors import (
    HANDSHAKE_ERRORS,
    handshake_error,
)

_SUBPROTOCOL: Final = Subprotocol("jmap")
_LONGEST_QUEUE: Final = 16
"""Messages that wait to be read; with their greatest length, it bounds the memory."""
_CLOSING: Final = 1.0
"""Seconds that the server may take to answer our farewell."""

_frames_log = logging.getLogger(f"{__name__}.frames")
_frames_log.setLevel(logging.INFO)
"""The library's: what it logs on the level below holds the Authorization header."""


class _Opening(connect):
    """A handshake that stays with its server: credentials do not follow a redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Judge an answer that is no success: as it is, wherever it points."""
        return exc


class WebSocketTransport:
    """Opens WebSocket connections.

    There is no compression: messages are small, and a small one could unpack to a very large one.

    Args:
        credentials: sent with the handshake.
        url: gives the session's present :attr:`~mailroom.jmap.session.Session.websocket_url` each
            time it is needed; may raise HttpError and JmapError.
        types: the types to hear of, at least one: without any, push is off. Some servers refuse a
            name that they do not know.
        ping: seconds between pings.
        patience: how long the handshake may take, and the answer to a ping.
        proxies: the way to the server.
        ca_file: certificates that are trusted beside the system's; empty for none.
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
        proxies: Proxies = NO_PROXIES,
        ca_file: str = "",
    ) -> None:
        self._credentials = credentials
        self._proxies = proxies
        self._ca_file = ca_file
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
        proxy = self._proxies.for_url(url)
        return _Opening(
            str(url),
            subprotocols=[_SUBPROTOCOL],
            additional_headers={"Authorization": self._credentials.header, "Accept": JMAP},
            user_agent_header=USER_AGENT,
            compression=None,
            proxy=None if proxy is None else str(proxy),
            open_timeout=self._patience.handshake,
            ping_interval=self._ping,
            ping_timeout=(self._patience.pinged - 1) * self._ping,
            close_timeout=_CLOSING,
            max_size=LIMIT,
            max_queue=_LONGEST_QUEUE,
            logger=_frames_log,
            ssl=trusting(self._ca_file) if url.scheme == "wss" else None,
        )
