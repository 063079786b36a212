"""An account's mailboxes and mails, and the log of their changes. Pure state: no I/O, no JMAP.

Every write passes one check that refuses to leave a mail in no mailbox, and records the attempt.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha1
from typing import Final

from mailroom.sandbox.context import AccountContext
from mailroom.sandbox.history import History
from mailroom.sandbox.message import Message, as_message_ids, referred_ids

_BLOBS: Final = 100
"""Uploads that an account keeps."""
_TYPES: Final = ("Mailbox", "Email")
"""A change of one of these types is announced as a change of both, as on Cyrus."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox (RFC 8621 section 2)."""

    id: str
    name: str
    parent_id: str | None = None
    role: str | None = None
    sort_order: int = 10
    is_subscribed: bool = False


@dataclass(frozen=True, slots=True)
class Email:
    """A mail.

    Attributes:
        message: the message.
        received_at: the time of the delivery, to the second.
        number: counts up with every mail.
        record: the number of the index record; grows if a moved mail is indexed again.
        indexed_at: the time of the store's clock when a search can find the mail; None: never.
        has_moved: True if the mail has ever left a mailbox.
    """

    id: str
    thread_id: str
    message: Message
    received_at: datetime
    number: int
    record: int
    indexed_at: float | None
    mailbox_ids: frozenset[str]
    keywords: frozenset[str]
    has_moved: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """An attempt to remove a mail from its last mailbox."""

    email_id: str
    subject: str


class LastMailboxError(Exception):
    """A mail would be in no mailbox; nothing was changed."""


class MailStore:
    """The mail of one account.

    Args:
        context: the account.

    Attributes:
        mailboxes: by id.
        emails: by id.
        email_history: the log for ``Email/changes``.
        violations: every attempt to leave a mail in no mailbox, whether refused or not.
    """

    def __init__(self, context: AccountContext) -> None:
        self.context = context
        self.mailboxes: dict[str, Mailbox] = {}
        self.emails: dict[str, Email] = {}
        self.blobs: dict[str, bytes] = {}
        self.violations: list[Violation] = []
        self.email_history = History()
        self._number = 0
        self._threads: dict[str, str] = {}
        # The ids of the mails by mailbox, so that reading a mailbox does not read every mail.
        self._inside: dict[str, dict[str, None]] = {}

    def state(self) -> int:
        """Return the present state, which mailboxes and mails share."""
        return self.context.states.of(*_TYPES)

    def _record_change(self) -> int:
        return self.context.states.record_change(*_TYPES)

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    # Mailboxes

    def create_mailbox(self, name: str, **more: str | int | bool | None) -> Mailbox:
        """Make a mailbox; ``more`` are attributes of :class:`Mailbox`."""
        quirks, number = self.context.quirks, self._next_number()
        if name in quirks.digit_ids:
            mailbox_id = str(number)
        elif quirks.serving.ids == "compact":
            mailbox_id = f"P-{number:X}"
        else:
            mailbox_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.context.id} {number}"))
        mailbox = replace(Mailbox(mailbox_id, name), **more)  # type: ignore[arg-type] # by callers
        self.mailboxes[mailbox.id] = mailbox
        self._record_change()
        return mailbox

    def change_mailbox(self, mailbox: Mailbox) -> None:
        """Replace a mailbox by this one, which has the same id."""
        self.mailboxes[mailbox.id] = mailbox
        self._record_change()

    def destroy_mailbox(self, mailbox_id: str) -> None:
        """Remove a mailbox, and every mail that is in no other mailbox."""
        for email in self.emails_in(mailbox_id):
            if email.mailbox_ids == {mailbox_id}:
                self.destroy(email.id)
            else:
                self.file(email.id, email.mailbox_ids - {mailbox_id}, email.keywords)
        del self.mailboxes[mailbox_id]
        self._record_change()

    def emails_in(self, *mailbox_ids: str) -> list[Email]:
        """Return the mails in any of these mailboxes, each once."""
        ids = (self._inside.get(mailbox_id, {}) for mailbox_id in mailbox_ids)
        unique = dict.fromkeys(email_id for inside in ids for email_id in inside)
        return [self.emails[email_id] for email_id in unique]

    def count_in(self, mailbox_id: str) -> int:
        """Return the number of mails in a mailbox."""
        return len(self._inside.get(mailbox_id, {}))

    # Mails

    def keep_blob(self, data: bytes) -> str:
        """Keep uploaded data, and return its id. Only the newest uploads are kept."""
        blob_id = f"G{sha1(data, usedforsecurity=False).hexdigest()}"
        self.blobs[blob_id] = data
        while len(self.blobs) > _BLOBS:
            del self.blobs[next(iter(self.blobs))]
        return blob_id

    def add(
        self,
        message: Message,
        *,
        mailbox_ids: Collection[str],
        keywords: Collection[str] = (),
        received_at: datetime,
    ) -> Email:
        """Store a new mail.

        Raises:
            LastMailboxError: the mail would be in no mailbox.
            KeyError: there is no such mailbox.
        """
        if self.context.quirks.querying.indexes_when_idle:
            now = self.context.clock()
            for other in self.emails.values():
                if other.indexed_at is not None and other.indexed_at > now:
                    self.emails[other.id] = replace(other, indexed_at=self._next_indexing())
        number = self._next_number()
        unique = f"{self.context.id} {number}".encode() + message.raw
        digest = sha1(unique, usedforsecurity=False).hexdigest()
        is_compact = self.context.quirks.serving.ids == "compact"
        email = Email(
            id=f"S{number:x}" if is_compact else f"M{digest[:24]}",
            thread_id=self._thread_of(message, new=f"T{digest[:16]}"),
            message=message,
            received_at=received_at.replace(microsecond=0),
            number=number,
            record=number,
            indexed_at=self._next_indexing(),
            mailbox_ids=frozenset(mailbox_ids),
            keywords=frozenset(keywords),
        )
        self._check(email, email.mailbox_ids)
        self.emails[email.id] = email
        self._move(email.id, frozenset(), email.mailbox_ids)
        self.email_history.record_created(email.id, self._record_change())
        return email

    def _thread_of(self, message: Message, *, new: str) -> str:
        """Return the thread of the mails that a message refers to, or that refer to it."""
        own = as_message_ids(message.last("Message-ID") or "") or []
        message_ids = [*own, *referred_ids(message)]
        known = (self._threads[name] for name in message_ids if name in self._threads)
        thread_id = next(known, new)
        for message_id in message_ids:
            self._threads.setdefault(message_id, thread_id)
        return thread_id

    def _next_indexing(self) -> float | None:
        lag = self.context.quirks.index_lag
        return None if lag is None else self.context.clock() + lag

    def _check(self, email: Email, mailbox_ids: frozenset[str]) -> None:
        if not mailbox_ids:
            self.violations.append(Violation(email.id, email.message.subject))
            raise LastMailboxError
        for mailbox_id in mailbox_ids:
            self.mailboxes[mailbox_id]  # raises KeyError

    def _move(
        self, email_id: str, before: frozenset[str], after: frozenset[str] = frozenset()
    ) -> None:
        """Move a mail from the mailboxes in ``before`` to the mailboxes in ``after``."""
        for mailbox_id in before - after:
            del self._inside[mailbox_id][email_id]
        for mailbox_id in after - before:
            self._inside.setdefault(mailbox_id, {})[email_id] = None

    def file(self, email_id: str, mailbox_ids: Collection[str], keywords: Collection[str]) -> None:
        """Put a mail into exactly these mailboxes, with exactly these keywords.

        Raises:
            LastMailboxError: the mail would be in no mailbox.
            KeyError: there is no such mail or mailbox.
        """
        before = self.emails[email_id]
        after = replace(before, mailbox_ids=frozenset(mailbox_ids), keywords=frozenset(keywords))
        self._check(before, after.mailbox_ids)
        if after == before:
            return
        entered = after.mailbox_ids - before.mailbox_ids
        if entered and self.context.quirks.querying.moved_is_new:
            record, indexed_at = self._next_number(), self._next_indexing()
            after = replace(after, record=record, indexed_at=indexed_at)
        left = before.mailbox_ids - after.mailbox_ids
        self.emails[email_id] = replace(after, has_moved=before.has_moved or bool(left))
        self._move(email_id, before.mailbox_ids, after.mailbox_ids)
        is_created = entered and self.context.quirks.entered_is_created
        history = self.email_history
        add_to_history = history.record_created if is_created else history.record_updated
        add_to_history(email_id, self._record_change())

    def renumber(self) -> dict[str, str]:
        """Change the id of every mail without a new state; return old id -> new id."""
        new = {old: f"{old}-{self._next_number()}" for old in self.emails}
        self.emails = {new[old]: replace(email, id=new[old]) for old, email in self.emails.items()}
        self._inside = {
            mailbox_id: {new[email_id]: None for email_id in inside}
            for mailbox_id, inside in self._inside.items()
        }
        self.email_history.rename(new)
        return new

    def destroy(self, email_id: str) -> None:
        """Remove a mail for good."""
        email = self.emails.pop(email_id)
        self._move(email_id, email.mailbox_ids)
        self.email_history.record_destroyed(email_id, self._record_change())

    def threads(self, thread_ids: Iterable[str]) -> dict[str, list[Email]]:
        """Return thread id -> mails, oldest first. A thread that does not exist is left out."""
        wanted = frozenset(thread_ids)
        emails = [email for email in self.emails.values() if email.thread_id in wanted]
        threads: dict[str, list[Email]] = {}
        for email in sorted(emails, key=lambda email: (email.received_at, email.number)):
            threads.setdefault(email.thread_id, []).append(email)
        return threads
