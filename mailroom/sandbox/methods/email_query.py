"""Email/query (RFC 8621 section 4.4)."""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from mailroom.sandbox import arguments as args
from mailroom.sandbox.filter_shape import has_text
from mailroom.sandbox.filters import Filters
from mailroom.sandbox.index import Index
from mailroom.sandbox.methods.seat import Mail
from mailroom.sandbox.plugin import Arguments, MethodFailure
from mailroom.sandbox.store import Email


def query(mail: Mail, arguments: Arguments) -> Arguments:
    """Email/query."""
    args.known_only(
        arguments,
        *("filter", "sort", "position", "anchor", "anchorOffset", "limit"),
        *("calculateTotal", "collapseThreads"),
    )
    quirks = mail.seat.quirks
    index = Index.of(mail.store, quirks.querying, mail.now())
    filters, email_filter = Filters(mail.store, index, quirks), arguments.get("filter")
    is_match = filters.test(email_filter)
    found = [each for each in filters.candidates(email_filter) if is_match(each)]
    found = _sorted(found, index, arguments, by_index=quirks.querying.dates_are_indexed)
    collapse = args.typed(arguments, "collapseThreads", bool, default=False)
    ids = [email.id for email in (_collapsed(found) if collapse else found)]
    echoed = {name: arguments[name] for name in ("filter", "sort") if arguments.get(name)}
    window = _window(mail, ids, arguments)
    return {
        **echoed,
        "queryState": _query_state(mail, index, email_filter, window["ids"]),
        "canCalculateChanges": False,
        **window,
        "collapseThreads": collapse,
    }


def query_changes(mail: Mail, arguments: Arguments) -> Arguments:
    """Email/queryChanges: always refused, as ``canCalculateChanges`` is false."""
    del mail, arguments
    raise MethodFailure("cannotCalculateChanges")


def _sorted(
    found: Sequence[Email], index: Index, arguments: Arguments, *, by_index: bool
) -> list[Email]:
    """Sort by receivedAt; if dates are read from the index, mails that it lacks come last."""
    is_ascending = _is_ascending(args.typed(arguments, "sort", list, []))
    known = [each for each in found if index.has(each) or not by_index]
    missing = [each for each in found if by_index and not index.has(each)]
    known.sort(key=lambda each: (each.received_at, each.number), reverse=not is_ascending)
    return known + sorted(missing, key=lambda each: each.number)


def _is_ascending(sort: Sequence[Any]) -> bool:
    """The direction of the only sort that is known, by receivedAt. Newest first by default."""
    for place, each in enumerate(sort):
        if not isinstance(each, dict):
            raise args.invalid(f"sort[{place}]")
        if each.get("property") != "receivedAt" or place > 0:
            raise MethodFailure("unsupportedSort", sort=[f"sort[{place}]"])
    return bool(sort) and bool(sort[0].get("isAscending", True))


def _collapsed(emails: Sequence[Email]) -> list[Email]:
    """The first mail of every thread."""
    first: dict[str, Email] = {}
    for email in emails:
        first.setdefault(email.thread_id, email)
    return list(first.values())


def _query_state(mail: Mail, index: Index, email_filter: Any, page: Sequence[str]) -> str:
    """Changes whenever the result may; where it is a search, when the index moves as well."""
    if mail.seat.quirks.querying.states == "page":
        return sha1(",".join(page).encode(), usedforsecurity=False).hexdigest()
    state = f"{mail.store.state()}:0"
    if not has_text(email_filter):
        return state
    return f"{state},fts:{sum(map(index.has, mail.store.emails.values()))}"


def _window(mail: Mail, ids: Sequence[str], arguments: Arguments) -> Arguments:
    """The part of the result that was asked for (RFC 8620 section 5.5)."""
    wanted = args.unsigned(arguments, "limit")
    most = mail.seat.quirks.limits.max_query
    limit = wanted if most is None else min(most, most if wanted is None else wanted)
    habits = mail.seat.quirks.querying
    if not habits.negative_positions and args.typed(arguments, "position", int, 0) < 0:
        raise args.invalid("position")
    start = _start(ids, arguments)
    window: Arguments = {"position": start}
    if args.typed(arguments, "calculateTotal", bool, default=False) and habits.tells_total:
        window["total"] = min(len(ids), len(ids) if habits.counts_to is None else habits.counts_to)
    window["ids"] = list(ids[start:] if limit is None else ids[start : start + limit])
    if limit is not None and limit != wanted:
        window["limit"] = limit
    return window


def _start(ids: Sequence[str], arguments: Arguments) -> int:
    anchor = args.typed(arguments, "anchor", str)
    offset: int = args.typed(arguments, "anchorOffset", int, 0)
    position: int = args.typed(arguments, "position", int, 0)
    if anchor is not None:
        if anchor not in ids:
            raise MethodFailure("anchorNotFound")
        return max(0, ids.index(anchor) + offset)
    return max(0, len(ids) + position) if position < 0 else min(position, len(ids))
