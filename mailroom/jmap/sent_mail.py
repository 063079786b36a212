"""Operations that read sent mail: the newest mails in Sent, and the threads with a sent mail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.jmap.answers import string
from mailroom.jmap.methods import get, query
from mailroom.jmap.request import Operation, Results

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
    newest = query("Email", account_id, {"inMailbox": mailbox_id}, sort=_NEWEST_FIRST, limit=limit)

    def sent(value: Any) -> tuple[list[str], list[str]]:
        senders = [str(address.get("email") or "") for address in value.get("from") or ()]
        return senders, [string(message_id) for message_id in value.get("messageId") or ()]

    reading = get("Email", account_id, newest.at("/ids"), sent, properties=_PROPERTIES)

    def read(results: Results) -> SentMail:
        newest.read(results)  # If the query is refused, its error says why Email/get fails too.
        mails = reading.read(results).objects
        return SentMail(
            frozenset(sender for senders, _ in mails for sender in senders),
            frozenset(message_id for _, ids in mails for message_id in ids),
        )

    return Operation(newest.calls + reading.calls, read)


def find_threads_with(
    account_id: str, thread_ids: Sequence[str], mailbox_ids: Collection[str]
) -> Operation[frozenset[str]]:
    """Find the threads (RFC 8621 section 3) that hold a mail in one of the mailboxes.

    The mails of all these threads are read by one call. If there are more mails than
    maxObjectsInGet, the operation ends in MethodError ``requestTooLarge``.
    """
    threads = get("Thread", account_id, thread_ids, _email_ids)

    def thread_and_mailboxes(value: Any) -> tuple[str, frozenset[str]]:
        return string(value["threadId"]), frozenset(value["mailboxIds"].keys())

    reading = get(
        "Email",
        account_id,
        threads.at("/list/*/emailIds"),
        thread_and_mailboxes,
        properties=["id", "threadId", "mailboxIds"],
    )

    def read(results: Results) -> frozenset[str]:
        threads.read(results)  # If Thread/get is refused, its error says why Email/get fails too.
        wanted = set(mailbox_ids)
        return frozenset(
            thread_id for thread_id, places in reading.read(results).objects if places & wanted
        )

    return Operation(threads.calls + reading.calls, read)


def get_thread(account_id: str, thread_id: str) -> Operation[tuple[str, ...]]:
    """Read the ids of a thread's mails; no ids if the thread does not exist any more."""
    reading = get("Thread", account_id, [thread_id], _email_ids)
    return Operation(
        reading.calls,
        lambda results: tuple(
            email_id for members in reading.read(results).objects for email_id in members
        ),
    )


def _email_ids(value: Any) -> list[str]:
    return [string(email_id) for email_id in value["emailIds"]]
