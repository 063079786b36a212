"""Push over WebSocket (RFC 8887 section 4.3.5): one connection, from its URL to its end.

Only push and the requests that prove the connection use the WebSocket; all other requests use HTTP.
:mod:`mailroom.jmap.push` reconnects; the library does the frames, the pings and their time-outs;
:mod:`mailroom.jmap.websocket_errors` translates ends and errors.
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
from mailroom.jmap.liveness import PUSH_TIMEOUTS, PushTimeouts, SilentConnections
from mailroom.jmap.push_backoff import PushUnavailableError
from mailroom.jmap.session import JMAP
from mailroom.jmap.sse import LIMIT
from mailroom.jmap.websocket_connection import WebSocketConnection
from mailroom.jmap.websocket_errors import (
    HANDSHAKE_ERRORS,
    handshake_error,
)

_SUBPROTOCOL: Final = Subprotocol("jmap")
_LONGEST_QUEUE: Final = 16
"""Messages that may wait to be read. With the largest length of a message, this bounds memory."""
_CLOSING: Final = 1.0
"""Seconds that the server may take to answer our close frame."""

_frames_log = logging.getLogger(f"{__name__}.frames")
_frames_log.setLevel(logging.INFO)
"""The library's logger. Its DEBUG lines hold the Authorization header, so they are switched off."""


class _Opening(connect):
    """A handshake that follows no redirect, because it sends credentials."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the error itself, which stops the library from following a redirect."""
        return exc


class WebSocketTransport:
    """Opens WebSocket connections.

    Compression is off: messages are small, and a small message could unpack to a very large one.

    Args:
        credentials: sent with the handshake.
        url: returns the session's present :attr:`~mailroom.jmap.session.Session.websocket_url`;
            called for each connection; may raise HttpError and JmapError.
        types: the types of objects whose changes are announced, at least one: without any, push is
            off. Some servers refuse a type that they do not know.
        ping: seconds between pings.
        timeouts: the time-outs of the handshake and of the answer to a ping.
        proxies: the proxies to use.
        ca_file: the path of a file of CA certificates that are trusted as well as the system's;
            empty for none.
    """

    name = "websocket"

    def __init__(
        self,
        credentials: Credentials,
        url: Callable[[], Awaitable[URL | None]],
        *,
        types: Sequence[str],
        ping: float,
        timeouts: PushTimeouts = PUSH_TIMEOUTS,
        proxies: Proxies = NO_PROXIES,
        ca_file: str = "",
    ) -> None:
        self._credentials = credentials
        self._proxies = proxies
        self._ca_file = ca_file
        self._url = url
        self._types = tuple(types)
        self._ping = ping
        self._timeouts = timeouts
        self._silent_connections = SilentConnections()

    @asynccontextmanager
    async def connect(self, position: str) -> AsyncIterator[WebSocketConnection]:
        """Open a connection, prove it and enable push; see :data:`mailroom.jmap.push.Connect`.

        Raises:
            HttpError: the server cannot be reached, refuses the credentials, says "not now", or
                redirects (redirects are never followed).
            RequestError: the server says "not now" over the open connection.
            PushUnavailableError: the server answers, but not with JMAP over WebSocket.
        """
        url = await self._url()
        if url is None:
            raise PushUnavailableError("the session offers no push over WebSocket")
        websocket = await self._open(url)
        try:
            connection = WebSocketConnection(websocket, url, position)
            try:
                async with asyncio.timeout(self._timeouts.proof):
                    await connection.prove()
            except TimeoutError:
                silent = UnreachableError(url, "no answer", sent=True)
                raise self._silent_connections.another(silent) from None
            self._silent_connections.heard()
            await connection.enable(self._types)
            yield connection
        finally:
            await websocket.close()

    async def _open(self, url: URL) -> ClientConnection:
        self._credentials.allowed_hosts.check(url)
        proxy = self._proxies.for_url(url)
        opening = _Opening(
            str(url),
            subprotocols=[_SUBPROTOCOL],
            additional_headers={"Authorization": self._credentials.header, "Accept": JMAP},
            user_agent_header=USER_AGENT,
            compression=None,
            proxy=None if proxy is None else str(proxy),
            open_timeout=self._timeouts.handshake,
            ping_interval=self._ping,
            ping_timeout=(self._timeouts.pinged - 1) * self._ping,
            close_timeout=_CLOSING,
            max_size=LIMIT,
            max_queue=_LONGEST_QUEUE,
            logger=_frames_log,
            ssl=trusting(self._ca_file) if url.scheme == "wss" else None,
        )
        try:
            return await opening
        except InvalidURI:
            raise PushUnavailableError("the session's URL for WebSocket is not valid") from None
        except HANDSHAKE_ERRORS as error:
            raise handshake_error(error, url) from None
