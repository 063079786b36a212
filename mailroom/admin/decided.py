"""``mailroom decided``: the subjects that were decided. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mailroom.account import Account
from mailroom.report import printable
from mailroom.screener.overview.decided import DecidedCard, read_decided


class UnknownCategoryError(Exception):
    """The account has no such category; the text names the categories that it has."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The decided subjects, newest first."""

    subjects: tuple[DecidedCard, ...]

    def text(self) -> Iterator[str]:
        """Return the subjects in lines for a terminal."""
        if not self.subjects:
            yield "No decisions found."
        names = [", ".join(decided.categories) for decided in self.subjects]
        width = max(map(len, names), default=0)
        for decided, categories in zip(self.subjects, names, strict=True):
            day = decided.date.isoformat() if decided.date else "by hand"
            at = f"{decided.time:%H:%M}" if decided.time else ""
            name = f"{printable(decided.name)} " if decided.name else ""
            who = ", ".join(printable(str(subject).strip("<>")) for subject in decided.subjects)
            yield f"{day:10} {at:5}  {categories:{width}}  {name}<{who}>"

    def data(self) -> dict[str, Any]:
        """Return the subjects as JSON data."""
        return {"decided": [decided_data(decided) for decided in self.subjects]}


async def find_decided(account: Account, *, category: str | None, search: str) -> Decided:
    """Find the decided subjects, all or those in one category, that match a search.

    Raises:
        UnknownCategoryError: the account has no category of this name.
        HttpError, JmapError, AddressBookError: the address book cannot be read.
        MissingError: the account lacks contact groups.
    """
    categories = account.settings.categories
    wanted = None if category is None else categories.find(category.strip())
    if category is not None and wanted is None:
        known = ", ".join(category.name for category in categories)
        raise UnknownCategoryError(f"there is no category {category!r} (there are: {known})")
    subjects = await read_decided(
        await account.book(),
        categories,
        account.settings.screener.layout,
        wanted=wanted,
        search=search,
    )
    return Decided(subjects)


def decided_data(decided: DecidedCard) -> dict[str, Any]:
    """Return a decided subject as JSON data."""
    return {
        "who": [str(subject) for subject in decided.subjects],
        "kind": decided.subjects[0].kind.value,
        "name": decided.name,
        "categories": list(decided.categories),
        "date": decided.date.isoformat() if decided.date else None,
        "time": f"{decided.time:%H:%M}" if decided.time else None,
    }
