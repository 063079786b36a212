"""Read all facts that a pass needs, in as few steps as possible. Reads only."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mailroom.jmap.errors import MethodError
from mailroom.jmap.habits import Limitation
from mailroom.jmap.mail import Created, Email, Filter
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.mailboxes import get_mailboxes
from mailroom.jmap.queries import Page
from mailroom.jmap.request import Operation
from mailroom.screener.arrivals.inbox import FirstAnswer, Inbox, NewMail
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.places import Directory, Places, locate
from mailroom.screener.search.filters import Mailboxes, learn_how_to_name_mailboxes
from mailroom.screener.search.mail_search import MailSearch, Sweep
from mailroom.screener.search.own_addresses import OwnAddresses, in_doubt, senders_of
from mailroom.screener.search.people import SENDERS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GatheredMail:
    """The mails with a triage label or the error label, and the facts that were read with them.

    Attributes:
        emails: the mails, oldest first.
        new_mail: the mail that came since the last pass; None if new mail is not screened.
        directory: all mailboxes, to name them.
        places: the ids of the mailboxes.
        identities: the user's own addresses.
        state: an Email state from before the searches, so that all later changes come after it;
            empty if there is no such state.
    """

    emails: tuple[Email, ...]
    new_mail: NewMail | None
    directory: Directory
    places: Places
    identities: tuple[str, ...]
    state: str

    @property
    def waiting(self) -> int | None:
        """The number of mails in the Screener; None if the server does not report it."""
        return self.directory.total_emails(self.places.screener)


class Gatherer:
    """Reads labelled mail, new mail, and the mail of senders.

    The mailboxes' ids are remembered from pass to pass, so that one request finds the labelled
    mail. The request reads the mailboxes as well, and is sent again if they have changed.

    Args:
        account: the account.
        categories: the categories.
        layout: the other mailboxes and names.
        inbox: finds new mail; None if new mail is not screened.
    """

    def __init__(
        self,
        account: MailAccount,
        categories: Categories,
        layout: Layout,
        inbox: Inbox | None,
    ) -> None:
        self._account = account
        self._inbox = inbox
        self._categories = categories
        self._layout = layout
        self._own = OwnAddresses(account)
        self._places: Places | None = None
        self._search = MailSearch(account, SENDERS)

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
        """Read every mail with a triage label or the error label, and new mail.

        Raises:
            MissingError: mailboxes are missing.
            HttpError, JmapError: the server cannot be asked.
        """
        await self._account.refresh()
        places = self._places or self._locate(await self.directory())
        self._places = None
        try:
            gathered = await self._look(places, refusals=("unsupportedFilter",))
        except MethodError:
            # A label that was deleted cannot be searched for, so read the mailboxes anew.
            gathered = None
        if gathered is None:
            places = self._locate(await self.directory())
            refusals = ("unsupportedFilter", "invalidArguments")
            gathered = await self._look(places, refusals=refusals)
        if gathered is None:
            raise MethodError("Mailbox/get", "serverFail", "mailboxes change all the time")
        self._places = gathered.places
        return gathered

    async def _look(self, places: Places, *, refusals: Collection[str]) -> GatheredMail | None:
        """Search in a form that the server does not refuse; return None if the mailboxes changed.

        ``refusals`` are the error types that mean that the server does not know the form.
        """
        while True:
            try:
                return await self._look_once(places)
            except MethodError as error:
                habits = self._account.habits
                if error.type not in refusals or not learn_how_to_name_mailboxes(habits):
                    raise

    async def _look_once(self, places: Places) -> GatheredMail | None:
        """Search by the known ids of mailboxes, and read the present ids; None if they differ."""
        known = frozenset(self._account.mailbox_sizes)
        labels = frozenset({*places.labels, places.error})
        filters = Mailboxes(labels, known).filters(self._account.habits)
        operations: list[Operation[Any]] = [
            *(self._account.first_page(each) for each in filters),
            get_mailboxes(self._account.id),
            self._own.addresses(places),
            _nothing() if self._inbox is None else self._inbox.first_request(places),
        ]
        *firsts, told, identities, first_answer = await self._account.client.perform_all(operations)
        directory = Directory(await self._account.all_mailboxes(told))
        now = self._locate(directory)
        if now != places or (
            Limitation.NESTED_MAILBOXES in self._account.habits
            and known != frozenset(self._account.mailbox_sizes)
        ):
            return None
        emails = await self._all_marked(filters, firsts, labels)
        new_mail = None if self._inbox is None else await self._inbox.new_mail(first_answer, places)
        # A part that the server put off was read again later than the others. Of states that
        # differ none can be said to be the first, so nothing is held to one, and no push that
        # tells of one is passed over.
        states = {*(page.state for page in firsts), *([new_mail.state] if new_mail else [])}
        state = states.pop() if len(states) == 1 else ""
        return GatheredMail(emails, new_mail, directory, now, identities, state)

    async def _all_marked(
        self, filters: Sequence[Filter], firsts: Sequence[Page], labels: frozenset[str]
    ) -> tuple[Email, ...]:
        """Return all labelled mail; read further pages unless the mailboxes' sizes show the end."""
        emails = {email.id: email for page in firsts for email in page.emails}
        counts = Counter(each for email in emails.values() for each in email.mailbox_ids)
        sizes = self._account.mailbox_sizes
        if all(sizes.get(each) == counts[each] for each in labels):
            found: Iterable[Email] = emails.values()
        else:
            found = await self._account.all_pages(filters, firsts)
        gathered = (each for each in found if each.mailbox_ids & labels)
        return tuple(sorted(gathered, key=lambda each: (each.received_at, each.id)))

    async def own_among(self, addresses: Iterable[str], gathered: GatheredMail) -> frozenset[str]:
        """Return the addresses that are the user's own, although they are no identity.

        Only addresses at the domain of an identity ``*@domain`` are searched for.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        doubted, places = in_doubt(addresses, gathered.identities), gathered.places
        mailboxes = places.sent | places.drafts
        if not (doubted and mailboxes):
            return frozenset()
        _, emails = await self.mail_of([Sweep(doubted, mailboxes)])
        return doubted & senders_of(each for each in emails if each.mailbox_ids & mailboxes)

    def _locate(self, directory: Directory) -> Places:
        return locate(directory, self._categories, self._layout)

    async def mail_of(
        self, sweeps: Sequence[Sweep], *, after: Sequence[Operation[T]] = ()
    ) -> tuple[list[T], tuple[Email, ...]]:
        """Find the mail of senders, after other operations and if possible in their request.

        The answer may hold mail of others as well, so compare the mails' From.

        Args:
            sweeps: the senders and the mailboxes.
            after: operations that are carried out before. Must be safe to repeat.
        """
        return await self._search.find(sweeps, after=after)

    async def late_mail_of(
        self, sweeps: Sequence[Sweep], *, since: str, after: Sequence[Operation[T]] = ()
    ) -> tuple[list[T], tuple[Email, ...]]:
        """Find the mail of senders, including mail that came a moment ago; see :meth:`mail_of`.

        A search index that is a little late lacks just this mail. So the changes since a state are
        read as well.
        """
        if not since or Limitation.HEADERS in self._account.habits:
            return await self.mail_of(sweeps, after=after)
        further: list[Operation[Any]] = [*after, self._account.created(since)]
        (*done, created), found = await self.mail_of(sweeps, after=further)
        emails = {each.id: each for each in found}
        mailboxes = frozenset[str]().union(*(each.mailboxes for each in sweeps))
        while isinstance(created, Created):
            emails |= {each.id: each for each in created.emails if each.mailbox_ids & mailboxes}
            if not created.has_more:
                break
            (created,) = await self._account.client.perform(
                self._account.created(created.new_state)
            )
        return done, tuple(emails.values())


def _nothing() -> Operation[FirstAnswer]:
    return Operation((), lambda _: None)
