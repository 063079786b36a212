"""Requests and answers as values, and the targets of redirects. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar

from multidict import CIMultiDictProxy
from yarl import URL

from mailroom.http.credentials import AllowedHosts
from mailroom.http.errors import BrokenAnswerError, IntermediaryError, RedirectError
from mailroom.http.pages import first_words
from mailroom.http.retry import parse_date

T_co = TypeVar("T_co", covariant=True)

_SAME_METHOD: Final = frozenset({301, 302, 307, 308})
"""The statuses that ask for the same request at another address."""
_SEE_OTHER: Final = 303
MAX_OCTETS: Final = 64 * 1024 * 1024
"""Octets. A hundred cards with large photos fit; other answers are far smaller."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request.

    Attributes:
        method: the HTTP method.
        url: absolute.
        headers: all but Authorization and User-Agent.
        data: the body.
        repeatable: True if doing the request twice is the same as doing it once.
        expected: the statuses that are an answer, not an error.
        max_octets: the largest size of an answer, unpacked.
        keep_origin: True if a redirect's scheme, host and port are replaced by those of ``url``.
    """

    method: str
    url: URL
    headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes | None = field(default=None, repr=False)
    repeatable: bool = True
    expected: Collection[int] = (HTTPStatus.OK,)
    max_octets: int = MAX_OCTETS
    keep_origin: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. ``url`` is the address of the answer, after redirects."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: URL

    @property
    def date(self) -> datetime | None:
        """The server's time (RFC 9110 section 6.6.1); None if it is missing or from a cache."""
        return None if "Age" in self.headers else parse_date(self.headers.get("Date"))

    @property
    def intermediary(self) -> IntermediaryError | None:
        """The error to raise if the body is a page for people; else None."""
        words = first_words(self.body)
        return None if words is None else IntermediaryError(self.url, words, self.status)

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            IntermediaryError: the body is a page for people.
            BrokenAnswerError: the body is not JSON, or not UTF-8.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            broken = BrokenAnswerError(self.url, f"not JSON ({type(error).__name__})")
        raise self.intermediary or broken


class AnswerReader(Protocol[T_co]):
    """Reads one answer in pieces; see :meth:`mailroom.http.client.HttpClient.ask_in_pieces`."""

    def begin(self, response: Response) -> bool:
        """Read the status and the headers; ``response`` has no body yet.

        Returns:
            True to receive the body in pieces by :meth:`feed`, False to receive the whole body in
            the ``response`` of :meth:`result`.
        """
        ...

    def feed(self, data: bytes) -> bool:
        """Read the next octets of the body; return False if no more are needed.

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


def redirect_target(
    request: HttpRequest, response: Response, allowed_hosts: AllowedHosts
) -> URL | None:
    """Return the address to send the same request to (RFC 9110 section 15.4); None: no redirect.

    A 303 names another resource, and the server may have carried out the request already. So a 303
    is a redirect for a GET only; the other methods return None.

    Raises:
        RedirectError: the credentials must not be sent to the target: it is on a host that the user
            has not named, or is another service of the same machine.
        BrokenAnswerError: the target is not an HTTP URL.
    """
    follows = response.status in _SAME_METHOD
    if not follows and not (response.status == _SEE_OTHER and request.method == "GET"):
        return None
    if "Location" not in response.headers:
        return None
    try:
        target = response.url.join(URL(response.headers["Location"]))
    except ValueError:
        raise BrokenAnswerError(response.url, "redirect without a valid URL") from None
    if target.scheme not in {"http", "https"} or not target.host:
        raise BrokenAnswerError(response.url, "redirect without a valid URL")
    if request.keep_origin:
        return with_origin(target, request.url)
    if not is_same_origin(target, response.url) and not (
        target.scheme == "https" and allowed_hosts.allows(target)
    ):
        raise RedirectError(response.url, target)
    return target


def with_origin(url: URL, base: URL) -> URL:
    """Return ``url`` with the scheme, host and port of ``base``."""
    return base.origin().join(url.relative())


def is_same_origin(url: URL, other: URL) -> bool:
    """Return True if two URLs have the same origin (RFC 6454).

    yarl's ``origin()`` is not used: it takes ``https://a`` and ``https://a:443`` for different.
    """
    return (url.scheme, url.host, url.port) == (other.scheme, other.host, other.port)
