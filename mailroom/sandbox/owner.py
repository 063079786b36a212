"""Delivers, lists and labels mail in a sandbox account, as its owner and a mail exchanger do.

No protocol is involved. Mailboxes are named by their paths, ``Inbox/Screener``. Call the methods in
the event loop that serves the sandbox, because they wake push.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from mailroom.sandbox.message import Message
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.sandbox.store import Mailbox, Violation


@dataclass(frozen=True, slots=True)
class SeenMail:
    """A mail as its owner sees it. ``sender`` is the name, else the address, else empty."""

    id: str
    subject: str
    sender: str
    address: str
    received_at: datetime
    mailboxes: frozenset[str]
    keywords: frozenset[str]


class OwnerConsole:
    """The owner's operations on one account.

    Args:
        account: the account.
    """

    def __init__(self, account: SandboxAccount) -> None:
        self.account = account
        self._store = account.mail

    def mailboxes(self) -> dict[str, str]:
        """Return the id of every mailbox, by path."""
        return {self._path(mailbox): mailbox.id for mailbox in self._store.mailboxes.values()}

    def _path(self, mailbox: Mailbox) -> str:
        if mailbox.parent_id is None:
            return mailbox.name
        return f"{self._path(self._store.mailboxes[mailbox.parent_id])}/{mailbox.name}"

    def _id(self, path: str) -> str:
        try:
            return self.mailboxes()[path]
        except KeyError:
            raise LookupError(f"there is no mailbox {path!r}") from None

    def create_mailbox(self, path: str) -> str:
        """Make a mailbox and its missing parents; return the id of the mailbox."""
        if path in (known := self.mailboxes()):
            return known[path]
        above, _, name = path.rpartition("/")
        parent_id = self.create_mailbox(above) if above else None
        return self._store.create_mailbox(name, parent_id=parent_id).id

    def destroy_mailbox(self, path: str) -> None:
        """Remove a mailbox, and every mail that is in no other mailbox."""
        self._store.destroy_mailbox(self._id(path))

    def deliver(
        self,
        message: bytes,
        *,
        mailboxes: Collection[str] = ("Inbox",),
        keywords: Collection[str] = (),
        received_at: datetime | None = None,
    ) -> str:
        """Deliver a mail, as LMTP and the provider's rules would, and return its id.

        LMTP puts a trace field on top (RFC 5321 section 4.4): a Received field with the time of
        the delivery, which is also the mail's ``receivedAt``.

        Args:
            message: RFC 5322.
            mailboxes: paths of the mailboxes of the mail.
            keywords: the keywords of the mail.
            received_at: the time of the delivery; None: now.

        Raises:
            LookupError: a mailbox does not exist.
        """
        when = received_at or datetime.now(UTC)
        date = format_datetime(when.astimezone(UTC))
        trace = f"Received: from mx.sandbox.example by sandbox.example with LMTP;\r\n\t{date}\r\n"
        return self.append(
            trace.encode() + message, mailboxes=mailboxes, keywords=keywords, received_at=when
        )

    def append(
        self,
        message: bytes,
        *,
        mailboxes: Collection[str] = ("Inbox",),
        keywords: Collection[str] = (),
        received_at: datetime | None = None,
    ) -> str:
        """Store an unchanged mail, as IMAP's APPEND or Email/import would, and return its id.

        The arguments and errors are those of :meth:`deliver`.
        """
        email = self._store.add(
            Message.read(message),
            mailbox_ids=[self._id(path) for path in mailboxes],
            keywords=keywords,
            received_at=received_at or datetime.now(UTC),
        )
        return email.id

    def renumber(self) -> dict[str, str]:
        """Change the id of every mail without a new state; return old id -> new id.

        Fastmail has changed ids of accounts in use in this way.
        """
        return self._store.renumber()

    def label(self, mail_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Add a mail to mailboxes and remove it from others, in one step.

        Raises:
            LookupError: there is no such mail or mailbox.
            LastMailboxError: the mail would be in no mailbox.
        """
        if mail_id not in self._store.emails:
            raise LookupError(f"there is no mail {mail_id!r}")
        email = self._store.emails[mail_id]
        added, removed = set(map(self._id, add)), set(map(self._id, remove))
        self._store.file(mail_id, (email.mailbox_ids | added) - removed, email.keywords)

    def mails(self, mailbox: str = "") -> list[SeenMail]:
        """Return every mail, or the mails in one mailbox, oldest first.

        Raises:
            LookupError: there is no such mailbox.
        """
        store = self._store
        emails = store.emails_in(self._id(mailbox)) if mailbox else store.emails.values()
        paths = {mailbox_id: path for path, mailbox_id in self.mailboxes().items()}
        seen = []
        for email in sorted(emails, key=lambda email: (email.received_at, email.number)):
            sender = next(iter(email.message.senders), None)
            seen.append(
                SeenMail(
                    id=email.id,
                    subject=email.message.subject,
                    sender="" if sender is None else sender.name or sender.email,
                    address="" if sender is None else sender.email,
                    received_at=email.received_at,
                    mailboxes=frozenset(map(paths.__getitem__, email.mailbox_ids)),
                    keywords=email.keywords,
                )
            )
        return seen

    @property
    def violations(self) -> list[Violation]:
        """Every attempt so far to leave a mail in no mailbox."""
        return list(self._store.violations)
