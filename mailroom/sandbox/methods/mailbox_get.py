"""Mailbox/get, Mailbox/changes, Mailbox/query (RFC 8621 sections 2.1, 2.2 and 2.3)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from mailroom.sandbox import arguments as args
from mailroom.sandbox.methods.seat import Mail
from mailroom.sandbox.plugin import Arguments, MethodFailure
from mailroom.sandbox.store import Mailbox, MailStore

COUNTS: Final = ("totalEmails", "unreadEmails", "totalThreads", "unreadThreads")
_PROPERTIES: Final = (
    *("id", "name", "parentId", "myRights", "role"),
    *COUNTS,
    *("sortOrder", "isSubscribed"),
)
_SORTS: Final[Mapping[str, Callable[[Mailbox], Any]]] = {
    "sortOrder": lambda mailbox: mailbox.sort_order,
    "name": lambda mailbox: mailbox.name.lower(),
}


def get(mail: Mail, arguments: Arguments) -> Arguments:
    """Mailbox/get."""
    args.known_only(arguments, "ids", "properties")
    wanted = {"id", *(args.property_list(arguments, _PROPERTIES) or _PROPERTIES)}
    ids = args.id_list(arguments, "ids")
    mailboxes = mail.store.mailboxes
    asked = mail.cut(mailboxes) if ids is None else ids
    found = [mailboxes[each] for each in asked if each in mailboxes]
    counts = count(mail.store) if wanted & set(COUNTS) else {}
    return {
        "state": str(mail.store.state()),
        "list": [_shown(each, counts.get(each.id, {}), wanted) for each in found],
        "notFound": [each for each in ids or () if each not in mailboxes],
    }


def _shown(mailbox: Mailbox, counts: Mapping[str, int], wanted: set[str]) -> Arguments:
    whole = {
        "id": mailbox.id,
        "name": mailbox.name,
        "parentId": mailbox.parent_id,
        "myRights": rights(mailbox),
        "role": mailbox.role,
        **counts,
        "sortOrder": mailbox.sort_order,
        "isSubscribed": mailbox.is_subscribed,
    }
    return {name: value for name, value in whole.items() if name in wanted}


def rights(mailbox: Mailbox) -> Arguments:
    """Return the user's rights: everything, except removing the Inbox."""
    allowed = (
        *("mayReadItems", "mayAddItems", "mayRemoveItems", "mayCreateChild", "maySubmit"),
        *("maySetSeen", "maySetKeywords"),
    )
    is_inbox = mailbox.role == "inbox"
    return dict.fromkeys(allowed, True) | dict.fromkeys(("mayDelete", "mayRename"), not is_inbox)


def count(store: MailStore) -> dict[str, dict[str, int]]:
    """Mailbox id -> its counts. A thread is unread if any mail in it is, wherever that lies."""
    emails = list(store.emails.values())
    unread = {each.id for each in emails if not each.keywords & {"$seen", "$draft"}}
    unread_threads = {each.thread_id for each in emails if each.id in unread}
    counts = {}
    for mailbox_id in store.mailboxes:
        inside = store.emails_in(mailbox_id)
        threads = {each.thread_id for each in inside}
        counts[mailbox_id] = {
            "totalEmails": len(inside),
            "unreadEmails": sum(each.id in unread for each in inside),
            "totalThreads": len(threads),
            "unreadThreads": len(threads & unread_threads),
        }
    return counts


def changes(mail: Mail, arguments: Arguments) -> Arguments:
    """Mailbox/changes."""
    store = mail.store
    answer = args.changes(arguments, store.mailbox_history, store.state())
    changed = store.properties_history.since(int(arguments["sinceState"]), now=store.state())
    touched = {*changed.created, *changed.updated, *changed.destroyed}
    only_counts = bool(answer["updated"]) and not touched
    return {**answer, "updatedProperties": list(COUNTS) if only_counts else None}


def query(mail: Mail, arguments: Arguments) -> Arguments:
    """Mailbox/query; positions count from the beginning."""
    args.known_only(arguments, "filter", "sort", "position", "limit")
    wanted: Arguments = args.typed(arguments, "filter", dict, {})
    tests = [_test(name, value) for name, value in wanted.items()]
    found = [each for each in mail.store.mailboxes.values() if all(test(each) for test in tests)]
    for place, sort in reversed(list(enumerate(args.typed(arguments, "sort", list, [])))):
        if not isinstance(sort, dict) or sort.get("property") not in _SORTS:
            raise MethodFailure("unsupportedSort", sort=[f"sort[{place}]"])
        is_descending = sort.get("isAscending", True) is False
        found.sort(key=_SORTS[sort["property"]], reverse=is_descending)
    start = args.unsigned(arguments, "position") or 0
    most = mail.seat.quirks.limits.max_query
    limits = [each for each in (args.unsigned(arguments, "limit"), most) if each is not None]
    end = start + min(limits, default=len(found))
    return {
        **{name: arguments[name] for name in ("filter", "sort") if arguments.get(name)},
        "queryState": str(mail.store.state()),
        "canCalculateChanges": False,
        "position": start,
        "total": len(found),
        "ids": [each.id for each in found[start:end]],
    }


def _test(name: str, value: Any) -> Callable[[Mailbox], bool]:
    if name in {"operator", "conditions"}:
        raise MethodFailure("unsupportedFilter", description="no operators for mailboxes here")
    tests: Mapping[str, Callable[[Mailbox], bool]] = {
        "name": lambda mailbox: str(value).lower() in mailbox.name.lower(),
        "parentId": lambda mailbox: bool(mailbox.parent_id == value),
        "role": lambda mailbox: bool(mailbox.role == value),
        "hasAnyRole": lambda mailbox: bool((mailbox.role is not None) == value),
        "isSubscribed": lambda mailbox: bool(mailbox.is_subscribed == value),
    }
    if name not in tests:
        raise args.invalid(f"filter/{name}")
    return tests[name]
