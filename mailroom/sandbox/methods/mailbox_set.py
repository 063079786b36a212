"""Mailbox/set (RFC 8621 section 2.5)."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from mailroom.sandbox.arguments import objects, typed
from mailroom.sandbox.context import Arguments
from mailroom.sandbox.errors import RefusedError
from mailroom.sandbox.methods.reading import rights
from mailroom.sandbox.standard import set_objects
from mailroom.sandbox.store import Mailbox, MailStore

_NAME: Final = re.compile(r"[^/%*\x00-\x1f\x7f]{1,255}")
_ROLES: Final = frozenset({"inbox", "archive", "drafts", "sent", "junk", "trash", "important"})
_FITS: Final[dict[str, Callable[[Any], bool]]] = {
    "name": lambda value: isinstance(value, str) and bool(_NAME.fullmatch(value)),
    "parentId": lambda value: isinstance(value, str | None),
    "role": lambda value: value is None or value in _ROLES,
    "sortOrder": lambda value: type(value) is int and value >= 0,
    "isSubscribed": lambda value: isinstance(value, bool),
}
"""The properties that may be set, with the tests of their values."""
_FIELDS: Final = {
    "name": "name",
    "parentId": "parent_id",
    "role": "role",
    "sortOrder": "sort_order",
    "isSubscribed": "is_subscribed",
}
"""Property -> attribute of a mailbox."""


def set_(store: MailStore, arguments: Arguments) -> Arguments:
    """Carry out Mailbox/set."""
    with_emails = typed(arguments, "onDestroyRemoveEmails", bool, default=False)
    rest = {name: arguments[name] for name in arguments if name != "onDestroyRemoveEmails"}
    return set_objects(
        store.context,
        {**rest, "create": _parents_first(objects(arguments, "create"))},
        state=store.state,
        create=partial(_create, store),
        update=partial(_update, store),
        destroy=partial(_destroy, store, with_emails=with_emails),
    )


def _parents_first(creations: Arguments) -> Arguments:
    """Return new mailboxes in an order in which each parent stands before its children."""
    waiting, in_order = dict(creations), {}
    while waiting:
        parents = {f"#{creation_id}" for creation_id in waiting}
        ready = [key for key, facts in waiting.items() if facts.get("parentId") not in parents]
        for creation_id in ready or list(waiting):
            in_order[creation_id] = waiting.pop(creation_id)
    return in_order


def _create(store: MailStore, facts: Arguments) -> Arguments:
    parent_id = facts.get("parentId")
    if isinstance(parent_id, str) and parent_id.startswith("#"):
        parent_id = store.context.created_ids.get(parent_id[1:], parent_id)
        facts = {**facts, "parentId": parent_id}
    fields = _fields({"name": "", **facts})
    _check(store, replace(Mailbox("", ""), **fields))
    mailbox = store.create_mailbox(fields.pop("name"), **fields)
    defaults = {"sortOrder": mailbox.sort_order, "isSubscribed": mailbox.is_subscribed}
    return {
        "id": mailbox.id,
        "myRights": rights(mailbox),
        "totalEmails": 0,
        **{name: value for name, value in defaults.items() if name not in facts},
    }


def _fields(facts: Arguments) -> dict[str, Any]:
    """Return the attributes of a mailbox for some properties."""
    if unknown := [name for name in facts if name not in _FIELDS]:
        raise RefusedError("invalidProperties", *unknown)
    if wrong := [name for name, value in facts.items() if not _FITS[name](value)]:
        raise RefusedError("invalidProperties", *wrong)
    return {_FIELDS[name]: value for name, value in facts.items()}


def _update(store: MailStore, mailbox_id: str, patch: Arguments) -> None:
    before = store.mailboxes.get(mailbox_id)
    if before is None:
        raise RefusedError("notFound")
    after = replace(before, **_fields(patch))
    if before.role == "inbox" and (after.name, after.parent_id) != (before.name, None):
        raise RefusedError("invalidProperties", *patch)
    if after != before:
        _check(store, after)
        store.change_mailbox(after)


def _check(store: MailStore, wanted: Mailbox) -> None:
    """Refuse a mailbox that the tree of mailboxes cannot hold."""
    above, seen = wanted.parent_id, {wanted.id}
    while above is not None:
        if above in seen or above not in store.mailboxes:
            raise RefusedError("invalidProperties", "parentId")
        seen.add(above)
        above = store.mailboxes[above].parent_id
    if wanted.parent_id is None and wanted.name.upper() == "INBOX" and wanted.role != "inbox":
        raise RefusedError("invalidProperties", "name")
    others = [mailbox for mailbox in store.mailboxes.values() if mailbox.id != wanted.id]
    place = (wanted.parent_id, wanted.name)
    if any((mailbox.parent_id, mailbox.name) == place for mailbox in others):
        raise RefusedError("alreadyExists")
    if wanted.role and any(mailbox.role == wanted.role for mailbox in others):
        raise RefusedError("invalidProperties", "role")


def _destroy(store: MailStore, mailbox_id: str, *, with_emails: bool) -> None:
    mailbox = store.mailboxes.get(mailbox_id)
    if mailbox is None:
        raise RefusedError("notFound")
    if mailbox.role == "inbox":
        raise RefusedError("forbidden")
    if any(child.parent_id == mailbox_id for child in store.mailboxes.values()):
        raise RefusedError("mailboxHasChild")
    if store.count_in(mailbox_id) and not with_emails:
        raise RefusedError("mailboxHasEmail")
    store.destroy_mailbox(mailbox_id)
