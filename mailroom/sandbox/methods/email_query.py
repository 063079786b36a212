"""Email/query (RFC 8621 section 4.4)."""

from collections.abc import Iterable
from hashlib import sha1

from mailroom.sandbox.arguments import invalid, refuse_unknown, typed
from mailroom.sandbox.context import Arguments
from mailroom.sandbox.errors import MethodFailure
from mailroom.sandbox.filters import Filters, Index, has_text
from mailroom.sandbox.standard import get_page
from mailroom.sandbox.store import Email, MailStore


def query(store: MailStore, arguments: Arguments) -> Arguments:
    """Carry out Email/query."""
    refuse_unknown(arguments, "filter", "sort", "position", "limit", "calculateTotal")
    quirks, email_filter = store.context.quirks, arguments.get("filter")
    habits = quirks.querying
    index = Index.of(store)
    filters = Filters(store, index)
    matching = filter(filters.test(email_filter), filters.candidates(email_filter))
    in_order = _sorted(matching, index if habits.dates_are_indexed else None, arguments)
    ids = [email.id for email in in_order]
    page = get_page(arguments, ids, quirks)
    if habits.has_total and typed(arguments, "calculateTotal", bool, default=False):
        most = len(ids) if habits.counts_to is None else habits.counts_to
        page["total"] = min(len(ids), most)
    if habits.query_state == "page":
        state = sha1(",".join(page["ids"]).encode(), usedforsecurity=False).hexdigest()
    else:
        state = f"{store.state()}:0"
        if has_text(email_filter):  # the result also changes with the index
            state += f",fts:{sum(map(index.has, store.emails.values()))}"
    return {
        **{name: arguments[name] for name in ("filter", "sort") if arguments.get(name)},
        "queryState": state,
        "canCalculateChanges": False,
        **page,
        "collapseThreads": False,
    }


def _sorted(emails: Iterable[Email], index: Index | None, arguments: Arguments) -> list[Email]:
    """Sort by receivedAt, newest first by default.

    If the dates are read from the index, mails that are not in the index come last.
    """
    sort = typed(arguments, "sort", list, [])
    for place, comparator in enumerate(sort):
        if not isinstance(comparator, dict):
            raise invalid(f"sort[{place}]")
        if comparator.get("property") != "receivedAt" or place > 0:
            raise MethodFailure("unsupportedSort", sort=[f"sort[{place}]"])
    is_ascending = bool(sort) and bool(sort[0].get("isAscending", True))
    known: list[Email] = []
    missing: list[Email] = []
    for email in emails:
        (known if index is None or index.has(email) else missing).append(email)
    known.sort(key=lambda email: (email.received_at, email.number), reverse=not is_ascending)
    return known + sorted(missing, key=lambda email: email.number)
