"""Read the result of a query page by page, even if the server's totals and limits are wrong."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

from mailroom.jmap.habits import Habits
from mailroom.jmap.queries import IdPage

P = TypeVar("P", bound=IdPage)

READINGS: Final = 3
"""The most readings of a result that changes while it is read. The readings are united."""

Ask = Callable[[Sequence[int]], Awaitable[Sequence[P]]]
"""A function that reads the pages at these positions, all at once."""


async def remaining_pages(
    first: IdPage,
    ask: Ask[P],
    habits: Habits,
    *,
    expected: int | None = None,
    ahead: Mapping[int, P] | None = None,
) -> list[P]:
    """Read the pages after the first one.

    Each page begins after the ids that were returned so far, because a server may return fewer ids
    than it was asked for. The last page is the one that reaches a trusted total; without a trusted
    total, the one before an empty page. If the last page is full, the total may be a limit up to
    which the server counts, so one more page is read.

    Args:
        first: the first page.
        ask: reads pages.
        habits: the server's limitations; they are learned from the totals of the pages.
        expected: the length of the whole result, if it is known from elsewhere than the total.
        ahead: pages that were read already, by position.

    Raises:
        HttpError, JmapError: the server cannot be asked.
    """
    habits.weigh_total(first.total, first.length)
    known, pages, position = dict(ahead or {}), list[P](), first.length
    last: IdPage = first
    wanted = [start for start in _positions(first, habits, expected) if start not in known]
    if wanted:
        known |= zip(wanted, await ask(wanted), strict=True)
    while last.length:
        reaches_total = first.total is not None and position >= first.total
        # As far as is known, another page may follow a page that is full.
        is_full = last.is_full or (last is not first and last.length >= first.length)
        if habits.trusts_totals and reaches_total and not is_full:
            break
        page = known.pop(position, None) or (await ask([position]))[0]
        if page.length:
            habits.weigh_total(page.total, position + page.length)
        pages.append(page)
        position += page.length
        last = page
    return pages


def _positions(first: IdPage, habits: Habits, expected: int | None) -> list[int]:
    """Return the positions of the other pages, if all are as long as the first one.

    Without a trusted total, or if the last page is full, the last position is the expected end of
    the result: the page there should be empty.
    """
    if not first.length:
        return []
    if habits.trusts_totals and first.total is not None:
        positions = list(range(first.length, first.total, first.length))
        is_last_full = first.total % first.length == 0 and bool(positions or first.is_full)
        return [*positions, first.total] if is_last_full else positions
    end = expected if first.total is None else first.total
    if end is None or end < first.length:
        return [first.length]
    return [*range(first.length, end, first.length), end]


def are_steady(pages: Sequence[IdPage]) -> bool:
    """Return True if nothing changed from before the first page until after the last one.

    A single page is always steady. Between several pages, a mail may move from a page that is still
    to be read to a page that was read. An id that comes twice shows that the order has changed; a
    search index that catches up changes the order without changing the state.
    """
    if len(pages) <= 1:
        return True
    ids = [object_id for page in pages for object_id in page.ids]
    states = {state for page in pages for state in page.states}
    return len(states) == 1 and len(ids) == len(set(ids))
