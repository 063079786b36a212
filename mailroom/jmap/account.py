"""One account's mail: everything that takes more than one call. Knows nothing of screening."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from mailroom.concurrency import all_of
from mailroom.jmap.answers import Updated
from mailroom.jmap.client import JmapClient
from mailroom.jmap.errors import JmapError, MethodError, SetError
from mailroom.jmap.forms import needs_whole_map, split, with_whole_map, without_new_keywords
from mailroom.jmap.mail import (
    Created,
    Email,
    Filter,
    Page,
    Patch,
    find_emails,
    get_created,
    get_emails,
    get_identities,
    update_emails,
)
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


class ResultMovedError(JmapError):
    """A query's result changed while it was read page by page."""

    def __str__(self) -> str:
        return "mail moved while it was being listed"


class MailAccount:
    """Reads and patches the mail of one account.

    Args:
        client: how to reach the server.
        session: what the server offered when the account was opened.
        account_id: which account.
    """

    def __init__(self, client: JmapClient, session: Session, account_id: str) -> None:
        self.client = client
        self.id = account_id
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
        """How many mails are read at a time."""
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
            ResultMovedError: a result changed while it was read.
        """
        queries = [self.first_page(each, also=also) for each in filters]
        done, firsts = await self.client.perform_in_turn(after, queries)
        parts = await all_of(
            self.whole(each, first, also=also) for each, first in zip(filters, firsts, strict=True)
        )
        emails = {email.id: email for part in parts for email in part}
        return done, tuple(sorted(emails.values(), key=lambda each: (each.received_at, each.id)))

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
        self, email_filter: Filter, first: Page, *, also: Sequence[str] = ()
    ) -> tuple[Email, ...]:
        """All of a query's result, whose first page is known.

        The pages go by what the server returned, for it may give fewer than it was asked for.
        ``also`` are the further properties that the first page was read with.

        Raises:
            ResultMovedError: the result changed in the meantime, so a mail may be missing.
        """
        ahead = await self._ahead(email_filter, first, also)
        pages, position = [first], first.length
        while pages[-1].length and (first.total is None or position < first.total):
            page = ahead.get(position) or await self._single(email_filter, position, also)
            pages.append(page)
            position += page.length
        if len({page.query_state for page in pages}) > 1:
            raise ResultMovedError
        return tuple(email for page in pages for email in page.emails)

    async def _ahead(
        self, email_filter: Filter, first: Page, also: Sequence[str]
    ) -> dict[int, Page]:
        """The other pages by position, read at once, if all turn out as long as the first."""
        if first.total is None or not first.length:
            return {}
        positions = range(first.length, first.total, first.length)
        pages = await self.client.perform_all(
            [self._page(email_filter, each, also) for each in positions]
        )
        return dict(zip(positions, pages, strict=True))

    async def _single(self, email_filter: Filter, position: int, also: Sequence[str]) -> Page:
        (page,) = await self.client.perform(self._page(email_filter, position, also))
        return page

    def _page(self, email_filter: Filter, position: int, also: Sequence[str]) -> Operation[Page]:
        return find_emails(
            self.id, email_filter, position=position, limit=self.page_size, also=also
        )

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
    ) -> AsyncIterator[tuple[Mapping[str, Patch], Updated]]:
        """Patch mails as long as nobody else changes any, one request after the other.

        Yields what was asked, and what was done. It ends early if somebody has changed any
        (``stateMismatch``): what was not yielded is not patched.

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
            remaining = set(piece)
            async for asked, update in self._also_in_other_forms(piece, answer, held=True):
                state, remaining = update.new_state, remaining - asked.keys()
                yield asked, update
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
