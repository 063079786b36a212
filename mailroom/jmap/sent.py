"""Operations that read sent mail: the newest mails in Sent, and the threads with a sent mail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.jmap.answers import listed, parsed, string
from mailroom.jmap.request import Call, Operation, Results

_NEWEST_FIRST: Final = ({"property": "receivedAt", "isAscending": False},)
_PROPERTIES: Final = ("id", "from", "messageId")


@dataclass(frozen=True, slots=True)
class SentMail:
    """The senders and the Message-IDs of sent mails.

    Attributes:
        senders: the addresses in their From fields, as written.
        message_ids: their Message-IDs, without angle brackets.
    """

    senders: frozenset[str] = frozenset()
    message_ids: frozenset[str] = frozenset()


def get_newest_sent(account_id: str, mailbox_id: str, *, limit: int) -> Operation[SentMail]:
    """Read the senders and Message-IDs of the newest mails in a mailbox.

    Args:
        account_id: the account.
        mailbox_id: the mailbox.
        limit: the largest number of mails, not more than maxObjectsInGet.
    """
    query = Call(
        "Email/query",
        {
            "accountId": account_id,
            "filter": {"inMailbox": mailbox_id},
            "sort": _NEWEST_FIRST,
            "limit": limit,
        },
    )
    get = Call(
        "Email/get",
        {"accountId": account_id, "ids": query.at("/ids"), "properties": _PROPERTIES},
    )

    def read(results: Results) -> SentMail:
        mails = [parsed(_sent, get, each) for each in listed(results, get)]
        return SentMail(
            frozenset(sender for senders, _ in mails for sender in senders),
            frozenset(name for _, names in mails for name in names),
        )

    return Operation((query, get), read)


def _sent(value: Any) -> tuple[list[str], list[str]]:
    senders = [str(each.get("email") or "") for each in value.get("from") or ()]
    return senders, [string(each) for each in value.get("messageId") or ()]


def find_threads_with(
    account_id: str, thread_ids: Sequence[str], mailbox_ids: Collection[str]
) -> Operation[frozenset[str]]:
    """Find the threads (RFC 8621 section 3) that hold a mail in one of the mailboxes.

    The mails of all these threads are read by one call, so there must not be more of them than
    maxObjectsInGet; else the operation ends in MethodError ``requestTooLarge``.
    """
    threads = Call("Thread/get", {"accountId": account_id, "ids": thread_ids})
    get = Call(
        "Email/get",
        {
            "accountId": account_id,
            "ids": threads.at("/list/*/emailIds"),
            "properties": ["id", "threadId", "mailboxIds"],
        },
    )

    def read(results: Results) -> frozenset[str]:
        listed(results, threads)  # If Thread/get was refused, its error is the cause of the other.
        mails = [parsed(_in_thread, get, each) for each in listed(results, get)]
        return frozenset(thread for thread, places in mails if places & set(mailbox_ids))

    return Operation((threads, get), read)


def get_thread(account_id: str, thread_id: str) -> Operation[tuple[str, ...]]:
    """Read the ids of a thread's mails; no ids if the thread does not exist any more."""
    call = Call("Thread/get", {"accountId": account_id, "ids": [thread_id]})

    def read(results: Results) -> tuple[str, ...]:
        threads = [parsed(_members, call, each) for each in listed(results, call)]
        return tuple(email_id for members in threads for email_id in members)

    return Operation((call,), read)


def _members(value: Any) -> list[str]:
    return [string(each) for each in value["emailIds"]]


def _in_thread(value: Any) -> tuple[str, frozenset[str]]:
    return string(value["threadId"]), frozenset(value["mailboxIds"].keys())
