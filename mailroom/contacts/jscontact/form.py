"""A JSContact Card as :class:`mailroom.contacts.editing.CardForm`. Pure.

The mark is a vendor-specific property (RFC 9553 section 1.8.1) inside ``name``:

    "name": {"full": "Acme", "mailroom:mark": "made=<digest>"}
    "name": {"full": "Ann", "mailroom:mark": "full=<digest> organization=<digest>"}

Servers keep cards as vCards, where the mark is a JSPROP (RFC 9555 section 3.2.1). No other place is
as good as ``name``: on the card itself Cyrus (Fastmail) hides such a property unless the client
names it, and Stalwart refuses it. Cyrus drops ``vCardProps``. In any other property, such as the
note, apps would show the mark to people.
An app that replaces the whole name removes the mark, and the card then belongs to the person.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from mailroom.contacts.jscontact.fields import (
    JsCard,
    cleaned,
    components_of,
    entries,
    is_empty,
    kind_of,
    mark_of,
    name_components,
    name_of,
    names_of,
    note_of,
    says_something,
    text,
    texts,
    with_entry,
    with_line_feeds,
    without_entry,
)
from mailroom.contacts.mark import (
    COMPONENTS,
    JSCONTACT_PROPERTY,
    Filled,
    Mark,
    Values,
    Written,
    digest,
    name_values,
)
from mailroom.contacts.model import Names
from mailroom.contacts.note import triage_lines

MARK: Final = JSCONTACT_PROPERTY
_EXPECTED: Final = frozenset(
    {
        *("@type", "version", "id", "uid", "kind", "addressBookIds"),
        *("created", "updated", "prodId", "vCardProps"),
        *("cyrusimap.org:blobId", "cyrusimap.org:size", "cyrusimap.org:href"),
        *("name", "organizations", "emails", "notes"),
    }
)
"""The properties of a card that nobody touched: those that Mailroom writes, and those that servers
add on their own. ``updated`` shows no edit by a person: Mailroom's own edits set it as well."""
_EXPECTED_WITHIN: Final = {
    "organizations": frozenset({"@type", "name"}),
    "emails": frozenset({"@type", "address"}),
    "notes": frozenset({"@type", "note"}),
}
"""Property -> the members that its entries have on a card that nobody touched."""
_EXPECTED_IN_NAME: Final = frozenset({"@type", "full", "components", "isOrdered", MARK})
"""The members of ``name`` on a card that nobody touched; Stalwart adds ``isOrdered``."""
_LINE_END: Final = re.compile(r"(\r\n|\r|\n)")
_FIELDS: Final = frozenset({"full", "components", "organization"})
"""The words in the mark for the fields that Mailroom fills."""
_PERSONAL: Final = ("given", "surname")
"""The kinds of the name components that Mailroom fills."""


@dataclass(frozen=True, slots=True)
class JsContactForm:
    """A JSContact Card; see :class:`mailroom.contacts.editing.CardForm`."""

    card: JsCard

    @property
    def note(self) -> str:
        """The lines of all notes."""
        return note_of(self.card)

    @property
    def mark(self) -> Mark:
        """The mark."""
        return Mark.parse(mark_of(self.card))

    @property
    def written(self) -> Written | None:
        """The parts that Mailroom writes; None if the name has components that vCard lacks."""
        is_known = all(kind in COMPONENTS for kind, _ in components_of(self.card))
        return _written(self.card) if is_known else None

    @property
    def digest(self) -> str:
        """The digest of the parts that Mailroom writes."""
        return _written(self.card).jscontact_digest

    @property
    def holds_nothing_else(self) -> bool:
        """True if each property is one that Mailroom or a server writes."""
        return (
            all(name in _EXPECTED for name, value in self.card.items() if not is_empty(value))
            and _members(name_of(self.card)) <= _EXPECTED_IN_NAME
            and all(
                _members(entry) <= expected
                for name, expected in _EXPECTED_WITHIN.items()
                for _, entry in entries(self.card, name)
            )
            and not says_something(self.card, "vCardProps")
        )

    @property
    def may_be_marked(self) -> bool:
        """True: what servers add (see ``_EXPECTED``) never counts as an edit by a person."""
        return True

    @property
    def renews_mark(self) -> bool:
        """True unless the mark was written over JMAP.

        An edit over JMAP sets REV in the vCard. If the mark is then still the one in X-MAILROOM,
        REV looks like an edit by a person when the card is read over CardDAV. Beside a mark that
        was written over JMAP, REV is expected.
        """
        return MARK not in name_of(self.card)

    def with_mark(self, mark: Mark) -> Self:
        """Write the mark. A card without a name has no place for a mark, and stays as it is."""
        name = name_of(self.card)
        if not name:
            return self
        rest = {key: value for key, value in name.items() if key != MARK}
        marked = {**rest, MARK: str(mark)} if str(mark) else rest
        return type(self)({**self.card, "name": marked})

    def filled(self, names: Names) -> tuple[Self, Mapping[str, Filled]]:
        """Fill the full name, the components of the name, and the organization, if empty."""
        names = cleaned(names)
        has, card, fields = names_of(self.card), dict(self.card), []
        if names.full and not has.full:
            card["name"] = {**name_of(card), "full": names.full}
            fields.append("full")
        components = name_components(names)
        if components and not has.given and not has.surname:
            others = name_of(card).get("components") or ()
            card["name"] = {**name_of(card), "components": [*others, *components]}
            fields.append("components")
        if names.organization and not any(
            text(entry.get("name")) or entry.get("units")
            for _, entry in entries(card, "organizations")
        ):
            card = with_entry(card, "organizations", {"name": names.organization})
            fields.append("organization")
        return type(self)(card), {
            field: Filled(_field_digest(card, field), added=False) for field in fields
        }

    def emptied(self, field: str, filled: Filled) -> Self:
        """Remove the full name, the components or the organization that Mailroom wrote."""
        if field not in _FIELDS or _field_digest(self.card, field) != filled.digest:
            return self
        card = self.card
        match field:
            case "full":
                card = _without_name_part(card, "full")
            case "components":
                others = [
                    part
                    for part in name_of(card)["components"]
                    if not isinstance(part, dict) or part.get("kind") not in _PERSONAL
                ]
                if others:
                    card = {**card, "name": {**name_of(card), "components": others}}
                else:
                    card = _without_name_part(card, "components")
            case _:
                # The digest has shown that the only organization with a name is ours.
                (ours,) = (
                    key for key, entry in entries(card, "organizations") if text(entry.get("name"))
                )
                card = without_entry(card, "organizations", ours)
        return type(self)(card)

    def with_line(self, line: str) -> Self:
        """Append a line to the last note with a decision, or to the first note, or as a new note.

        If the note ends in CR, the line end before the new line is CR as well: an LF would be one
        line end together with that CR.
        """
        notes = [
            (key, entry)
            for key, entry in entries(self.card, "notes")
            if isinstance(entry.get("note"), str)
        ]
        decided = [
            (key, entry) for key, entry in notes if triage_lines(with_line_feeds(entry["note"]))
        ]
        if not notes:
            return type(self)(with_entry(self.card, "notes", {"note": line}))
        key, entry = decided[-1] if decided else notes[0]
        note = entry["note"]
        end = "\r" if note.endswith("\r") else "\n"
        longer = f"{note}{end}{line}" if note else line
        return type(self)(with_entry(self.card, "notes", {**entry, "note": longer}, key))

    def without_lines(self, lines: Collection[str]) -> Self:
        """Remove lines from the notes; the ends of the other lines stay as they are."""
        card = self.card
        for key, entry in entries(card, "notes"):
            if not isinstance(note := entry.get("note"), str):
                continue
            # Each line comes with the line end before it. The first line has none.
            first, *rest = _LINE_END.split(note)
            pieces = [("", first), *zip(rest[::2], rest[1::2], strict=True)]
            kept = [(end, line) for end, line in pieces if line not in lines]
            if not kept:
                card = without_entry(card, "notes", key)
            elif len(kept) < len(pieces):
                left = "".join(end + line for end, line in kept).removeprefix(kept[0][0])
                card = with_entry(card, "notes", {**entry, "note": left}, key)
        return type(self)(card)


def _members(value: Mapping[str, Any]) -> set[str]:
    """Return the names of the non-null members; Stalwart leaves null for removed members."""
    return {name for name, member in value.items() if member is not None}


def _written(card: JsCard) -> Written:
    full = text(name_of(card).get("full"))
    return Written(
        kind=kind_of(card),
        full=((full,),) if full else (),
        name=name_values(components_of(card)),
        organization=_one_part_each(texts(card, "organizations", "name")),
        email=_one_part_each(texts(card, "emails", "address")),
    )


def _one_part_each(values: tuple[str, ...]) -> Values:
    return tuple((value,) for value in values)


def _field_digest(card: JsCard, field: str) -> str:
    """Return the digest of one field, as the mark records it."""
    match field:
        case "full":
            return digest(text(name_of(card).get("full")))
        case "components":
            return digest(sorted(part for part in components_of(card) if part[0] in _PERSONAL))
        case _:
            organizations = (
                {key: value for key, value in entry.items() if value and key != "@type"}
                for _, entry in entries(card, "organizations")
            )
            return digest([organization for organization in organizations if organization])


def _without_name_part(card: JsCard, part: str) -> JsCard:
    """Return the card without a part of its name, and without a name that has no part left.

    A name has components or ``full`` (RFC 9553 section 2.2.1). If neither is left but the name has
    other members, ``full`` becomes an empty text, as it was before Mailroom filled it.
    """
    name = {key: value for key, value in name_of(card).items() if key != part}
    if not name.keys() - {"@type"}:
        return {key: value for key, value in card.items() if key != "name"}
    if not name.keys() & {"full", "components"}:
        name["full"] = ""
    return {**card, "name": name}
