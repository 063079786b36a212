"""Find all mail of people, even if the server's search is incomplete. Reads only.

A good server reads the mails themselves for a ``header`` condition, so its search is exact. Other
servers use an index that lacks mail, or find nothing, without an error. So every search is sent
with a second search, for a header that every mail has. If the second search does not find all mail,
the mailboxes are listed, and the people are read from the mails. The header of a mail never
changes, so the people of a mail are read only once.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mailroom.jmap.errors import MethodError
from mailroom.jmap.habits import Limitation
from mailroom.jmap.listing import list_ids
from mailroom.jmap.mail import Email, EmailPeople, Filter
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.queries import EmailPage, IdPage, find_last_id
from mailroom.jmap.request import Operation, Results, in_order
from mailroom.screener.search.filters import Mailboxes
from mailroom.screener.search.people import Fields, filters_for, names_any
from mailroom.waiting.batches import batches
from mailroom.waiting.concurrency import all_of

T = TypeVar("T")

_EVERY_MAIL: Final[Filter] = {"header": ["From", "@"]}
"""A filter that matches all mail with an address in From."""
_MOST_KNOWN: Final = 300_000
"""The largest number of mails that the last search did not list and whose people are kept."""
_BETWEEN: Final = "\n"
"""The separator of the people of a mail in memory; no address holds it."""
_AT_ONCE: Final = 4096
"""The number of mails read at a time. Of these, only those that were searched for are kept."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search for the mail of some addresses in some mailboxes.

    Attributes:
        addresses: the keys of addresses and mailing lists; ``*@domain`` for a whole domain.
        mailboxes: the ids of the mailboxes.
    """

    addresses: frozenset[str]
    mailboxes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest mail and the total of two queries: for all mail, and for mail with "@" in From.

    If the server's header search lacks no mail, both queries find the same mail and total.
    """

    every: IdPage
    by_header: IdPage

    @property
    def is_steady(self) -> bool:
        """True if no mail changed from before the first query until after the second."""
        return len({*self.every.states, *self.by_header.states}) == 1

    @property
    def lacking(self) -> int | None:
        """The number of mails that the search by header lacks; None if a total is missing."""
        every, by_header = self.every.total, self.by_header.total
        return None if every is None or by_header is None else every - by_header

    @property
    def holds(self) -> bool:
        """True if the search by header lacks no mail.

        Equal totals alone are no proof: some servers count up to a limit only, and others report
        the length of the page as the total, which is one here. So the newest mail must be the same
        as well. If a total is missing, the same newest mail has to be enough.
        """
        return self.every.ids == self.by_header.ids and not self.lacking

    def newest_is_found_or_in(self, without_sender: Collection[str]) -> bool:
        """Return True if the newest mail was found by header, or is among ``without_sender``."""
        return self.every.ids == self.by_header.ids or set(self.every.ids) <= set(without_sender)


class MailSearch:
    """Finds mail of one account by the people in some of its header fields.

    Args:
        account: the account.
        fields: the header fields.
        keyword: only mail with this keyword is found; empty: all mail.
    """

    def __init__(self, account: MailAccount, fields: Fields, *, keyword: str = "") -> None:
        self._account = account
        self._fields = fields
        self._keyword = keyword
        # Mail id -> the keys of the people in the mail, as one text. Many mails have the same
        # people, so each text is kept once.
        self._people: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        # Ids of mails without an address in From; a search by header need not find them.
        self._without_sender: set[str] = set()
        # Searched mailboxes -> the number of ``_without_sender`` that a search by header lacks.
        self._lacking: dict[frozenset[str], int] = {}

    async def find(
        self, searches: Sequence[Search], *, preceded_by: Sequence[Operation[T]] = ()
    ) -> tuple[list[T], tuple[Email, ...]]:
        """Find at least all mail that the searches ask for, oldest first.

        The result may hold other mail as well, so compare the people in the mails.

        Args:
            searches: the addresses and the mailboxes.
            preceded_by: operations that are carried out first. Must be safe to repeat.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        asked = [search for search in searches if search.addresses and search.mailboxes]
        if not asked:
            return await self._account.client.perform_all(preceded_by), ()
        if not self._account.habits.searches_are_exact:
            return await self._by_listing(asked, preceded_by)
        try:
            results, found, proof = await self._by_header(asked, preceded_by)
        except MethodError as error:
            if error.type != "unsupportedFilter":
                raise
            return await self._by_listing(asked, preceded_by)
        # The search is exact if it lacks no mail but the mails without an address in From. The same
        # number of lacking mails as before is no proof by itself: one of the mails without an
        # address may have been deleted, and the newest mail may be lacking in its place.
        mailbox_ids = _all_mailboxes(asked)
        lacking_before = self._lacking.get(mailbox_ids)
        if proof is not None and (
            proof.holds
            or (
                lacking_before is not None
                and proof.lacking == lacking_before
                and proof.newest_is_found_or_in(self._without_sender)
            )
        ):
            return results, found
        _, ids = await list_ids(self._account, mailbox_ids, keyword=self._keyword)
        listed = await self._read(ids, asked)
        self._learn_from_list(proof, mailbox_ids, ids)
        return results, _united(found, listed)

    async def _by_header(
        self, searches: Sequence[Search], preceded_by: Sequence[Operation[T]]
    ) -> tuple[list[T], tuple[Email, ...], Proof | None]:
        """Search by text and by header, in separate queries; see :func:`filters_for`."""
        habits, also = self._account.habits, self._fields.also
        filters = [
            email_filter
            for search in searches
            for email_filter in filters_for(
                self._fields, search.addresses, self._to_search(search.mailboxes), habits
            )
        ]
        first_pages = [
            self._account.first_page(email_filter, also=also) for email_filter in filters
        ]
        queries: list[Operation[Any]] = [self._proof(_all_mailboxes(searches)), *first_pages]
        results, responses = await self._account.client.perform_in_turn(preceded_by, queries)
        proof: Proof | None = responses[0]
        if proof is not None:
            habits.weigh_total(proof.every.total, proof.every.length)
        pages: list[EmailPage] = responses[1:]
        found = await self._account.all_pages(filters, pages, also=also)
        return results, found, proof

    def _to_search(self, mailbox_ids: frozenset[str]) -> Mailboxes:
        return Mailboxes(mailbox_ids, frozenset(self._account.mailbox_sizes), keyword=self._keyword)

    def _proof(self, mailbox_ids: frozenset[str]) -> Operation[Proof | None]:
        """Return the operation that reads a :class:`Proof`; its result is None if it is refused.

        The last mail of each list, from old to new, is read. Some servers append the mail that is
        not in their index to a list, whatever its order, so the first mail would prove nothing. If
        the server cannot read a list from its end, there is no proof.
        """
        account = self._account
        inside, *others = self._to_search(mailbox_ids).filters(account.habits)
        if others:
            # A server that searches one mailbox at a time refuses this. Then mailboxes are listed.
            inside = {"operator": "OR", "conditions": [inside, *others]}
        by_header: Filter = {"operator": "AND", "conditions": [inside, _EVERY_MAIL]}
        queries = in_order(find_last_id(account.id, inside), find_last_id(account.id, by_header))

        def read(results: Results) -> Proof | None:
            try:
                return Proof(*queries.read(results))
            except MethodError as error:
                if error.type == "unsupportedFilter":
                    account.habits.learn(Limitation.HEADERS)
                    raise
                if error.type == "invalidArguments":
                    account.habits.learn(Limitation.LAST_POSITION)
                return None

        return Operation(queries.calls, read)

    def _learn_from_list(
        self, proof: Proof | None, mailbox_ids: frozenset[str], ids: Sequence[str]
    ) -> None:
        """Learn from a list of all mail why the search by header lacks mail.

        A search that lacks only mail without an address in From still finds every sender. If the
        search lacks other mail as well, the mailboxes are listed from now on.
        """
        if proof is None or not proof.is_steady:
            return
        without_sender = self._without_sender.intersection(ids)
        lacking = proof.lacking or 0
        if not proof.newest_is_found_or_in(without_sender) or lacking > len(without_sender):
            self._account.habits.learn(Limitation.HEADERS)
        elif lacking > 0 and proof.every.total == len(ids):
            # Some servers count up to a limit only. Then the total is not that of the list, and the
            # difference of two totals says nothing.
            self._lacking[mailbox_ids] = lacking

    async def _by_listing(
        self, searches: Sequence[Search], preceded_by: Sequence[Operation[T]]
    ) -> tuple[list[T], tuple[Email, ...]]:
        results, ids = await list_ids(
            self._account, _all_mailboxes(searches), keyword=self._keyword, preceded_by=preceded_by
        )
        return results, await self._read(ids, searches)

    async def _read(self, ids: Sequence[str], searches: Sequence[Search]) -> tuple[Email, ...]:
        """Read the mails that name an address of the searches.

        If the people of many mails are not known yet, only their people are read first. This takes
        one more step, but far less time and memory than reading the whole mails.
        """
        addresses = frozenset[str]().union(*(search.addresses for search in searches))
        if len(self._people) > len(ids) + _MOST_KNOWN:  # forget mails that were not listed
            kept = self._people.keys() & set(ids)
            self._people = {email_id: self._people[email_id] for email_id in kept}
            self._texts = {text: text for text in self._people.values()}
            self._without_sender &= kept
        unknown = [email_id for email_id in ids if email_id not in self._people]
        if len(unknown) > self._account.page_size:
            await all_of(self._learn_people(part) for part in self._parts(unknown))
        matching_texts = {
            text for text in self._texts if names_any(text.split(_BETWEEN), addresses)
        }
        wanted = [
            email_id
            for email_id in ids
            if (people := self._people.get(email_id)) is None or people in matching_texts
        ]
        parts = await all_of(self._read_part(part, addresses) for part in self._parts(wanted))
        return _united(*parts)

    def _parts(self, ids: Sequence[str]) -> Iterator[Sequence[str]]:
        size = self._account.page_size * max(1, _AT_ONCE // self._account.page_size)
        return batches(ids, size)

    async def _learn_people(self, ids: Sequence[str]) -> None:
        """Read and remember the people of some mails."""
        readings = self._account.people_readings(ids, also=self._fields.also)
        for mails in await self._account.client.perform_all(readings):
            for people in mails:
                self._remember(people)

    async def _read_part(self, ids: Sequence[str], addresses: frozenset[str]) -> tuple[Email, ...]:
        """Read mails and remember their people; return the mails that name one of the addresses."""
        readings = self._account.readings(ids, also=self._fields.also)
        responses = await self._account.client.perform_all(readings)
        emails = [email for _, part in responses for email in part]
        for email in emails:
            self._remember(email)
        for deleted_id in set(ids) - {email.id for email in emails}:
            self._people.pop(deleted_id, None)
        return tuple(email for email in emails if names_any(self._fields.keys(email), addresses))

    def _remember(self, email: Email | EmailPeople) -> None:
        text = _BETWEEN.join(sorted(self._fields.keys(email)))
        self._people[email.id] = self._texts.setdefault(text, text)
        # The search by header matches an "@" anywhere in From, in a display name as well.
        if not any("@" in sender.email + sender.name for sender in email.from_):
            self._without_sender.add(email.id)


def _all_mailboxes(searches: Sequence[Search]) -> frozenset[str]:
    return frozenset[str]().union(*(search.mailboxes for search in searches))


def _united(*parts: Sequence[Email]) -> tuple[Email, ...]:
    """Return each mail once, as it was read last; oldest first."""
    emails = {email.id: email for part in parts for email in part}
    return tuple(sorted(emails.values(), key=lambda email: (email.received_at, email.id)))
