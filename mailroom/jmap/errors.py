"""The errors of JMAP (RFC 8620 sections 3.6 and 5.3), and all errors that a pass expects.

    HttpError                 a request failed: :mod:`mailroom.http.errors` draws its tree
    JmapError
    ├── RequestError          the whole request was refused (problem details, RFC 7807)
    ├── MethodError           one method call was refused
    ├── SessionError          the session lacks what is needed: an account or a capability
    ├── ImportRefusedError    a message was not accepted (Email/import)
    ├── CardsChangedError     contacts changed during every try to read them
    ├── PushUnavailableError  this transport of push cannot be used now
    ├── PushDroppedError      Mailroom dropped a push connection
    └── GivenUpError          a transport of push is given up, but there is another one
    AddressBookError          :mod:`mailroom.contacts.model`: refused, or unusable
    ├── LastingRefusalError   ... and would refuse the same card again
    ├── ReadOnlyAddressBookError, NoAddressBookError, AddressBookGoneError
    └── RefusedError          :mod:`mailroom.contacts.carddav.webdav`, with the other errors of DAV
    MissingError, UnsuitableError, NoRightToWriteError
                              :mod:`mailroom.screener.model.missing`: the account is not set up

``JmapClient`` repeats calls that were answered with "not now" (:mod:`mailroom.http.not_now`), and
fetches the session again after a RequestError about its limits. ``MailAccount`` and ``MailSearch``
learn limitations from a MethodError. The errors of push end in a Disconnected event, after which
push is tried again. An error of one contact or one mail makes the pass incomplete. Any other error
ends the pass, and :mod:`mailroom.runtime.failure_policy` decides what follows.

A :class:`SetError` concerns one object of a ``/set``. It is a value and not an exception, because
the other objects may have been changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

PROBLEM: Final = "urn:ietf:params:jmap:error:"
"""The beginning of the types of JMAP's problem details."""
_LONGEST_DETAIL: Final = 300
"""The most characters that are kept of the server's words."""
_ACCOUNT_READ_ONLY: Final = "accountReadOnly"
MAY_ONLY_READ: Final = "the credentials may only read: make a token that may write"


class JmapError(Exception):
    """Base of all errors of JMAP."""


@dataclass(eq=False)
class RequestError(JmapError):
    """Nothing of the request was carried out (RFC 8620 section 3.6.1).

    Attributes:
        type: without ``urn:ietf:params:jmap:error:``, e.g. ``limit``, ``unknownCapability``.
        limit: the limit that was exceeded, if the type is ``limit``.
        detail: the server's words.
    """

    type: str
    limit: str = ""
    detail: str = ""

    @classmethod
    def parse(cls, facts: Mapping[str, Any]) -> Self:
        """Read problem details (RFC 7807), or a RequestError object (RFC 8887 section 4.3.4)."""
        return cls(
            type=str(facts.get("type") or "serverFail").removeprefix(PROBLEM),
            limit=str(facts.get("limit") or ""),
            detail=str(facts.get("detail") or "")[:_LONGEST_DETAIL],
        )

    def __str__(self) -> str:
        return f"request refused: {' '.join(filter(None, (self.type, self.limit, self.detail)))}"


@dataclass(eq=False)
class MethodError(JmapError):
    """One call was not carried out (RFC 8620 section 3.6.2)."""

    method: str
    type: str
    description: str = ""

    def __str__(self) -> str:
        text = f"{self.method} refused: {' '.join(filter(None, (self.type, self.description)))}"
        return f"{text}; {MAY_ONLY_READ}" if self.type == _ACCOUNT_READ_ONLY else text


def is_read_only(error: BaseException) -> bool:
    """Return True if the error says that the account may only be read (RFC 8620 section 5.3)."""
    return isinstance(error, MethodError) and error.type == _ACCOUNT_READ_ONLY


class SessionError(JmapError):
    """The session lacks an account, a capability or a usable address; the text names it."""


_LASTING: Final = frozenset(
    {
        *("forbidden", "overQuota", "tooLarge", "invalidPatch", "invalidProperties"),
        *("tooManyKeywords", "tooManyMailboxes"),
    }
)


@dataclass(frozen=True, slots=True)
class SetError:
    """The reason why one object was not created, updated or destroyed (RFC 8620 section 5.3).

    ``existing_id`` is the id of the object that exists already, if the type is ``alreadyExists``.
    """

    type: str
    description: str = ""
    properties: tuple[str, ...] = field(default=())
    existing_id: str = ""

    @property
    def is_lasting(self) -> bool:
        """True if the server would give the same answer to the same request a minute later."""
        return self.type in _LASTING

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read one entry of ``notCreated``, ``notUpdated`` or ``notDestroyed``."""
        facts = value if isinstance(value, dict) else {}
        properties = facts.get("properties")
        return cls(
            type=str(facts.get("type") or "serverFail"),
            description=str(facts.get("description") or ""),
            properties=tuple(map(str, properties)) if isinstance(properties, list) else (),
            existing_id=str(facts.get("existingId") or ""),
        )

    def __str__(self) -> str:
        return " ".join(filter(None, (self.type, ", ".join(self.properties), self.description)))
