"""The methods of JMAP for mail (RFC 8621) that Mailroom calls for mails and identities.

Each function returns an :class:`~mailroom.jmap.request.Operation`, which has the method calls and
reads their results; :class:`~mailroom.jmap.client.JmapClient` sends it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import (
    EMAIL_PROPERTIES,
    PEOPLE,
    CreatedEmails,
    Email,
    EmailPeople,
    Patch,
    read_email,
    read_people,
)
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
    reading = get("Email", account_id, ids, read_people, properties=[*PEOPLE, *also])
    return reading.then(lambda response: response.objects)


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
    """Find out if the server checks ``ifInState``: send an empty update in an outdated state.

    ``state`` is a state that an update before this one has changed. The result is True if the
    server refuses the empty update, as RFC 8620 section 5.3 demands; False if it does not; None if
    the answer shows neither.
    """
    trial = set_objects("Email", account_id, update={}, if_in_state=state)

    def read(results: Results) -> bool | None:
        try:
            answer = trial.read(results)
        except MethodError as error:
            return True if error.type == STATE_MISMATCH else None
        return None if answer.old_state == state else False

    return Operation(trial.calls, read)
