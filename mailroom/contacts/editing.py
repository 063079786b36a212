"""The changes that Mailroom makes to a card, for every format. Pure.

A card belongs to the person. Mailroom fills names that are empty, and adds a dated line to the
note. Everything else stays as it is. A mark on the card records which names were filled, or that
Mailroom made the card (:mod:`mailroom.contacts.mark`). An undo empties the names in the mark, and
removes Mailroom's lines, which it recognises by their wording (:mod:`mailroom.contacts.note`).

An edit that is done twice has the same result as one that is done once.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Protocol, Self, TypeVar

from mailroom.contacts.mark import Filled, Mark, Written
from mailroom.contacts.model import Card, CreateCard, Names, UpdateCard, clean
from mailroom.contacts.note import is_only_by_mailroom, repeats_last_decision


class CardForm(Protocol):
    """A card in one format. It never changes: each method returns another card."""

    @property
    def note(self) -> str:
        """The lines of all readable notes."""
        ...

    @property
    def mark(self) -> Mark:
        """The mark, written over either protocol; an empty mark if there is none."""
        ...

    @property
    def written(self) -> Written | None:
        """The parts that Mailroom writes; None if the name has parts that Mailroom never writes."""
        ...

    @property
    def digest(self) -> str:
        """The digest of the parts that Mailroom writes; each format computes its own digest."""
        ...

    @property
    def holds_nothing_else(self) -> bool:
        """True if every part of the card is one that Mailroom writes, or that servers add."""
        ...

    @property
    def may_be_marked(self) -> bool:
        """True if the card, once it has a mark, would still look untouched.

        Servers add properties to cards. On a card without a mark, such a property means nothing. On
        a card with a mark, the same property looks like a change by a person.
        """
        ...

    @property
    def renews_mark(self) -> bool:
        """True if every edit must write a new mark on a card that is untouched.

        If an edit kept the old mark, the card would look afterwards as if a person had changed it.
        """
        ...

    def with_mark(self, mark: Mark) -> Self:
        """Return the card with this mark instead of the old one; an empty mark is left out."""
        ...

    def filled(self, names: Names) -> tuple[Self, Mapping[str, Filled]]:
        """Return the card with its empty names filled, and the filled fields for the mark."""
        ...

    def emptied(self, field: str, filled: Filled) -> Self:
        """Return the card without a field that Mailroom filled and nobody has changed since."""
        ...

    def with_line(self, line: str) -> Self:
        """Return the card with a line appended to the note with the last decision.

        If no note has a decision, the first note that can be used gets the line, or a new note.
        """
        ...

    def without_lines(self, lines: Collection[str]) -> Self:
        """Return the card without certain lines of its notes; a note without lines is removed."""
        ...


F = TypeVar("F", bound=CardForm)


def with_facts_from_mark(contact: Card, card: CardForm) -> Card:
    """Return a contact with the facts that follow from the mark and the content of its card."""
    mark = card.mark
    return replace(
        contact,
        made_by_us=bool(mark.made),
        untouched=is_untouched(card),
        filled_by_us=bool(mark.filled),
        is_bare=is_bare(card),
    )


def updated(card: F, edit: UpdateCard) -> F:
    """Return the card after an edit."""
    if edit.forget:
        fields = card.mark.filled
        card = card.with_mark(Mark())
        for field, filled in fields.items():
            card = card.emptied(field, filled)
    elif (edit.mark_as_made and card.may_be_marked and is_bare(card)) or (
        card.renews_mark and is_untouched(card)
    ):
        card = as_made(card)
    with_names, fields = card.filled(edit.fill)
    if fields and not card.mark.made:
        card = with_names.with_mark(Mark(filled={**card.mark.filled, **fields}))
    elif fields:
        # The digest of a card that Mailroom made covers these fields as well, so a new digest is
        # needed. But if somebody else has changed the card, the old digest stays: the difference
        # shows the change.
        card = as_made(with_names) if _is_as_written(card) else with_names
    return _with_decision(card.without_lines(edit.remove_lines), edit.add_line)


def adopted(card: F, create: CreateCard) -> F:
    """Return an existing card, which is used instead of a new one, with the decision in its note.

    The card has a uid that Mailroom computed, so another run or instance of Mailroom made the card.
    Only the line that records the decision is added.
    """
    return _with_decision(card, create.note)


def as_made(card: F) -> F:
    """Return the card with a mark that says: Mailroom wrote everything on this card."""
    return card.with_mark(Mark(made=card.digest))


def is_untouched(card: CardForm) -> bool:
    """Return True if Mailroom made the card and nobody else changed or added anything."""
    return _is_as_written(card) and card.holds_nothing_else and is_only_by_mailroom(card.note)


def is_bare(card: CardForm) -> bool:
    """Return True if a card without a mark holds nothing but what Mailroom writes on its cards."""
    if str(card.mark) or not card.holds_nothing_else:
        return False
    written = card.written
    return written is not None and written.is_as_mailroom_writes(card.note)


def _is_as_written(card: CardForm) -> bool:
    """Return True if Mailroom made the card and its content (except the note) is unchanged."""
    made = card.mark.made
    written = card.written if made else None
    return written is not None and made in written.digests


def _with_decision(card: F, line: str) -> F:
    """Return the card with a line in its note, unless the last decision there is the same."""
    line = clean(line)
    return card if not line or repeats_last_decision(card.note, line) else card.with_line(line)
