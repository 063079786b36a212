"""Proposals for the page; the mail for them is read once, in the background."""

import asyncio
from collections.abc import Set as AbstractSet
from typing import Final

from mailroom.account import Account
from mailroom.admin.suggest import suggest
from mailroom.runtime.page.rows import suggested_rows
from mailroom.web.model import SuggestedRow, Suggestions

_LIMIT: Final = 100
"""The largest number of proposals."""


class PageSuggestions:
    """The proposals for one account."""

    def __init__(self) -> None:
        self._reading: asyncio.Task[tuple[SuggestedRow, ...]] | None = None
        self._done = self._total = 0
        self._decided = set[str]()

    def start_or_show(self, account: Account) -> Suggestions:
        """Return the proposals or the progress; the first call starts to read.

        Raises:
            Exception: the error that ended the reading; the next call starts to read again.
        """

        def show_progress(_label: str, done: int, total: int) -> None:
            self._done, self._total = done, total

        async def read() -> tuple[SuggestedRow, ...]:
            return suggested_rows(await suggest(account, _LIMIT, show_progress))

        if self._reading is None:
            self._done = self._total = 0
            self._decided.clear()
            self._reading = asyncio.create_task(read(), name="suggestions")
        if not self._reading.done():
            return Suggestions((), self._done, self._total, is_complete=False)
        reading, self._reading = self._reading, None
        if reading.cancelled():
            return Suggestions((), 0, 0, is_complete=False)
        if error := reading.exception():
            raise error
        self._reading = reading
        rows = tuple(row for row in reading.result() if row.who not in self._decided)
        return Suggestions(rows, self._done, self._total, is_complete=True)

    def forget(self, decided: AbstractSet[str]) -> None:
        """Leave out subjects that were decided on since the proposals were read."""
        self._decided |= decided

    def stop(self) -> None:
        """Stop reading, and forget the proposals."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
