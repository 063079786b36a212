"""Read cards with all their properties before they are edited, and write cards and groups."""

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import structlog

from mailroom.contacts.jmap.calls import (
    CardPage,
    CardsResponse,
    WriteResult,
    find_cards,
    get_cards,
    get_large_card,
)
from mailroom.contacts.jscontact.fields import JsCard
from mailroom.http import AnswerTooLargeError
from mailroom.jmap.client import JmapClient
from mailroom.jmap.errors import JmapError
from mailroom.jmap.habits import Habits
from mailroom.jmap.methods import largest_get
from mailroom.jmap.paging import remaining_pages
from mailroom.jmap.queries import IdPage
from mailroom.jmap.request import Operation
from mailroom.waiting.batches import batches

T = TypeVar("T")

log = structlog.get_logger(__name__)

_TRIES: Final = 3
"""The number of attempts to read cards that belong together, while others change cards."""


class CardsChangedError(JmapError):
    """Cards changed while they were being read."""

    def __str__(self) -> str:
        return "contacts changed while they were being read"


class Cards:
    """The cards of one account on the server.

    Args:
        client: the client of the server.
        account_id: the id of the account.

    Attributes:
        client: the client of the server.
        account_id: the id of the account.
        last_read: the cards and groups that were read last, by id.
        state: the state in which all of them were read. None if they were read in several states,
            or if anything was written since.
    """

    def __init__(self, client: JmapClient, account_id: str) -> None:
        self.client = client
        self.account_id = account_id
        self.last_read: Mapping[str, JsCard] = {}
        self.state: str | None = None

    async def find(self, uids: Iterable[str]) -> list[JsCard]:
        """Return every card with one of these uids, written with or without ``urn:uuid:``.

        Args:
            uids: at least one uid, without ``urn:uuid:``.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        spellings = [spelling for uid in uids for spelling in (uid, f"urn:uuid:{uid}")]
        conditions = [{"uid": spelling} for spelling in spellings]
        card_filter = {"operator": "OR", "conditions": conditions}

        async def read() -> list[JsCard]:
            size = await page_size(self.client)
            page_at = partial(find_cards, self.account_id, card_filter, limit=size)
            (first,) = await self.client.perform(page_at())
            parts = [first.response]
            await read_remaining(self.client, page_at, first, parts.append)
            return [*_by_id(parts).values()]

        return await read_in_one_state(read)

    async def fetch(
        self, ids: Collection[str], groups: Mapping[str, JsCard], state: str
    ) -> list[JsCard]:
        """Read cards, and return those that exist; keep them and the groups in ``last_read``.

        Args:
            ids: the ids of the cards. Without ids, no request is made.
            groups: the groups as a sync has read them, by id.
            state: the state in which the groups were read.
        """
        parts = await self._get(ids)
        cards = _by_id(parts)
        self.last_read = {**groups, **cards}
        self.state = state if {part.state for part in parts} <= {state} else None
        return [*cards.values()]

    async def fetch_if_stale(self, ids: Iterable[str]) -> None:
        """Read these cards again, all in one state, unless they are fresh (:meth:`is_fresh`)."""
        wanted = set(ids)
        if self.is_fresh(wanted):
            return

        async def read() -> None:
            parts = await self._get(wanted)
            states = {part.state for part in parts}
            if len(states) > 1:
                raise CardsChangedError
            self.last_read = _by_id(parts)
            self.state = next(iter(states), None)

        await read_in_one_state(read)

    def is_fresh(self, ids: Collection[str]) -> bool:
        """Return True if these cards were read in one state, and nothing was written since."""
        return self.state is not None and self.last_read.keys() >= {*ids}

    async def write(self, *sets: Operation[WriteResult]) -> list[WriteResult]:
        """Carry out operations in order, in one request. The cards read before are then stale."""
        together = Operation(
            tuple(call for operation in sets for call in operation.calls),
            lambda results: [operation.read(results) for operation in sets],
        )
        if together.calls:
            self.state = None
        (results,) = await self.client.perform(together)
        return results

    async def _get(self, ids: Collection[str]) -> list[CardsResponse]:
        """Read cards by id.

        If the cards are too large for one response, each half is read by itself. A single card that
        is too large is read with :func:`get_large_card`.
        """
        wanted = sorted(ids)
        size = (await self.client.session()).limits.max_objects_in_get
        try:
            return await self.client.perform_all(
                [get_cards(self.account_id, part) for part in batches(wanted, size)]
            )
        except AnswerTooLargeError:
            if len(wanted) == 1:
                log.info(
                    "card is too large, so only the properties for edits are read", card=wanted[0]
                )
                return await self.client.perform_all([get_large_card(self.account_id, wanted[0])])
            middle = len(wanted) // 2
            return [*await self._get(wanted[:middle]), *await self._get(wanted[middle:])]


async def page_size(client: JmapClient) -> int:
    """Return the largest number of cards in a page, whose ids a back-reference passes to /get."""
    return largest_get((await client.session()).limits)


async def read_remaining(
    client: JmapClient,
    page_at: Callable[[int], Operation[CardPage]],
    first: CardPage,
    put: Callable[[CardsResponse], object],
) -> None:
    """Read the cards of the pages after the first; see :func:`remaining_pages`.

    Args:
        client: the client of the server.
        page_at: returns the operation that reads the page at a position.
        first: the page at position 0.
        put: called with the cards of each page as soon as the page is read.

    Raises:
        HttpError, JmapError: the server cannot be asked.
        CardsChangedError: the cards changed between two pages.
    """

    async def read(positions: Sequence[int]) -> list[IdPage]:
        pages: list[IdPage] = []
        for position in positions:
            (page,) = await client.perform(page_at(position))
            put(page.response)
            pages.append(IdPage(page.ids, page.total, page.limit, page.states))
        return pages

    habits = Habits()
    habits.totals_are_proven = True  # no server is known whose totals of cards are wrong
    rest = await remaining_pages(first, read, habits)
    # Some servers return another queryState for each page; the state of the cards is reliable.
    if any(page.states != first.states for page in rest):
        raise CardsChangedError


async def read_in_one_state(read: Callable[[], Awaitable[T]]) -> T:
    """Read something, and read it again if cards changed during the reading.

    Args:
        read: does the reading; raises CardsChangedError if cards changed meanwhile.

    Raises:
        CardsChangedError: cards changed during every try.
    """
    for _ in range(_TRIES - 1):
        with suppress(CardsChangedError):
            return await read()
    return await read()


def warn_of_unreadable(parts: Iterable[CardsResponse]) -> None:
    """Log the number of unreadable cards, if there are any."""
    if unreadable := sum(part.unreadable for part in parts):
        log.warning("unreadable cards skipped", number=unreadable)


def _by_id(parts: Collection[CardsResponse]) -> dict[str, JsCard]:
    """Return each card once, sorted by id: servers send them in any order. Log unreadable ones."""
    warn_of_unreadable(parts)
    cards = {card["id"]: card for part in parts for card in part.cards}
    return dict(sorted(cards.items()))
