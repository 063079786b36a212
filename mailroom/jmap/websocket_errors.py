"""Translate the WebSocket library's errors and ends of connections into Mailroom's errors. Pure.

The errors that it returns hold no header that we sent, because headers hold credentials.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from multidict import CIMultiDict, CIMultiDictProxy
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    ProxyError,
)
from websockets.frames import Close, CloseCode
from yarl import URL

from mailroom.http import (
    BrokenAnswerError,
    CredentialsRefusedError,
    HttpError,
    Response,
    UnreachableError,
    shown,
)
from mailroom.jmap.errors import JmapError, RequestError
from mailroom.jmap.push_backoff import PushUnavailableError, push_refusal
from mailroom.os_errors import os_error_text

HANDSHAKE_ERRORS: Final = (InvalidHandshake, OSError, UnicodeError)
"""The errors that :func:`handshake_error` translates. UnicodeError: the host name is not valid."""


def handshake_error(error: Exception, url: URL) -> HttpError | JmapError:
    """Return the error for a connection that was not opened.

    - An answer that is no upgrade: see :func:`push_refusal`.
    - An upgrade to something else than JMAP: PushUnavailableError.
    - No answer, or an answer that is not HTTP: an HttpError, after which the connection is tried
      again.
    """
    match error:
        case InvalidStatus(response=answer):
            headers = CIMultiDictProxy(CIMultiDict(answer.headers.raw_items()))
            refused = Response(answer.status_code, headers, bytes(answer.body), url)
            return push_refusal(refused, "a WebSocket")
        case InvalidMessage(__cause__=EOFError()):
            return UnreachableError(url, "cut off before it answered", sent=True)
        case InvalidMessage():
            return BrokenAnswerError(url, "not HTTP")
        case InvalidHandshake() if not isinstance(error, ProxyError):
            return PushUnavailableError(f"{shown(url)}: {error}")
        case TimeoutError():
            return UnreachableError(url, "timed out", sent=True)
        case OSError():
            text = os_error_text(error)
        case ProxyError():
            text = str(error)
        case _:
            text = type(error).__name__
    return UnreachableError(url, text, sent=False)


def end_error(end: ConnectionClosed, url: URL) -> HttpError | None:
    """Return the error for a connection that ended; None if the server closed it regularly."""
    if isinstance(end, ConnectionClosedOK):
        return None
    if (ours := _close_of_ours(end)) is not None:
        if ours.code == CloseCode.INTERNAL_ERROR:  # a ping was not answered
            return UnreachableError(url, ours.reason, sent=True)
        return BrokenAnswerError(url, str(ours))  # the server broke the protocol
    if end.rcvd is not None:
        return UnreachableError(url, f"closed, {end.rcvd}", sent=True)
    return UnreachableError(url, "cut off", sent=True)


def _close_of_ours(end: ConnectionClosed) -> Close | None:
    """Return the close frame of the library if the library broke off the connection; else None."""
    return None if end.rcvd_then_sent else end.sent


def early_end_error(end: ConnectionClosed, url: URL) -> HttpError:
    """Return the error for a connection that ended too early, even by a regular close."""
    return end_error(end, url) or UnreachableError(url, "closed at once", sent=True)


def is_oversized(end: ConnectionClosed) -> bool:
    """Return True if the library broke off the connection because a message was too long."""
    ours = _close_of_ours(end)
    return ours is not None and ours.code == CloseCode.MESSAGE_TOO_BIG


def refusal(answer: Mapping[str, Any], url: URL, *, resumed: bool) -> HttpError | JmapError:
    """Return the error for a RequestError object (RFC 8887 section 4.3.4) that refuses push.

    Args:
        answer: the object.
        url: the address of the WebSocket.
        resumed: True if we asked to resume at a position, which may be the reason.

    Returns:
        CredentialsRefusedError for 401 and 403; RequestError if the server says "not now" or may
        have refused the position only; PushUnavailableError if another try would fail as well.
    """
    error = RequestError.parse(answer)
    match answer.get("status"):
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN as status:
            return CredentialsRefusedError(url, status)
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.LOCKED:
            return error
        case int(status) if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return error
        case _ if resumed or error.type == "limit":
            return error
        case _:
            return PushUnavailableError(f"{shown(url)}: {error}")
