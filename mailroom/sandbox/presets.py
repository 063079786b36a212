"""The quirks of real servers, as far as the sandbox can imitate them."""

from dataclasses import replace
from typing import Final

from mailroom.sandbox.quirks import (
    STALWART_LIMITS,
    Carddav,
    Limits,
    Pushing,
    Querying,
    Quirks,
    Serving,
)

STALWART: Final = Quirks(
    imports_twice=True,
    limits=STALWART_LIMITS,
    index_lag=None,
    querying=Querying(
        header="nowhere",
        dates_are_indexed=True,
        evaluates_nested=False,
        refuses_unknown=False,
        cuts_all=True,
        renames_raw=True,
    ),
    pushing=Pushing(
        least_ping=30,
        milliseconds=True,
        least_gap=1.0,
        refuses_unknown_types=True,
        has_positions=False,
        idle=600.0,
    ),
    carddav=Carddav(cut=2000, drops_grouped=True, encodes_at=True),
    serving=Serving(
        counts_all=True,
        refuses_malformed_states=True,
        zero_is_no_limit=True,
    ),
)
"""Stalwart 0.16 while its search index is busy with other accounts' mail. Its limit of
1,000 requests a minute (``Serving.per_minute``) is left out, because tests send more."""

CYRUS_3_14: Final = Quirks(
    index_lag=None,
    last_mailbox="destroys",
    querying=Querying(moved_is_new=True, text_hides_unindexed=True),
    serving=Serving(states="compact", ids="compact"),
)
"""Cyrus IMAP after 3.13.7, without a rolling indexer."""

FASTMAIL: Final = replace(
    CYRUS_3_14,
    limits=Limits(max_concurrent_requests=10),
    index_lag=0.1,
    last_mailbox="refuses",
    absolute_urls=True,
    event_source_template=False,
    websocket=False,
)
"""Fastmail, as far as its answers to API tokens are known. It has the habits of the newest Cyrus.
It pushes over EventSource only, its ``eventSourceUrl`` is no template, and its search index is a
moment late."""

JAMES: Final = Quirks(
    limits=Limits(
        max_size_request=10_000_000,
        max_concurrent_requests=4,
        max_calls_in_request=16,
        max_objects_in_get=500,
        max_objects_in_set=500,
        max_query=256,
    ),
    last_mailbox="destroys",
    ignores_if_in_state=True,
    entered_is_created=True,
    imports_twice=True,
    querying=Querying(
        nests_mailboxes=False, negative_positions=False, query_state="page", has_total=False
    ),
    pushing=Pushing(
        refuses_unknown_types=True,
        needs_all_parameters=True,
        has_positions=False,
        enable_needs_answer=True,
        enables_once=True,
    ),
    serving=Serving(states="uuids", roles="james"),
)
"""Apache James 3.8."""

HOSTILE: Final = Quirks(
    limits=JAMES.limits,
    digit_ids=frozenset({"Imbox", "Paper Trail"}),
    index_lag=None,
    last_mailbox="destroys",
    ignores_if_in_state=True,
    entered_is_created=True,
    imports_twice=True,
    querying=Querying(
        moved_is_new=True,
        header="nowhere",
        dates_are_indexed=True,
        text_hides_unindexed=True,
        nests_mailboxes=False,
        evaluates_nested=False,
        refuses_unknown=False,
        negative_positions=False,
        query_state="page",
        has_total=False,
        cuts_all=True,
        renames_raw=True,
    ),
    pushing=replace(
        STALWART.pushing, needs_all_parameters=True, enable_needs_answer=True, enables_once=True
    ),
    carddav=STALWART.carddav,
    serving=replace(
        STALWART.serving,
        states="uuids",
        fails_every=7,
        identities="blank",
        roles="james",
    ),
)
"""Habits of all these servers at once, and further ones. ``blocks`` is left out: it prevents
push, so that the other habits of push would not show."""
