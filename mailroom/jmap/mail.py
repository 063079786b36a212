"""The values of JMAP for mail (RFC 8621), as far as Mailroom needs them, and how they are read.

:mod:`mailroom.jmap.email_methods` has the methods that return these values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from mailroom.jmap.answers import string

Filter = Mapping[str, Any]
"""A FilterOperator or FilterCondition (RFC 8620 section 5.5, RFC 8621 section 4.4.1)."""

Patch = Mapping[str, Any]
"""A PatchObject (RFC 8620 section 5.3)."""

_FROM: Final = ("header:From:asAddresses:all", "from")
"""The properties with the addresses of every From field, and of the last From field. ``from`` alone
would hide all but the last field. The first property alone would miss fields with bytes that are
not UTF-8, which old mailers write into names: Cyrus lists nothing for such a field."""
_LIST_ID: Final = "header:List-Id:asText"
_LIST_POST: Final = "header:List-Post"
"""In the Raw form, because RFC 8621 section 4.1.2 has no Text form of this field."""
EMAIL_PROPERTIES: Final = (
    *("id", "mailboxIds", "keywords", "receivedAt"),
    *_FROM,
    *(_LIST_ID, _LIST_POST),
)
PEOPLE: Final = ("id", *_FROM, _LIST_ID)
"""The properties of :class:`EmailPeople`, without recipients."""
_AUTHENTICATION_RESULTS: Final = "header:Authentication-Results:all"
_RECEIVED: Final = "header:Received:all"
_CONTENT_TYPE: Final = "header:Content-Type"
"""In the default form, which is Raw: Stalwart answers ``:asRaw:all`` under the name ``:all``."""
_LIST_FIELDS: Final = tuple(
    f"header:List-{name}" for name in ("Unsubscribe", "Help", "Subscribe", "Owner", "Archive")
)
"""The fields of mailing lists (RFC 2369) that are not among the properties of every mail."""
ARRIVAL: Final = (
    "subject",
    "threadId",
    "inReplyTo",
    "references",
    _AUTHENTICATION_RESULTS,
    _RECEIVED,
    _CONTENT_TYPE,
    *_LIST_FIELDS,
)
"""Further properties of a mail: its delivery, its authentication, the mail that it answers, its
subject line, and the fields of mailing lists."""
_TO: Final = tuple((f"header:{name}:asAddresses:all", name.lower()) for name in ("To", "Cc", "Bcc"))
RECIPIENTS: Final = tuple(name for names in _TO for name in names)
"""Further properties of a mail: its recipients."""
_DELIVERED_TO: Final = ("header:X-Delivered-To:all", "header:Delivered-To:all")
"""No standard; Fastmail's mail has the first, that of Postfix and others the second."""
OVERVIEW: Final = ("subject", *RECIPIENTS, *_DELIVERED_TO)
"""Further properties of a mail: its subject line, its recipients, and the address of delivery."""
MESSAGE_ID: Final = ("messageId", "threadId")
"""Further properties of a mail: those by which mail apps find the mail."""
PREVIEW: Final = ("preview",)
"""A further property of a mail: the beginning of its text."""


def moment_of(utc_date: str) -> datetime | None:
    """Return the time of a UTCDate (RFC 8620 section 1.4), in UTC; None if it cannot be read."""
    try:
        moment = datetime.fromisoformat(utc_date)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address in a header (RFC 8621 section 4.1.2.3); the name and the email may be empty."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Email:
    """The properties of a mail that Mailroom needs.

    Attributes:
        id: its id.
        mailbox_ids: the ids of its mailboxes.
        keywords: its keywords, in lower case, as servers return them.
        received_at: a UTCDate.
        from_: the addresses of every From field.
        recipients: the addresses of every To, Cc and Bcc field; empty unless asked for.
        list_id: the List-Id as written (RFC 2919); empty if there is none.
        list_post: the raw value of its List-Post field (RFC 2369); empty if there is none.
        subject: its subject line; empty unless :data:`OVERVIEW` or :data:`ARRIVAL` is asked for.
        delivered_to: the raw values of its fields X-Delivered-To and Delivered-To, the topmost of
            each name first; empty unless :data:`OVERVIEW` is asked for.
        message_id: its Message-ID, without angle brackets; empty unless :data:`MESSAGE_ID` is asked
            for.
        preview: the beginning of its text; empty unless :data:`PREVIEW` is asked for.
        thread_id: the id of its thread (RFC 8621 section 3). This attribute and the following ones
            are empty unless :data:`ARRIVAL` is asked for.
        refers_to: the message ids in its In-Reply-To and References fields.
        authentication_results: the raw value of every field of that name, the topmost first.
        received: the raw value of every Received field, the topmost first; None if the server was
            not asked or does not say.
        content_type: the raw value of its Content-Type field.
        is_bulk: True if it has a List-* field, as mail to many people has. Only List-Id and
            List-Post count unless :data:`ARRIVAL` is asked for.
    """

    id: str
    mailbox_ids: frozenset[str]
    keywords: frozenset[str]
    received_at: str
    from_: tuple[EmailAddress, ...]
    recipients: tuple[EmailAddress, ...] = ()
    thread_id: str = ""
    refers_to: tuple[str, ...] = ()
    authentication_results: tuple[str, ...] = ()
    received: tuple[str, ...] | None = None
    content_type: str = ""
    list_id: str = ""
    list_post: str = ""
    subject: str = ""
    delivered_to: tuple[str, ...] = ()
    message_id: str = ""
    preview: str = ""
    is_bulk: bool = False


@dataclass(frozen=True, slots=True)
class EmailPeople:
    """The senders, recipients and list of a mail; the attributes are those of :class:`Email`."""

    id: str
    from_: tuple[EmailAddress, ...]
    recipients: tuple[EmailAddress, ...]
    list_id: str = ""


@dataclass(frozen=True, slots=True)
class CreatedEmails:
    """The new mail in the result of an ``Email/changes``.

    Attributes:
        emails: the new mails that still exist.
        old_state: the state since which changes were asked for.
        new_state: the state up to which the result is complete.
        has_more: True if there are more changes after ``new_state``.
        is_silent: True if ``new_state`` is not ``old_state``, but the server reports no change at
            all. A server that was restored from a backup answers so.
    """

    emails: tuple[Email, ...]
    old_state: str
    new_state: str
    has_more: bool
    is_silent: bool


def read_email(value: Any) -> Email:
    """Read an Email object with the :data:`EMAIL_PROPERTIES`, and others that were asked for.

    Raises:
        KeyError, TypeError, AttributeError: the object does not have the promised shape.
    """
    received = value.get(_RECEIVED)
    return Email(
        id=string(value["id"]),
        mailbox_ids=frozenset(value["mailboxIds"].keys()),
        keywords=frozenset((value.get("keywords") or {}).keys()),
        received_at=str(value.get("receivedAt") or ""),
        from_=_senders(value),
        recipients=_recipients(value),
        thread_id=string(value.get("threadId") or ""),
        refers_to=tuple(
            map(string, [*(value.get("inReplyTo") or ()), *(value.get("references") or ())])
        ),
        authentication_results=tuple(map(string, value.get(_AUTHENTICATION_RESULTS) or ())),
        received=None if received is None else tuple(map(string, received)),
        content_type=string(value.get(_CONTENT_TYPE) or ""),
        list_id=str(value.get(_LIST_ID) or ""),
        list_post=str(value.get(_LIST_POST) or ""),
        subject=str(value.get("subject") or ""),
        delivered_to=tuple(
            string(field) for name in _DELIVERED_TO for field in value.get(name) or ()
        ),
        message_id=string(next(iter(value.get("messageId") or ()), "")),
        preview=str(value.get("preview") or ""),
        is_bulk=any(value.get(name) is not None for name in (_LIST_ID, _LIST_POST, *_LIST_FIELDS)),
    )


def read_people(value: Any) -> EmailPeople:
    """Read an Email object with the :data:`PEOPLE`, and recipients if they were asked for.

    Raises:
        KeyError, TypeError: the object does not have the promised shape.
    """
    list_id = str(value.get(_LIST_ID) or "")
    return EmailPeople(string(value["id"]), _senders(value), _recipients(value), list_id)


def _senders(value: Any) -> tuple[EmailAddress, ...]:
    return _addresses(value[_FROM[0]], value.get(_FROM[1]))


def _recipients(value: Any) -> tuple[EmailAddress, ...]:
    return tuple(
        address
        for every_field, last_field in _TO
        for address in _addresses(value.get(every_field), value.get(last_field))
    )


def _addresses(fields: Any, last: Any) -> tuple[EmailAddress, ...]:
    """Return the addresses in every field of a name; if there are none, those in the last field.

    For a field whose bytes are not UTF-8, Cyrus lists nothing, and Apache James an empty field.
    """
    addresses = [address for field in fields or () for address in field or ()]
    return tuple(
        EmailAddress(str(address.get("name") or ""), str(address.get("email") or ""))
        for address in addresses or last or ()
    )
