"""Errors between us and a server, before the protocol above HTTP has its say.

    HttpError
    ├── UnreachableError         no answer: refused, cut off, timed out
    ├── ServerFailureError       the server says "not now": 408, 423, 425, 429, 5xx, problem `limit`
    ├── CredentialsRefusedError  401, and 403 where the server itself says so
    ├── BrokenAnswerError        an answer that is not what the protocol promises
    │   └── IntermediaryError    a page of something in between: a bot filter, proxy or firewall
    ├── AnswerTooLargeError      an answer that is larger than the caller has room for
    ├── UnexpectedStatusError    any other status that the caller did not ask for
    ├── RedirectError            a redirect that credentials must not follow
    └── InsecureUrlError         credentials would travel in the clear
        └── ForeignHostError     credentials would go to a host that the user has not named

Exceptions hold facts and build their text late. None of them ever holds a header or a body that
we sent, so none can carry a secret.
"""

from dataclasses import dataclass
from typing import Final

from yarl import URL

from mailroom.http.not_now import Row, of_limit, of_status

_SPOKEN: Final = ("Basic", "Bearer", "Digest")


def shown(url: URL) -> str:
    """Return the URL as it may be shown: without user, password and query."""
    bare = url.with_query(None).with_fragment(None)
    return str(bare.with_user(None) if bare.absolute else bare)


TIMED_OUT: Final = "timed out"
"""The cause of an :class:`UnreachableError` where time ran out."""


@dataclass(eq=False)
class HttpError(Exception):
    """Base of all. ``url`` is the address that was asked."""

    url: URL

    def __str__(self) -> str:
        return f"{shown(self.url)}: {self.reason()}"

    def reason(self) -> str:
        """Return the cause, in words that can stand behind the address."""
        raise NotImplementedError


@dataclass(eq=False)
class UnreachableError(HttpError):
    """No answer came. ``sent`` is False only when the request surely never left."""

    cause: str
    sent: bool

    @property
    def is_timeout(self) -> bool:
        """True if the request was sent, and the time for its answer ran out."""
        return self.sent and self.cause == TIMED_OUT

    def reason(self) -> str:
        """See base."""
        return f"no answer ({self.cause})"


@dataclass(eq=False)
class ServerFailureError(HttpError):
    """The server says "not now"; :mod:`mailroom.http.not_now` says what that means.

    Attributes:
        status: the HTTP status.
        retry_after: seconds that the server asks to wait, where it does.
        limit: the limit that was exceeded, where the answer is a problem ``limit`` (RFC 8620
            section 3.6.1); empty if there were problem details that name none.
    """

    status: int
    retry_after: float | None = None
    limit: str | None = None

    @property
    def row(self) -> Row | None:
        """The line of the table for this answer."""
        return of_status(self.status) if self.limit is None else of_limit(self.limit)

    def reason(self) -> str:
        """See base."""
        limit = "" if self.limit is None else f", limit {self.limit}".rstrip()
        wait = "" if self.retry_after is None else f", asks to wait {self.retry_after:.0f} s"
        return f"the server answered {self.status}{limit}{wait}"


@dataclass(eq=False)
class CredentialsRefusedError(HttpError):
    """401, or a 403 by which the server itself says that the user lacks a right.

    Attributes:
        status: 401 or 403.
        words: what the server says of it.
        schemes: the authentication schemes that it names (RFC 9110 section 11.6.1).
    """

    status: int
    words: str = ""
    schemes: tuple[str, ...] = ()

    def reason(self) -> str:
        """See base."""
        words = f": {self.words}" if self.words else ""
        return f"credentials refused ({self.status}){words}{self._wanted()}"

    def _wanted(self) -> str:
        spoken = {scheme.lower() for scheme in _SPOKEN}
        if not self.schemes or not spoken.isdisjoint(scheme.lower() for scheme in self.schemes):
            return ""
        ours = f"{', '.join(_SPOKEN[:-1])} and {_SPOKEN[-1]}"
        return f". The server wants {' or '.join(self.schemes)}; Mailroom speaks {ours}"


@dataclass(eq=False)
class BrokenAnswerError(HttpError):
    """The answer is not what the protocol promises."""

    what: str

    def reason(self) -> str:
        """See base."""
        return f"broken answer: {self.what}"


@dataclass(eq=False)
class IntermediaryError(BrokenAnswerError):
    """A page for people came where the server's own answer was due.

    Something in between wrote it: a bot filter, a proxy, a firewall, a login page. Like an outage,
    this may pass.

    Attributes:
        what: the first words of the page.
        status: the HTTP status.
    """

    status: int

    def reason(self) -> str:
        """See base."""
        page = f" with the page {self.what!r}" if self.what else ""
        return (
            f"something in between answered {self.status}{page}, not the server itself"
            " (a bot filter, proxy or firewall?)"
        )


@dataclass(eq=False)
class AnswerTooLargeError(HttpError):
    """The answer is larger than ``max_octets``. Asking again would bring the same answer."""

    max_octets: int

    def reason(self) -> str:
        """See base."""
        return f"the answer is too large (over {self.max_octets} octets)"


@dataclass(eq=False)
class UnexpectedStatusError(HttpError):
    """A status that the caller has no use for. ``body`` is what the server sent, cut short."""

    status: int
    body: bytes = b""

    def reason(self) -> str:
        """See base."""
        return f"unexpected status {self.status}"


@dataclass(eq=False)
class RedirectError(HttpError):
    """The server points elsewhere, and credentials do not follow there."""

    location: URL

    def reason(self) -> str:
        """See base."""
        return f"redirects to {shown(self.location)}, where credentials must not follow"


@dataclass(eq=False)
class InsecureUrlError(HttpError):
    """Credentials go only over https, or to loopback."""

    def reason(self) -> str:
        """See base."""
        return "credentials are sent only over https, or to this machine"


@dataclass(eq=False)
class ForeignHostError(InsecureUrlError):
    """Credentials go only to the host that the user has named, and to its siblings.

    ``home`` is the address that the user has named; None for this machine alone.
    """

    home: URL | None = None

    def reason(self) -> str:
        """See base."""
        if self.home is None:
            return "credentials are sent only to this machine"
        return (
            f"this is another host than {self.home.host}, which is configured, and credentials are"
            f" not sent there. If it is the right one, configure its address"
        )
