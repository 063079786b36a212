"""The mark of :mod:`mailroom.contacts.mark` on a vCard, in the property ``X-MAILROOM``.

A mark that was written over JMAP is a JSContact property in the vCard (RFC 9555 section 3.2.1), and
is read as well: ``JSPROP;JSPTR="name/mailroom:mark":"made=<digest>"``.
"""

import re
from typing import Final

from mailroom.contacts.mark import VCARD_PROPERTY, Mark, Written, digest, field_digests
from mailroom.contacts.note import is_only_triage
from mailroom.contacts.vcard.fields import KIND, kind_of, values_of
from mailroom.contacts.vcard.lines import ContentLine, VCard
from mailroom.contacts.vcard.notes import is_plain, note_of

_PROPERTY: Final = VCARD_PROPERTY
_JSPROP: Final = frozenset({"JSPROP", "X-JSPROP"})
_POINTER: Final = re.compile(r"/?name/mailroom:mark:(?P<mark>.*)", re.IGNORECASE | re.DOTALL)
_QUOTES: Final = re.compile(r"""\^'|["'\\]""")
"""Quotes as such, escaped (RFC 6868) or with backslashes: some servers add more with each edit."""
_WRITTEN: Final = ("FN", "N", "ORG", "EMAIL")
_EXPECTED: Final = frozenset(
    {"BEGIN", "END", "VERSION", "UID", "PRODID", "CREATED", "NOTE", _PROPERTY, *KIND, *_WRITTEN}
)
"""The properties of a card that nobody touched: those that Mailroom writes, and those that servers
add on their own. Not REV: servers that add REV do so for edits made in their address book page.
But every edit over JMAP sets REV, so REV shows nothing on a card with a mark from JMAP."""


def mark_of(card: VCard) -> Mark:
    """Return the mark on a card, written over either protocol; an empty mark if there is none."""
    if lines := card.named(_PROPERTY):
        return Mark.parse(lines[0].value)
    return Mark.parse(next(map(_mark_over_jmap, _jmap_lines(card)), ""))


def with_mark(card: VCard, mark: Mark) -> VCard:
    """Return the card with this mark instead of the old one; an empty mark is left out."""
    card = card.without(*_jmap_lines(card))
    lines = card.named(_PROPERTY)
    if not str(mark):
        return card.without(*lines)
    if not lines:
        return card.with_new(_PROPERTY, str(mark))
    return card.without(*lines[1:]).with_value(lines[0], str(mark))


def as_made(card: VCard) -> VCard:
    """Return the card with the mark that Mailroom wrote everything on it."""
    return with_mark(card, Mark(made=_written(card).vcard_digest))


def is_as_written(card: VCard) -> bool:
    """Return True if Mailroom made the card and its content (except the note) is unchanged."""
    return mark_of(card).made in _written(card).digests


def is_untouched(card: VCard) -> bool:
    """Return True if Mailroom made the card and nobody else changed or added anything."""
    return is_as_written(card) and _holds_nothing_else(card) and is_only_triage(note_of(card))


def is_bare(card: VCard) -> bool:
    """Return True if a card without a mark holds nothing but what Mailroom writes on its cards."""
    return (
        not str(mark_of(card))
        and _holds_nothing_else(card)
        and _written(card).is_as_mailroom_writes(note_of(card))
    )


def digest_of_field(card: VCard, name: str) -> str:
    """Return the digest of one property, as the mark records it."""
    return digest(sorted(values_of(card, name)))


def is_as_filled(card: VCard, name: str, filled: str) -> bool:
    """Return True if a property is as Mailroom filled it; ``filled`` is the mark's digest."""
    return filled in field_digests(name, values_of(card, name))


def _holds_nothing_else(card: VCard) -> bool:
    over_jmap = _jmap_lines(card)
    may_have_rev = bool(over_jmap) or not card.named(_PROPERTY)
    return all(
        line.name in _EXPECTED
        or line.is_blank
        or line in over_jmap
        or (may_have_rev and line.name == "REV")
        for line in card.lines
    ) and all(is_plain(note) for note in card.named("NOTE"))


def _written(card: VCard) -> Written:
    return Written(kind_of(card), *(values_of(card, name) for name in _WRITTEN))


def _jmap_lines(card: VCard) -> tuple[ContentLine, ...]:
    """Return the lines that hold a mark which was written over JMAP."""
    return tuple(line for line in card.lines if line.name in _JSPROP and _pointed_at(line))


def _mark_over_jmap(line: ContentLine) -> str:
    match = _pointed_at(line)
    return "" if match is None else match["mark"]


def _pointed_at(line: ContentLine) -> re.Match[str] | None:
    """Return the match of the pointer to the mark, and of the mark behind it.

    Pointer and value are looked at as one text: where a server forgot the quotes that the colon in
    the pointer needs, the rest of the pointer stands in the value.
    """
    pointer = next((value for name, value in line.params if name == "JSPTR"), "")
    return _POINTER.fullmatch(_QUOTES.sub("", f"{pointer}:{line.value}"))
