"""The subjects that were decided, by the cards in the categories' groups. Reads only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, time
from typing import Final

from mailroom.contacts.address import key_of, list_key, spellings
from mailroom.contacts.book import AddressBook
from mailroom.contacts.model import Card
from mailroom.contacts.note import list_in, triage_lines
from mailroom.contacts.uid import is_of_list
from mailroom.screener.model.categories import Categories, Category, Layout
from mailroom.screener.model.subject import Subject
from mailroom.screener.triage.groups import find_groups
from mailroom.screener.triage.standing import StandingDecisions
from mailroom.waiting.batches import batches

_AT_ONCE: Final = 500
"""Cards that are read at a time, so that only few cards are in memory."""


@dataclass(frozen=True, slots=True)
class DecidedCard:
    """A card in the group of a category, which is a decision on the card's subjects.

    Attributes:
        subjects: the subjects that the card stands for: a mailing list, or one for each address.
        name: the name on the card; may be empty.
        categories: the names of the categories, by the groups that the card is in.
        date: the day of the last decision that the note records; None if the card was put into the
            group by hand.
        time: the time of that decision; None if the note has no time.
    """

    subjects: tuple[Subject, ...]
    name: str
    categories: tuple[str, ...]
    date: date | None
    time: time | None

    def matches(self, search: str) -> bool:
        """Return True if the name or a subject contains a text, regardless of case."""
        wanted = search.strip().casefold()
        texts = [
            self.name,
            *(text for subject in self.subjects for text in spellings(str(subject))),
        ]
        return any(wanted in text.casefold() for text in texts)


async def read_decided(
    book: AddressBook,
    categories: Categories,
    layout: Layout,
    *,
    wanted: Category | None = None,
    search: str = "",
) -> tuple[DecidedCard, ...]:
    """Read the decided subjects by their cards, the newest decision first.

    Cards that were put into a group by hand come last. Only cards in the groups of categories are
    read, a part at a time.

    Args:
        book: the address book.
        categories: the categories.
        layout: the other mailboxes and names.
        wanted: only subjects in this category; None for all.
        search: only subjects whose name, address, domain or List-Id contains this text.

    Raises:
        HttpError, JmapError, AddressBookError: the address book cannot be read.
        MissingError: contact groups are missing.
    """
    snapshot = await book.sync()
    groups = find_groups(snapshot.groups, categories, layout)
    standing = StandingDecisions(snapshot.index, categories)
    by_uid, ids = dict[str, tuple[str, ...]](), list[str]()
    for uid in frozenset[str]().union(*(group.members for group in groups.managed)):
        card_id = snapshot.index.id_of(uid)
        joined = standing.categories_of_cards(frozenset({uid}))
        if card_id is not None and (wanted is None or wanted in joined):
            by_uid[uid] = tuple(category.name for category in joined)
            ids.append(card_id)
    ids.sort()
    found = list[DecidedCard]()
    for part in batches(ids, _AT_ONCE):
        cards = await snapshot.read_cards(part)
        every = (decided_card(card, by_uid.get(card.uid, ())) for card in cards)
        found += [decided for decided in every if decided.subjects and decided.matches(search)]
    return newest_first(found)


def decided_card(card: Card, categories: tuple[str, ...]) -> DecidedCard:
    """Return the decision that a card stands for. Pure."""
    # The line in the note that names a list is no proof: the owner of any card may have written
    # such a line. A card of a list has the uid of a list as well.
    identifier = list_in(card.note) if is_of_list(card.uid) else ""
    keys = [list_key(identifier)] if identifier else map(key_of, card.addresses)
    subjects = tuple(map(Subject, dict.fromkeys(keys)))
    last = triage_lines(card.note)[-1:]
    day, at = (last[0].date, last[0].time) if last else (None, None)
    return DecidedCard(subjects, card.names.full, categories, day, at)


def newest_first(decisions: Collection[DecidedCard]) -> tuple[DecidedCard, ...]:
    """Return decisions sorted by day and time, then by name. Pure.

    A decision without a time comes after the others of its day, and one without a day at the end.
    """
    by_name = sorted(decisions, key=lambda decided: (decided.name.casefold(), decided.subjects))
    return tuple(
        sorted(
            by_name,
            key=lambda decided: (decided.date or date.min, decided.time or time.min),
            reverse=True,
        )
    )
