"""Email/set (RFC 8621 section 4.6): changes the mailboxes and keywords of mails, or destroys mails.

No mail can be created, because mail comes by delivery or by Email/import.
"""

import re
from functools import partial
from typing import Any, Final

from mailroom.sandbox.context import Arguments
from mailroom.sandbox.errors import RefusedError
from mailroom.sandbox.patch import InvalidPatchError, apply_patch
from mailroom.sandbox.properties import reader
from mailroom.sandbox.standard import set_objects
from mailroom.sandbox.store import Email, LastMailboxError, MailStore

KEYWORD: Final = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z^_`a-z|}~]{1,255}")
"""RFC 8621 section 4.1.1: no control characters, white space, ``( ) { ] % * " \\``."""
_SYSTEM: Final = frozenset({"$seen", "$flagged", "$answered", "$draft"})
"""Flags that every mailbox has, and that the limit on keywords does not count."""
_MUTABLE: Final = ("mailboxIds", "keywords")


def set_(store: MailStore, arguments: Arguments) -> Arguments:
    """Carry out Email/set."""
    quirks = store.context.quirks
    if not quirks.email_set_states or quirks.ignores_if_in_state:
        arguments.pop("ifInState", None)
    answer = set_objects(
        store.context,
        arguments,
        state=store.state,
        create=_refuse_creation,
        update=partial(_update, store),
        destroy=partial(_destroy, store),
    )
    return answer if quirks.email_set_states else {**answer, "oldState": None}


def _refuse_creation(_: Arguments) -> Arguments:
    raise RefusedError("forbidden")


def _update(store: MailStore, email_id: str, patch: Arguments) -> None:
    email = store.emails.get(email_id)
    if email is None:
        raise RefusedError("notFound")
    after = _patched(store, email, patch)
    mailbox_ids = members("mailboxIds", after.get("mailboxIds", {}))
    keywords = members("keywords", after.get("keywords", {}))
    named = {path.partition("/")[2] for path in patch if path.startswith("mailboxIds/")}
    if not mailbox_ids | named <= store.mailboxes.keys():
        raise RefusedError("invalidProperties", "mailboxIds")
    if len(mailbox_ids) > store.context.quirks.limits.max_mailboxes_per_email:
        raise RefusedError("tooManyMailboxes")
    if odd := [f"keywords/{word}" for word in keywords if not KEYWORD.fullmatch(word)]:
        raise RefusedError("invalidProperties", *odd)
    keywords = {word.lower() for word in keywords}
    most, new = store.context.quirks.max_keywords, keywords - email.keywords - _SYSTEM
    if most is not None and new:
        used = {word for other in store.emails.values() for word in other.keywords}
        if len((used | new) - _SYSTEM) > most:
            raise RefusedError("tooManyKeywords")
    try:
        store.file(email_id, mailbox_ids, keywords)
    except LastMailboxError:
        # Only a patch of single mailboxes destroys a mail, never a new value of ``mailboxIds``.
        may_destroy = email.has_moved and "mailboxIds" not in patch
        if store.context.quirks.last_mailbox == "refuses" or not may_destroy:
            raise RefusedError("invalidProperties", "mailboxIds") from None
        store.destroy(email_id)


def _patched(store: MailStore, email: Email, patch: Arguments) -> Arguments:
    """Return the mailboxes and keywords of a mail after a patch."""
    digits = [path for path in patch if path.partition("/")[2].isdigit()]
    if digits and store.context.quirks.digit_ids:
        raise RefusedError("invalidProperties", *digits)
    immutable = [path for path in patch if path.partition("/")[0] not in _MUTABLE]
    # An update may repeat the value of an immutable property.
    kept = {path for path in immutable if (read := reader(path)) and read(email) == patch[path]}
    if changed := [path for path in immutable if path not in kept]:
        raise RefusedError("invalidProperties", *changed)
    before = {
        "mailboxIds": dict.fromkeys(email.mailbox_ids, True),
        "keywords": dict.fromkeys(email.keywords, True),
    }
    try:
        return apply_patch(before, {path: patch[path] for path in patch if path not in immutable})
    except InvalidPatchError:
        raise RefusedError("invalidPatch") from None


def members(name: str, value: Any) -> set[str]:
    """Return the keys of a set in JSON, ``{"a": true}``."""
    if not isinstance(value, dict):
        raise RefusedError("invalidProperties", name)
    if wrong := [f"{name}/{key}" for key, is_member in value.items() if is_member is not True]:
        raise RefusedError("invalidProperties", *wrong)
    return set(value)


def _destroy(store: MailStore, email_id: str) -> None:
    if email_id not in store.emails:
        raise RefusedError("notFound")
    store.destroy(email_id)
