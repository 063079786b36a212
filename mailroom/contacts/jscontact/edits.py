"""The edits of :mod:`mailroom.contacts.model`, on a JSContact Card (RFC 9553). Pure.

An edit takes a card and returns the changed card; only the difference is sent, see
:mod:`mailroom.contacts.jscontact.patches`. An edit that is done twice has the same result as one
that is done once.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from mailroom.contacts.jscontact.fields import (
    JsCard,
    components_of,
    entries,
    name_of,
    names_of,
    note_of,
    text,
    unix,
)
from mailroom.contacts.jscontact.mark import (
    MARK,
    digest_of_card,
    is_as_written,
    is_bare,
    is_untouched,
    mark_of,
    marked,
)
from mailroom.contacts.mark import Filled, Mark, digest
from mailroom.contacts.model import CreateCard, Names, UpdateCard
from mailroom.contacts.note import says_last, triage_lines
from mailroom.contacts.text import clean

_LINE_END: Final = re.compile(r"(\r\n|\r|\n)")
_OURS: Final = "mailroom"
"""The id of an entry that Mailroom adds to a map of a card (RFC 9553 section 1.4.1)."""
_CARD: Final = {"@type": "Card", "version": "1.0"}
_PERSONAL: Final = ("given", "surname")


def new_card(create: CreateCard, uid: str, address_book: str) -> dict[str, Any]:
    """Return the card of a new contact, with the mark.

    The card has no ``kind``: apps recognise a company by a name without components, and some apps
    list only cards of kind ``individual``.
    """
    names = _clean(create.names)
    address = clean(create.address)
    name: dict[str, Any] = {"full": names.full or address}
    if components := _components(names):
        name["components"] = components
    card: dict[str, Any] = {
        **_CARD,
        "uid": uid,
        "addressBookIds": {address_book: True},
        "name": name,
        "emails": {_OURS: {"address": address}},
    }
    if names.organization:
        card["organizations"] = {_OURS: {"name": names.organization}}
    if note := clean(create.note):
        card["notes"] = {_OURS: {"note": note}}
    return _as_made(card)


def new_group(name: str, uid: str, address_book: str) -> dict[str, Any]:
    """Return a group without members."""
    return {
        **_CARD,
        "kind": "group",
        "uid": uid,
        "addressBookIds": {address_book: True},
        "name": {"full": clean(name)},
        "members": {},
    }


def updated(card: JsCard, edit: UpdateCard) -> JsCard:
    """Return the card after an edit."""
    if edit.forget:
        card = _forgotten(card)
    elif (edit.claim and is_bare(card)) or (is_untouched(card) and MARK not in name_of(card)):
        # The edit sets REV, which beside a mark from CardDAV would look like a change by a person.
        card = _as_made(card)
    card = _without_lines(_filled(card, _clean(edit.fill)), edit.remove_lines)
    return _with_line(card, clean(edit.add_line))


def adopted(card: JsCard, create: CreateCard) -> JsCard:
    """Return the card with the line that a new card would have in its note."""
    return _with_line(card, clean(create.note))


def _clean(names: Names) -> Names:
    return Names(
        full=clean(names.full).strip(),
        given=clean(names.given).strip(),
        surname=clean(names.surname).strip(),
        organization=clean(names.organization).strip(),
    )


def _as_made(card: JsCard) -> dict[str, Any]:
    """Return the card with the mark that Mailroom wrote everything on it."""
    return _with_mark(card, Mark(made=digest_of_card(card)))


def _with_mark(card: JsCard, mark: Mark) -> dict[str, Any]:
    """Return the card with a mark; a card without a name has no place for it and is unchanged."""
    return {**card, "name": marked(name_of(card), mark)} if name_of(card) else dict(card)


def _filled(card: JsCard, names: Names) -> JsCard:
    """Return the card with its empty names filled, and a mark that records the filled fields."""
    before, filled = card, {}
    for field, fill in _FILL.items():
        after = fill(card, names)
        if after is not card:
            card, filled[field] = after, Filled(_DIGEST[field](after), added=False)
    if not filled:
        return card
    mark = mark_of(before)
    if not mark.made:
        return _with_mark(card, replace(mark, filled={**mark.filled, **filled}))
    return _as_made(card) if is_as_written(before) else card


def _fill_full(card: JsCard, names: Names) -> JsCard:
    if not names.full or names_of(card).full:
        return card
    return {**card, "name": {**name_of(card), "full": names.full}}


def _fill_components(card: JsCard, names: Names) -> JsCard:
    has = names_of(card)
    ours = _components(names)
    if not ours or has.given or has.surname:
        return card
    theirs = [*(name_of(card).get("components") or ())]
    return {**card, "name": {**name_of(card), "components": theirs + ours}}


def _fill_organization(card: JsCard, names: Names) -> JsCard:
    says_something = any(
        text(each.get("name")) or each.get("units") for each in _organizations(card)
    )
    if not names.organization or says_something:
        return card
    return _with_entry(card, "organizations", {"name": names.organization})


_FILL: Final = {
    "full": _fill_full,
    "components": _fill_components,
    "organization": _fill_organization,
}


def _components(names: Names) -> list[dict[str, str]]:
    pairs = (("given", names.given), ("surname", names.surname))
    return [{"kind": kind, "value": value} for kind, value in pairs if value]


def _forgotten(card: JsCard) -> JsCard:
    """Return the card without the mark and without fields that only Mailroom has filled."""
    mark = mark_of(card)
    card = _with_mark(card, Mark())
    for field, filled in mark.filled.items():
        if field in _EMPTY and _DIGEST[field](card) == filled.digest:
            card = _EMPTY[field](card)
    return card


def _empty_full(card: JsCard) -> JsCard:
    return _without_name_parts(card, {"full"})


def _empty_components(card: JsCard) -> JsCard:
    """Return the card without given name and surname, which the digest has shown to be ours."""
    theirs = [
        each
        for each in name_of(card)["components"]
        if not isinstance(each, dict) or each.get("kind") not in _PERSONAL
    ]
    if theirs:
        return {**card, "name": {**name_of(card), "components": theirs}}
    return _without_name_parts(card, {"components"})


def _without_name_parts(card: JsCard, parts: Collection[str]) -> JsCard:
    """Return the card without parts of its name, and without a name that has no part left.

    A name has components or ``full`` (RFC 9553 section 2.2.1). If neither is left but the name has
    other members, ``full`` becomes an empty text, as it was before Mailroom filled it.
    """
    name = {key: value for key, value in name_of(card).items() if key not in parts}
    if not name.keys() - {"@type"}:
        return {key: value for key, value in card.items() if key != "name"}
    if not name.keys() & {"full", "components"}:
        name["full"] = ""
    return {**card, "name": name}


def _empty_organization(card: JsCard) -> JsCard:
    """Return the card without its only organization, which the digest has shown to be ours."""
    (ours,) = (key for key, each in entries(card, "organizations") if text(each.get("name")))
    return _without_entry(card, "organizations", ours)


_EMPTY: Final = {
    "full": _empty_full,
    "components": _empty_components,
    "organization": _empty_organization,
}
_DIGEST: Final = {
    "full": lambda card: digest(text(name_of(card).get("full"))),
    "components": lambda card: digest(
        sorted(part for part in components_of(card) if part[0] in _PERSONAL)
    ),
    "organization": lambda card: digest([*filter(None, map(_said, _organizations(card)))]),
}


def _organizations(card: JsCard) -> list[Mapping[str, Any]]:
    return [each for _, each in entries(card, "organizations")]


def _said(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the non-empty members of an object."""
    return {key: value for key, value in entry.items() if value and key != "@type"}


def _with_line(card: JsCard, line: str) -> JsCard:
    """Return the card with a line appended to its notes, unless the last decision is the same.

    The line is added to the note with the last decision, so that the decisions stay in order.
    """
    if not line or says_last(note_of(card), line):
        return card
    notes = [each for each in entries(card, "notes") if isinstance(each[1].get("note"), str)]
    decided = [each for each in notes if triage_lines(unix(each[1]["note"]))]
    for key, each in decided[-1:] or notes[:1]:
        return _with_entry(card, "notes", {**each, "note": _joined(each["note"], line)}, key)
    return _with_entry(card, "notes", {"note": line})


def _without_lines(card: JsCard, lines: Collection[str]) -> JsCard:
    """Return the card without certain lines in its notes; a note without any line is removed."""
    for key, each in entries(card, "notes"):
        if isinstance(note := each.get("note"), str):
            left = _text_without(note, lines)
            if left is None:
                card = _without_entry(card, "notes", key)
            elif left != note:
                card = _with_entry(card, "notes", {**each, "note": left}, key)
    return card


def _joined(note: str, line: str) -> str:
    """Return a note with a line appended; a final carriage return stays its own line end."""
    end = "\r" if note.endswith("\r") else "\n"
    return f"{note}{end}{line}" if note else line


def _text_without(note: str, lines: Collection[str]) -> str | None:
    """Return a note without these lines, line ends kept; None if no line is left."""
    first, *rest = _LINE_END.split(note)
    pieces = [("", first), *zip(rest[::2], rest[1::2], strict=True)]
    kept = [(end, line) for end, line in pieces if line not in lines]
    if len(kept) == len(pieces):
        return note
    return "".join(end + line for end, line in kept).removeprefix(kept[0][0]) if kept else None


def _with_entry(
    card: JsCard, name: str, entry: Mapping[str, Any], key: str | None = None
) -> JsCard:
    """Return the card with an object in one of its maps; under a free id if ``key`` is None."""
    found = card.get(name)
    there = found if isinstance(found, dict) else {}
    return {**card, name: {**there, key or _free_id(there): dict(entry)}}


def _without_entry(card: JsCard, name: str, key: str) -> JsCard:
    return {**card, name: {each: value for each, value in card[name].items() if each != key}}


def _free_id(there: Mapping[str, Any]) -> str:
    numbered = (f"{_OURS}-{number}" for number in range(2, len(there) + 3))
    return next(each for each in (_OURS, *numbered) if each not in there)
