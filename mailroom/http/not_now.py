"""Answers that mean "not now": a table of their effects and of Mailroom's reactions. Pure.

One table serves JMAP, push and CardDAV. Each row says what the server has done when it sends this
answer, and what Mailroom does next. Answers that are not in the table mean that the request or the
credentials are wrong, and are reported without another attempt.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus
from typing import Final


class Kind(Enum):
    """The place of an answer in its protocol."""

    STATUS = "HTTP status"
    LIMIT = "problem `limit`"  # RFC 8620 section 3.6.1
    METHOD_ERROR = "method error"  # RFC 8620 section 3.6.2
    SET_ERROR = "SetError"  # RFC 8620 section 5.3
    PRECONDITION = "precondition of WebDAV"  # RFC 4918 section 16


class Effect(Enum):
    """The state of the server's data after the answer."""

    NOTHING = "nothing was done"
    UNKNOWN = "it may have been done"


class Action(Enum):
    """Mailroom's next step."""

    WAIT = "repeat often, after short random pauses"
    RETRY = "repeat a few times"
    SPLIT = "fetch the session again and cut the request to its limits"
    RESYNC = "read anew from the start"
    REPORT = "report it: repeating changes nothing"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        kind: the place of the answer.
        names: the statuses, limits, error types or preconditions; empty: all other names of the
            kind.
        effect: what the server has done. A request that may have been carried out is repeated only
            if doing it twice is the same as doing it once.
        action: what Mailroom does.
        seconds: the time for which the request is repeated; 0: a few times, however long they take.
        slows: True if this host gets fewer requests at the same time for a while; False for calls
            and objects.
        serializes: True if only one write at a time is sent to this host from now on.
        why: the source of the row, for people.
    """

    kind: Kind
    names: frozenset[str]
    effect: Effect
    action: Action
    why: str
    seconds: float = 0.0
    slows: bool = False
    serializes: bool = False

    def may_repeat(self, *, repeatable: bool) -> bool:
        """Return True if the request may be sent again.

        ``repeatable`` is True if doing the request twice is the same as doing it once.
        """
        if self.action not in {Action.WAIT, Action.RETRY}:
            return False
        return repeatable or self.effect is Effect.NOTHING


_BUSY: Final = 120.0
"""Seconds. A mail app that is being set up keeps a server busy for about a minute."""
_LOCKED: Final = 30.0
"""Seconds. Programs hold the lock of an address book for a moment; a person's lock may stay."""


def _row(kind: Kind, names: str, effect: Effect, action: Action, why: str) -> Row:
    return Row(kind, frozenset(names.split()), effect, action, why)


def _busy(kind: Kind, names: str, why: str) -> Row:
    row = _row(kind, names, Effect.NOTHING, Action.WAIT, why)
    # An error of a call or an object stands in an answer to a request that was accepted.
    return replace(row, seconds=_BUSY, slows=kind in {Kind.STATUS, Kind.LIMIT})


TABLE: Final = (
    _busy(
        Kind.STATUS,
        "429",
        "RFC 6585 section 4; Stalwart: 1,000 requests a minute, Retry-After up to 60",
    ),
    Row(
        Kind.STATUS,
        frozenset({"423"}),
        Effect.NOTHING,
        Action.WAIT,
        "RFC 4918 section 11.3; Xandikos: two writes to one address book met",
        seconds=_LOCKED,
        serializes=True,
    ),
    Row(
        Kind.STATUS,
        frozenset({"503"}),
        Effect.NOTHING,
        Action.RETRY,
        "RFC 9110 section 15.6.4: overloaded or in maintenance; nginx answers so beyond its limits",
        slows=True,
    ),
    _row(Kind.STATUS, "425", Effect.NOTHING, Action.RETRY, "RFC 8470 section 5.2"),
    _row(Kind.STATUS, "408", Effect.UNKNOWN, Action.RETRY, "RFC 9110 section 15.5.9; proxies too"),
    _row(
        Kind.STATUS,
        "501 505 507 508",
        Effect.NOTHING,
        Action.REPORT,
        "RFC 9110 section 15.6, RFC 4918 section 11.5: not able to, or full",
    ),
    _row(Kind.STATUS, "5xx", Effect.UNKNOWN, Action.RETRY, "RFC 9110 section 15.6"),
    _row(
        Kind.LIMIT,
        "maxCallsInRequest maxSizeRequest maxObjectsInGet maxObjectsInSet maxSizeUpload",
        Effect.NOTHING,
        Action.SPLIT,
        "RFC 8620 section 3.6.1: the limits have changed since the session was read",
    ),
    _busy(
        Kind.LIMIT,
        "",
        "RFC 8620 section 3.6.1: maxConcurrentRequests, and limits of rate; Stalwart: 4 at once"
        " over all clients of an account, JMAP, push and DAV together",
    ),
    _busy(Kind.METHOD_ERROR, "rateLimit", "Fastmail throttles with it"),
    _row(
        Kind.METHOD_ERROR,
        "serverFail serverUnavailable serverPartialFail",
        Effect.UNKNOWN,
        Action.RETRY,
        "RFC 8620 section 3.6.2; James, while another request moves the mails",
    ),
    _row(
        Kind.METHOD_ERROR,
        "requestTooLarge",
        Effect.NOTHING,
        Action.SPLIT,
        "RFC 8620 sections 5.1 and 5.3",
    ),
    _busy(Kind.SET_ERROR, "rateLimit", "RFC 8620 section 5.3; Fastmail throttles with it"),
    _row(
        Kind.SET_ERROR,
        "serverFail serverUnavailable",
        Effect.UNKNOWN,
        Action.RETRY,
        "RFC 8620 section 5.3; James, while another request moves the mails",
    ),
    _row(
        Kind.PRECONDITION,
        "valid-sync-token",
        Effect.NOTHING,
        Action.RESYNC,
        "RFC 6578 section 3.2; Radicale with 403, Xandikos with 412",
    ),
)


def of_status(status: int) -> Row | None:
    """Return the row of an HTTP status; None if the status does not mean "not now"."""
    server_error = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _find(Kind.STATUS, str(status)) or (_find(Kind.STATUS, "5xx") if server_error else None)


def of_limit(name: str) -> Row | None:
    """Return the row of a problem ``limit`` (RFC 8620 section 3.6.1) that names this limit."""
    return _find(Kind.LIMIT, name) or next(row for row in _rows(Kind.LIMIT) if not row.names)


def of_method_error(error_type: str) -> Row | None:
    """Return the row of a method-level error; None if the error does not mean "not now"."""
    return _find(Kind.METHOD_ERROR, error_type)


def of_set_error(error_type: str) -> Row | None:
    """Return the row of a SetError; None if the error does not mean "not now"."""
    return _find(Kind.SET_ERROR, error_type)


def of_precondition(name: str) -> Row | None:
    """Return the row of a failed WebDAV precondition; None if it does not mean "not now"."""
    return _find(Kind.PRECONDITION, name)


def not_now_table() -> str:
    """Return the table in Markdown, for documents."""
    lines = ["| answer | the server | Mailroom | source |", "| --- | --- | --- | --- |"]
    for row in TABLE:
        names = ", ".join(f"`{name}`" for name in sorted(row.names)) or "any other"
        limit = f", {row.seconds:.0f} s in all" if row.seconds else ""
        action = f"{row.action.value}{limit}"
        more = (
            "; sends fewer at the same time" * row.slows + "; writes one at a time" * row.serializes
        )
        lines.append(
            f"| {row.kind.value} {names} | {row.effect.value} | {action}{more} | {row.why} |"
        )
    return "\n".join(lines) + "\n"


def _rows(kind: Kind) -> Iterator[Row]:
    return (row for row in TABLE if row.kind is kind)


def _find(kind: Kind, name: str) -> Row | None:
    return next((row for row in _rows(kind) if name in row.names), None)
