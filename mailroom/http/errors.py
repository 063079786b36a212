"""What can go wrong between us and a server, before the protocol above HTTP has its say.

    HttpError
    ├── UnreachableError         no answer: refused, cut off, timed out
    ├── ServerFailureError       the server says it cannot now: 408, 429, 5xx
    ├── CredentialsRefusedError  401, 403
    ├── BrokenAnswerError        an answer that is not what the protocol promises
    ├── UnexpectedStatusError    any other status that the caller did not ask for
    ├── RedirectError            a redirect that credentials must not follow
    └── InsecureUrlError         credentials would travel in the clear

Exceptions hold facts and build their text late. None of them ever holds a header or a body that
we sent, so none can carry a secret.
"""

from dataclasses import dataclass

from yarl import URL


def shown(url: URL) -> str:
    """The URL as it may be shown: without user, password and query."""
    bare = url.with_query(None).with_fragment(None)
    return str(bare.with_user(None) if bare.absolute else bare)


@dataclass(eq=False)
class HttpError(Exception):
    """Base of all. ``url`` is the address that was asked."""

    url: URL

    def __str__(self) -> str:
        return f"{shown(self.url)}: {self.reason()}"

    def reason(self) -> str:
        """What happened, in words that can stand behind the address."""
        raise NotImplementedError


@dataclass(eq=False)
class UnreachableError(HttpError):
    """No answer came. ``sent`` is False only when the request surely never left."""

    cause: str
    sent: bool

    def reason(self) -> str:
        """See base."""
        return f"no answer ({self.cause})"


@dataclass(eq=False)
class ServerFailureError(HttpError):
    """The server cannot now (408, 429, 5xx). ``retry_after`` in seconds, where it said so."""

    status: int
    retry_after: float | None = None

    def reason(self) -> str:
        """See base."""
        wait = "" if self.retry_after is None else f", asks to wait {self.retry_after:.0f} s"
        return f"the server answered {self.status}{wait}"


@dataclass(eq=False)
class CredentialsRefusedError(HttpError):
    """401 or 403."""

    status: int

    def reason(self) -> str:
        """See base."""
        return f"credentials refused ({self.status})"


@dataclass(eq=False)
class BrokenAnswerError(HttpError):
    """The answer is not what the protocol promises."""

    what: str

    def reason(self) -> str:
        """See base."""
        return f"broken answer: {self.what}"


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
