"""Sends notices to one server.

A notice is sent again only if the server has not shown it: the request never left, or the answer
says that it failed. A request without an answer is not repeated, because a person would see the
same notice twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from yarl import URL

from mailroom.http import (
    CONNECT_TIMEOUT,
    HttpClient,
    HttpError,
    Response,
    ServerFailureError,
    UnreachableError,
    raise_for_status,
)
from mailroom.http.wire import read_whole
from mailroom.notices.formats import is_ntfy_answer, ntfy_request, webhook_body
from mailroom.notices.notice import Notice
from mailroom.waiting.backoff import full_jitter

log = structlog.get_logger(__name__)

_TIMEOUT: Final = 20.0
"""Seconds that the answer to a notice may take."""
_TRIES: Final = 5
"""Attempts to send a notice."""
_BASE_PAUSE: Final = 2.0
"""Seconds. The first pause is random, and at most this long; the limit doubles each time."""
_LONGEST_PAUSE: Final = 60.0
"""Seconds. The limit of the random pause does not grow beyond this."""
_LONGEST_ASKED_PAUSE: Final = 3600.0
"""Seconds. If a server asks for a longer pause, the notice is dropped: its news would be old."""
_MOST_OCTETS: Final = 64 * 1024
"""The largest number of octets in an answer."""
_REDIRECTED: Final = "Mailroom follows no redirect; set MAILROOM_NOTIFY_URL to the final address"
_EXPECTED: Final = frozenset(range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES))


def _is_redirect(status: int) -> bool:
    """Return True if an HTTP status redirects."""
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST


@dataclass(eq=False)
class RefusedNoticeError(HttpError):
    """The server refused a notice, and would do so again.

    Attributes:
        status: the HTTP status. A redirect is not followed: no other server may get the token.
    """

    status: int

    def reason(self) -> str:
        """Return the status alone: an answer may repeat the address, which is a secret."""
        if _is_redirect(self.status):
            return f"redirected with status {self.status}; {_REDIRECTED}"
        return f"refused with status {self.status}"


@dataclass(eq=False)
class NotNtfyError(HttpError):
    """A server that is not ntfy accepted a notice, so nobody has seen it."""

    def reason(self) -> str:
        """Return the cause, and the mistake that it probably shows."""
        return (
            "the answer is not ntfy's; if MAILROOM_NOTIFY_URL is not of an ntfy server, set"
            " MAILROOM_NOTIFY_FORMAT to webhook"
        )


class NoticeClient:
    """Sends notices to an ntfy topic or to a webhook.

    Args:
        http: the client of the server; its credentials are sent to this server only.
        target: the URL of the topic or of the webhook.
        is_ntfy: True for a topic.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        http: HttpClient,
        target: URL,
        *,
        is_ntfy: bool,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._target = target
        self._is_ntfy = is_ntfy
        self._sleep = sleep

    async def send(self, notice: Notice) -> None:
        """Send a notice, with several attempts.

        Raises:
            HttpError: the notice was not accepted; the error is that of the last attempt.
        """
        await AsyncRetrying(
            retry=retry_if_exception(_is_worth_repeating),
            stop=stop_after_attempt(_TRIES),
            wait=_pause,
            sleep=self._sleep,
            before_sleep=_log_repetition,
            reraise=True,
        )(self.send_once, notice)

    async def send_once(self, notice: Notice) -> None:
        """Send a notice, with a single attempt.

        Raises:
            HttpError: the notice was not accepted.
        """
        if self._is_ntfy:
            url, body = ntfy_request(self._target, notice)
        else:
            url, body = self._target, webhook_body(notice)
        response = await self._ask("POST", url, body)
        try:
            raise_for_status(response, _EXPECTED)
        except ServerFailureError:
            raise
        except HttpError:
            raise RefusedNoticeError(url, response.status) from None
        if self._is_ntfy and not is_ntfy_answer(response.body):
            raise NotNtfyError(url)

    async def probe(self) -> None:
        """Send a request to the root of the server, to find out if it answers; send no notice.

        The URL of a webhook is not used, because even a GET may trigger it. A redirect of the root
        is no error for a webhook: the webhook has another path.

        Raises:
            HttpError: the server cannot be reached, or an ntfy server redirects.
        """
        root = self._target.with_path("/")
        status = (await self._ask("HEAD", root, None)).status
        if self._is_ntfy and _is_redirect(status):
            raise RefusedNoticeError(root, status)

    async def _ask(self, method: str, url: URL, body: bytes | None) -> Response:
        """Send a request once, and return its whole answer. Redirects are not followed."""
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        async with self._http.open(
            method, url, headers=headers, data=body, timeout=timeout
        ) as answer:
            content = await read_whole(answer, _MOST_OCTETS)
            return Response(answer.status, answer.headers, content, url)


def _is_worth_repeating(error: BaseException) -> bool:
    match error:
        case ServerFailureError(retry_after=float(seconds)):
            return seconds <= _LONGEST_ASKED_PAUSE
        case ServerFailureError() | UnreachableError(sent=False):
            return True
        case _:
            return False


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = (error.retry_after if isinstance(error, ServerFailureError) else None) or 0.0
    return full_jitter(state.attempt_number, base=_BASE_PAUSE, cap=_LONGEST_PAUSE, floor=asked)


def _log_repetition(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.info(
        "a notice was not accepted, and will be sent again",
        # The address of a webhook is a secret, and so is the name of a topic.
        error=error.reason() if isinstance(error, HttpError) else str(error),
        attempt=state.attempt_number,
        next_in_seconds=round(state.upcoming_sleep, 1),
    )
