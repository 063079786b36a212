"""Reads any number of cards of any size in parts, so that memory use is bounded.

The size of a part follows from the lengths that the server reported, or from the cards read before.
If an answer grows too large all the same or omits cards, the missing cards are read in smaller
parts. The same happens after a 500, because some servers send it if one of the cards is broken;
such a card is then read by a GET of its own.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog

from mailroom.contacts.carddav.requests import Requests
from mailroom.contacts.carddav.resource import LARGEST_CARD, Resource
from mailroom.contacts.model import AddressBookError
from mailroom.http import ServerFailureError, UnreachableError
from mailroom.waiting.batches import batches, batches_by_weight
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)

_SMALL_CARD: Final = 64 * 1024
"""Octets up to which a card for the index is kept unchanged."""
_PART: Final = 4 * 1024 * 1024
"""Octets of cards in one request, so that the answer arrives in time over a slow line."""
_ENOUGH: Final = 4 * _PART
"""Octets of an answer that are read; cards in its rest are requested again, in smaller parts."""
_MOST_CARDS: Final = 100
_MOST_CARDS_IN_BRIEF: Final = 500
_UNREADABLE_AT_MOST: Final = 5
"""Cards that a server may fail to send in one reading. For more, the reading fails."""
_FIRST: Final = 20
"""Cards in the first part if their sizes are unknown."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to ask for cards.

    Attributes:
        whole: True to ask for whole cards, False for some properties.
        keep_up_to: octets up to which a card is kept unchanged.
        most_cards: the largest number of cards to ask for in one request.
    """

    whole: bool
    keep_up_to: int
    most_cards: int


WHOLE: Final = Way(whole=True, keep_up_to=LARGEST_CARD, most_cards=_MOST_CARDS)
"""For cards that may be edited."""
WHOLE_FOR_INDEX: Final = Way(whole=True, keep_up_to=_SMALL_CARD, most_cards=_MOST_CARDS)
"""For the index. The server sends whole cards; of a large one only the needed lines are kept."""
BRIEF: Final = Way(whole=False, keep_up_to=_SMALL_CARD, most_cards=_MOST_CARDS_IN_BRIEF)
"""For the index. The server is asked for the needed properties only."""


async def read_cards(
    requests: Requests,
    lengths: Mapping[str, int | None],
    take: Callable[[Resource], None],
    way: Way,
) -> frozenset[str]:
    """Read cards, and return the paths of cards that the server fails to send.

    Args:
        requests: the requests to the address book.
        lengths: octets of each card, by path; None if the server did not report the length.
        take: called with each card that exists; again for a card if an answer broke off.
        way: the way to ask.

    Raises: as :class:`Requests`.
    """
    # The reported lengths are those of whole cards. If only some properties are requested, the
    # length of the answer is unknown.
    sizes = {path: length if way.whole else None for path, length in lengths.items()}
    unknown = [path for path in sorted(sizes) if sizes[path] is None]
    reading = _Reading(requests, take, way)
    # If many lengths are unknown, the first cards show how many octets a card usually has.
    first = unknown[:_FIRST] if len(unknown) > _FIRST else []
    if first:
        await reading.read(first)
    usual = max(reading.octets // max(reading.card_count, 1), 1)
    rest = {path: sizes[path] or usual for path in sorted(sizes.keys() - set(first))}
    fitting = {path: size for path, size in rest.items() if size <= _PART}
    parts = batches_by_weight(fitting, fitting.__getitem__, limit=_PART, most=way.most_cards)
    await all_of(reading.read(part) for part in parts)
    for path in rest.keys() - fitting.keys():
        # One at a time, because each of these cards is large.
        await reading.read([path])
    return frozenset(reading.failed)


class _Reading:
    """One reading of cards.

    Attributes:
        failed: the paths of cards that the server failed to send so far.
        card_count: the number of cards that were read so far.
        octets: the octets of these cards together.
    """

    def __init__(self, requests: Requests, take: Callable[[Resource], None], way: Way) -> None:
        self._requests = requests
        self._take = take
        self._way = way
        self.failed: set[str] = set()
        self.card_count = 0
        self.octets = 0

    async def read(self, paths: Collection[str]) -> None:
        """Read some cards; then read, in smaller parts, the cards that the answer omits."""
        if len(paths) == 1:
            await self._read_one(*paths)
            return
        try:
            answered, _ = await self._ask(paths, self._way, enough=_ENOUGH)
        except ServerFailureError as error:
            if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            answered = frozenset()
        left = [path for path in paths if path not in answered]
        # If the answer has none of the cards, the part is too large for the server, and is halved.
        size = len(left) if answered else (len(left) + 1) // 2
        # Each part has fewer cards than ``paths``, so the reading ends even if the server answers
        # only with cards that were not requested.
        size = max(min(size, len(paths) - 1), 1)
        for part in batches(left, size):
            await self.read(part)

    async def _read_one(self, path: str) -> None:
        """Read one card to its end, whatever its size."""
        try:
            try:
                answered, is_truncated = await self._ask([path], self._way, enough=None)
            except UnreachableError as error:
                if not error.sent:
                    raise
                log.warning(
                    "card cannot be read in time, only some properties are requested", path=path
                )
                answered, is_truncated = await self._ask([path], BRIEF, enough=None)
        except ServerFailureError as error:
            if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            await self._get(path)
            return
        if is_truncated and not answered:
            raise AddressBookError(f"the server returns only a part of its cards, without {path}")

    async def _get(self, path: str) -> None:
        """Read a card by GET, because the server fails to put the card into XML."""
        try:
            response, resource = await self._requests.get(path)
        except ServerFailureError as error:
            log.warning("server fails to send a card, skipped", path=path, error=str(error))
            self.failed.add(path)
            if len(self.failed) > _UNREADABLE_AT_MOST:
                raise
            return
        if resource is None:
            log.warning("card cannot be read, skipped", path=path, status=response.status)
        else:
            self._take_and_count(resource)

    async def _ask(
        self, paths: Collection[str], way: Way, *, enough: int | None
    ) -> tuple[frozenset[str], bool]:
        return await self._requests.multiget(
            paths, self._take_and_count, whole=way.whole, keep_up_to=way.keep_up_to, enough=enough
        )

    def _take_and_count(self, resource: Resource) -> None:
        self.card_count += 1
        self.octets += resource.octets
        self._take(resource)
