"""A mail's properties as ``Email/get`` gives them (RFC 8621 sections 4.1 and 4.2).

Bodies are left out: who asks for one is told that the property is unknown.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from mailroom.sandbox.addresses import read_addresses
from mailroom.sandbox.message import as_date, as_message_ids, as_raw, as_text
from mailroom.sandbox.store import Email

_Read = Callable[[Email], Any]

_HEADER: Final = re.compile(r"header:([!-9;-~]+?)(?::as([A-Za-z]+))?(:all)?")
_ADDRESSES: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
_MESSAGE_IDS: Final = frozenset({"message-id", "in-reply-to", "references"})
_TEXTS: Final = frozenset({"subject", "comments", "keywords", "list-id"})
_DATES: Final = frozenset({"date"})
_RESTRICTED: Final = _ADDRESSES | _MESSAGE_IDS | _TEXTS | _DATES
"""Fields that may be read in one form only; others in any (RFC 8621 section 4.1.2)."""


def utc(moment: datetime | None) -> str | None:
    """A UTCDate (RFC 8620 section 1.4)."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _local(moment: datetime | None) -> str | None:
    """A Date, with the sender's time zone."""
    if moment is None:
        return None
    text = moment.replace(microsecond=0).isoformat()
    return text.replace("+00:00", "Z") if moment.tzinfo else f"{text}Z"


def _addresses(value: str) -> list[dict[str, str | None]] | None:
    found = read_addresses(value)
    return None if found is None else [each.to_json() for each in found]


_FORMS: Final[dict[str, tuple[frozenset[str], Callable[[str], Any]]]] = {
    "Text": (_TEXTS, as_text),
    "Addresses": (_ADDRESSES, _addresses),
    "MessageIds": (_MESSAGE_IDS, as_message_ids),
    "Date": (_DATES, lambda value: _local(as_date(value))),
}


def reader(name: str) -> _Read | None:
    """Return the function that reads a property; None for an unknown property."""
    if name in _PLAIN:
        return _PLAIN[name]
    match = _HEADER.fullmatch(name)
    if match is None:
        return None
    field, form, every = match[1], match[2], match[3]
    read = as_raw if form in {None, "Raw"} else _form(field, form)
    if read is None:
        return None
    return partial(_every if every else _last, field, read)


def _form(field: str, form: str) -> Callable[[str], Any] | None:
    fields, read = _FORMS.get(form, (frozenset(), None))
    is_fit = field.lower() in fields or field.lower() not in _RESTRICTED
    return read if is_fit else None


def _every(field: str, read: Callable[[str], Any], email: Email) -> list[Any]:
    return [read(value) for value in email.message.readable(field)]


def _last(field: str, read: Callable[[str], Any], email: Email) -> Any:
    value = email.message.last(field)
    return None if value is None else read(value)


def _field(name: str, read: Callable[[str], Any]) -> _Read:
    return partial(_last, name, read)


_PLAIN: Final[dict[str, _Read]] = {
    "id": lambda email: email.id,
    "blobId": lambda email: email.blob_id,
    "threadId": lambda email: email.thread_id,
    "mailboxIds": lambda email: dict.fromkeys(sorted(email.mailbox_ids), True),
    "keywords": lambda email: dict.fromkeys(sorted(email.keywords), True),
    "size": lambda email: len(email.message.raw),
    "receivedAt": lambda email: utc(email.received_at),
    "messageId": _field("Message-ID", as_message_ids),
    "inReplyTo": _field("In-Reply-To", as_message_ids),
    "references": _field("References", as_message_ids),
    "sender": _field("Sender", _addresses),
    "from": _field("From", _addresses),
    "to": _field("To", _addresses),
    "cc": _field("Cc", _addresses),
    "bcc": _field("Bcc", _addresses),
    "replyTo": _field("Reply-To", _addresses),
    "subject": _field("Subject", as_text),
    "sentAt": _field("Date", lambda value: _local(as_date(value))),
}
