"""Push over WebSocket (RFC 8887 section 4.3.5): one connection, from its URL to its end.

Only push and the requests that prove the connection use the WebSocket; all other requests use HTTP.
:mod:`mailroom.jmap.push` reconnects; the library (websockets) sends frames and pings, and watches
their time-outs;
:mod:`mailroom.jmap.websocket_errors` translates ends and errors.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from yarl import URL

from mailroom.http import NO_PROXIES, Credentials, Proxies, UnreachableError, tls_context
from mailroom.jmap.liveness import PUSH_TIMEOUTS, PushTimeouts, SilentConnections
from mailroom.jmap.push_backoff import PushUnavailableError
from mailroom.jmap.session import JMAP

if TYPE_CHECKING:
    from mailroom.jmap.websocket_connection import WebSocketConnection


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
    async def connect(self, position: str) -> "AsyncIterator[WebSocketConnection]":
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
        self._credentials.allowed_hosts.check(url)
        # Imported here, because a service that uses EventSource does not need the library.
        from mailroom.jmap.websocket_connection import WebSocketConnection  # noqa: PLC0415
        from mailroom.jmap.websocket_opening import open_websocket  # noqa: PLC0415

        websocket = await open_websocket(
            url,
            {"Authorization": self._credentials.header, "Accept": JMAP},
            ping=self._ping,
            timeouts=self._timeouts,
            proxy=self._proxies.for_url(url),
            tls=tls_context(self._ca_file) if url.scheme == "wss" else None,
        )
        try:
            connection = WebSocketConnection(websocket, url, position)
            try:
                async with asyncio.timeout(self._timeouts.proof):
                    await connection.prove()
            except TimeoutError:
                silent = UnreachableError(url, "no answer", sent=True)
                raise self._silent_connections.add(silent) from None
            self._silent_connections.heard()
            await connection.enable(self._types)
            yield connection
        finally:
            await websocket.close()
