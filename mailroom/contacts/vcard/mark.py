"""The property ``X-MAILROOM``: what Mailroom did to a card, see :mod:`mailroom.contacts.mark`."""

from typing import Final

from mailroom.contacts.mark import Mark, digest
from mailroom.contacts.note import is_only_triage
from mailroom.contacts.vcard.fields import KIND, kind_of, values_of
from mailroom.contacts.vcard.lines import VCard
from mailroom.contacts.vcard.notes import is_plain, note_of

_PROPERTY: Final = "X-MAILROOM"
_WRITTEN: Final = ("FN", "N", "ORG", "EMAIL")
_EXPECTED: Final = frozenset(
    {"BEGIN", "END", "VERSION", "UID", "PRODID", "CREATED", "NOTE", _PROPERTY, *KIND, *_WRITTEN}
)
"""What is on a card that nobody touched: what Mailroom writes, and what servers add on their own.
Not REV: servers that add one do so for edits made in their address book page."""


def mark_of(card: VCard) -> Mark:
    """The mark on a card; an empty one if there is none."""
    lines = card.named(_PROPERTY)
    return Mark.parse(lines[0].value) if lines else Mark()


def with_mark(card: VCard, mark: Mark) -> VCard:
    """The card with this mark in place of any other; with an empty one, without the property."""
    lines = card.named(_PROPERTY)
    if not str(mark):
        return card.without(*lines)
    if not lines:
        return card.with_new(_PROPERTY, str(mark))
    return card.without(*lines[1:]).with_value(lines[0], str(mark))


def as_made(card: VCard) -> VCard:
    """The card with the mark that Mailroom wrote all that is on it."""
    return with_mark(card, Mark(made=digest_of_card(card)))


def is_as_written(card: VCard) -> bool:
    """Whether Mailroom made the card and all that it wrote (but the note) is as it was."""
    return mark_of(card).made == digest_of_card(card)


def is_untouched(card: VCard) -> bool:
    """Whether Mailroom made the card and nobody else changed or added anything."""
    return (
        is_as_written(card)
        and all(line.name in _EXPECTED or line.is_blank for line in card.lines)
        and all(is_plain(note) for note in card.named("NOTE"))
        and is_only_triage(note_of(card))
    )


def digest_of_card(card: VCard) -> str:
    """A digest of what Mailroom writes on a card it makes, but for the note."""
    written = {name: sorted(values_of(card, name)) for name in _WRITTEN}
    return digest({"kind": kind_of(card), **written})


def digest_of_field(card: VCard, name: str) -> str:
    """A digest of one property."""
    return digest(sorted(values_of(card, name)))
