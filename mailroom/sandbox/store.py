"""An account's mailboxes and mails, and the log of their changes. Pure state: no I/O, no JMAP.

Every write passes one check that refuses to leave a mail in no mailbox, and records the attempt.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha1
from itertools import count
from typing import Final

from mailroom.sandbox.contents import Contents
from mailroom.sandbox.history import History
from mailroom.sandbox.message import Message, as_message_ids, referred
from mailroom.sandbox.naming import email_id, mailbox_id
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.states import States

_TYPES: Final = ("Mailbox", "Email")
"""A change of one of these types is announced as a change of both, as on Cyrus."""
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


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
    blob_id: str
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
    """Somebody tried to take a mail out of its last mailbox."""

    email_id: str
    subject: str


class LastMailboxError(Exception):
    """A mail would be in no mailbox; nothing was changed."""


class MailStore:
    """The mail of one account.

    Args:
        states: told of every change.
        name: whose it is; makes ids differ from other accounts'.
        clock: seconds that never go back.
        quirks: when a mail can be found by searching, and what is told of a move.

    Attributes:
        mailboxes: by id.
        emails: by id.
        violations: every attempt to leave a mail in no mailbox, whether refused or not.
    """

    def __init__(
        self, states: States, *, name: str, clock: Callable[[], float], quirks: Quirks
    ) -> None:
        self.mailboxes: dict[str, Mailbox] = {}
        self.emails: dict[str, Email] = {}
        self.violations: list[Violation] = []
        self.email_history = History()
        self.thread_history = History()
        self.mailbox_history = History()
        self.properties_history = History()
        self._states = states
        self._name = name
        self._clock = clock
        self._quirks = quirks
        self._numbers = count(1)
        self._threads: dict[str, str] = {}
        self._members: dict[str, set[str]] = {}
        self._contents = Contents()

    def state(self) -> int:
        """The present state of mailboxes, mails and threads alike."""
        return self._states.of(*_TYPES)

    def _changed(self) -> int:
        return self._states.changed(*_TYPES)

    # Mailboxes

    def create_mailbox(self, name: str, **more: str | int | bool | None) -> Mailbox:
        """Make a mailbox; ``more`` are attributes of :class:`Mailbox`."""
        form = "digits" if name in self._quirks.digit_ids else self._quirks.serving.ids
        blank = Mailbox(mailbox_id(form, self._name, next(self._numbers)), name)
        mailbox = replace(blank, **more)  # type: ignore[arg-type] # checked by who calls
        self.mailboxes[mailbox.id] = mailbox
        state = self._changed()
        self.mailbox_history.created(mailbox.id, state)
        self.properties_history.created(mailbox.id, state)
        return mailbox

    def change_mailbox(self, mailbox: Mailbox) -> None:
        """Replace the mailbox that has this id."""
        self.mailboxes[mailbox.id] = mailbox
        state = self._changed()
        self.mailbox_history.updated(mailbox.id, state)
        self.properties_history.updated(mailbox.id, state)

    def destroy_mailbox(self, mailbox_id: str) -> None:
        """Remove a mailbox, and every mail that is in no other mailbox."""
        for email in self.emails_in(mailbox_id):
            if email.mailbox_ids == {mailbox_id}:
                self.destroy(email.id)
            else:
                self.file(email.id, email.mailbox_ids - {mailbox_id}, email.keywords)
        del self.mailboxes[mailbox_id]
        state = self._changed()
        self.mailbox_history.destroyed(mailbox_id, state)
        self.properties_history.destroyed(mailbox_id, state)

    def children_of(self, mailbox_id: str) -> list[Mailbox]:
        """The mailboxes right below one."""
        return [each for each in self.mailboxes.values() if each.parent_id == mailbox_id]

    def emails_in(self, *mailbox_ids: str) -> list[Email]:
        """Return the mails in any of some mailboxes, each once."""
        return [self.emails[each] for each in self._contents.of(mailbox_ids)]

    def _counted(self, mailbox_ids: Iterable[str]) -> None:
        """Record that the counts of these mailboxes changed."""
        for each in mailbox_ids:
            self.mailbox_history.updated(each, self._changed())

    # Mails

    def add(
        self,
        message: Message,
        *,
        mailbox_ids: Collection[str],
        keywords: Collection[str] = (),
        received_at: datetime,
    ) -> Email:
        """Take a mail in.

        Raises:
            LastMailboxError: it would be in no mailbox.
            KeyError: there is no such mailbox.
        """
        email = replace(
            self._new(message),
            received_at=received_at.replace(microsecond=0),
            mailbox_ids=frozenset(mailbox_ids),
            keywords=frozenset(keywords),
        )
        self._check(email, email.mailbox_ids)
        self.emails[email.id] = email
        self._contents.move(email.id, frozenset(), email.mailbox_ids)
        state = self._changed()
        self.email_history.created(email.id, state)
        self._join(email, state)
        self._counted(email.mailbox_ids)
        return email

    def _new(self, message: Message) -> Email:
        """A mail as it is before it is filed."""
        self._hold_up_indexer()
        number = next(self._numbers)
        unique = f"{self._name} {number}".encode() + message.raw
        digest = sha1(unique, usedforsecurity=False).hexdigest()
        return Email(
            id=email_id(self._quirks.serving.ids, digest, number),
            blob_id=f"G{digest}",
            thread_id=self._thread_of(message, new=f"T{digest[:16]}"),
            message=message,
            received_at=_EPOCH,
            number=number,
            record=number,
            indexed_at=self._next_indexing(),
            mailbox_ids=frozenset(),
            keywords=frozenset(),
        )

    def _next_indexing(self) -> float | None:
        lag = self._quirks.index_lag
        return None if lag is None else self._clock() + lag

    def _hold_up_indexer(self) -> None:
        """Restart the wait of mail for the idle indexer, because other mail has come."""
        if not self._quirks.querying.indexes_when_idle:
            return
        now = self._clock()
        for each in self.emails.values():
            if each.indexed_at is not None and each.indexed_at > now:
                self.emails[each.id] = replace(each, indexed_at=self._next_indexing())

    def _check(self, email: Email, mailbox_ids: frozenset[str]) -> None:
        if not mailbox_ids:
            self.violations.append(Violation(email.id, email.message.subject))
            raise LastMailboxError
        for each in mailbox_ids:
            self.mailboxes[each]  # raises KeyError

    def file(self, email_id: str, mailbox_ids: Collection[str], keywords: Collection[str]) -> None:
        """Put a mail into exactly these mailboxes, with exactly these keywords.

        Raises:
            LastMailboxError: it would be in no mailbox.
            KeyError: there is no such mail or mailbox.
        """
        before = self.emails[email_id]
        after = replace(before, mailbox_ids=frozenset(mailbox_ids), keywords=frozenset(keywords))
        self._check(before, after.mailbox_ids)
        if after == before:
            return
        if self._quirks.querying.moved_is_new and after.mailbox_ids - before.mailbox_ids:
            indexed_at = self._next_indexing()
            after = replace(after, record=next(self._numbers), indexed_at=indexed_at)
        left = before.mailbox_ids - after.mailbox_ids
        self.emails[email_id] = replace(after, has_moved=before.has_moved or bool(left))
        self._contents.move(email_id, before.mailbox_ids, after.mailbox_ids)
        is_created = self._quirks.entered_is_created and after.mailbox_ids - before.mailbox_ids
        note = self.email_history.created if is_created else self.email_history.updated
        note(email_id, self._changed())
        self._counted((before.mailbox_ids | after.mailbox_ids) & self.mailboxes.keys())

    def renumber(self) -> dict[str, str]:
        """Change the id of every mail without a new state; return the new ids by the old ones."""
        new = {old: f"{old}-{next(self._numbers)}" for old in self.emails}
        self.emails = {new[old]: replace(each, id=new[old]) for old, each in self.emails.items()}
        self._contents.rename(new)
        self._members = {
            thread_id: {new[each] for each in members}
            for thread_id, members in self._members.items()
        }
        self.email_history.rename(new)
        return new

    def destroy(self, email_id: str) -> None:
        """Remove a mail for good."""
        email = self.emails.pop(email_id)
        self._contents.move(email_id, email.mailbox_ids)
        state = self._changed()
        self.email_history.destroyed(email_id, state)
        self._leave(email, state)
        self._counted(email.mailbox_ids)

    def thread(self, thread_id: str) -> list[Email]:
        """The mails of a thread, oldest first."""
        found = [self.emails[each] for each in self._members.get(thread_id, ())]
        return sorted(found, key=lambda each: (each.received_at, each.number))

    def _thread_of(self, message: Message, *, new: str) -> str:
        """The thread of the mails that a message refers to, or that refer to it."""
        own = as_message_ids(message.last("Message-ID") or "") or []
        names = [*own, *referred(message)]
        thread_id = next((self._threads[each] for each in names if each in self._threads), new)
        for each in names:
            self._threads.setdefault(each, thread_id)
        return thread_id

    def _join(self, email: Email, state: int) -> None:
        members = self._members.setdefault(email.thread_id, set())
        note = self.thread_history.updated if members else self.thread_history.created
        members.add(email.id)
        note(email.thread_id, state)

    def _leave(self, email: Email, state: int) -> None:
        members = self._members[email.thread_id]
        members.remove(email.id)
        note = self.thread_history.updated if members else self.thread_history.destroyed
        note(email.thread_id, state)
