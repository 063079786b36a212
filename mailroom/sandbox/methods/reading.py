"""The methods that read mails, mailboxes, threads and identities (RFC 8621)."""

from collections.abc import Collection
from typing import Final

from mailroom.sandbox.arguments import id_list, invalid, refuse_unknown
from mailroom.sandbox.context import AccountContext, Arguments
from mailroom.sandbox.errors import MethodFailure
from mailroom.sandbox.properties import reader
from mailroom.sandbox.standard import get_changes, get_objects, get_page
from mailroom.sandbox.store import Mailbox, MailStore

_MAILBOX: Final = (
    *("id", "name", "parentId", "myRights", "role", "totalEmails", "sortOrder", "isSubscribed"),
)
_IDENTITY: Final = (
    *("id", "name", "email", "replyTo", "bcc", "textSignature", "htmlSignature", "mayDelete"),
)


def email_get(store: MailStore, arguments: Arguments) -> Arguments:
    """Carry out Email/get. ``properties`` must be named, because the default includes bodies."""
    names = id_list(arguments, "properties")
    if names is None and not store.emails.keys().isdisjoint(id_list(arguments, "ids") or ()):
        raise invalid("properties")
    readers = {name: read for name in names or () if (read := reader(name))}
    renames_raw = store.context.quirks.querying.renames_raw

    def show(email_id: str, names: Collection[str]) -> Arguments:
        email = store.emails[email_id]
        return {
            name.replace(":asRaw", "") if renames_raw else name: readers[name](email)
            for name in names
        }

    return get_objects(
        arguments,
        state=store.state(),
        existing=store.emails,
        all_ids=None,
        properties=readers.keys(),
        show=show,
    )


def email_changes(store: MailStore, arguments: Arguments) -> Arguments:
    """Carry out Email/changes."""
    return get_changes(arguments, store.email_history, store.state())


def mailbox_get(store: MailStore, arguments: Arguments) -> Arguments:
    """Carry out Mailbox/get."""

    def show(mailbox_id: str, names: Collection[str]) -> Arguments:
        mailbox = store.mailboxes[mailbox_id]
        whole = {
            "id": mailbox_id,
            "name": mailbox.name,
            "parentId": mailbox.parent_id,
            "myRights": rights(mailbox),
            "role": mailbox.role,
            "totalEmails": store.count_in(mailbox_id),
            "sortOrder": mailbox.sort_order,
            "isSubscribed": mailbox.is_subscribed,
        }
        return {name: whole[name] for name in names}

    return get_objects(
        arguments,
        state=store.state(),
        existing=store.mailboxes,
        all_ids=store.context.all_ids(store.mailboxes),
        properties=_MAILBOX,
        show=show,
    )


def rights(mailbox: Mailbox) -> Arguments:
    """Return the user's rights: everything, except removing the Inbox."""
    allowed = (
        *("mayReadItems", "mayAddItems", "mayRemoveItems", "mayCreateChild", "maySubmit"),
        *("maySetSeen", "maySetKeywords"),
    )
    is_inbox = mailbox.role == "inbox"
    return dict.fromkeys(allowed, True) | dict.fromkeys(("mayDelete", "mayRename"), not is_inbox)


def mailbox_query(store: MailStore, arguments: Arguments) -> Arguments:
    """Carry out Mailbox/query, which knows no filter and no sort."""
    refuse_unknown(arguments, "position", "limit")
    ids = list(store.mailboxes)
    return {
        "queryState": str(store.state()),
        "canCalculateChanges": False,
        "total": len(ids),
        **get_page(arguments, ids, store.context.quirks),
    }


def thread_get(store: MailStore, arguments: Arguments) -> Arguments:
    """Carry out Thread/get."""
    threads = store.threads(id_list(arguments, "ids") or ())

    def show(thread_id: str, _: Collection[str]) -> Arguments:
        return {"emailIds": [email.id for email in threads[thread_id]]}

    return get_objects(
        arguments,
        state=store.state(),
        existing=threads,
        all_ids=None,
        properties=("id", "emailIds"),
        show=show,
    )


def identity_get(context: AccountContext, arguments: Arguments) -> Arguments:
    """Carry out Identity/get (RFC 8621 section 6). The identities never change."""
    habit = context.quirks.serving.identities
    if habit == "unsupported":
        raise MethodFailure("accountNotSupportedByMethod")
    addresses = {str(number): email for number, email in enumerate(context.addresses, start=1)}

    def show(identity_id: str, names: Collection[str]) -> Arguments:
        whole = {
            "id": identity_id,
            "name": "",
            "email": "" if habit == "blank" else addresses[identity_id],
            "replyTo": None,
            "bcc": None,
            "textSignature": "",
            "htmlSignature": "",
            "mayDelete": False,
        }
        return {name: whole[name] for name in names}

    return get_objects(
        arguments,
        state=0,
        existing=addresses,
        all_ids=context.all_ids(addresses),
        properties=_IDENTITY,
        show=show,
    )
