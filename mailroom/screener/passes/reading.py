"""An account as it was read for a pass: its mail and its address book. Reads only."""

from dataclasses import dataclass

from mailroom.contacts.book import AddressBook, Snapshot
from mailroom.jmap.mail import Email
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.domain_guard import objection_to_domain, own_domains
from mailroom.screener.model.keywords import SPAM
from mailroom.screener.model.missing import MissingError
from mailroom.screener.model.sender import own_keys
from mailroom.screener.passes.gather import GatheredMail, Gatherer
from mailroom.screener.search.mail_search import Search
from mailroom.screener.triage.groups import Groups, find_groups, missing_groups
from mailroom.screener.triage.labelled import MailSorter
from mailroom.screener.triage.standing import Decisions, StandingDecisions
from mailroom.waiting.concurrency import both


@dataclass(frozen=True, slots=True)
class Reading:
    """The mail and the address book of an account, read at the same time.

    Attributes:
        gathered: the labelled and new mail.
        snapshot: the address book.
        decisions: the decisions of the address book.
        categories: the categories.
        layout: the other mailboxes and names.
        server: the host of the mail server.
    """

    gathered: GatheredMail
    snapshot: Snapshot
    decisions: Decisions
    categories: Categories
    layout: Layout
    server: str

    def groups(self) -> Groups:
        """Find Mailroom's groups. Most passes do not need them, so they are not an attribute."""
        return find_groups(self.snapshot.groups, self.categories, self.layout)

    def objection_to_domain(self, domain: str) -> str:
        """Return the reason not to decide on everybody at a domain; "" if there is none."""
        return objection_to_domain(domain, own_domains(self.gathered.own_addresses, self.server))

    @property
    def sorter(self) -> MailSorter:
        """A sorter of labelled mail."""
        return MailSorter(self.gathered.places, self.decisions, self.objection_to_domain)


class AccountReader:
    """Reads one account.

    Args:
        gatherer: reads the mail.
        book: the account's contacts.
        categories: the categories.
        layout: the other mailboxes and names.
        server: the host of the mail server.
    """

    def __init__(
        self,
        gatherer: Gatherer,
        book: AddressBook,
        categories: Categories,
        layout: Layout,
        *,
        server: str,
    ) -> None:
        self._gatherer = gatherer
        self._book = book
        self._categories = categories
        self._layout = layout
        self._server = server

    async def gather(self) -> tuple[GatheredMail, Snapshot]:
        """Read the labelled and new mail, and the address book.

        Raises:
            HttpError, JmapError, AddressBookError: a server cannot be used as it should.
            MissingError: the account lacks mailboxes or contact groups. If a group is missing, no
                decision can be made: its members would be taken for contacts without a category.
        """
        gathered, snapshot = await both(self._gatherer.gather(), self._book.sync())
        if groups := missing_groups(snapshot.groups, self._categories, self._layout):
            only_carddav = snapshot.index.names_without_address(groups)
            raise MissingError(groups=groups, only_carddav=only_carddav)
        return gathered, snapshot

    def reading(self, gathered: GatheredMail, snapshot: Snapshot) -> Reading:
        """Return the reading, in which no address but ``gathered.own_addresses`` is own. Pure."""
        standing = StandingDecisions(snapshot.index, self._categories)
        decisions = Decisions(standing, own=own_keys(gathered.own_addresses))
        return Reading(gathered, snapshot, decisions, self._categories, self._layout, self._server)

    async def mail_of(
        self, keys: frozenset[str], gathered: GatheredMail, *, with_spam: bool = False
    ) -> tuple[Email, ...]:
        """Find the mail of subjects in the mailboxes that are swept, and their waived mail.

        The Junk folder is searched as well if Mailroom has moved any of the labelled mail there as
        spam before. Other mail of the same sender may still be there, and has to be filed too.

        Args:
            keys: the keys of the subjects.
            gathered: the labelled mail.
            with_spam: True to search the Junk folder in any case.
        """
        mailboxes = gathered.places.swept
        if with_spam or any(SPAM in email.keywords for email in gathered.emails):
            mailboxes |= gathered.places.junk
        search = Search(keys, mailboxes)
        if not gathered.has_waived:
            _, mails = await self._gatherer.mail_of([search])
            return mails
        (_, mails), waived = await both(
            self._gatherer.mail_of([search]),
            self._gatherer.waived_mail_of(keys, gathered.places),
        )
        return tuple({email.id: email for email in (*mails, *waived)}.values())
