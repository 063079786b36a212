"""Mail's methods (RFC 8621), as far as Mailroom and the people around it need them."""

from collections.abc import Callable
from functools import partial
from typing import Final

from mailroom.sandbox.methods import (
    email_get,
    email_query,
    email_set,
    identities,
    mailbox_get,
    mailbox_set,
    threads,
)
from mailroom.sandbox.methods.seat import Mail
from mailroom.sandbox.plugin import Arguments, Method

__all__ = ["Mail", "mail_methods", "submission_methods"]

_MAIL: Final[dict[str, Callable[[Mail, Arguments], Arguments]]] = {
    "Email/changes": email_get.changes,
    "Email/get": email_get.get,
    "Email/query": email_query.query,
    "Email/queryChanges": email_query.query_changes,
    "Email/set": email_set.set_,
    "Mailbox/changes": mailbox_get.changes,
    "Mailbox/get": mailbox_get.get,
    "Mailbox/query": mailbox_get.query,
    "Mailbox/set": mailbox_set.set_,
    "Thread/changes": threads.changes,
    "Thread/get": threads.get,
}


def mail_methods(mail: Mail) -> dict[str, Method]:
    """Return the methods of ``urn:ietf:params:jmap:mail``."""
    return {name: partial(method, mail) for name, method in _MAIL.items()}


def submission_methods(mail: Mail) -> dict[str, Method]:
    """Return the methods of ``urn:ietf:params:jmap:submission``, without those that send."""
    return {"Identity/get": partial(identities.get, mail)}
