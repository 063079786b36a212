"""The properties of a mail in ``Email/get`` (RFC 8621 sections 4.1 and 4.2), without bodies."""

import re
from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any, Final

from mailroom.sandbox.addresses import read_addresses
from mailroom.sandbox.message import as_message_ids, as_text
from mailroom.sandbox.store import Email

_Read = Callable[[Email], Any]

_UTC_DATE: Final = "%Y-%m-%dT%H:%M:%SZ"
"""RFC 8620 section 1.4."""
_HEADER: Final = re.compile(r"header:([!-9;-~]+?)(?::as([A-Za-z]+))?(:all)?")
_ADDRESSES: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
_MESSAGE_IDS: Final = frozenset({"message-id", "in-reply-to", "references"})
_TEXTS: Final = frozenset({"subject", "comments", "keywords", "list-id"})
_RESTRICTED: Final = _ADDRESSES | _MESSAGE_IDS | _TEXTS | {"date"}
"""Fields that may be read in one form only; others in any (RFC 8621 section 4.1.2)."""


def _as_addresses(value: str) -> list[dict[str, str | None]] | None:
    addresses = read_addresses(value)
    return None if addresses is None else [address.to_json() for address in addresses]


_FORMS: Final[dict[str, tuple[frozenset[str], Callable[[str], Any]]]] = {
    "Text": (_TEXTS, as_text),
    "Addresses": (_ADDRESSES, _as_addresses),
    "MessageIds": (_MESSAGE_IDS, as_message_ids),
}


def reader(name: str) -> _Read | None:
    """Return the function that reads a property; None for an unknown property."""
    if name in _PLAIN:
        return _PLAIN[name]
    match = _HEADER.fullmatch(name)
    if match is None:
        return None
    field, form, every = match[1], match[2], match[3]
    read: Callable[[str], Any] = str
    if form not in {None, "Raw"}:
        if form not in _FORMS:
            return None
        fields, read = _FORMS[form]
        if field.lower() in _RESTRICTED - fields:
            return None
    return partial(_every if every else _last, field, read)


def _every(field: str, read: Callable[[str], Any], email: Email) -> list[Any]:
    return [read(value) for value in email.message.readable(field)]


def _last(field: str, read: Callable[[str], Any], email: Email) -> Any:
    value = email.message.last(field)
    return None if value is None else read(value)


_PLAIN: Final[dict[str, _Read]] = {
    "id": lambda email: email.id,
    "threadId": lambda email: email.thread_id,
    "mailboxIds": lambda email: dict.fromkeys(sorted(email.mailbox_ids), True),
    "keywords": lambda email: dict.fromkeys(sorted(email.keywords), True),
    "receivedAt": lambda email: email.received_at.astimezone(UTC).strftime(_UTC_DATE),
    "messageId": partial(_last, "Message-ID", as_message_ids),
    "inReplyTo": partial(_last, "In-Reply-To", as_message_ids),
    "references": partial(_last, "References", as_message_ids),
    "from": partial(_last, "From", _as_addresses),
    "to": partial(_last, "To", _as_addresses),
    "cc": partial(_last, "Cc", _as_addresses),
    "bcc": partial(_last, "Bcc", _as_addresses),
    "subject": partial(_last, "Subject", as_text),
    "preview": lambda email: email.message.preview,
}
