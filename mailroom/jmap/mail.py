"""JMAP for mail (RFC 8621), as far as Mailroom needs it: operations, and the values they return.

This module builds each :class:`~mailroom.jmap.request.Operation` and reads its results;
:class:`~mailroom.jmap.client.JmapClient` sends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.jmap.answers import Updated, checked, listed, parsed, read_updated, string
from mailroom.jmap.errors import MethodError
from mailroom.jmap.request import Call, Operation, Results

Filter = Mapping[str, Any]
"""A FilterOperator or FilterCondition (RFC 8620 section 5.5, RFC 8621 section 4.4.1)."""

Patch = Mapping[str, Any]
"""A PatchObject (RFC 8620 section 5.3)."""

STATE_MISMATCH: Final = "stateMismatch"
"""The error of a call whose ``ifInState`` is not the account's state (RFC 8620 section 5.3)."""
_FROM: Final = ("header:From:asAddresses:all", "from")
"""The addresses of every From field, and those of the last one. ``from`` alone would hide all but
the last field. The first property alone would miss fields with bytes that are not UTF-8, which old
mailers write into names: Cyrus lists nothing for such a field."""
_LIST_ID: Final = "header:List-Id:asText"
EMAIL_PROPERTIES: Final = ("id", "mailboxIds", "keywords", "receivedAt", *_FROM, _LIST_ID)
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
_LISTS_OF_CHANGES: Final = ("created", "updated", "destroyed")


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


@dataclass(frozen=True, slots=True)
class EmailPeople:
    """The senders and recipients of a mail; the attributes are those of :class:`Email`."""

    id: str
    from_: tuple[EmailAddress, ...]
    recipients: tuple[EmailAddress, ...]


@dataclass(frozen=True, slots=True)
class Created:
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
    call = Call(
        "Identity/get", {"accountId": account_id, "ids": None, "properties": ["id", "email"]}
    )
    return Operation(
        (call,),
        lambda results: tuple(
            str(identity["email"])
            for identity in listed(results, call)
            if isinstance(identity, dict) and identity.get("email")
        ),
    )


def get_email_state(account_id: str) -> Operation[str]:
    """Read the present Email state.

    Read before a query, it is a state since which ``Email/changes`` reports every mail that the
    query may have missed. The state that comes with the mails found may be newer, because the calls
    of one request are not a transaction.
    """
    call = Call("Email/get", {"accountId": account_id, "ids": [], "properties": ["id"]})
    return Operation((call,), lambda results: str(results[call].get("state", "")))


def get_emails(
    account_id: str, ids: Sequence[str], *, also: Sequence[str] = ()
) -> Operation[tuple[str, tuple[Email, ...]]]:
    """Read the Email state, and then these mails; mails that do not exist any more are left out.

    ``also`` are further properties.
    """
    state = get_email_state(account_id)
    call = Call(
        "Email/get",
        {"accountId": account_id, "ids": ids, "properties": [*EMAIL_PROPERTIES, *also]},
    )

    def read(results: Results) -> tuple[str, tuple[Email, ...]]:
        emails = tuple(parsed(read_email, call, each) for each in listed(results, call))
        return state.read(results), emails

    return Operation((*state.calls, call), read)


def get_people(
    account_id: str, ids: Sequence[str], *, also: Sequence[str] = ()
) -> Operation[tuple[EmailPeople, ...]]:
    """Read the senders of mails, and their recipients if ``also`` are :data:`RECIPIENTS`.

    The answer is about half as long as that of :func:`get_emails`. Mails that do not exist any more
    are left out.
    """
    call = Call(
        "Email/get",
        {"accountId": account_id, "ids": ids, "properties": ["id", *_FROM, *also]},
    )
    return Operation(
        (call,),
        lambda results: tuple(parsed(_read_people, call, each) for each in listed(results, call)),
    )


def get_created(
    account_id: str, since: str, *, also: Sequence[str] = (), limit: int
) -> Operation[Created | None]:
    """Read the mail created since a state (RFC 8621 section 4.3).

    The result is None if the server cannot calculate the changes.

    Args:
        account_id: the account.
        since: the state.
        also: further properties.
        limit: the largest number of changes, not more than maxObjectsInGet.
    """
    arguments = {"accountId": account_id, "sinceState": since, "maxChanges": limit}
    changes = Call("Email/changes", arguments)
    get = Call(
        "Email/get",
        {
            "accountId": account_id,
            "ids": changes.at("/created"),
            "properties": [*EMAIL_PROPERTIES, *also],
        },
    )

    def read(results: Results) -> Created | None:
        try:
            told = results[changes]
        except MethodError as error:
            if error.type == "cannotCalculateChanges":
                return None
            raise
        new_state = parsed(string, changes, told.get("newState"))
        lists = [checked(told.get(each), list, changes) for each in _LISTS_OF_CHANGES]
        return Created(
            emails=tuple(parsed(read_email, get, each) for each in listed(results, get)),
            old_state=since,
            new_state=new_state,
            has_more=told.get("hasMoreChanges") is True,
            is_silent=new_state != since and not any(lists),
        )

    return Operation((changes, get), read)


def update_emails(
    account_id: str, patches: Mapping[str, Patch], *, if_in_state: str | None = None
) -> Operation[Updated]:
    """Patch mails (RFC 8621 section 4.6), each atomically.

    With ``if_in_state``, mails are patched only if this is the present Email state; otherwise the
    operation ends in MethodError ``stateMismatch``.
    """
    arguments = {"accountId": account_id, "update": patches}
    if if_in_state is not None:
        arguments["ifInState"] = if_in_state
    call = Call("Email/set", arguments)
    return Operation((call,), lambda results: read_updated(results, call, "updated", patches))


def try_outdated_state(account_id: str, state: str) -> Operation[bool | None]:
    """Ask for no update at all, in a state that an update before this one has moved on from.

    Returns True if the server refuses that, as RFC 8620 section 5.3 wants, False if it does not,
    and None where the answer tells neither.
    """
    call = Call("Email/set", {"accountId": account_id, "update": {}, "ifInState": state})

    def read(results: Results) -> bool | None:
        try:
            answer = results[call]
        except MethodError as error:
            return True if error.type == STATE_MISMATCH else None
        return None if str(answer.get("oldState") or "") == state else False

    return Operation((call,), read)


def read_email(value: Any) -> Email:
    """Read an Email object with the :data:`EMAIL_PROPERTIES`, and others that were asked for.

    Raises:
        KeyError, TypeError, AttributeError: the object does not have the promised shape.
    """
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
        received=_strings(value.get(_RECEIVED)),
        content_type=string(value.get(_CONTENT_TYPE) or ""),
        list_id=str(value.get(_LIST_ID) or ""),
    )


def _read_people(value: Any) -> EmailPeople:
    return EmailPeople(string(value["id"]), _senders(value), _recipients(value))


def _senders(value: Any) -> tuple[EmailAddress, ...]:
    return _addresses(value[_FROM[0]], value.get(_FROM[1]))


def _recipients(value: Any) -> tuple[EmailAddress, ...]:
    return tuple(
        each for every, last in _TO for each in _addresses(value.get(every), value.get(last))
    )


def _strings(values: Any) -> tuple[str, ...] | None:
    return None if values is None else tuple(map(string, values))


def _addresses(fields: Any, last: Any) -> tuple[EmailAddress, ...]:
    """Return the addresses in every field of a name; if there are none, those in the last field.

    For a field whose bytes are not UTF-8, Cyrus lists nothing, and Apache James an empty field.
    """
    found = [address for field in fields or () for address in field or ()]
    return tuple(
        EmailAddress(str(address.get("name") or ""), str(address.get("email") or ""))
        for address in found or last or ()
    )
