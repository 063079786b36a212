"""The pauses between push connections, and the errors that set them."""

from typing import Final

from yarl import URL

from mailroom.http import (
    BrokenAnswerError,
    CredentialsRefusedError,
    HttpError,
    RedirectError,
    Response,
    ServerFailureError,
    UnexpectedStatusError,
    raise_for_status,
)
from mailroom.jmap.errors import JmapError
from mailroom.waiting.backoff import REFUSED_PAUSES, full_jitter

HEALTHY_LIFE: Final = 60.0
"""Seconds. A connection that was open for so long is healthy."""
UNAVAILABLE_PAUSE: Final = 15 * 60.0
"""Seconds until push is tried again at a server without push, or whose push does not work."""
_BASE_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
"""Seconds. The pause between connections is random, and at most this long."""
_LONGEST_FLOOR: Final = 60 * 60.0
"""Seconds. If a server asks for a longer pause, the next try is after an hour nevertheless."""


class PushUnavailableError(JmapError):
    """This transport cannot be used now; the text says why. Poll instead."""


class PushDroppedError(JmapError):
    """Mailroom dropped the connection; the text says why."""


_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def push_refusal(answer: Response, wanted: str) -> HttpError | PushUnavailableError:
    """Return the error for an answer that opens no connection for push.

    - A redirect: RedirectError, because connections for push do not follow redirects.
    - 401, 403 and "not now" (:mod:`mailroom.http.not_now`): as for every other request.
    - Any other answer: PushUnavailableError.

    Args:
        answer: the answer.
        wanted: the kind of connection, for the text: ``a WebSocket``.
    """
    if answer.status in _REDIRECTS and "Location" in answer.headers:
        try:
            return RedirectError(answer.url, answer.url.join(URL(answer.headers["Location"])))
        except ValueError:
            return BrokenAnswerError(answer.url, "redirect without a valid URL")
    error: HttpError | PushUnavailableError
    try:
        raise_for_status(answer, expected=())
    except UnexpectedStatusError as unexpected:
        error = PushUnavailableError(f"{unexpected} instead of {wanted}")
    except HttpError as known:
        error = known
    return error


class Backoff:
    """Computes the pause before the next connection.

    Attributes:
        retry: seconds that the server wants between connections, as :attr:`Connection.retry`.
    """

    def __init__(self) -> None:
        self.retry = 0.0
        self._attempt = 0
        self._refusals = 0

    def pause_after(self, error: Exception | None, *, lived: float) -> float:
        """Return the seconds to wait after a connection.

        Args:
            error: the error that ended the connection; None if there was none.
            lived: the seconds for which the connection was open; 0 if it was never open.
        """
        self._attempt = 1 if lived >= HEALTHY_LIFE else self._attempt + 1
        if lived > 0.0:
            self._refusals = 0
        if isinstance(error, CredentialsRefusedError):
            # This is for credentials that are refused for push only: if a pass is refused as well,
            # the account is closed, and push with it.
            self._refusals += 1
            least = REFUSED_PAUSES[min(self._refusals, len(REFUSED_PAUSES)) - 1]
            return full_jitter(1, base=least / 10, cap=least, floor=max(least, self.retry))
        least = 0.0
        if isinstance(error, PushUnavailableError):
            least = UNAVAILABLE_PAUSE
        elif isinstance(error, ServerFailureError):
            least = error.retry_after or 0.0
        floor = min(max(self.retry, least), _LONGEST_FLOOR)
        return full_jitter(self._attempt, base=_BASE_PAUSE, cap=_LONGEST_PAUSE, floor=floor)
