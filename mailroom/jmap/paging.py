"""Reading the result of a query page by page, whatever the server's totals and limits are worth."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

from mailroom.jmap.habits import Habits
from mailroom.jmap.queries import IdPage

P = TypeVar("P", bound=IdPage)

READINGS: Final = 3
"""How often a result that changes meanwhile is read, at most; the readings are united."""

Ask = Callable[[Sequence[int]], Awaitable[Sequence[P]]]
"""Reads the pages at these positions, all at once."""


async def remaining_pages(
    first: IdPage,
    ask: Ask[P],
    habits: Habits,
    *,
    expected: int | None = None,
    ahead: Mapping[int, P] | None = None,
) -> list[P]:
    """Read the pages behind the first one.

    The pages go by what the server returned, for it may return fewer ids than it was asked for. The
    last page is where a trusted total says, else the one before an empty page. If the last page is
    full, the total may be a limit up to which the server counts, so one more page is read.

    Args:
        first: the first page.
        ask: reads pages.
        habits: the server's limitations; learns from the totals.
        expected: the length of the whole result, if the total is not told but something else is.
        ahead: pages that were read already, by position.

    Raises:
        HttpError, JmapError: the server cannot be asked.
    """
    habits.weigh_total(first.total, first.length)
    known, pages, position = dict(ahead or {}), list[P](), first.length
    last: IdPage = first
    wanted = [each for each in _positions(first, habits, expected) if each not in known]
    if wanted:
        known |= zip(wanted, await ask(wanted), strict=True)
    while last.length and not _is_end(first, last, position, habits):
        page = known.pop(position, None) or (await ask([position]))[0]
        if page.length:
            habits.weigh_total(page.total, position + page.length)
        pages.append(page)
        position += page.length
        last = page
    return pages


def _is_end(first: IdPage, last: IdPage, position: int, habits: Habits) -> bool:
    if not habits.trusts_totals or first.total is None or position < first.total:
        return False
    return not _may_go_on(last, first)


def _may_go_on(last: IdPage, first: IdPage) -> bool:
    """Return True if a page has as many ids as a page can have, as far as is known."""
    return last.is_full or (last is not first and last.length >= first.length)


def _positions(first: IdPage, habits: Habits, expected: int | None) -> list[int]:
    """The positions of the other pages, if all turn out as long as the first one.

    Without a trusted total, or with one at which a full page ends, the position behind the expected
    end is among them: nothing is there.
    """
    if not first.length:
        return []
    if habits.trusts_totals and first.total is not None:
        positions = list(range(first.length, first.total, first.length))
        is_behind_full = first.total % first.length == 0 and bool(positions or first.is_full)
        return [*positions, first.total] if is_behind_full else positions
    end = expected if first.total is None else first.total
    if end is None or end < first.length:
        return [first.length]
    return [*range(first.length, end, first.length), end]


def are_steady(pages: Sequence[IdPage]) -> bool:
    """Return True if nothing changed from before the first page until after the last one.

    One page is one moment. Between several, mail may move from a page that is still to be read to
    one that was read. An id that comes twice shows that the order has changed, which an index that
    catches up does without a change of the state.
    """
    if len(pages) <= 1:
        return True
    ids = [each for page in pages for each in page.ids]
    states = {state for page in pages for state in page.states}
    return len(states) == 1 and len(ids) == len(set(ids))
