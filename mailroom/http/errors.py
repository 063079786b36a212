"""Errors of HTTP, below JMAP and CardDAV.

    HttpError
    ├── UnreachableError         no answer: refused, cut off, timed out
    ├── ServerFailureError       the server says "not now": 408, 423, 425, 429, 5xx, problem `limit`
    ├── CredentialsRefusedError  401, and 403 if the server itself sent it
    ├── BrokenAnswerError        an answer that is not what the protocol promises
    │   └── IntermediaryError    a page of something in between: a bot filter, proxy or firewall
    ├── AnswerTooLargeError      an answer that is larger than the caller has room for
    ├── UnexpectedStatusError    any other status that the caller did not ask for
    ├── RedirectError            a redirect to an address that credentials must not be sent to
    └── InsecureUrlError         credentials would travel in the clear
        └── ForeignHostError     credentials would go to a host that the user has not named

The exceptions hold facts, and build their text when it is asked for. No exception holds a header or
a body that we sent, so no exception can reveal a secret.
"""

from dataclasses import dataclass
from typing import Final

from yarl import URL

from mailroom.http.not_now import Row, of_limit, of_status

_SUPPORTED: Final = frozenset({"basic", "bearer", "digest"})


def shown(url: URL) -> str:
    """Return the URL for logs and error texts: without user, password, query and fragment."""
    bare = url.with_query(None).with_fragment(None)
    return str(bare.with_user(None) if bare.absolute else bare)


TIMED_OUT: Final = "timed out"
"""The cause of an :class:`UnreachableError` after a time-out."""


@dataclass(eq=False)
class HttpError(Exception):
    """Base of all errors of HTTP. ``url`` is the address of the request."""

    url: URL

    def __str__(self) -> str:
        return f"{shown(self.url)}: {self.reason()}"

    def reason(self) -> str:
        """Return the cause, in words that can follow the address and a colon."""
        raise NotImplementedError


@dataclass(eq=False)
class UnreachableError(HttpError):
    """No answer came. ``sent`` is False only if the request certainly never left."""

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
    """The server says "not now"; see the table in :mod:`mailroom.http.not_now`.

    Attributes:
        status: the HTTP status.
        retry_after: seconds that the server asks to wait; None if it does not ask.
        limit: the limit that was exceeded, if the answer is a problem ``limit`` (RFC 8620 section
            3.6.1); empty if the problem details do not name the limit; None for other answers.
    """

    status: int
    retry_after: float | None = None
    limit: str | None = None

    @property
    def row(self) -> Row | None:
        """The row of the table for this answer; None if the table has none."""
        return of_status(self.status) if self.limit is None else of_limit(self.limit)

    def reason(self) -> str:
        """See base."""
        limit = "" if self.limit is None else f", limit {self.limit}".rstrip()
        wait = "" if self.retry_after is None else f", asks to wait {self.retry_after:.0f} s"
        return f"the server answered {self.status}{limit}{wait}"


@dataclass(eq=False)
class CredentialsRefusedError(HttpError):
    """A 401, or a 403 in which the server itself says that the user lacks a right.

    Attributes:
        status: 401 or 403.
        words: the server's explanation; empty if there is none.
        schemes: the authentication schemes that the server names (RFC 9110 section 11.6.1).
    """

    status: int
    words: str = ""
    schemes: tuple[str, ...] = ()

    def reason(self) -> str:
        """See base."""
        reason = f"credentials refused ({self.status})"
        if self.words:
            reason += f": {self.words}"
        if self.schemes and _SUPPORTED.isdisjoint(scheme.lower() for scheme in self.schemes):
            wanted = " or ".join(self.schemes)
            reason += f". The server wants {wanted}; Mailroom supports Basic, Bearer and Digest"
        return reason


@dataclass(eq=False)
class BrokenAnswerError(HttpError):
    """The answer is not what the protocol promises."""

    what: str

    def reason(self) -> str:
        """See base."""
        return f"broken answer: {self.what}"


@dataclass(eq=False)
class IntermediaryError(BrokenAnswerError):
    """A page for people came instead of the server's own answer.

    Something between us and the server wrote the page: a bot filter, a proxy, a firewall, a login
    page. Like an outage, this may pass.

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
    """A status that the caller did not expect. ``body`` is the beginning of the answer's body."""

    status: int
    body: bytes = b""

    def reason(self) -> str:
        """See base."""
        return f"unexpected status {self.status}"


@dataclass(eq=False)
class RedirectError(HttpError):
    """The server redirects to an address that the credentials must not be sent to."""

    location: URL

    def reason(self) -> str:
        """See base."""
        return f"redirects to {shown(self.location)}, but credentials must not be sent there"


@dataclass(eq=False)
class InsecureUrlError(HttpError):
    """The address is neither https nor on this machine, so no credentials are sent to it."""

    def reason(self) -> str:
        """See base."""
        return "credentials are sent only over https, or to this machine"


@dataclass(eq=False)
class ForeignHostError(InsecureUrlError):
    """The address is on another host than the user has named, and not on a sibling of that host.

    ``home`` is the address that the user has named; None if only this machine is allowed.
    """

    home: URL | None = None

    def reason(self) -> str:
        """See base."""
        if self.home is None:
            return "credentials are sent only to this machine"
        return (
            f"the configured host is {self.home.host}, and credentials are not sent to this other"
            " host. If this host is the right one, configure its address"
        )
