"""Email/query (RFC 8621 section 4.4)."""

from collections.abc import Sequence
from typing import Any, Final

from mailroom.sandbox import arguments as args
from mailroom.sandbox.filters import Filters, is_indexed
from mailroom.sandbox.methods.seat import Mail
from mailroom.sandbox.plugin import Arguments, MethodFailure
from mailroom.sandbox.store import Email

_SEARCHES: Final = frozenset({"from", "to", "cc", "bcc"})


def query(mail: Mail, arguments: Arguments) -> Arguments:
    """Email/query."""
    args.known_only(
        arguments,
        *("filter", "sort", "position", "anchor", "anchorOffset", "limit"),
        *("calculateTotal", "collapseThreads"),
    )
    is_match = Filters(mail.store, mail.now(), mail.seat.quirks.header_filter).compile(
        arguments.get("filter")
    )
    is_ascending = _is_ascending(args.typed(arguments, "sort", list, []))
    found = sorted(
        filter(is_match, mail.store.emails.values()),
        key=lambda email: (email.received_at, email.number),
        reverse=not is_ascending,
    )
    collapse = args.typed(arguments, "collapseThreads", bool, default=False)
    ids = [email.id for email in (_collapsed(found) if collapse else found)]
    echoed = {name: arguments[name] for name in ("filter", "sort") if arguments.get(name)}
    return {
        **echoed,
        "queryState": _query_state(mail, arguments.get("filter")),
        "canCalculateChanges": False,
        **_window(mail, ids, arguments),
        "collapseThreads": collapse,
    }


def query_changes(mail: Mail, arguments: Arguments) -> Arguments:
    """Email/queryChanges: never to be had, as ``canCalculateChanges`` says."""
    del mail, arguments
    raise MethodFailure("cannotCalculateChanges")


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


def _query_state(mail: Mail, email_filter: Any) -> str:
    """Changes whenever the result may; where it is a search, when the index moves as well."""
    state = f"{mail.store.state()}:0"
    if not _is_search(email_filter):
        return state
    now = mail.now()
    indexed = sum(is_indexed(email, now) for email in mail.store.emails.values())
    return f"{state},fts:{indexed}"


def _is_search(value: Any) -> bool:
    match value:
        case {"conditions": [*conditions]}:
            return any(map(_is_search, conditions))
        case dict():
            return not _SEARCHES.isdisjoint(value)
        case _:
            return False


def _window(mail: Mail, ids: Sequence[str], arguments: Arguments) -> Arguments:
    """The part of the result that was asked for (RFC 8620 section 5.5)."""
    wanted = args.unsigned(arguments, "limit")
    most = mail.seat.quirks.limits.max_query
    limit = wanted if most is None else min(most, most if wanted is None else wanted)
    start = _start(ids, arguments)
    window: Arguments = {"position": start}
    if args.typed(arguments, "calculateTotal", bool, default=False):
        window["total"] = len(ids)
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
