"""The methods for mail (RFC 8621) that Mailroom and the tools around it call."""

from collections.abc import Callable
from functools import partial
from typing import Final

from mailroom.sandbox.context import AccountContext, Arguments, Method
from mailroom.sandbox.methods import email_import, email_query, email_set, mailbox_set, reading
from mailroom.sandbox.store import MailStore

__all__ = ["mail_methods", "submission_methods"]

_MAIL: Final[dict[str, Callable[[MailStore, Arguments], Arguments]]] = {
    "Email/changes": reading.email_changes,
    "Email/get": reading.email_get,
    "Email/import": email_import.import_,
    "Email/query": email_query.query,
    "Email/set": email_set.set_,
    "Mailbox/get": reading.mailbox_get,
    "Mailbox/query": reading.mailbox_query,
    "Mailbox/set": mailbox_set.set_,
    "Thread/get": reading.thread_get,
}


def mail_methods(store: MailStore) -> dict[str, Method]:
    """Return the methods of ``urn:ietf:params:jmap:mail``."""
    return {name: partial(method, store) for name, method in _MAIL.items()}


def submission_methods(context: AccountContext) -> dict[str, Method]:
    """Return the methods of ``urn:ietf:params:jmap:submission``, without those that send."""
    return {"Identity/get": partial(reading.identity_get, context)}
