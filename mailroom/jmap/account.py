"""One account's mail: everything that takes more than one call. Knows nothing of screening."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from mailroom.concurrency import all_of
from mailroom.jmap.answers import Updated
from mailroom.jmap.client import JmapClient
from mailroom.jmap.errors import MethodError, SetError
from mailroom.jmap.forms import needs_whole_map, split, with_whole_map, without_new_keywords
from mailroom.jmap.habits import Habits, Limitation
from mailroom.jmap.mail import (
    Created,
    Email,
    Filter,
    Patch,
    get_created,
    get_emails,
    get_identities,
    update_emails,
)
from mailroom.jmap.mailboxes import Mailbox, find_mailbox_ids, get_mailboxes
from mailroom.jmap.paging import READINGS, are_steady, remaining_pages
from mailroom.jmap.queries import Page, find_emails
from mailroom.jmap.request import Operation, cut
from mailroom.jmap.session import MAIL, SUBMISSION, Session

T = TypeVar("T")

_LARGEST_PAGE: Final = 4096
_STATE_MISMATCH: Final = "stateMismatch"
_READINGS: Final = 3
"""How often a mail is read again to be written as a whole, where others change mail, too."""
_RESTLESS: Final = SetError("stateMismatch", "mail is changed by somebody else all the time")
_GONE: Final = SetError("notFound")
_LARGEST_SET: Final = 500
"""Updates in one call: few enough that the call ends in a few seconds on a slow server."""


@dataclass(frozen=True, slots=True)
class Written:
    """One Email/set that was held to a state.

    Attributes:
        patches: the patches that were asked for, by mail id.
        updated: the server's answer.
        was_held: the server found the state that was asked for. If not, it has ignored
            ``ifInState``, and the mails may not have been as they were read.
    """

    patches: Mapping[str, Patch]
    updated: Updated
    was_held: bool


class MailAccount:
    """Reads and patches the mail of one account.

    Args:
        client: how to reach the server.
        session: what the server offered when the account was opened.
        account_id: which account.

    Attributes:
        habits: what the server cannot do, as far as it is known.
        mailbox_sizes: mailbox id -> the number of mails in it (None if the server does not tell),
            as :meth:`all_mailboxes` saw it last.
    """

    def __init__(self, client: JmapClient, session: Session, account_id: str) -> None:
        self.client = client
        self.id = account_id
        self.habits = Habits()
        self.mailbox_sizes: Mapping[str, int | None] = {}
        self._session = session

    @classmethod
    async def open(cls, client: JmapClient, *, wanted: str = "") -> "MailAccount":
        """The account that the user ``wanted``, else the primary one for mail.

        Raises:
            HttpError: the server cannot be reached.
            SessionError: there is no such account.
        """
        session = await client.session()
        return cls(client, session, session.account_for(MAIL, wanted=wanted))

    @property
    def is_read_only(self) -> bool:
        """Whether the credentials may only read the account (RFC 8620 section 2)."""
        return self.id in self._session.read_only_accounts

    async def refresh(self) -> None:
        """Take over what has changed in the session, if a response said that it has.

        Raises:
            HttpError: the server cannot be reached.
            SessionError: the account is no longer there.
        """
        session = await self.client.session()
        session.account_for(MAIL, wanted=self.id)
        self._session = session

    def identities(self) -> Operation[tuple[str, ...]]:
        """The user's own addresses, as far as the credentials let us see them."""
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

    async def all_mailboxes(self, told: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
        """Complete the mailboxes that the server returned when it was asked for all.

        As many as maxObjectsInGet may be only the first of them. Raises as :meth:`mailboxes`.
        """
        limit = self._session.limits.max_objects_in_get
        if len(told) >= limit:
            told += await self._further_mailboxes({each.id for each in told}, limit)
        self.mailbox_sizes = {each.id: each.total_emails for each in told}
        return told

    async def _further_mailboxes(self, known: Collection[str], limit: int) -> tuple[Mailbox, ...]:
        ids = list[str]()
        while page := (await self.client.perform(find_mailbox_ids(self.id, len(ids))))[0]:
            ids += page
        missing = [each for each in dict.fromkeys(ids) if each not in known]
        if missing:
            self.habits.learn(Limitation.WHOLE_LISTS)
        parts = [missing[start : start + limit] for start in range(0, len(missing), limit)]
        rest = await self.client.perform_all([get_mailboxes(self.id, part) for part in parts])
        return tuple(each for part in rest for each in part)

    @property
    def calls_at_once(self) -> int:
        """The number of method calls that one request may hold."""
        return self._session.limits.max_calls_in_request

    def first_page(self, email_filter: Filter, *, also: Sequence[str] = ()) -> Operation[Page]:
        """The first page of what matches; hand it to :meth:`whole` for the others.

        ``also`` are further properties to read.
        """
        return find_emails(self.id, email_filter, limit=self.page_size, also=also)

    def created(self, since: str, *, also: Sequence[str] = ()) -> Operation[Created | None]:
        """The first of what is new since a state, see :func:`mailroom.jmap.mail.get_created`."""
        return get_created(self.id, since, also=also, limit=self.page_size)

    @property
    def page_size(self) -> int:
        """The number of mails that one Email/get may read."""
        return min(_LARGEST_PAGE, self._session.limits.max_objects_in_get)

    async def find(
        self,
        filters: Sequence[Filter],
        *,
        after: Sequence[Operation[T]] = (),
        also: Sequence[str] = (),
    ) -> tuple[list[T], tuple[Email, ...]]:
        """All mails that match any of the filters, each once, oldest first.

        Args:
            filters: what to look for.
            after: what to send along; nothing is looked for before it is all done. Must be safe
                to repeat.
            also: further properties to read.

        Raises:
            HttpError, JmapError: see :meth:`JmapClient.perform_all`.
        """
        queries = [self.first_page(each, also=also) for each in filters]
        done, firsts = await self.client.perform_in_turn(after, queries)
        return done, await self.all_pages(filters, firsts, also=also)

    async def all_pages(
        self, filters: Sequence[Filter], firsts: Sequence[Page], *, also: Sequence[str] = ()
    ) -> tuple[Email, ...]:
        """The results of several queries, whose first pages are known, as :meth:`find` does."""
        parts = await all_of(
            self.whole(each, first, also=also) for each, first in zip(filters, firsts, strict=True)
        )
        emails = {email.id: email for part in parts for email in part}
        return tuple(sorted(emails.values(), key=lambda each: (each.received_at, each.id)))

    async def read(
        self, ids: Sequence[str], *, also: Sequence[str] = ()
    ) -> tuple[str, tuple[Email, ...]]:
        """These mails as they are now, and an Email state in which, or before which, they were so.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        state, emails = "", list[Email]()
        for reading in self.readings(ids, also=also):
            (found,) = await self.client.perform(reading)
            state = state or found[0]
            emails += found[1]
        return state, tuple(emails)

    def readings(
        self, ids: Sequence[str], *, also: Sequence[str] = ()
    ) -> list[Operation[tuple[str, tuple[Email, ...]]]]:
        """What reads these mails, cut to the server's limits; see :meth:`read`."""
        size = self.page_size
        parts = [ids[start : start + size] for start in range(0, len(ids), size)]
        return [get_emails(self.id, part, also=also) for part in parts]

    async def whole(
        self,
        email_filter: Filter,
        first: Page,
        *,
        also: Sequence[str] = (),
        expected: int | None = None,
    ) -> tuple[Email, ...]:
        """All of a query's result, whose first page is known.

        A result that changes while it is read is read again, and the readings are united: so no
        mail is missed that moved from one page to another.

        Args:
            email_filter: the filter of the query.
            first: the first page.
            also: the further properties that the first page was read with.
            expected: the number of mails, where something else than the total tells it.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """

        async def ask(positions: Sequence[int]) -> Sequence[Page]:
            size = self.page_size
            return await self.client.perform_all(
                [
                    find_emails(self.id, email_filter, position=each, limit=size, also=also)
                    for each in positions
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

    def updates(self, patches: Mapping[str, Patch]) -> list[Operation[Updated]]:
        """Patches as operations, cut to the server's limits."""
        return [update_emails(self.id, piece) for piece in self._pieces(patches)]

    async def update(
        self, patches: Mapping[str, Patch]
    ) -> list[tuple[Mapping[str, Patch], Updated]]:
        """Patch mails, whatever state they are in; return what was asked and what was done.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        pieces = list(self._pieces(patches))
        answers = await self.client.perform_all([update_emails(self.id, each) for each in pieces])
        done: list[tuple[Mapping[str, Patch], Updated]] = []
        for piece, answer in zip(pieces, answers, strict=True):
            remaining = dict(piece)
            for _ in range(_READINGS):
                async for asked, update in self._also_in_other_forms(remaining, answer, held=False):
                    done.append((asked, update))
                    remaining = {each: p for each, p in remaining.items() if each not in asked}
                if not remaining:
                    break
            if remaining:
                done.append((remaining, Updated("", "", dict.fromkeys(remaining, _RESTLESS))))
        return done

    async def update_in_state(
        self, patches: Mapping[str, Patch], state: str
    ) -> AsyncIterator[Written]:
        """Patch mails as long as nobody else changes any, one request after the other.

        It ends early if somebody has changed any (``stateMismatch``): what was not yielded is not
        patched.

        Args:
            patches: the patches by mail id.
            state: in which, or before which, the mails were read.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        for piece in self._pieces(patches):
            answer = await self._update_if_in(piece, state)
            if answer is None:
                return
            was_held = answer.old_state == state
            if state and not was_held:
                self.habits.learn(Limitation.STATES)
            remaining = set(piece)
            async for asked, update in self._also_in_other_forms(piece, answer, held=True):
                state, remaining = update.new_state, remaining - asked.keys()
                yield Written(asked, update, was_held)
            if remaining:
                return

    async def _update_if_in(self, patches: Mapping[str, Patch], state: str) -> Updated | None:
        """Patch mails by one call; None: the state has moved on, and nothing was done."""
        operation = update_emails(self.id, patches, if_in_state=state or None)
        try:
            (updated,) = await self.client.perform(operation)
        except MethodError as error:
            if error.type != _STATE_MISMATCH:
                raise
            return None
        return updated

    async def _also_in_other_forms(
        self, asked: Mapping[str, Patch], answer: Updated, *, held: bool
    ) -> AsyncIterator[tuple[Mapping[str, Patch], Updated]]:
        """Ask again, in another form, for what a server refused for its form.

        Yields what was asked, and what was done, in order; see :mod:`mailroom.jmap.forms`. What is
        not yielded is not patched, as mail was changed meanwhile: at all if ``held``, else just
        between reading and writing.
        """
        refused = {each: why for each, why in answer.failed.items() if each in asked}
        plain = {
            email_id: patch
            for email_id, why in refused.items()
            if (patch := without_new_keywords(asked[email_id], why)) is not None
        }
        maps = {each for each, why in refused.items() if needs_whole_map(asked[each], why)}
        others = plain.keys() | maps
        if not others or others != asked.keys():
            yield split(asked, answer, others)
        state = answer.new_state
        if plain:
            again = await self._update_if_in(plain, state if held else "")
            if again is None:
                return
            async for done in self._also_in_other_forms(plain, again, held=held):
                state = done[1].new_state
                yield done
        if maps:
            found, emails = await self.read(sorted(maps))
            if held and found != state:
                return
            whole = {each.id: with_whole_map(asked[each.id], each.mailbox_ids) for each in emails}
            again = await self._update_if_in(whole, found)
            if again is None:
                return
            if gone := {each: asked[each] for each in maps - whole.keys()}:
                yield gone, replace(again, failed=dict.fromkeys(gone, _GONE))
            async for done in self._also_in_other_forms(whole, again, held=held):
                yield done

    def _pieces(self, patches: Mapping[str, Patch]) -> Iterator[dict[str, Patch]]:
        limits = self._session.limits
        return cut(
            patches,
            max_objects=min(_LARGEST_SET, limits.max_objects_in_set),
            max_octets=limits.max_size_request // 2,
        )
