"""The library's errors, as ours."""

import errno
import socket
import ssl

import pytest
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidMessage,
    InvalidUpgrade,
)
from websockets.frames import Close
from yarl import URL

from mailroom.http import BrokenAnswerError, UnreachableError
from mailroom.jmap.push_backoff import PushUnavailableError
from mailroom.jmap.websocket_errors import early_end_error, end_error, handshake_error, is_oversized

HERE = URL("wss://push.example.com/ws?ticket=secret")
WHERE = "wss://push.example.com/ws"


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def tls_error() -> ssl.SSLError:
    error = ssl.SSLError(1, "wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


def message_error(cause: Exception) -> InvalidMessage:
    error = InvalidMessage("did not receive a valid HTTP response")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "cause", "sent"),
    [
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('192.0.2.1', 443)"),
            "connection refused",
            False,
        ),
        (OSError(errno.EHOSTUNREACH, "x"), "no route to host", False),
        (socket.gaierror(socket.EAI_NONAME, "Name not known"), "name not known", False),
        (certificate_error(), "self-signed certificate", False),
        (tls_error(), "WRONG_VERSION_NUMBER", False),
        (OSError("Multiple exceptions: ..."), "OSError", False),
        (UnicodeError("label empty or too long"), "UnicodeError", False),
        (TimeoutError("timed out during opening handshake"), "timed out", True),
        (message_error(EOFError()), "cut off before it answered", True),
    ],
)
def test_no_connection_is_no_answer(error: Exception, cause: str, sent: bool) -> None:  # noqa: FBT001 - a value to compare
    ours = handshake_error(error, HERE)
    assert isinstance(ours, UnreachableError)
    assert (str(ours), ours.sent) == (f"{WHERE}: no answer ({cause})", sent)


def test_what_is_not_http_is_a_broken_answer() -> None:
    ours = handshake_error(message_error(ValueError("SSH-2.0")), HERE)
    assert isinstance(ours, BrokenAnswerError)
    assert str(ours) == f"{WHERE}: broken answer: not HTTP"


def test_any_other_handshake_means_that_push_is_unavailable() -> None:
    ours = handshake_error(InvalidUpgrade("Upgrade", "h2c"), HERE)
    assert isinstance(ours, PushUnavailableError)
    assert str(ours) == f"{WHERE}: invalid Upgrade header: h2c"


OK = Close(1000, "")
PING = Close(1011, "keepalive ping timeout")
TOO_BIG = Close(1009, "frame exceeds limit")
RESTART = Close(1012, "back soon")


@pytest.mark.parametrize(
    ("end", "text"),
    [
        pytest.param(
            ConnectionClosedError(None, None, None), "no answer (cut off)", id="no farewell"
        ),
        pytest.param(
            ConnectionClosedError(RESTART, RESTART, rcvd_then_sent=True),
            "no answer (closed, 1012 (service restart) back soon)",
            id="by the server",
        ),
        pytest.param(
            ConnectionClosedError(RESTART, None, None),
            "no answer (closed, 1012 (service restart) back soon)",
            id="by the server, in haste",
        ),
        pytest.param(
            ConnectionClosedError(None, PING, None),
            "no answer (keepalive ping timeout)",
            id="a ping without an answer",
        ),
        pytest.param(
            ConnectionClosedError(OK, TOO_BIG, rcvd_then_sent=False),
            "broken answer: 1009 (message too big) frame exceeds limit",
            id="too big a message",
        ),
    ],
)
def test_an_end_is_reported_as_it_came(end: ConnectionClosed, text: str) -> None:
    assert str(end_error(end, HERE)) == f"{WHERE}: {text}"
    assert str(early_end_error(end, HERE)) == f"{WHERE}: {text}"


def test_a_regular_end_is_no_error_unless_it_came_at_once() -> None:
    end = ConnectionClosedOK(OK, OK, rcvd_then_sent=True)
    assert end_error(end, HERE) is None
    assert str(early_end_error(end, HERE)) == f"{WHERE}: no answer (closed at once)"


def test_a_message_is_too_big_if_we_said_so() -> None:
    assert is_oversized(ConnectionClosedError(OK, TOO_BIG, rcvd_then_sent=False))
    assert not is_oversized(ConnectionClosedError(TOO_BIG, TOO_BIG, rcvd_then_sent=True))
    assert not is_oversized(ConnectionClosedError(None, None, None))
