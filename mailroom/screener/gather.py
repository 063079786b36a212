"""What a pass has to know, read in as few steps as can be. Reads only."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mailroom.contacts.address import spellings
from mailroom.jmap.account import MailAccount
from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import Email, Filter, get_email_state
from mailroom.jmap.mailboxes import get_mailboxes
from mailroom.jmap.request import Operation, in_order
from mailroom.screener.arrivals.inbox import Inbox, Look, News
from mailroom.screener.categories import Categories, Layout
from mailroom.screener.filters import in_any_and_any, in_any_of
from mailroom.screener.own import OwnAddresses, in_doubt, senders_of
from mailroom.screener.places import Directory, Places, locate

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


@dataclass(frozen=True, slots=True)
class Sweep:
    """Whose mail to look for, and where; ``*@domain`` is everybody there."""

    addresses: frozenset[str]
    mailboxes: frozenset[str]

    def filters(self) -> Iterator[Filter]:
        """Filters that find at least all mail of the addresses in the mailboxes.

        Asked both ways: ``from`` sees through comments, quotes and folding in the address, but
        knows only mail that is in the search index; ``header`` reads the mail itself, letter by
        letter, and is asked for both ends of the address, as a comment may stand between them.
        """
        yield from in_any_and_any(self.mailboxes, map(_is_from, sorted(self.addresses)))


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

    async def directory(self) -> Directory:
        """Read the mailboxes."""
        (mailboxes,) = await self._account.client.perform(get_mailboxes(self._account.id))
        return Directory(mailboxes)

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
            marked = await self._look(places)
        except MethodError:
            # A label that was deleted cannot be searched for: see which there are now.
            places = self._locate(await self.directory())
            marked = await self._look(places)
        if marked.places != places:
            marked = await self._look(marked.places)
        self._places = marked.places
        return marked

    async def _look(self, places: Places) -> Marked:
        """Search under the ids that are known, and read which they are now."""
        email_filter = in_any_of({*places.labels, places.error})
        search = in_order(get_email_state(self._account.id), self._account.first_page(email_filter))
        mailboxes, identities, (state, first), look = await self._account.client.perform(
            get_mailboxes(self._account.id),
            self._own.look(places),
            search,
            _nothing() if self._inbox is None else self._inbox.look(places),
        )
        emails = await self._account.whole(email_filter, first)
        news = None if self._inbox is None else await self._inbox.news(look, places)
        directory = Directory(mailboxes)
        return Marked(emails, news, directory, self._locate(directory), identities, state)

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
        filters = [each for sweep in sweeps for each in sweep.filters()]
        try:
            return await self._account.find(filters, after=after)
        except MethodError as error:
            if error.type != "unsupportedFilter":
                raise
            # The server cannot look into headers: list the mailboxes, and look ourselves.
            everything = [in_any_of(sweep.mailboxes) for sweep in sweeps]
            return await self._account.find(everything, after=after)


def _nothing() -> Operation[Look]:
    return Operation((), lambda _: None)


def _is_from(address: str) -> list[Filter]:
    """What is asked about a sender."""
    written = spellings(address)
    return [*({"from": each.removeprefix("*@")} for each in written), *map(_written, written)]


def _written(address: str) -> Filter:
    """Mail in whose From stand the local part and the domain, one way or another."""
    local, _, domain = address.rpartition("@")
    parts = (domain,) if local == "*" else (local.strip('"'), domain)
    return {"operator": "AND", "conditions": [{"header": ["From", each]} for each in parts]}
