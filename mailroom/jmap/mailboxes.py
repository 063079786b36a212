"""Mailboxes (RFC 8621 section 2): operations, and the values that they return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.jmap.answers import Updated, checked, listed, parsed, read_updated, string
from mailroom.jmap.request import Call, Operation

_REGISTERED: Final[Mapping[str, str]] = {"spam": "junk"}
"""Roles that are not registered with IANA, and the registered ones that they mean. The Junk mailbox
of Apache James 3.8 has the role ``spam``."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox (RFC 8621 section 2).

    Attributes:
        id: its id.
        name: its own name, without those of its parents.
        parent_id: the id of its parent; None at the top.
        role: as registered with IANA, in lower case; empty if it has none.
        total_emails: the number of mails in it; None if the server does not report it.
        rights: names of the rights that the user has (``myRights``); None if the server does not
            report them.
    """

    id: str
    name: str
    parent_id: str | None
    role: str
    total_emails: int | None = None
    rights: frozenset[str] | None = None


def get_mailboxes(
    account_id: str, ids: Sequence[str] | None = None
) -> Operation[tuple[Mailbox, ...]]:
    """Read some mailboxes of the account; with None, all (some servers return maxObjectsInGet)."""
    call = Call(
        "Mailbox/get",
        {
            "accountId": account_id,
            "ids": ids,
            "properties": ["id", "name", "parentId", "role", "totalEmails", "myRights"],
        },
    )
    return Operation(
        (call,),
        lambda results: tuple(parsed(_mailbox, call, each) for each in listed(results, call)),
    )


def find_mailbox_ids(account_id: str, position: int) -> Operation[tuple[str, ...]]:
    """Read a page of the ids of all mailboxes (RFC 8621 section 2.3); the server sets the size."""
    call = Call("Mailbox/query", {"accountId": account_id, "position": position})
    return Operation(
        (call,),
        lambda results: tuple(
            parsed(string, call, each) for each in checked(results[call].get("ids"), list, call)
        ),
    )


def create_mailboxes(
    account_id: str, mailboxes: Mapping[str, Mapping[str, Any]]
) -> Operation[Updated]:
    """Create mailboxes in order; a ``parentId`` of ``#id`` refers to one created before."""
    call = Call("Mailbox/set", {"accountId": account_id, "create": mailboxes})
    return Operation((call,), lambda results: read_updated(results, call, "created", mailboxes))


def _mailbox(value: Any) -> Mailbox:
    total = value.get("totalEmails")
    return Mailbox(
        id=string(value["id"]),
        name=string(value["name"]),
        parent_id=None if value.get("parentId") is None else string(value["parentId"]),
        role=_role(value.get("role")),
        total_emails=total if isinstance(total, int) else None,
        rights=_rights(value.get("myRights")),
    )


def _rights(value: Any) -> frozenset[str] | None:
    if not isinstance(value, dict):
        return None
    return frozenset(name for name, is_granted in value.items() if is_granted is True)


def _role(value: Any) -> str:
    role = str(value or "").lower()
    return _REGISTERED.get(role, role)
