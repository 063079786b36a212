"""Mailbox/set (RFC 8621 section 2.5)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mailroom.sandbox import arguments as args
from mailroom.sandbox.arguments import RefusedError, SetAnswer
from mailroom.sandbox.methods.mailbox_get import COUNTS, rights
from mailroom.sandbox.methods.seat import Mail
from mailroom.sandbox.plugin import Arguments
from mailroom.sandbox.store import Mailbox, MailStore

_NAME: Final = re.compile(r"[^/%*\x00-\x1f\x7f]{1,255}")
_ROLES: Final = frozenset({"inbox", "archive", "drafts", "sent", "junk", "trash", "important"})
_FIELDS: Final = {
    "name": "name",
    "parentId": "parent_id",
    "role": "role",
    "sortOrder": "sort_order",
    "isSubscribed": "is_subscribed",
}
"""JMAP's name of what may be set -> ours."""


def set_(mail: Mail, arguments: Arguments) -> Arguments:
    """Mailbox/set."""
    args.known_only(arguments, "ifInState", "create", "update", "destroy", "onDestroyRemoveEmails")
    create, update = args.objects(arguments, "create"), args.objects(arguments, "update")
    destroy = args.id_list(arguments, "destroy") or []
    with_emails = args.typed(arguments, "onDestroyRemoveEmails", bool, default=False)
    args.require_state(arguments, mail.store.state())
    answer = SetAnswer(mail.store.state())
    _create_all(mail, create, answer)
    for mailbox_id, patch in update.items():
        with answer.noting(answer.not_updated, mailbox_id):
            _update(mail, mailbox_id, patch)
            answer.updated[mailbox_id] = None
    for mailbox_id in destroy:
        with answer.noting(answer.not_destroyed, mailbox_id):
            _destroy(mail, mailbox_id, with_emails=with_emails)
            answer.destroyed.append(mailbox_id)
    return answer.to_json(mail.store.state())


def _create_all(mail: Mail, create: Mapping[str, Mapping[str, Any]], answer: SetAnswer) -> None:
    """Create mailboxes, parents before their children, in whatever order they are given."""
    ids = dict(mail.seat.created_ids)
    waiting = dict(create)
    while waiting:
        fit = [each for each in waiting if _parent(waiting[each]) not in waiting]
        for creation_id in fit or list(waiting):
            facts = waiting.pop(creation_id)
            with answer.noting(answer.not_created, creation_id):
                made = _create(mail, facts, ids)
                ids[creation_id] = made.id
                answer.created[creation_id] = _server_set(made, facts)


def _parent(facts: Mapping[str, Any]) -> str:
    """The creation id of the parent; empty if it has an id of its own, or there is none."""
    parent = facts.get("parentId")
    return parent[1:] if isinstance(parent, str) and parent.startswith("#") else ""


def _create(mail: Mail, facts: Mapping[str, Any], ids: Mapping[str, str]) -> Mailbox:
    parent = _parent(facts)
    resolved = {**facts, "parentId": ids[parent]} if parent in ids else facts
    fields = _fields({"name": "", **resolved})
    blank = Mailbox("", "")
    wanted = replace(blank, **fields)
    _check(mail.store, wanted)
    mail.throttle()
    return mail.store.create_mailbox(fields.pop("name"), **fields)


def _server_set(made: Mailbox, given: Mapping[str, Any]) -> Arguments:
    """Return the properties of the new mailbox that the client does not know yet."""
    defaults = {"sortOrder": made.sort_order, "isSubscribed": made.is_subscribed}
    return {
        "id": made.id,
        "myRights": rights(made),
        **dict.fromkeys(COUNTS, 0),
        **{name: value for name, value in defaults.items() if name not in given},
    }


def _fields(facts: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in facts if name not in _FIELDS]
    if unknown:
        raise RefusedError.of("invalidProperties", *unknown)
    wrong = [name for name, value in facts.items() if not _is_fit(name, value)]
    if wrong:
        raise RefusedError.of("invalidProperties", *wrong)
    return {_FIELDS[name]: value for name, value in facts.items()}


def _is_fit(name: str, value: Any) -> bool:
    match name:
        case "name":
            return isinstance(value, str) and bool(_NAME.fullmatch(value))
        case "parentId":
            return value is None or isinstance(value, str)
        case "role":
            return value is None or value in _ROLES
        case "sortOrder":
            return type(value) is int and value >= 0
        case _:
            return isinstance(value, bool)


def _update(mail: Mail, mailbox_id: str, patch: Mapping[str, Any]) -> None:
    before = mail.store.mailboxes.get(mailbox_id)
    if before is None:
        raise RefusedError.of("notFound")
    after = replace(before, **_fields(patch))
    if before.role == "inbox" and (after.name, after.parent_id) != (before.name, None):
        raise RefusedError.of("invalidProperties", *patch)
    if after == before:
        return
    _check(mail.store, after)
    mail.throttle()
    mail.store.change_mailbox(after)


def _check(store: MailStore, wanted: Mailbox) -> None:
    """Refuse what the tree of mailboxes cannot hold."""
    above, seen = wanted.parent_id, {wanted.id}
    while above is not None:
        if above in seen or above not in store.mailboxes:
            raise RefusedError.of("invalidProperties", "parentId")
        seen.add(above)
        above = store.mailboxes[above].parent_id
    if wanted.parent_id is None and wanted.name.upper() == "INBOX" and wanted.role != "inbox":
        raise RefusedError.of("invalidProperties", "name")
    same = (wanted.parent_id, wanted.name)
    if any((each.parent_id, each.name) == same for each in _others(store, wanted)):
        raise RefusedError.of("alreadyExists")
    if wanted.role and any(each.role == wanted.role for each in _others(store, wanted)):
        raise RefusedError.of("invalidProperties", "role")


def _others(store: MailStore, wanted: Mailbox) -> list[Mailbox]:
    return [each for each in store.mailboxes.values() if each.id != wanted.id]


def _destroy(mail: Mail, mailbox_id: str, *, with_emails: bool) -> None:
    mailbox = mail.store.mailboxes.get(mailbox_id)
    if mailbox is None:
        raise RefusedError.of("notFound")
    if mailbox.role == "inbox":
        raise RefusedError.of("forbidden")
    if mail.store.children_of(mailbox_id):
        raise RefusedError.of("mailboxHasChild")
    if mail.store.emails_in(mailbox_id) and not with_emails:
        raise RefusedError.of("mailboxHasEmail")
    mail.throttle()
    mail.store.destroy_mailbox(mailbox_id)
