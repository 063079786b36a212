"""How the sandbox differs from a server that has everything: real servers' habits, selectable."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The core capability's limits (RFC 8620 section 2); Cyrus' are the default.

    ``max_size_request`` is in octets, all others count. All are enforced.
    """

    max_size_request: int = 10_485_760
    max_concurrent_requests: int = 5
    max_calls_in_request: int = 50
    max_objects_in_get: int = 4096
    max_objects_in_set: int = 4096
    max_mailboxes_per_email: int = 20
    max_query: int | None = None


STALWART_LIMITS = Limits(
    max_size_request=10_000_000,
    max_concurrent_requests=4,
    max_calls_in_request=16,
    max_objects_in_get=500,
    max_objects_in_set=500,
    max_query=5000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """What to imitate.

    Attributes:
        limits: the limits.
        index_lag: seconds until mail can be found by ``from`` and ``text``; None: it never can.
        absolute_urls: whether the session's URLs are absolute; Cyrus' are relative.
        event_source_template: whether ``eventSourceUrl`` is a template (not so on Fastmail).
        event_source: whether there is EventSource push; without, it answers 204.
        websocket: whether the session offers WebSocket.
        websocket_life: seconds after which a WebSocket is closed by the server; None: never.
        submission: whether the session offers submission, and with it the identities.
        contacts: whether the session offers contacts (RFC 9610); without, there is CardDAV.
        sync_collection: whether CardDAV has ``sync-collection`` (RFC 6578).
        email_set_states: whether ``Email/set`` minds ``ifInState`` and tells ``oldState``; James'
            does neither.
        header_filter: whether ``Email/query`` knows ``header``; without: ``unsupportedFilter``.
        last_mailbox: what becomes of an update that takes a mail's last mailbox away. Cyrus
            destroys the mail, if it has ever been in a mailbox that it is no longer in; it refuses
            the update otherwise.
        stream_life: seconds after which an event stream ends cleanly; None: never.
        throttle_every: every n-th object in a ``/set`` is refused with ``rateLimit``; 0: none.
        first_state: where states begin; higher than 0 for one that has seen life before.
        latency: seconds that every API request takes; requests at the same time wait side by side.
    """

    limits: Limits = Limits()
    index_lag: float | None = 0.0
    absolute_urls: bool = False
    event_source_template: bool = True
    event_source: bool = True
    websocket: bool = True
    websocket_life: float | None = None
    submission: bool = True
    contacts: bool = True
    sync_collection: bool = True
    email_set_states: bool = True
    header_filter: bool = True
    last_mailbox: Literal["refuses", "destroys"] = "refuses"
    stream_life: float | None = 300.0
    throttle_every: int = 0
    first_state: int = 0
    latency: float = 0.0
