"""Reads any number of cards of any size in parts, so that memory use is bounded.

The size of a part follows from the lengths that the server reported, or from the cards read before.
If an answer grows too large all the same or omits cards, the missing cards are read in smaller
parts. The same happens after a 500, because some servers fail over a single broken card; such a
card is then read by a GET of its own.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog

from mailroom.contacts.carddav.reports import Reports
from mailroom.contacts.carddav.resource import Resource
from mailroom.contacts.model import AddressBookError
from mailroom.http import ServerFailureError, UnreachableError
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)

Take = Callable[[Resource], None]

LARGEST_CARD: Final = 8 * 1024 * 1024
"""Octets. A larger card cannot be edited, but its addresses are known."""
_SMALL_CARD: Final = 64 * 1024
_PART: Final = 4 * 1024 * 1024
"""Octets that an answer should have, so that it arrives in time over a slow line."""
_ENOUGH: Final = 4 * _PART
_CARDS: Final = 100
_CARDS_IN_BRIEF: Final = 500
_UNREADABLE_AT_MOST: Final = 5
"""Cards that a server may fail to send in one reading. If it fails over more, it is broken."""
_FIRST: Final = 20
"""Cards in the first part if their sizes are unknown."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to ask for cards.

    Attributes:
        whole: True to ask for whole cards, False for some properties.
        keep: octets up to which a card is kept unchanged.
        cards: the number of cards in one answer at most.
    """

    whole: bool
    keep: int
    cards: int


WHOLE: Final = Way(whole=True, keep=LARGEST_CARD, cards=_CARDS)
"""For cards that may be edited."""
WHOLE_IF_SMALL: Final = Way(whole=True, keep=_SMALL_CARD, cards=_CARDS)
"""For the index, from whole cards."""
BRIEF: Final = Way(whole=False, keep=_SMALL_CARD, cards=_CARDS_IN_BRIEF)
"""For the index, from the properties that the server returns."""


class CardReader:
    """Reads cards of one address book.

    Args:
        reports: the requests to the address book.
    """

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    async def read(self, lengths: Mapping[str, int | None], take: Take, way: Way) -> frozenset[str]:
        """Read cards, and return the paths of cards that the server fails to send.

        Args:
            lengths: octets of each card, by path; None if the server did not report the length.
            take: called with each card that exists; again for a card if an answer broke off.
            way: the way to ask.

        Raises: as :class:`Reports`.
        """
        sizes = {path: _known_size(length, way) for path, length in lengths.items()}
        unknown = [path for path in sorted(sizes) if sizes[path] is None]
        octets: list[int] = []
        unread = _Unread()

        def measure(resource: Resource) -> None:
            octets.append(resource.octets)
            take(resource)

        first = unknown[:_FIRST] if len(unknown) > _FIRST else []
        await self._part(first, measure, way, unread)
        usual = max(sum(octets) // max(len(octets), 1), 1)
        rest = {path: sizes[path] or usual for path in sorted(sizes.keys() - set(first))}
        small = {path: size for path, size in rest.items() if size <= _PART}
        await all_of(self._part(part, take, way, unread) for part in _parts(small, way.cards))
        for path in rest.keys() - small.keys():
            # One at a time, because each of these cards is large.
            await self._part([path], take, way, unread)
        return frozenset(unread.paths)

    async def _part(self, paths: Collection[str], take: Take, way: Way, unread: "_Unread") -> None:
        """Read some cards, and read cards that the answer omits in smaller parts."""
        if not paths:
            return
        if len(paths) == 1:
            await self._single(next(iter(paths)), take, way, unread)
            return
        try:
            told, _ = await self._ask(paths, take, way, enough=_ENOUGH)
        except ServerFailureError as error:
            if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            told = frozenset()
        left = [path for path in paths if path not in told]
        size = len(left) if told else (len(left) + 1) // 2
        for start in range(0, len(left), max(min(size, len(paths) - 1), 1)):
            part = left[start : start + max(min(size, len(paths) - 1), 1)]
            await self._part(part, take, way, unread)

    async def _single(self, path: str, take: Take, way: Way, unread: "_Unread") -> None:
        """Read one card to its end, whatever its size."""
        try:
            await self._single_by_report(path, take, way)
        except ServerFailureError as error:
            if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            await self._as_it_is(path, take, unread)

    async def _as_it_is(self, path: str, take: Take, unread: "_Unread") -> None:
        """Read a card by GET, because the server fails to put the card into XML."""
        try:
            resource = await self._reports.card(path, largest=LARGEST_CARD)
        except ServerFailureError as error:
            unread.note(path, error)
            return
        if resource is not None:
            take(resource)

    async def _single_by_report(self, path: str, take: Take, way: Way) -> None:
        try:
            told, is_cut = await self._ask([path], take, way, enough=None)
        except UnreachableError as error:
            if not error.sent:
                raise
            log.warning("card cannot be read in time, asked for in brief", path=path)
            told, is_cut = await self._ask([path], take, BRIEF, enough=None)
        if is_cut and not told:
            raise AddressBookError(f"the server gives only a part of its cards: {path} is left out")

    async def _ask(
        self, paths: Collection[str], take: Take, way: Way, *, enough: int | None
    ) -> tuple[frozenset[str], bool]:
        return await self._reports.cards(paths, take, whole=way.whole, keep=way.keep, enough=enough)


class _Unread:
    """The cards that could not be read."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    def note(self, path: str, error: ServerFailureError) -> None:
        """Record a card; raise the error if the server failed over too many."""
        log.warning("card passed over that the server fails to give", path=path, error=str(error))
        self.paths.add(path)
        if len(self.paths) > _UNREADABLE_AT_MOST:
            raise error


def _known_size(length: int | None, way: Way) -> int | None:
    """Return the octets of a card in an answer; None if they cannot be known before."""
    return length if way.whole else None


def _parts(sizes: Mapping[str, int], cards: int) -> Iterator[list[str]]:
    """Divide paths into parts of at most ``cards`` cards and a limited number of octets."""
    part: list[str] = []
    octets = 0
    for path, size in sizes.items():
        if part and (len(part) >= cards or octets + size > _PART):
            yield part
            part, octets = [], 0
        part.append(path)
        octets += size
    if part:
        yield part
