"""List the mails of mailboxes by the simplest filter: all mails, even if searches miss some."""

from collections.abc import Collection, Sequence
from typing import Final, TypeVar

from mailroom.jmap.mail import Filter
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.paging import READINGS, are_steady, remaining_pages
from mailroom.jmap.queries import DatedPage, IdPage, find_dates, find_ids
from mailroom.jmap.request import Operation
from mailroom.waiting.batches import batches
from mailroom.waiting.concurrency import all_of

T = TypeVar("T")

_LARGEST_PAGE: Final = 5000
"""The most ids in one page. No Email/get reads these mails, so maxObjectsInGet is no limit."""
_STATES: Final = 2
"""The number of calls that read the Email state: one before the pages, and one after them."""


async def list_ids(
    account: MailAccount,
    mailbox_ids: Collection[str],
    *,
    keyword: str = "",
    preceded_by: Sequence[Operation[T]] = (),
) -> tuple[list[T], tuple[str, ...]]:
    """List the ids of all mails in some mailboxes.

    Each mailbox has a query of its own, by ``inMailbox`` alone: this needs no search index, and
    relies neither on totals nor on limits. Mailboxes that change meanwhile are listed again, and
    the lists are united. So a mail that moves from one page to another is not missed.

    Args:
        account: the account.
        mailbox_ids: the mailboxes.
        keyword: only mails with this keyword are listed; empty: all mails.
        preceded_by: operations that are carried out first; they must be safe to repeat.

    Raises:
        HttpError, JmapError: the server cannot be asked.
    """
    ordered = sorted(mailbox_ids)
    done, listings = await _list_once(account, ordered, preceded_by, keyword)
    ids = _ids(listings)
    for _ in range(READINGS - 1):
        states = {state for pages in listings for page in pages for state in page.states}
        if len(states) <= 1 and all(map(are_steady, listings)):
            break
        _, listings = await _list_once(account, ordered, (), keyword)
        ids |= _ids(listings)
    return done, tuple(ids)


def _ids(listings: Sequence[Sequence[IdPage]]) -> dict[str, None]:
    return dict.fromkeys(email_id for pages in listings for page in pages for email_id in page.ids)


async def _list_once(
    account: MailAccount,
    mailbox_ids: Sequence[str],
    preceded_by: Sequence[Operation[T]],
    keyword: str,
) -> tuple[list[T], list[list[IdPage]]]:
    """Read the pages of each mailbox. The page at the expected end is read with the first page."""
    sizes = {} if keyword else account.mailbox_sizes
    ends = [(mailbox_id, size) for mailbox_id in mailbox_ids if (size := sizes.get(mailbox_id))]
    asked = [*((mailbox_id, 0) for mailbox_id in mailbox_ids), *ends]
    done, parts = await account.client.perform_in_turn(preceded_by, _pages(account, asked, keyword))
    known = dict(zip(asked, (page for part in parts for page in part), strict=True))

    async def listing(mailbox_id: str) -> list[IdPage]:
        async def ask(positions: Sequence[int]) -> Sequence[IdPage]:
            operations = _pages(
                account, [(mailbox_id, position) for position in positions], keyword
            )
            parts = await account.client.perform_all(operations)
            return [page for part in parts for page in part]

        first, size = known[mailbox_id, 0], sizes.get(mailbox_id)
        ahead = {size: known[mailbox_id, size]} if size else {}
        rest = await remaining_pages(first, ask, account.habits, expected=size, ahead=ahead)
        return [first, *rest]

    return done, await all_of(listing(mailbox_id) for mailbox_id in mailbox_ids)


def _pages(
    account: MailAccount, asked: Sequence[tuple[str, int]], keyword: str
) -> list[Operation[list[IdPage]]]:
    """Return operations that read pages of mailboxes, as many pages in each as a request holds."""
    also = {"hasKeyword": keyword} if keyword else {}
    queries = [({"inMailbox": mailbox_id, **also}, position) for mailbox_id, position in asked]
    size = max(1, account.calls_at_once - _STATES)
    return [find_ids(account.id, part, limit=_LARGEST_PAGE) for part in batches(queries, size)]


async def list_dates(account: MailAccount, email_filter: Filter, first: IdPage) -> dict[str, str]:
    """Return the dates (UTCDate) on which the mails of a query's result were received, by id.

    The mails of the first page, which is known, are left out unless the result has changed.

    Raises:
        HttpError, JmapError: the server cannot be asked.
    """

    async def ask(positions: Sequence[int]) -> Sequence[DatedPage]:
        size = account.page_size
        return await account.client.perform_all(
            [
                find_dates(account.id, email_filter, position=position, limit=size)
                for position in positions
            ]
        )

    dates = dict[str, str]()
    for reading in range(READINGS):
        if reading:
            (again,) = await ask([0])
            dates |= again.dates
            first = again
        rest = await remaining_pages(first, ask, account.habits)
        for page in rest:
            dates |= page.dates
        if are_steady([first, *rest]):
            break
    return dates
