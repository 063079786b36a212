"""Email/set (RFC 8621 section 4.6): which mailboxes and keywords a mail has, and whether it is."""

import re
from collections.abc import Mapping
from typing import Any, Final

from mailroom.sandbox import arguments as args
from mailroom.sandbox.arguments import RefusedError, SetAnswer
from mailroom.sandbox.methods.seat import Mail
from mailroom.sandbox.patch import InvalidPatchError, apply_patch
from mailroom.sandbox.plugin import Arguments
from mailroom.sandbox.properties import reader
from mailroom.sandbox.store import Email, LastMailboxError

_KEYWORD: Final = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z^_`a-z|}~]{1,255}")
"""RFC 8621 section 4.1.1: no control characters, white space, ``( ) { ] % * " \\``."""
_SYSTEM: Final = frozenset({"$seen", "$flagged", "$answered", "$draft"})
"""Flags that every mailbox has, and that the limit on keywords does not count."""
_MUTABLE: Final = ("mailboxIds", "keywords")


def set_(mail: Mail, arguments: Arguments) -> Arguments:
    """Email/set. No mail can be created: they come by delivery."""
    args.known_only(arguments, "ifInState", "create", "update", "destroy")
    create, update = args.objects(arguments, "create"), args.objects(arguments, "update")
    destroy = args.id_list(arguments, "destroy") or []
    quirks = mail.seat.quirks
    tells_states = quirks.email_set_states
    if tells_states and not quirks.ignores_if_in_state:
        args.require_state(arguments, mail.store.state())
    answer = SetAnswer(mail.store.state())
    answer.not_created = {each: {"type": "forbidden"} for each in create}
    for email_id, patch in update.items():
        with answer.noting(answer.not_updated, email_id):
            _update(mail, email_id, patch)
            answer.updated[email_id] = None
    for email_id in destroy:
        with answer.noting(answer.not_destroyed, email_id):
            _destroy(mail, email_id)
            answer.destroyed.append(email_id)
    told = answer.to_json(mail.store.state())
    return told if tells_states else {**told, "oldState": None}


def _update(mail: Mail, email_id: str, patch: Mapping[str, Any]) -> None:
    email = mail.store.emails.get(email_id)
    if email is None:
        raise RefusedError.of("notFound")
    mailbox_ids, keywords = _patched(mail, email, patch)
    mail.throttle()
    try:
        mail.store.file(email_id, mailbox_ids, keywords)
    except LastMailboxError:
        is_destroyed = email.has_moved and "mailboxIds" not in patch
        if mail.seat.quirks.last_mailbox == "refuses" or not is_destroyed:
            raise RefusedError.of("invalidProperties", "mailboxIds") from None
        mail.store.destroy(email_id)


def _patched(mail: Mail, email: Email, patch: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """The mailboxes and keywords that a mail is to have."""
    quirks = mail.seat.quirks
    digits = [path for path in patch if path.partition("/")[2].isdigit()]
    if digits and quirks.digit_ids:
        raise RefusedError.of("invalidProperties", *digits)
    wrong = [path for path in patch if path.partition("/")[0] not in _MUTABLE]
    changed = [path for path in wrong if not _is_same(email, path, patch[path])]
    if changed:
        raise RefusedError.of("invalidProperties", *changed)
    before = {
        "mailboxIds": dict.fromkeys(email.mailbox_ids, True),
        "keywords": dict.fromkeys(email.keywords, True),
    }
    try:
        after = apply_patch(before, {path: patch[path] for path in patch if path not in wrong})
    except InvalidPatchError:
        raise RefusedError.of("invalidPatch") from None
    mailbox_ids = _members("mailboxIds", after.get("mailboxIds", {}))
    keywords = _members("keywords", after.get("keywords", {}))
    _check_mailboxes(mail, mailbox_ids, patch)
    odd = [f"keywords/{each}" for each in keywords if not _KEYWORD.fullmatch(each)]
    if odd:
        raise RefusedError.of("invalidProperties", *odd)
    keywords = {each.lower() for each in keywords}
    _check_keywords(mail, keywords - email.keywords)
    return mailbox_ids, keywords


def _check_keywords(mail: Mail, new: set[str]) -> None:
    limit = mail.seat.quirks.max_keywords
    if limit is None or not new - _SYSTEM:
        return
    used = {word for each in mail.store.emails.values() for word in each.keywords} - _SYSTEM
    if len(used | new - _SYSTEM) > limit:
        raise RefusedError.of("tooManyKeywords")


def _is_same(email: Email, name: str, value: Any) -> bool:
    """Return True if an update repeats the value of an immutable property."""
    read = reader(name)
    return read is not None and bool(read(email) == value)


def _members(name: str, value: Any) -> set[str]:
    """The keys of a set in JSON, ``{"a": true}``."""
    if not isinstance(value, dict):
        raise RefusedError.of("invalidProperties", name)
    wrong = [f"{name}/{each}" for each, is_member in value.items() if is_member is not True]
    if wrong:
        raise RefusedError.of("invalidProperties", *wrong)
    return set(value)


def _check_mailboxes(mail: Mail, mailbox_ids: set[str], patch: Mapping[str, Any]) -> None:
    named = {path.partition("/")[2] for path in patch if path.startswith("mailboxIds/")}
    if not mailbox_ids | named <= mail.store.mailboxes.keys():
        raise RefusedError.of("invalidProperties", "mailboxIds")
    if len(mailbox_ids) > mail.seat.quirks.limits.max_mailboxes_per_email:
        raise RefusedError.of("tooManyMailboxes")


def _destroy(mail: Mail, email_id: str) -> None:
    if email_id not in mail.store.emails:
        raise RefusedError.of("notFound")
    mail.throttle()
    mail.store.destroy(email_id)
