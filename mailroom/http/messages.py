"""Requests and answers as values: what a status means, and where a redirect leads. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar

from multidict import CIMultiDictProxy
from yarl import URL

from mailroom.http.errors import (
    BrokenAnswerError,
    CredentialsRefusedError,
    RedirectError,
    ServerFailureError,
    UnexpectedStatusError,
)
from mailroom.http.retry import parse_retry_after

T_co = TypeVar("T_co", covariant=True)

_SAME_METHOD: Final = frozenset({301, 302, 307, 308})
_SEE_OTHER: Final = 303
_TRY_LATER: Final = frozenset({408, 425, 429})
_NEVER: Final = frozenset({501, 505, 507, 508})
"""Errors of the server that trying again does not mend."""
_BODY_KEPT_IN_ERROR: Final = 64 * 1024
"""Octets: enough for any problem details (RFC 7807), which quote what they object to."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request.

    Attributes:
        method: the HTTP method.
        url: absolute.
        headers: beside credentials.
        data: the body.
        repeatable: whether doing it twice is the same as doing it once.
        expected: the statuses that are an answer, not an error.
    """

    method: str
    url: URL
    headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes | None = field(default=None, repr=False)
    repeatable: bool = True
    expected: Collection[int] = (HTTPStatus.OK,)


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. ``url`` is where it came from, after redirects."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: URL

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            BrokenAnswerError: it is no JSON, or no UTF-8.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise BrokenAnswerError(self.url, f"no JSON ({type(error).__name__})") from None


class AnswerReader(Protocol[T_co]):
    """Reads one answer in pieces; see :meth:`mailroom.http.client.HttpClient.ask_in_pieces`."""

    def begin(self, response: Response) -> bool:
        """Look at the status and the headers; ``response`` has no body yet.

        Returns:
            True to be fed the body, False to be given the body with :meth:`result`.
        """
        ...

    def feed(self, data: bytes) -> bool:
        """Take the next octets of the body; return False if no more are needed.

        Raises:
            BrokenAnswerError: the octets are not the promised answer.
        """
        ...

    def result(self, response: Response) -> T_co:
        """Return the result when the answer has ended.

        Raises:
            BrokenAnswerError: the answer is not the promised one.
        """
        ...


def raise_for_status(response: Response, expected: Collection[int]) -> None:
    """Let an expected status pass.

    Raises:
        CredentialsRefusedError: 401, 403.
        ServerFailureError: it may go better later: 408, 425, 429, 5xx.
        UnexpectedStatusError: any other.
    """
    status = response.status
    if status in expected:
        return
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise CredentialsRefusedError(response.url, status)
    if status in _TRY_LATER or (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _NEVER
    ):
        wait = parse_retry_after(response.headers.get("Retry-After"), now=datetime.now(UTC))
        raise ServerFailureError(response.url, status, wait)
    raise UnexpectedStatusError(response.url, status, response.body[:_BODY_KEPT_IN_ERROR])


def redirect_target(method: str, response: Response) -> URL | None:
    """Where the same request is to be sent again (RFC 9110 section 15.4); None: nowhere.

    303 answers with a resource other than the one that was asked, perhaps after having done what
    was asked; so it is followed for GET alone, and the other methods get it as it is.

    Raises:
        RedirectError: the target is in another origin, where credentials must not follow.
        BrokenAnswerError: the target is no URL of HTTP.
    """
    follows = response.status in _SAME_METHOD or (response.status == _SEE_OTHER and method == "GET")
    if not follows or "Location" not in response.headers:
        return None
    try:
        target = response.url.join(URL(response.headers["Location"]))
    except ValueError:
        raise BrokenAnswerError(response.url, "redirect to no URL") from None
    if target.scheme not in {"http", "https"} or not target.host:
        raise BrokenAnswerError(response.url, "redirect to no URL")
    if _origin(target) != _origin(response.url):
        raise RedirectError(response.url, target)
    return target


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    """RFC 6454. yarl's own tells ``https://a`` from ``https://a:443``, which are the same."""
    return url.scheme, url.host, url.port
