"""Mailboxes (RFC 8621 section 2): operations to send, values to get."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailroom.jmap.answers import Updated, listed, parsed, read_updated, string
from mailroom.jmap.request import Call, Operation


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox (RFC 8621 section 2).

    Attributes:
        id: its id.
        name: without its parents'.
        parent_id: None at the top.
        role: lower case, empty if it has none.
        total_emails: how many mails are in it; None if the server does not tell.
        rights: names of the rights that the user has (``myRights``); None if the server does not
            tell.
    """

    id: str
    name: str
    parent_id: str | None
    role: str
    total_emails: int | None = None
    rights: frozenset[str] | None = None


def get_mailboxes(account_id: str) -> Operation[tuple[Mailbox, ...]]:
    """Every mailbox of the account."""
    call = Call(
        "Mailbox/get",
        {
            "accountId": account_id,
            "ids": None,
            "properties": ["id", "name", "parentId", "role", "totalEmails", "myRights"],
        },
    )
    return Operation(
        (call,),
        lambda results: tuple(parsed(_mailbox, call, each) for each in listed(results, call)),
    )


def create_mailboxes(
    account_id: str, mailboxes: Mapping[str, Mapping[str, Any]]
) -> Operation[Updated]:
    """Create mailboxes, in the order given; a ``parentId`` of ``#id`` is an earlier one's."""
    call = Call("Mailbox/set", {"accountId": account_id, "create": mailboxes})
    return Operation((call,), lambda results: read_updated(results, call, "created", mailboxes))


def _mailbox(value: Any) -> Mailbox:
    total = value.get("totalEmails")
    return Mailbox(
        id=string(value["id"]),
        name=string(value["name"]),
        parent_id=None if value.get("parentId") is None else string(value["parentId"]),
        role=str(value.get("role") or "").lower(),
        total_emails=total if isinstance(total, int) else None,
        rights=_rights(value.get("myRights")),
    )


def _rights(value: Any) -> frozenset[str] | None:
    if not isinstance(value, dict):
        return None
    return frozenset(name for name, is_granted in value.items() if is_granted is True)
