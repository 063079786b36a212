"""Read all facts that a pass needs, in as few steps as possible. Reads only."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from mailroom.jmap.errors import MethodError
from mailroom.jmap.habits import Limitation
from mailroom.jmap.mail import CreatedEmails, Email, Filter
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.mailboxes import get_mailboxes
from mailroom.jmap.queries import EmailPage, find_any
from mailroom.jmap.request import Operation, Results
from mailroom.screener.arrivals.new_mail import FirstResponse, NewMail, NewMailFinder
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.keywords import WAIVED
from mailroom.screener.model.places import Directory, Places, locate
from mailroom.screener.search.filters import Mailboxes, note_refused_filter
from mailroom.screener.search.mail_search import MailSearch, Search
from mailroom.screener.search.own_addresses import OwnAddresses, in_doubt, senders_of
from mailroom.screener.search.people import SENDERS

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GatheredMail:
    """The mails with a label that people tap or with the error label, and further facts.

    Attributes:
        emails: the mails, oldest first.
        new_mail: the mail that came since the last pass; None if new mail is not screened.
        directory: all mailboxes, to name them.
        places: the ids of the mailboxes.
        own_addresses: the identities, which may be ``*@domain``, and the other addresses from which
            the user has sent or drafted mail.
        has_waived: True if there may be mail that was waived (:data:`WAIVED`).
        state: the Email state before the searches. Every change that the searches do not show is
            later than this state. Empty if no state is known.
    """

    emails: tuple[Email, ...]
    new_mail: NewMail | None
    directory: Directory
    places: Places
    own_addresses: tuple[str, ...]
    has_waived: bool
    state: str

    @property
    def waiting(self) -> int | None:
        """The number of mails in the Screener; None if the server does not report it."""
        return self.directory.total_emails(self.places.screener)


class Gatherer:
    """Reads labelled mail, new mail, and the mail of senders.

    A pass searches in the mailboxes whose ids the last pass found, so that one request finds the
    labelled mail. The same request reads the present mailboxes. If their ids differ, the pass
    searches again.

    Args:
        account: the account.
        categories: the categories.
        layout: the other mailboxes and names.
        new_mail_finder: finds new mail; None if new mail is not screened.
    """

    def __init__(
        self,
        account: MailAccount,
        categories: Categories,
        layout: Layout,
        new_mail_finder: NewMailFinder | None,
    ) -> None:
        self._account = account
        self._finder = new_mail_finder
        self._categories = categories
        self._layout = layout
        self._own = OwnAddresses(account)
        self._places: Places | None = None
        self._missing_labels: tuple[str, ...] = ()
        self._search = MailSearch(account, SENDERS)
        self._waived_search = MailSearch(account, SENDERS, keyword=WAIVED)

    async def directory(self) -> Directory:
        """Read the mailboxes."""
        return Directory(await self._account.mailboxes())

    def expect(self, directory: Directory) -> None:
        """Begin with these mailboxes. The first pass notices if they have changed.

        Raises:
            MissingError: mailboxes are missing.
        """
        self._places = self._locate(directory)

    async def gather(self) -> GatheredMail:
        """Read new mail, and every mail with a label that people tap or with the error label.

        Raises:
            MissingError: mailboxes are missing.
            HttpError, JmapError: the server cannot be asked.
        """
        await self._account.refresh()
        places = self._places or self._locate(await self.directory())
        # If this pass fails, the next one must not trust the remembered ids.
        self._places = None
        try:
            gathered = await self._read(places, filter_errors=("unsupportedFilter",))
        except MethodError:
            # A label that was deleted cannot be searched for, so read the mailboxes anew.
            gathered = None
        if gathered is None:
            places = self._locate(await self.directory())
            # The ids are fresh now, so invalid arguments no longer mean a deleted mailbox.
            filter_errors = ("unsupportedFilter", "invalidArguments")
            gathered = await self._read(places, filter_errors=filter_errors)
        if gathered is None:
            raise MethodError("Mailbox/get", "serverFail", "mailboxes change all the time")
        self._places = gathered.places
        missing = gathered.places.missing_labels
        if missing != self._missing_labels:
            self._missing_labels = missing
            if missing:
                log.warning(
                    "labels missing (`mailroom setup --apply` creates them)", labels=missing
                )
            else:
                log.info("no label is missing any more")
        return gathered

    async def _read(self, places: Places, *, filter_errors: Collection[str]) -> GatheredMail | None:
        """Search with filters that the server accepts; return None if the mailboxes changed.

        ``filter_errors`` are the types of errors that mean that the server cannot search with such
        a filter.
        """
        while True:
            try:
                return await self._read_once(places)
            except MethodError as error:
                habits = self._account.habits
                if error.type not in filter_errors or not note_refused_filter(habits):
                    raise

    async def _read_once(self, places: Places) -> GatheredMail | None:
        """Search by the known ids of mailboxes, and read the present ids; None if they differ."""
        known = frozenset(self._account.mailbox_sizes)
        labels = places.tap_labels | {places.error}
        filters = Mailboxes(labels, known).filters(self._account.habits)
        empty_operation: Operation[FirstResponse] = Operation((), lambda _: None)
        operations: list[Operation[Any]] = [
            *(self._account.first_page(email_filter) for email_filter in filters),
            get_mailboxes(self._account.id),
            self._own.addresses(places),
            _any_waived(self._account.id, places),
            empty_operation if self._finder is None else self._finder.first_operation(places),
        ]
        *pages, mailboxes, own, has_waived, first = await self._account.client.perform_all(
            operations
        )
        directory = Directory(await self._account.all_mailboxes(mailboxes))
        places_now = self._locate(directory)
        if places_now != places or (
            # A filter may list the mailboxes in which no mail is searched for. A mailbox that was
            # created meanwhile is not on that list, so its mail is found as well.
            Limitation.SEVERAL_MAILBOXES in self._account.habits
            and known != frozenset(self._account.mailbox_sizes)
        ):
            return None
        emails = await self._all_labelled(filters, pages, labels)
        new_mail = None if self._finder is None else await self._finder.new_mail(first, places)
        # The server may have put off a part of the request, which was then read later than the
        # rest. In that case the states differ, nobody knows which one came first, and ``state`` is
        # empty. Then no update is held to a state, and every push counts as others' change.
        states = {page.state for page in pages} | ({new_mail.state} if new_mail else set())
        state = states.pop() if len(states) == 1 else ""
        return GatheredMail(emails, new_mail, directory, places_now, own, has_waived, state)

    async def _all_labelled(
        self, filters: Sequence[Filter], first_pages: Sequence[EmailPage], labels: frozenset[str]
    ) -> tuple[Email, ...]:
        """Return all labelled mail; read no further pages if the mailboxes hold no further mail."""
        emails: Iterable[Email] = {
            email.id: email for page in first_pages for email in page.emails
        }.values()
        counts = Counter(mailbox_id for email in emails for mailbox_id in email.mailbox_ids)
        sizes = self._account.mailbox_sizes
        if any(sizes.get(label) != counts[label] for label in labels):
            emails = await self._account.all_pages(filters, first_pages)
        labelled = (email for email in emails if email.mailbox_ids & labels)
        return tuple(sorted(labelled, key=lambda email: (email.received_at, email.id)))

    async def own_among(self, addresses: Iterable[str], gathered: GatheredMail) -> frozenset[str]:
        """Return the addresses that are the user's own, although they are no identity.

        Only addresses at the domain of an identity ``*@domain`` are searched for.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        doubted, places = in_doubt(addresses, gathered.own_addresses), gathered.places
        mailboxes = places.sent | places.drafts
        if not (doubted and mailboxes):
            return frozenset()
        _, emails = await self.mail_of([Search(doubted, mailboxes)])
        return doubted & senders_of(email for email in emails if email.mailbox_ids & mailboxes)

    def _locate(self, directory: Directory) -> Places:
        return locate(directory, self._categories, self._layout)

    async def mail_of(
        self, searches: Sequence[Search], *, preceded_by: Sequence[Operation[T]] = ()
    ) -> tuple[list[T], tuple[Email, ...]]:
        """Find the mail of senders. The result may hold mail of others too, so compare From.

        Other operations can be carried out before, in the same request if there is room for them.

        Args:
            searches: the senders and the mailboxes.
            preceded_by: operations that are carried out before the search. Must be safe to repeat.
        """
        return await self._search.find(searches, preceded_by=preceded_by)

    async def waived_mail_of(self, addresses: frozenset[str], places: Places) -> tuple[Email, ...]:
        """Find the waived mail of senders. The result may hold mail of others too."""
        _, mails = await self._waived_search.find([Search(addresses, places.archive)])
        return mails

    async def late_mail_of(
        self, searches: Sequence[Search], *, since: str, preceded_by: Sequence[Operation[T]] = ()
    ) -> tuple[list[T], tuple[Email, ...]]:
        """Find the mail of senders, including mail that came a moment ago; see :meth:`mail_of`.

        A search index that lags behind lacks this mail, so the changes since a state are read as
        well. If searches by header are known to lack mail, the mailboxes are listed, and the
        changes are not read, because a list lacks no mail.
        """
        if not since or Limitation.HEADERS in self._account.habits:
            return await self.mail_of(searches, preceded_by=preceded_by)
        operations: list[Operation[Any]] = [*preceded_by, self._account.created(since)]
        (*results, created), found = await self.mail_of(searches, preceded_by=operations)
        emails = {email.id: email for email in found}
        mailboxes = frozenset[str]().union(*(search.mailboxes for search in searches))
        # If the server cannot calculate the changes (None), the search has to be enough.
        while isinstance(created, CreatedEmails):
            emails |= {email.id: email for email in created.emails if email.mailbox_ids & mailboxes}
            if not created.has_more:
                break
            (created,) = await self._account.client.perform(
                self._account.created(created.new_state)
            )
        return results, tuple(emails.values())


def _any_waived(account_id: str, places: Places) -> Operation[bool]:
    """Return an operation whose result is True if there may be waived mail."""
    if not places.archive:
        return Operation((), lambda _: False)
    query = find_any(account_id, {"hasKeyword": WAIVED})

    def read(results: Results) -> bool:
        try:
            return query.read(results)
        except MethodError:
            # A server that cannot search by keyword is asked for the mail itself.
            return True

    return Operation(query.calls, read)
