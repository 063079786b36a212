"""JMAP for mail (RFC 8621), as far as Mailroom needs it: operations, and the values they return.

This module builds each :class:`~mailroom.jmap.request.Operation` and reads its results;
:class:`~mailroom.jmap.client.JmapClient` sends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.jmap.answers import string
from mailroom.jmap.errors import MethodError
from mailroom.jmap.methods import (
    STATE_MISMATCH,
    GetResponse,
    SetResponse,
    changes,
    get,
    get_state,
    set_objects,
)
from mailroom.jmap.request import Operation, Reference, Results, in_order

Filter = Mapping[str, Any]
"""A FilterOperator or FilterCondition (RFC 8620 section 5.5, RFC 8621 section 4.4.1)."""

Patch = Mapping[str, Any]
"""A PatchObject (RFC 8620 section 5.3)."""

_FROM: Final = ("header:From:asAddresses:all", "from")
"""The addresses of every From field, and those of the last one. ``from`` alone would hide all but
the last field. The first property alone would miss fields with bytes that are not UTF-8, which old
mailers write into names: Cyrus lists nothing for such a field."""
_LIST_ID: Final = "header:List-Id:asText"
_LIST_POST: Final = "header:List-Post"
"""In the Raw form, because RFC 8621 section 4.1.2 has no Text form of this field."""
EMAIL_PROPERTIES: Final = (
    *("id", "mailboxIds", "keywords", "receivedAt"),
    *_FROM,
    *(_LIST_ID, _LIST_POST),
)
_AUTHENTICATION_RESULTS: Final = "header:Authentication-Results:all"
_RECEIVED: Final = "header:Received:all"
_CONTENT_TYPE: Final = "header:Content-Type"
"""In the default form, which is Raw: Stalwart answers ``:asRaw:all`` under the name ``:all``."""
ARRIVAL: Final = (
    "threadId",
    "inReplyTo",
    "references",
    _AUTHENTICATION_RESULTS,
    _RECEIVED,
    _CONTENT_TYPE,
)
"""Further properties of a mail: its delivery, its authentication, and the mail that it answers."""
_TO: Final = tuple((f"header:{name}:asAddresses:all", name.lower()) for name in ("To", "Cc", "Bcc"))
RECIPIENTS: Final = tuple(name for names in _TO for name in names)
"""Further properties of a mail: its recipients."""
_DELIVERED_TO: Final = ("header:X-Delivered-To:all", "header:Delivered-To:all")
"""No standard; Fastmail's mail has the first, that of Postfix and others the second."""
OVERVIEW: Final = ("subject", *RECIPIENTS, *_DELIVERED_TO)
"""Further properties of a mail: its subject line, its recipients, and the address of delivery."""


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
        recipients: those of every To, Cc and Bcc field; empty unless asked for.
        list_id: the List-Id as written (RFC 2919); empty if there is none.
        list_post: the raw value of its List-Post field (RFC 2369); empty if there is none.
        subject: its subject line; empty unless :data:`OVERVIEW` is asked for.
        delivered_to: the raw values of its fields X-Delivered-To and Delivered-To, the topmost of
            each name first; empty unless :data:`OVERVIEW` is asked for.
        thread_id: the id of its thread (RFC 8621 section 3). This attribute and the following ones
            are empty unless :data:`ARRIVAL` is asked for.
        refers_to: the message ids in its In-Reply-To and References fields.
        authentication_results: the raw value of every field of that name, the topmost first.
        received: the raw value of every Received field, the topmost first; None if the server was
            not asked or does not say.
        content_type: the raw value of its Content-Type field.
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
        old_state: the state that was asked about.
        new_state: the state up to which the result is complete.
        has_more: True if there are more changes after ``new_state``.
        is_silent: True if the state is another, but the server reports no change at all. A server
            that was restored from a backup answers so.
    """

    emails: tuple[Email, ...]
    old_state: str
    new_state: str
    has_more: bool
    is_silent: bool


def get_identities(account_id: str) -> Operation[tuple[str, ...]]:
    """Read the user's own addresses (RFC 8621 section 6); ``*@domain`` is a whole domain."""

    def address(value: Any) -> str:
        return str(value.get("email") or "") if isinstance(value, dict) else ""

    reading = get("Identity", account_id, None, address, properties=["id", "email"])
    return Operation(
        reading.calls,
        lambda results: tuple(address for address in reading.read(results).objects if address),
    )


def get_email_state(account_id: str) -> Operation[str]:
    """Read the present Email state."""
    return get_state("Email", account_id)


def get_email_objects(
    account_id: str, ids: Sequence[str] | Reference, *, also: Sequence[str] = ()
) -> Operation[GetResponse[Email]]:
    """Read mails with the :data:`EMAIL_PROPERTIES` and, if wanted, further properties."""
    return get("Email", account_id, ids, read_email, properties=[*EMAIL_PROPERTIES, *also])


def get_emails(
    account_id: str, ids: Sequence[str], *, also: Sequence[str] = ()
) -> Operation[tuple[str, tuple[Email, ...]]]:
    """Read the Email state, and then these mails; mails that do not exist any more are left out.

    ``also`` are further properties.
    """
    both = in_order(get_email_state(account_id), get_email_objects(account_id, ids, also=also))

    def read(results: Results) -> tuple[str, tuple[Email, ...]]:
        state, response = both.read(results)
        return state, response.objects

    return Operation(both.calls, read)


def get_people(
    account_id: str, ids: Sequence[str], *, also: Sequence[str] = ()
) -> Operation[tuple[EmailPeople, ...]]:
    """Read the senders and lists of mails, and their recipients if ``also`` are :data:`RECIPIENTS`.

    The answer is about half as long as that of :func:`get_emails`. Mails that do not exist any more
    are left out.
    """

    def people(value: Any) -> EmailPeople:
        list_id = str(value.get(_LIST_ID) or "")
        return EmailPeople(string(value["id"]), _senders(value), _recipients(value), list_id)

    reading = get("Email", account_id, ids, people, properties=["id", *_FROM, _LIST_ID, *also])
    return Operation(reading.calls, lambda results: reading.read(results).objects)


def get_created(
    account_id: str, since: str, *, also: Sequence[str] = (), limit: int
) -> Operation[CreatedEmails | None]:
    """Read the mail created since a state (RFC 8621 section 4.3).

    The result is None if the server cannot calculate the changes.

    Args:
        account_id: the account.
        since: the state.
        also: further properties.
        limit: the largest number of changes, not more than maxObjectsInGet.
    """
    asking = changes("Email", account_id, since, limit=limit)
    reading = get_email_objects(account_id, asking.at("/created"), also=also)

    def read(results: Results) -> CreatedEmails | None:
        response = asking.read(results)
        if response is None:
            return None
        is_empty = not (response.created or response.updated or response.destroyed)
        return CreatedEmails(
            emails=reading.read(results).objects,
            old_state=since,
            new_state=response.new_state,
            has_more=response.has_more,
            is_silent=response.new_state != since and is_empty,
        )

    return Operation(asking.calls + reading.calls, read)


def update_emails(
    account_id: str, patches: Mapping[str, Patch], *, if_in_state: str | None = None
) -> Operation[SetResponse]:
    """Patch mails (RFC 8621 section 4.6), each atomically.

    With ``if_in_state``, mails are patched only if this is the present Email state; otherwise the
    operation ends in MethodError ``stateMismatch``.
    """
    return set_objects("Email", account_id, update=patches, if_in_state=if_in_state)


def try_outdated_state(account_id: str, state: str) -> Operation[bool | None]:
    """Ask for no update at all, in a state that an update before this one has moved on from.

    Returns True if the server refuses the update, as RFC 8620 section 5.3 demands; False if it does
    not; None if the answer shows neither.
    """
    trial = set_objects("Email", account_id, update={}, if_in_state=state)

    def read(results: Results) -> bool | None:
        try:
            answer = trial.read(results)
        except MethodError as error:
            return True if error.type == STATE_MISMATCH else None
        return None if answer.old_state == state else False

    return Operation(trial.calls, read)


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
    )


def _senders(value: Any) -> tuple[EmailAddress, ...]:
    return _addresses(value[_FROM[0]], value.get(_FROM[1]))


def _recipients(value: Any) -> tuple[EmailAddress, ...]:
    return tuple(
        address for every, last in _TO for address in _addresses(value.get(every), value.get(last))
    )


def _addresses(fields: Any, last: Any) -> tuple[EmailAddress, ...]:
    """Return the addresses in every field of a name; if there are none, those in the last field.

    For a field whose bytes are not UTF-8, Cyrus lists nothing, and Apache James an empty field.
    """
    found = [address for field in fields or () for address in field or ()]
    return tuple(
        EmailAddress(str(address.get("name") or ""), str(address.get("email") or ""))
        for address in found or last or ()
    )
