"""Lines in the note of a card. The existing text of a note keeps its exact bytes."""

from collections.abc import Collection
from typing import Final

from mailroom.contacts.note import triage_lines
from mailroom.contacts.vcard.lines import ContentLine, VCard
from mailroom.contacts.vcard.text import ends_in_escape, escape, pieces, unescape

_LINE_ENDS: Final = (r"\n", r"\N")
_PLAIN_ENCODINGS: Final = frozenset({"7BIT", "8BIT"})
_PLAIN_CHARSETS: Final = frozenset({"", "UTF-8", "US-ASCII"})


def note_of(card: VCard) -> str:
    """Return the text of every readable note, lines separated by a line feed."""
    return "\n".join(unescape(line.value) for line in card.named("NOTE") if is_plain(line))


def is_plain(note: ContentLine) -> bool:
    """Return True if the value is text without an encoding of vCard 2.1."""
    return note.encodings <= _PLAIN_ENCODINGS and note.charset in _PLAIN_CHARSETS


def with_line(card: VCard, text: str) -> VCard:
    """Return the card with a line appended to its note.

    The line is added to the note with the last decision, so that the decisions stay in order. A
    note that is not plain is left unchanged, and the line gets a note of its own.
    """
    plain = [note for note in card.named("NOTE") if is_plain(note)]
    decided = [note for note in plain if triage_lines(unescape(note.value))]
    for note in decided[-1:] or plain:
        # An empty note stays empty: after a line in it is removed, the note would be removed, too.
        if note.value and not ends_in_escape(note.value):
            return card.with_value(note, note.value + _LINE_ENDS[0] + escape(text))
    return card.with_new("NOTE", escape(text))


def without_lines(card: VCard, texts: Collection[str]) -> VCard:
    """Return the card without certain lines in its notes; a note without any line is removed."""
    for note in filter(is_plain, card.named("NOTE")):
        lines = pieces(note.value, *_LINE_ENDS)
        kept = [(end, line) for end, line in lines if unescape(line) not in texts]
        if not kept:
            card = card.without(note)
        elif len(kept) < len(lines):
            value = "".join(end + line for end, line in kept)
            card = card.with_value(note, value.removeprefix(kept[0][0]))
    return card
