"""The handshake of a WebSocket connection, with the library's options."""

import logging
import ssl
from collections.abc import Mapping
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI
from websockets.typing import Subprotocol
from yarl import URL

from mailroom.http import USER_AGENT
from mailroom.jmap.liveness import PushTimeouts
from mailroom.jmap.push_backoff import PushUnavailableError
from mailroom.jmap.sse import LIMIT
from mailroom.jmap.websocket_errors import HANDSHAKE_ERRORS, handshake_error

_SUBPROTOCOL: Final = Subprotocol("jmap")
_LONGEST_QUEUE: Final = 16
"""Messages that may wait to be read. With the largest length of a message, this bounds memory."""
_CLOSING: Final = 1.0
"""Seconds that the server may take to answer our close frame."""

_frames_log = logging.getLogger("mailroom.jmap.websocket.frames")
_frames_log.setLevel(logging.INFO)
"""The library's logger. Its DEBUG lines hold the Authorization header, so they are switched off."""


class _Opening(connect):
    """A handshake that follows no redirect, because it sends credentials."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the error itself, which stops the library from following a redirect."""
        return exc


async def open_websocket(
    url: URL,
    headers: Mapping[str, str],
    *,
    ping: float,
    timeouts: PushTimeouts,
    proxy: URL | None,
    tls: ssl.SSLContext | None,
) -> ClientConnection:
    """Open a connection, without compression.

    Args:
        url: the server's URL.
        headers: the headers of the handshake, with the credentials.
        ping: seconds between pings.
        timeouts: the time-outs of the handshake and of the answer to a ping.
        proxy: the proxy to use.
        tls: the TLS context; None for ``ws``.

    Raises:
        HttpError: the server cannot be reached, refuses the credentials, says "not now", or
            redirects.
        PushUnavailableError: the server answers, but not with JMAP over WebSocket.
    """
    opening = _Opening(
        str(url),
        subprotocols=[_SUBPROTOCOL],
        additional_headers=headers,
        user_agent_header=USER_AGENT,
        compression=None,
        proxy=None if proxy is None else str(proxy),
        open_timeout=timeouts.handshake,
        ping_interval=ping,
        ping_timeout=(timeouts.pinged - 1) * ping,
        close_timeout=_CLOSING,
        max_size=LIMIT,
        max_queue=_LONGEST_QUEUE,
        logger=_frames_log,
        ssl=tls,
    )
    try:
        return await opening
    except InvalidURI:
        raise PushUnavailableError("the session's URL for WebSocket is not valid") from None
    except HANDSHAKE_ERRORS as error:
        raise handshake_error(error, url) from None
