"""What a pass has to know, read in as few steps as can be. Reads only."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mailroom.jmap.account import MailAccount
from mailroom.jmap.errors import MethodError
from mailroom.jmap.habits import Limitation
from mailroom.jmap.mail import Created, Email, Filter
from mailroom.jmap.mailboxes import get_mailboxes
from mailroom.jmap.queries import Page
from mailroom.jmap.request import Operation
from mailroom.screener.arrivals.inbox import Inbox, Look, News
from mailroom.screener.categories import Categories, Layout
from mailroom.screener.filters import Mailboxes, learn_how_to_name_mailboxes
from mailroom.screener.own import OwnAddresses, in_doubt, senders_of
from mailroom.screener.people import SENDERS
from mailroom.screener.places import Directory, Places, locate
from mailroom.screener.search import MailSearch, Sweep

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Marked:
    """The mails that bear a triage label or the error label, and what is needed to read them.

    Attributes:
        emails: oldest first.
        news: what came since the last pass; None where new mail is nobody's business.
        directory: all mailboxes, to name them.
        places: which mailbox is which.
        identities: the user's own addresses.
        state: an Email state behind which nothing was missed.
    """

    emails: tuple[Email, ...]
    news: News | None
    directory: Directory
    places: Places
    identities: tuple[str, ...]
    state: str

    @property
    def waiting(self) -> int | None:
        """How many mails are in the Screener; None if the server did not tell."""
        return self.directory.total_emails(self.places.screener)


class Gatherer:
    """Reads what is labelled, what is new, and the mail of senders.

    The mailboxes' ids are remembered from pass to pass, so that one request is enough to see what
    is labelled; that request reads the mailboxes as well, and if they changed it is sent again.

    Args:
        account: the account.
        categories: where senders can be sent.
        layout: the other mailboxes and names.
        inbox: where new mail is looked for, if anywhere.
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
        """Begin with these mailboxes; if there are others by now, the first look notices.

        Raises:
            MissingError: mailboxes are not there.
        """
        self._places = self._locate(directory)

    async def marked(self) -> Marked:
        """Read every mail with a triage label or the error label, and what is new.

        Raises:
            MissingError: mailboxes are not there.
            HttpError, JmapError: the server cannot be asked.
        """
        await self._account.refresh()
        places = self._places or self._locate(await self.directory())
        self._places = None
        try:
            marked = await self._look(places, refusals=("unsupportedFilter",))
        except MethodError:
            # A label that was deleted cannot be searched for: see which there are now.
            marked = None
        if marked is None:
            places = self._locate(await self.directory())
            refusals = ("unsupportedFilter", "invalidArguments")
            marked = await self._look(places, refusals=refusals)
        if marked is None:
            raise MethodError("Mailbox/get", "serverFail", "mailboxes change all the time")
        self._places = marked.places
        return marked

    async def _look(self, places: Places, *, refusals: Collection[str]) -> Marked | None:
        """Look once, in a form that the server does not refuse; None if the mailboxes changed.

        ``refusals`` are the errors that mean that the server does not know the form.
        """
        while True:
            try:
                return await self._look_once(places)
            except MethodError as error:
                habits = self._account.habits
                if error.type not in refusals or not learn_how_to_name_mailboxes(habits):
                    raise

    async def _look_once(self, places: Places) -> Marked | None:
        """Search under the ids that are known, and read which they are now."""
        known = frozenset(self._account.mailbox_sizes)
        labels = frozenset({*places.labels, places.error})
        filters = Mailboxes(labels, known).filters(self._account.habits)
        operations: list[Operation[Any]] = [
            *(self._account.first_page(each) for each in filters),
            get_mailboxes(self._account.id),
            self._own.look(places),
            _nothing() if self._inbox is None else self._inbox.look(places),
        ]
        *firsts, told, identities, look = await self._account.client.perform_all(operations)
        directory = Directory(await self._account.all_mailboxes(told))
        now = self._locate(directory)
        if now != places or (
            Limitation.NESTED_MAILBOXES in self._account.habits
            and known != frozenset(self._account.mailbox_sizes)
        ):
            return None
        emails = await self._all_marked(filters, firsts, labels)
        news = None if self._inbox is None else await self._inbox.news(look, places)
        # A part that the server put off was read again later than the others. Of states that
        # differ none can be said to be the first, so nothing is held to one, and no push that
        # tells of one is passed over.
        states = {*(page.state for page in firsts), *([news.state] if news else [])}
        state = states.pop() if len(states) == 1 else ""
        return Marked(emails, news, directory, now, identities, state)

    async def _all_marked(
        self, filters: Sequence[Filter], firsts: Sequence[Page], labels: frozenset[str]
    ) -> tuple[Email, ...]:
        """All marked mail; where no total tells, the numbers of mails in the labels do."""
        emails = {email.id: email for page in firsts for email in page.emails}
        counts = Counter(each for email in emails.values() for each in email.mailbox_ids)
        sizes = self._account.mailbox_sizes
        if all(sizes.get(each) == counts[each] for each in labels):
            found: Iterable[Email] = emails.values()
        else:
            found = await self._account.all_pages(filters, firsts)
        marked = (each for each in found if each.mailbox_ids & labels)
        return tuple(sorted(marked, key=lambda each: (each.received_at, each.id)))

    async def own_among(self, addresses: Iterable[str], marked: Marked) -> frozenset[str]:
        """Return those addresses that are the user's, though no identity says so exactly.

        Nothing is asked but about addresses at a domain of which the user may use all.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        doubted, places = in_doubt(addresses, marked.identities), marked.places
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
        """Find the mail of senders, in the same request as (and behind) something else.

        The answer may hold mail of others as well: it has to be compared with Email/get's From.

        Args:
            sweeps: whose mail, and where.
            after: what to do first; must be safe to repeat.
        """
        return await self._search.find(sweeps, after=after)

    async def late_mail_of(
        self, sweeps: Sequence[Sweep], *, since: str, after: Sequence[Operation[T]] = ()
    ) -> tuple[list[T], tuple[Email, ...]]:
        """Find the mail of senders that may have come a moment ago; else as :meth:`mail_of`.

        Just that mail is what an index that is a little late lacks, and what no search has proved
        yet. So new mail is asked for by the changes since a state as well.
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


def _nothing() -> Operation[Look]:
    return Operation((), lambda _: None)
