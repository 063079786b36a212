"""One account's mail: everything that needs more than one call. Knows nothing of screening."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from mailroom.jmap.client import JmapClient
from mailroom.jmap.email_methods import get_created, get_identities
from mailroom.jmap.email_store import EmailStore
from mailroom.jmap.habits import Limitation
from mailroom.jmap.importing import MESSAGE, ImportedEmail, import_email
from mailroom.jmap.mail import CreatedEmails, Email, Filter
from mailroom.jmap.mailboxes import Mailbox, find_mailbox_ids, get_mailboxes
from mailroom.jmap.paging import READINGS, are_steady, remaining_pages
from mailroom.jmap.queries import EmailPage, find_emails
from mailroom.jmap.request import Operation
from mailroom.jmap.session import MAIL, SUBMISSION, Session
from mailroom.waiting.batches import batches
from mailroom.waiting.concurrency import all_of

T = TypeVar("T")


class MailAccount(EmailStore):
    """Finds, reads and patches the mail of one account.

    Args:
        client: the client of the server.
        session: the session when the account was opened.
        account_id: the account's id.

    Attributes:
        mailbox_sizes: mailbox id -> the number of mails in it (None if the server does not report
            it), as the last :meth:`all_mailboxes` read it.
    """

    def __init__(self, client: JmapClient, session: Session, account_id: str) -> None:
        super().__init__(client, session, account_id)
        self.mailbox_sizes: Mapping[str, int | None] = {}

    @classmethod
    async def open(cls, client: JmapClient, *, wanted: str = "") -> "MailAccount":
        """Open the account ``wanted`` by the user; if that is empty, the primary account for mail.

        Raises:
            HttpError: the server cannot be reached.
            SessionError: there is no such account.
        """
        session = await client.session()
        return cls(client, session, session.account_for(MAIL, wanted=wanted))

    @property
    def is_read_only(self) -> bool:
        """True if the credentials may only read the account (RFC 8620 section 2)."""
        return self.id in self._session.read_only_accounts

    async def refresh(self) -> None:
        """Use the server's present session, which is fetched if a response said that it changed.

        Raises:
            HttpError: the server cannot be reached.
            SessionError: the account is no longer there.
        """
        session = await self.client.session()
        session.account_for(MAIL, wanted=self.id)
        self._session = session

    def identities(self) -> Operation[tuple[str, ...]]:
        """Return the operation that reads the user's own addresses.

        If the credentials may not read identities, only the user name is returned, or nothing if it
        is not an address.
        """
        username = (self._session.username,) if "@" in self._session.username else ()
        if SUBMISSION not in self._session.accounts[self.id]:
            return Operation((), lambda _: username)
        return get_identities(self.id)

    async def mailboxes(self) -> tuple[Mailbox, ...]:
        """Read every mailbox.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        (mailboxes,) = await self.client.perform(get_mailboxes(self.id))
        return await self.all_mailboxes(mailboxes)

    async def all_mailboxes(self, returned: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
        """Return all mailboxes: those that the server returned for all, and any that it left out.

        Some servers return only the first maxObjectsInGet. Raises as :meth:`mailboxes`.
        """
        limit = self._session.limits.max_objects_in_get
        if len(returned) >= limit:
            ids = list[str]()
            while page := (await self.client.perform(find_mailbox_ids(self.id, len(ids))))[0]:
                ids += page
            known = {mailbox.id for mailbox in returned}
            missing = [mailbox_id for mailbox_id in dict.fromkeys(ids) if mailbox_id not in known]
            if missing:
                self.habits.learn(Limitation.WHOLE_LISTS)
            rest = await self.client.perform_all(
                [get_mailboxes(self.id, part) for part in batches(missing, limit)]
            )
            returned += tuple(mailbox for part in rest for mailbox in part)
        self.mailbox_sizes = {mailbox.id: mailbox.total_emails for mailbox in returned}
        return returned

    @property
    def calls_at_once(self) -> int:
        """The number of method calls that one request may hold."""
        return self._session.limits.max_calls_in_request

    async def import_mail(
        self,
        message: bytes,
        *,
        mailbox_ids: Collection[str],
        keywords: Collection[str],
        received_at: datetime,
        if_in_state: str | None = None,
    ) -> ImportedEmail:
        """Put a message (RFC 5322) into mailboxes without sending it.

        The arguments are those of :func:`mailroom.jmap.importing.import_email`. After an
        UnreachableError whose request was sent, nobody knows if the message was imported.

        Raises:
            HttpError, JmapError: the server cannot be asked, or is in another state.
            ImportRefusedError: the server did not accept the message.
        """
        blob_id = await self.client.upload(self.id, message, MESSAGE)
        importing = import_email(
            self.id,
            blob_id,
            mailbox_ids=mailbox_ids,
            keywords=keywords,
            received_at=received_at,
            if_in_state=if_in_state,
        )
        # A message that is imported twice is two mails on some servers.
        (imported,) = await self.client.perform_all([importing], repeatable=False)
        return imported

    def first_page(self, email_filter: Filter, *, also: Sequence[str] = ()) -> Operation[EmailPage]:
        """Return the operation that reads a query's first page.

        :meth:`whole_result` reads the other pages. ``also`` are further properties to read.
        """
        return find_emails(self.id, email_filter, limit=self.page_size, also=also)

    def created(self, since: str, *, also: Sequence[str] = ()) -> Operation[CreatedEmails | None]:
        """Return the operation that reads the first page of mail created since a state.

        See :func:`mailroom.jmap.email_methods.get_created`.
        """
        return get_created(self.id, since, also=also, limit=self.page_size)

    async def find(
        self,
        filters: Sequence[Filter],
        *,
        preceded_by: Sequence[Operation[T]] = (),
        also: Sequence[str] = (),
    ) -> tuple[list[T], tuple[Email, ...]]:
        """Find all mails that match any of the filters, each once, oldest first.

        Args:
            filters: the filters.
            preceded_by: operations that are carried out first; they must be safe to repeat.
            also: further properties to read.

        Raises:
            HttpError, JmapError: see :meth:`JmapClient.perform_all`.
        """
        queries = [self.first_page(email_filter, also=also) for email_filter in filters]
        done, first_pages = await self.client.perform_in_turn(preceded_by, queries)
        return done, await self.all_pages(filters, first_pages, also=also)

    async def all_pages(
        self,
        filters: Sequence[Filter],
        first_pages: Sequence[EmailPage],
        *,
        also: Sequence[str] = (),
    ) -> tuple[Email, ...]:
        """Read the results of several queries whose first pages are known; see :meth:`find`."""
        parts = await all_of(
            self.whole_result(email_filter, first, also=also)
            for email_filter, first in zip(filters, first_pages, strict=True)
        )
        emails = {email.id: email for part in parts for email in part}
        return tuple(sorted(emails.values(), key=lambda email: (email.received_at, email.id)))

    async def whole_result(
        self,
        email_filter: Filter,
        first: EmailPage,
        *,
        also: Sequence[str] = (),
        expected: int | None = None,
    ) -> tuple[Email, ...]:
        """Read the whole result of a query whose first page is known.

        A result that changes while it is read is read again, and the readings are united. So a mail
        that moves from one page to another is not missed.

        Args:
            email_filter: the filter of the query.
            first: the first page.
            also: the further properties that the first page was read with.
            expected: the number of mails, if it is known from elsewhere than the total.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """

        async def ask(positions: Sequence[int]) -> Sequence[EmailPage]:
            size = self.page_size
            return await self.client.perform_all(
                [
                    find_emails(self.id, email_filter, position=position, limit=size, also=also)
                    for position in positions
                ]
            )

        emails = dict[str, Email]()
        for reading in range(READINGS):
            if reading:
                (first,) = await ask([0])
            rest = await remaining_pages(first, ask, self.habits, expected=expected)
            emails |= {email.id: email for page in (first, *rest) for email in page.emails}
            if are_steady([first, *rest]):
                break
        return tuple(emails.values())
