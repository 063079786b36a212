"""Translate the WebSocket library's errors and ends of connections into Mailroom's errors. Pure.

No error of Mailroom's holds a header that we sent.
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
from websockets.http11 import Response as HandshakeResponse
from yarl import URL

from mailroom.http import (
    BrokenAnswerError,
    CredentialsRefusedError,
    HttpError,
    RedirectError,
    Response,
    UnexpectedStatusError,
    UnreachableError,
    raise_for_status,
    shown,
)
from mailroom.http.os_errors import os_error_text
from mailroom.jmap.errors import JmapError, RequestError
from mailroom.jmap.reconnecting import PushUnavailableError

HANDSHAKE_ERRORS: Final = (InvalidHandshake, OSError, UnicodeError)
"""The errors that :func:`handshake_error` translates. UnicodeError: the host name is not valid."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PROBLEM: Final = "urn:ietf:params:jmap:error:"
_LONGEST_DETAIL: Final = 300


def handshake_error(error: Exception, url: URL) -> HttpError | JmapError:
    """Return the error for a connection that was not opened.

    - Redirects, 401, 403 and "not now" (:mod:`mailroom.http.not_now`): as for every other request.
    - Any other answer, or an upgrade to something else than JMAP: PushUnavailableError.
    - No answer, or an answer that is not HTTP: an HttpError, after which it is tried again.
    """
    match error:
        case InvalidStatus(response=answer):
            return _status_error(answer, url)
        case InvalidMessage(__cause__=EOFError()):
            return UnreachableError(url, "cut off before it answered", sent=True)
        case InvalidMessage():
            return BrokenAnswerError(url, "not HTTP")
        case InvalidHandshake():
            return _no_upgrade(error, url)
        case TimeoutError():
            return UnreachableError(url, "timed out", sent=True)
        case _:
            text = os_error_text(error) if isinstance(error, OSError) else type(error).__name__
            return UnreachableError(url, text, sent=False)


def _no_upgrade(error: InvalidHandshake, url: URL) -> HttpError | JmapError:
    if isinstance(error, ProxyError):
        return UnreachableError(url, str(error), sent=False)
    return PushUnavailableError(f"{shown(url)}: {error}")


def _status_error(answer: HandshakeResponse, url: URL) -> HttpError | JmapError:
    headers = CIMultiDictProxy(CIMultiDict(answer.headers.raw_items()))
    if answer.status_code in _REDIRECTS and "Location" in headers:
        return _redirect(url, headers["Location"])
    error: HttpError | JmapError
    try:
        raise_for_status(
            Response(answer.status_code, headers, bytes(answer.body), url), expected=()
        )
    except UnexpectedStatusError as unexpected:
        error = PushUnavailableError(f"{unexpected}, for a WebSocket")
    except HttpError as known:
        error = known
    return error


def _redirect(url: URL, location: str) -> HttpError:
    try:
        return RedirectError(url, url.join(URL(location)))
    except ValueError:
        return BrokenAnswerError(url, "redirect to no URL")


def end_error(end: ConnectionClosed, url: URL) -> HttpError | None:
    """Return the error for a connection that ended; None if the server closed it regularly."""
    if isinstance(end, ConnectionClosedOK):
        return None
    if (ours := _close_of_ours(end)) is not None:
        return _broken_off(ours, url)
    if end.rcvd is not None:
        return UnreachableError(url, f"closed, {end.rcvd}", sent=True)
    return UnreachableError(url, "cut off", sent=True)


def _close_of_ours(end: ConnectionClosed) -> Close | None:
    """Return the close frame of the library if the library broke off the connection; else None."""
    return None if end.rcvd_then_sent else end.sent


def _broken_off(ours: Close, url: URL) -> HttpError:
    """Return the error for a ping that was not answered, or for a breach of the protocol."""
    if ours.code == CloseCode.INTERNAL_ERROR:
        return UnreachableError(url, ours.reason, sent=True)
    return BrokenAnswerError(url, str(ours))


def lost(end: ConnectionClosed, url: URL) -> HttpError:
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
        resumed: True if we asked to resume, so that the position may be the reason.

    Returns:
        CredentialsRefusedError for 401 and 403; RequestError if the server says "not now" or may
        have refused the position only; PushUnavailableError if another try would fail as well.
    """
    error = RequestError(
        type=str(answer.get("type") or "serverFail").removeprefix(_PROBLEM),
        limit=str(answer.get("limit") or ""),
        detail=str(answer.get("detail") or "")[:_LONGEST_DETAIL],
    )
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
