"""The habits of real servers that the sandbox can imitate.

Without any quirk, the sandbox imitates Cyrus 3.12. These quirks were seen on real servers:

==================================================  ==============================================
``last_mailbox="destroys"``                         Cyrus, Apache James 3.8
``ignores_if_in_state``, ``entered_is_created``     Apache James 3.8
``event_source_template=False``                     Fastmail
``throttle_every``                                  Fastmail
``header="nowhere"``, ``dates_are_indexed``         Stalwart 0.16
``evaluates_nested``, ``refuses_unknown``           Stalwart 0.16
``cuts_all``, ``renames_raw``                       Stalwart 0.16
``moved_is_new``, ``text_hides_unindexed``          Cyrus after 3.13.7
``nests_mailboxes``, ``negative_positions``         Apache James 3.8
``query_state="page"``, ``has_total``               Apache James 3.8
``imports_twice``                                   Stalwart 0.16, Apache James 3.8
``cut``, ``drops_grouped``, ``encodes_at``          Stalwart 0.16
``least_ping``, ``milliseconds``, ``idle``          Stalwart 0.16
``least_gap``                                       Stalwart 0.16
``refuses_unknown_types``                           Stalwart 0.16, Apache James 3.8
``needs_all_parameters``, ``enables_once``          Apache James 3.8
``has_positions=False``                             Stalwart 0.16, Apache James 3.8
``enable_needs_answer``                             Apache James 3.8, right after its start
``blocks``                                          Cyrus 3.13.5 to 3.13.7
``counts_all``, ``per_minute``                      Stalwart 0.16 (4 at once, 1,000 a minute)
``fails_every``                                     Apache James 3.8, while mails are moved
``refuses_malformed_states``, ``zero_is_no_limit``  Stalwart 0.16
``states``                                          UUIDs: Apache James; ``J79``: Cyrus, Fastmail
``ids``                                             Cyrus, Fastmail
``digit_ids``                                       Stalwart up to 0.16.4
``identities``                                      Cyrus (blank; unsupported without SMTP)
``is_read_only``                                    shared accounts and tokens that may only read
``roles``                                           the server that the value names
``origin``                                          servers that do not know of a proxy before them
==================================================  ==============================================

:meth:`mailroom.sandbox.owner.OwnerConsole.renumber` imitates a further habit of Fastmail: all mails
get new ids.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The server's limits, all of which the sandbox enforces. The defaults are those of Cyrus.

    Most of them are in the core capability (RFC 8620 section 2). ``max_size_upload`` and
    ``max_size_request`` are in octets, all others are numbers of things. ``max_query`` is the
    number of ids in one answer to a ``/query``; None: any number.
    """

    max_size_upload: int = 50_000_000
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
class Querying:
    """The deviations of ``/query`` and ``/get`` from RFC 8620 and RFC 8621.

    Attributes:
        behind: the number of newest mails that the search index does not have yet.
        indexes_when_idle: mail enters the search index only after no mail came for ``index_lag``.
        moved_is_new: a mail that enters a mailbox is a new record and must be indexed again.
        header: the source of the ``header`` filter: the mail itself, the search index, or nowhere
            (it then finds nothing, without an error).
        dates_are_indexed: the sort by ``receivedAt`` uses the search index; mail that is not
            indexed sorts last in either direction.
        text_hides_unindexed: a filter with a text criterion (``from``, ``to``, ...) anywhere finds
            indexed mail only, in the branches without a text criterion too.
        nests_mailboxes: ``inMailbox`` may stand inside any operator. If False, ``inMailbox`` may
            stand alone, or as the only mailbox condition at the top of an AND.
        evaluates_nested: if False, a query finds nothing as soon as no mail meets the first
            conditions of an AND and an operator follows them.
        refuses_unknown: a filter with an unknown mailbox is refused. If False, an unknown mailbox
            is one without mail.
        negative_positions: a ``position`` below zero counts from the end. If False, it is refused.
        query_state: ``queryState`` is the state of the account, or a hash of the ids in the page.
        has_total: ``total`` is sent.
        counts_to: the highest ``total`` that is sent, because search engines stop counting
            matches there. None: no limit.
        cuts_all: ``ids: null`` of a ``/get`` returns ``maxObjectsInGet`` objects at most.
        renames_raw: the property ``header:X:asRaw`` comes back under the name ``header:X``.
    """

    behind: int = 0
    indexes_when_idle: bool = False
    moved_is_new: bool = False
    header: Literal["mail", "index", "nowhere"] = "mail"
    dates_are_indexed: bool = False
    text_hides_unindexed: bool = False
    nests_mailboxes: bool = True
    evaluates_nested: bool = True
    refuses_unknown: bool = True
    negative_positions: bool = True
    query_state: Literal["account", "page"] = "account"
    has_total: bool = True
    counts_to: int | None = None
    cuts_all: bool = False
    renames_raw: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushing:
    """The deviations of push from Cyrus 3.12.

    Attributes:
        least_ping: seconds between two pings of an event stream at least.
        milliseconds: a ping announces its interval in milliseconds.
        least_gap: seconds between two announcements at least.
        refuses_unknown_types: an unknown name in ``types`` is answered with 400.
        needs_all_parameters: an event stream without ``types``, ``closeAfter`` or ``ping`` is
            answered with 400. RFC 8620 writes ``closeafter``.
        has_positions: there is an ``id:`` in the stream, and a ``pushState`` to resume at.
        idle: seconds without a frame of the client after which a WebSocket is closed; None: never.
        enable_needs_answer: a WebSocketPushEnable is ignored on a WebSocket until one request was
            answered on it.
        enables_once: after a second WebSocketPushEnable, or one after WebSocketPushDisable, a
            WebSocket pushes nothing more.
        blocks: while an event stream is open, other requests of its user wait, and a
            WebSocketPushEnable ends its connection with 1001.
    """

    least_ping: int = 0
    milliseconds: bool = False
    least_gap: float = 0.0
    refuses_unknown_types: bool = False
    needs_all_parameters: bool = False
    has_positions: bool = True
    idle: float | None = None
    enable_needs_answer: bool = False
    enables_once: bool = False
    blocks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The deviations of answers to requests, and the forms of ids and states.

    Attributes:
        counts_all: requests to CardDAV and handshakes of push count as concurrent requests as well.
        per_minute: requests of a user that are answered in a minute, all others with 429 and
            Retry-After. 0: no limit.
        fails_every: every n-th ``Email/get`` fails with ``serverFail``; 0: none.
        refuses_malformed_states: a request with a state of another form than the server's is
            answered with 400.
        zero_is_no_limit: ``maxChanges: 0`` asks for all changes. If False, it is refused.
        states: the form of states: numbers, UUIDs, or ``J79``.
        ids: the form of ids: UUIDs and hashes, or ``P-F``, ``S12``.
        identities: Identity/get lists the identities; or lists them with an empty address
            (``blank``); or is refused (``unsupported``).
        is_read_only: the account is read-only, and the session reports it.
        roles: the mailboxes of a new account and their roles. Apache James 3.8 has ``spam`` for
            Junk; Stalwart has no archive.
        origin: the scheme, host and port of the session's URLs; empty: those of the request.
    """

    counts_all: bool = False
    per_minute: int = 0
    fails_every: int = 0
    refuses_malformed_states: bool = False
    zero_is_no_limit: bool = False
    states: Literal["numbers", "uuids", "compact"] = "numbers"
    ids: Literal["plain", "compact"] = "plain"
    identities: Literal["listed", "blank", "unsupported"] = "listed"
    is_read_only: bool = False
    roles: Literal["all", "james", "stalwart"] = "all"
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carddav:
    """The deviations of CardDAV.

    Attributes:
        sync_collection: ``sync-collection`` (RFC 6578) is offered.
        tag: an address book has a tag that changes with its cards, ``getctag``.
        etags: cards have an ETag.
        etag_after_put: the answer to PUT has an ETag. Servers leave it out if they changed the card
            (RFC 6352 section 6.3.2.3).
        lengths: cards have a ``getcontentlength``.
        page: the number of resources in one answer to ``sync-collection`` at most; the rest follows
            by the token of the answer. None: any number.
        cut: the number of resources in one list at most. A longer list ends with 507 and has the
            newest token, so that the rest is never sent. None: any number.
        drops_grouped: ``address-data`` that asks for some properties only leaves out those with
            a group (``item1.EMAIL``).
        encodes_at: ``@`` in hrefs is written as ``%40`` in lists.
    """

    sync_collection: bool = True
    tag: bool = True
    etags: bool = True
    etag_after_put: bool = True
    lengths: bool = True
    page: int | None = None
    cut: int | None = None
    drops_grouped: bool = False
    encodes_at: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """The habits to imitate.

    Attributes:
        limits: the limits.
        querying: the deviations of queries.
        pushing: the deviations of push.
        serving: the deviations of answers, and the forms of ids and states.
        carddav: the deviations of CardDAV.
        index_lag: seconds until new mail is in the search index, where ``from``, ``to``, ``cc`` and
            ``bcc`` find it. None: it never is.
        absolute_urls: the session's URLs are absolute; those of Cyrus are relative.
        event_source_template: ``eventSourceUrl`` is a template (not on Fastmail).
        event_source: EventSource push is available. If False, it answers 204.
        websocket: the session offers WebSocket.
        websocket_life: seconds after which a WebSocket is closed by the server; None: never.
        submission: the session offers submission, and with it the identities.
        contacts: the session offers contacts (RFC 9610). If False, there is CardDAV.
        shared_cards: show the same cards over JMAP and CardDAV, and lose what this server loses
            when it converts a card (:mod:`mailroom.sandbox.contacts.conversion`). Empty: cards
            are available over one protocol only.
        email_set_states: ``Email/set`` obeys ``ifInState`` and reports ``oldState``.
        ignores_if_in_state: ``Email/set`` ignores ``ifInState`` but reports ``oldState``.
        entered_is_created: ``Email/changes`` reports a mail that enters a mailbox as created.
        imports_twice: ``Email/import`` makes a second mail of the same message. If False, the
            message is refused as ``alreadyExists``.
        header_filter: ``Email/query`` knows ``header``. If False: ``unsupportedFilter``.
        last_mailbox: the result of a patch that removes a mail's last mailbox: the patch is
            refused; or, as on Cyrus, the mail is destroyed if it has ever left a mailbox, and the
            patch refused if it has not.
        stream_life: seconds after which an event stream ends cleanly; None: never.
        digit_ids: names of mailboxes whose ids are digits only. A patch path that ends in such an
            id is refused with ``invalidProperties``, as by Stalwart up to 0.16.4.
        max_keywords: the number of keywords in the account at most, without those that are flags in
            IMAP; Cyrus allows 128 in each mailbox. None: any number.
        throttle_every: every n-th object in a ``/set`` is refused with ``rateLimit``; 0: none.
        latency: seconds that every API request takes; requests at the same time wait side by side.
    """

    limits: Limits = Limits()
    querying: Querying = Querying()
    pushing: Pushing = Pushing()
    serving: Serving = Serving()
    carddav: Carddav = Carddav()
    index_lag: float | None = 0.0
    absolute_urls: bool = False
    event_source_template: bool = True
    event_source: bool = True
    websocket: bool = True
    websocket_life: float | None = None
    submission: bool = True
    contacts: bool = True
    shared_cards: Literal["", "cyrus", "stalwart"] = ""
    email_set_states: bool = True
    ignores_if_in_state: bool = False
    entered_is_created: bool = False
    imports_twice: bool = False
    header_filter: bool = True
    last_mailbox: Literal["refuses", "destroys"] = "refuses"
    stream_life: float | None = 300.0
    digit_ids: frozenset[str] = frozenset()
    max_keywords: int | None = None
    throttle_every: int = 0
    latency: float = 0.0
