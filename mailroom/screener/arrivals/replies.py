"""Find new mail that replies to mail that the user has sent. Reads only.

A mail is a reply if its thread holds a mail in Sent, or if it refers to one of the newest mails
in Sent. The thread is not enough: servers put a mail with another subject into another thread (RFC
8621 section 3), and ticket systems change the subject of their replies. A reference is safe: it
needs the Message-ID of the user's mail, which only the recipients of that mail have seen.
"""

from collections.abc import Collection, Sequence
from typing import Final

from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import Email
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.methods import UNKNOWN_METHOD
from mailroom.jmap.request import Operation, Results
from mailroom.jmap.sent_mail import find_threads_with, get_newest_sent, get_thread
from mailroom.waiting.batches import batches
from mailroom.waiting.concurrency import all_of

_NEWEST: Final = 256
"""Mails of Sent whose Message-IDs are compared. Replies to older mail are found by threads only."""
_THREADS: Final = 100
"""The largest number of threads in one call. A second call reads all mails of these threads."""
_TOO_LARGE: Final = "requestTooLarge"
_UNABLE: Final = frozenset({UNKNOWN_METHOD, "invalidArguments", "unsupportedSort"})
"""The types of errors by which a server says that it cannot run a query. Then no reply is found,
and all mail of unknown senders goes to the Screener."""


class Replies:
    """Finds replies to mail that the user has sent.

    Args:
        account: the user's mail.
    """

    def __init__(self, account: MailAccount) -> None:
        self._account = account

    async def among(self, emails: Collection[Email], sent: frozenset[str]) -> frozenset[str]:
        """Return the ids of the mails that reply to a mail in the mailboxes ``sent``.

        This takes one request, unless there are threads of hundreds of mails.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        if not (emails and sent):
            return frozenset()
        threads = sorted({email.thread_id for email in emails} - {""})
        size = min(_THREADS, self._account.page_size)
        parts = [*batches(threads, size)]
        questions = [find_threads_with(self._account.id, part, sent) for part in parts]
        if any(email.refers_to for email in emails):
            newest = min(_NEWEST, self._account.page_size)
            questions += [
                get_newest_sent(self._account.id, mailbox_id, limit=newest).then(
                    lambda sent_mail: sent_mail.message_ids
                )
                for mailbox_id in sorted(sent)
            ]
        results = await self._account.client.perform_all(
            [_tolerant(question) for question in questions]
        )
        too_large = [part for part, result in zip(parts, results, strict=False) if result is None]
        further = await all_of(self._one_by_one(part, sent) for part in too_large)
        threads_with_sent = _united(*results[: len(parts)], *further)
        # Message-IDs and thread ids are compared separately: a stranger can write a mail that
        # refers to a Message-ID which is equal to the id of a thread.
        message_ids = _united(*results[len(parts) :])
        return frozenset(
            email.id
            for email in emails
            if email.thread_id in threads_with_sent or message_ids & set(email.refers_to)
        )

    async def _one_by_one(self, threads: Sequence[str], sent: frozenset[str]) -> frozenset[str]:
        """Find the threads with sent mail among those that are too large to be read together."""
        members = await self._account.client.perform_all(
            [get_thread(self._account.id, thread_id) for thread_id in threads]
        )
        readings = await all_of(self._account.read(email_ids) for email_ids in members)
        return frozenset(
            thread_id
            for thread_id, (_, emails) in zip(threads, readings, strict=True)
            if any(email.mailbox_ids & sent for email in emails)
        )


def _united(*parts: frozenset[str] | None) -> frozenset[str]:
    return frozenset[str]().union(*(part for part in parts if part is not None))


def _tolerant(question: Operation[frozenset[str]]) -> Operation[frozenset[str] | None]:
    """Return an operation whose result is empty if the server cannot run the query.

    The result is None if the response would be too large.
    """

    def read(results: Results) -> frozenset[str] | None:
        try:
            return question.read(results)
        except MethodError as error:
            if error.type == _TOO_LARGE:
                return None
            if error.type in _UNABLE:
                return frozenset()
            raise

    return Operation(question.calls, read)
