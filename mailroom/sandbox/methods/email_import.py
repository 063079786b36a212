"""Email/import (RFC 8621 section 4.8): puts uploaded messages into mailboxes."""

from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn

from mailroom.sandbox.arguments import objects
from mailroom.sandbox.context import Arguments
from mailroom.sandbox.errors import RefusedError
from mailroom.sandbox.message import Message
from mailroom.sandbox.methods.email_set import KEYWORD, members
from mailroom.sandbox.standard import set_objects
from mailroom.sandbox.store import MailStore

_NUL = b"\0"


def import_(store: MailStore, arguments: Arguments) -> Arguments:
    """Carry out Email/import; its answer is that of a ``/set`` that only creates."""
    if store.context.quirks.ignores_if_in_state:
        arguments.pop("ifInState", None)
    messages = objects(arguments, "emails")
    arguments.pop("emails", None)
    answer = set_objects(
        store.context,
        {**arguments, "create": messages},
        state=store.state,
        create=partial(_import, store),
        update=_never,
        destroy=_never,
    )
    return {name: answer[name] for name in ("oldState", "newState", "created", "notCreated")}


def _import(store: MailStore, facts: Arguments) -> Arguments:
    blob = store.blobs.get(str(facts.get("blobId")))
    if blob is None:
        raise RefusedError("invalidProperties", "blobId")
    mailbox_ids = members("mailboxIds", facts.get("mailboxIds"))
    if not mailbox_ids or not mailbox_ids <= store.mailboxes.keys():
        raise RefusedError("invalidProperties", "mailboxIds")
    keywords = members("keywords", facts.get("keywords", {}))
    if odd := [f"keywords/{word}" for word in keywords if not KEYWORD.fullmatch(word)]:
        raise RefusedError("invalidProperties", *odd)
    received_at = _time(facts.get("receivedAt"))
    if _NUL in blob:
        raise RefusedError("invalidEmail")
    message = Message.read(blob)
    if not store.context.quirks.imports_twice:
        for email in store.emails.values():
            if email.message == message:
                raise RefusedError("alreadyExists", existingId=email.id)
    email = store.add(
        message,
        mailbox_ids=mailbox_ids,
        keywords={word.lower() for word in keywords},
        received_at=received_at,
    )
    size = len(message.raw)
    return {
        "id": email.id,
        "blobId": facts["blobId"],
        "threadId": email.thread_id,
        "size": size,
    }


def _time(value: Any) -> datetime:
    if value is None:
        return datetime.now(UTC)
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z")
    except (TypeError, ValueError):
        raise RefusedError("invalidProperties", "receivedAt") from None


def _never(*_: Any) -> NoReturn:
    raise AssertionError("Email/import only creates")
