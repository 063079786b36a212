"""A vCard as :class:`mailroom.contacts.editing.CardForm`; its mark is in ``X-MAILROOM``.

A mark that was written over JMAP is a JSContact property in the vCard (RFC 9555 section 3.2.1), and
is read as well: ``JSPROP;JSPTR="name/mailroom:mark":"made=<digest>"``.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Self

from mailroom.contacts.mark import (
    VCARD_PROPERTY,
    Filled,
    Mark,
    Written,
    digest,
    field_digests,
)
from mailroom.contacts.model import Names
from mailroom.contacts.note import triage_lines
from mailroom.contacts.vcard.fields import (
    KIND,
    demanded_names,
    ends_in_escape,
    escape,
    is_plain,
    kind_of,
    note_of,
    pieces,
    unescape,
    values_for,
    values_of,
    with_empty_field,
    with_field,
)
from mailroom.contacts.vcard.lines import ContentLine, VCard

_JSPROP: Final = frozenset({"JSPROP", "X-JSPROP"})
_POINTER: Final = re.compile(r"/?name/mailroom:mark:(?P<mark>.*)", re.IGNORECASE | re.DOTALL)
_QUOTES: Final = re.compile(r"""\^'|["'\\]""")
"""Quotes, plain or escaped as ``^'`` (RFC 6868), and backslashes: some servers add backslashes
before the quotes, more with each edit."""
_WRITTEN: Final = ("FN", "N", "ORG", "EMAIL")
_EXPECTED: Final = frozenset(
    {"BEGIN", "END", "VERSION", "UID", "PRODID", "CREATED", "NOTE"}
    | {VCARD_PROPERTY, *KIND, *_WRITTEN}
)
"""The properties of a card that nobody touched: those that Mailroom writes, and those that servers
add on their own. REV is not among them; see :attr:`VCardForm.holds_nothing_else`."""
_LINE_ENDS: Final = (r"\n", r"\N")
_PROPERTIES: Final = {"full": "FN", "components": "N", "organization": "ORG"}
"""The words in a mark that was written over JMAP -> the vCard properties."""


@dataclass(frozen=True, slots=True)
class VCardForm:
    """A vCard; see :class:`mailroom.contacts.editing.CardForm`."""

    card: VCard

    @property
    def note(self) -> str:
        """The readable notes."""
        return note_of(self.card)

    @property
    def mark(self) -> Mark:
        """The mark."""
        if lines := self.card.named(VCARD_PROPERTY):
            return Mark.parse(lines[0].value)
        marks = (_match_mark(line) for line in self._jmap_mark_lines)
        return Mark.parse(next((match["mark"] for match in marks if match is not None), ""))

    @property
    def written(self) -> Written:
        """The parts that Mailroom writes."""
        return Written(kind_of(self.card), *(values_of(self.card, name) for name in _WRITTEN))

    @property
    def digest(self) -> str:
        """The digest of the parts that Mailroom writes."""
        return self.written.vcard_digest

    @property
    def holds_nothing_else(self) -> bool:
        """True if each line is one that Mailroom or a server writes."""
        jmap_mark_lines = self._jmap_mark_lines
        # On a card that Mailroom marked over CardDAV, REV shows an edit by a person: servers add it
        # when somebody edits the card on the server's web page. On other cards REV shows nothing:
        # every edit over JMAP sets it, and a card without a mark may have been made over JMAP.
        may_have_rev = bool(jmap_mark_lines) or not self.card.named(VCARD_PROPERTY)
        return all(
            line.name in _EXPECTED
            or line.is_blank
            or line in jmap_mark_lines
            or (may_have_rev and line.name == "REV")
            for line in self.card.lines
        ) and all(map(is_plain, self.card.named("NOTE")))

    @property
    def may_be_marked(self) -> bool:
        """False if the card has REV: beside X-MAILROOM, REV looks like an edit by a person."""
        return not self.card.named("REV")

    @property
    def renews_mark(self) -> bool:
        """False: over CardDAV an edit changes nothing but the properties that Mailroom edits."""
        return False

    def with_mark(self, mark: Mark) -> Self:
        """Write the mark into X-MAILROOM; a mark that was written over JMAP is removed."""
        card = self.card.without(*self._jmap_mark_lines)
        lines = card.named(VCARD_PROPERTY)
        if not str(mark):
            card = card.without(*lines)
        elif lines:
            card = card.without(*lines[1:]).with_value(lines[0], str(mark))
        else:
            card = card.with_new(VCARD_PROPERTY, str(mark))
        return type(self)(card)

    def filled(self, names: Names) -> tuple[Self, Mapping[str, Filled]]:
        """Fill FN, N and ORG where the card has no value in any property of that name."""
        card, fields = self.card, dict[str, Filled]()
        for name, value in values_for(names).items():
            if not values_of(card, name):
                is_added = not card.named(name)
                card = with_field(card, name, value)
                fields[name] = Filled(digest(sorted(values_of(card, name))), added=is_added)
        return type(self)(card), fields

    def emptied(self, field: str, filled: Filled) -> Self:
        """Undo a filling: remove the property if Mailroom added it, else empty the property.

        A property that the card must have is not removed but emptied.
        """
        name = _PROPERTIES.get(field, field)
        if filled.digest not in field_digests(name, values_of(self.card, name)):
            return self
        if filled.added and name not in demanded_names(self.card):
            return type(self)(self.card.without(*self.card.named(name)))
        return type(self)(with_empty_field(self.card, name))

    def with_line(self, line: str) -> Self:
        """Append a line to the note with the last decision, so that the decisions stay in order.

        If no note has a decision, the first note that can be used gets the line. If there is none,
        the line gets a note of its own. A note with an encoding of vCard 2.1 is never used.
        """
        plain = [note for note in self.card.named("NOTE") if is_plain(note)]
        decided = [note for note in plain if triage_lines(unescape(note.value))]
        for note in decided[-1:] or plain:
            # If a line were appended to an empty note of a person, an undo would remove the note.
            # A single backslash at the end of a note would escape the line end behind it.
            if note.value and not ends_in_escape(note.value):
                longer = note.value + _LINE_ENDS[0] + escape(line)
                return type(self)(self.card.with_value(note, longer))
        return type(self)(self.card.with_new("NOTE", escape(line)))

    def without_lines(self, lines: Collection[str]) -> Self:
        """Remove lines from the notes; the other lines keep their bytes."""
        card = self.card
        for note in filter(is_plain, card.named("NOTE")):
            present = pieces(note.value, *_LINE_ENDS)
            kept = [(separator, line) for separator, line in present if unescape(line) not in lines]
            if not kept:
                card = card.without(note)
            elif len(kept) < len(present):
                value = "".join(separator + line for separator, line in kept)
                card = card.with_value(note, value.removeprefix(kept[0][0]))
        return type(self)(card)

    @property
    def _jmap_mark_lines(self) -> tuple[ContentLine, ...]:
        """The lines that hold a mark which was written over JMAP."""
        return tuple(line for line in self.card.lines if line.name in _JSPROP and _match_mark(line))


def _match_mark(line: ContentLine) -> re.Match[str] | None:
    """Return the match of the pointer to the mark, and of the mark behind it.

    Some servers forget the quotes that the colon in the pointer needs, and write
    ``JSPTR=name/mailroom:mark:made=...``. Then the parameter is ``name/mailroom`` and the value is
    ``mark:made=...``. So both are joined by a colon before the match.
    """
    pointer = next((value for name, value in line.params if name == "JSPTR"), "")
    return _POINTER.fullmatch(_QUOTES.sub("", f"{pointer}:{line.value}"))
