"""Mailboxes (RFC 8621 section 2): operations, and the values that they return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from mailroom.jmap.answers import string
from mailroom.jmap.methods import SetResponse, get, query, set_objects
from mailroom.jmap.request import Operation

_REGISTERED_ROLE_OF: Final[Mapping[str, str]] = {"spam": "junk"}
"""Role that is not registered with IANA -> the registered role with the same meaning. The Junk
mailbox of Apache James 3.8 has the role ``spam``."""
_PROPERTIES: Final = ("id", "name", "parentId", "role", "totalEmails", "myRights")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox (RFC 8621 section 2).

    Attributes:
        id: its id.
        name: its own name, without its parents' names.
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


@lru_cache(maxsize=64)
def _shared(rights: frozenset[str]) -> frozenset[str]:
    """Return the same object for all equal sets.

    This saves memory, because nearly all mailboxes have equal rights.
    """
    return rights


def get_mailboxes(
    account_id: str, ids: Sequence[str] | None = None
) -> Operation[tuple[Mailbox, ...]]:
    """Read some mailboxes of the account; with None, all of them.

    Asked for all, some servers return only as many as maxObjectsInGet.
    """

    def mailbox_in(value: Any) -> Mailbox:
        total, rights = value.get("totalEmails"), value.get("myRights")
        role = str(value.get("role") or "").lower()
        return Mailbox(
            id=string(value["id"]),
            name=string(value["name"]),
            parent_id=None if value.get("parentId") is None else string(value["parentId"]),
            role=_REGISTERED_ROLE_OF.get(role, role),
            total_emails=total if isinstance(total, int) else None,
            rights=_shared(frozenset(name for name, granted in rights.items() if granted is True))
            if isinstance(rights, dict)
            else None,
        )

    reading = get("Mailbox", account_id, ids, mailbox_in, properties=_PROPERTIES)
    return reading.then(lambda response: response.objects)


def find_mailbox_ids(account_id: str, position: int) -> Operation[tuple[str, ...]]:
    """Read a page of the ids of all mailboxes (RFC 8621 section 2.3); the server sets the size."""
    finding = query("Mailbox", account_id, position=position)
    return finding.then(lambda page: page.ids)


def create_mailboxes(
    account_id: str, mailboxes: Mapping[str, Mapping[str, Any]]
) -> Operation[SetResponse]:
    """Create mailboxes in order; a ``parentId`` of ``#id`` refers to one created before."""
    return set_objects("Mailbox", account_id, create=mailboxes)
