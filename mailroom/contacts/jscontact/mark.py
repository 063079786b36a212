"""The mark that records Mailroom's changes of a JSContact card, so that they can be undone. Pure.

It is a vendor-specific property (RFC 9553 section 1.8.1) inside ``name``, in the words of
:class:`mailroom.contacts.mark.Mark`:

    "name": {"full": "Acme", "mailroom:mark": "made=<digest>"}
    "name": {"full": "Ann", "mailroom:mark": "full=<digest> organization=<digest>"}

Servers keep cards as vCards, where the mark is a JSPROP (RFC 9555 section 3.2.1). The mark is
inside ``name`` because on the card itself Cyrus (Fastmail) hides such a property unless the client
names it, and Stalwart refuses it. Cyrus drops ``vCardProps``, and people would see anything else.
An app that replaces the whole name removes the mark, and the card then belongs to the person.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mailroom.contacts.jscontact.fields import (
    JsCard,
    components_of,
    entries,
    kind_of,
    name_of,
    note_of,
    text,
    texts,
)
from mailroom.contacts.mark import (
    COMPONENTS,
    JSCONTACT_PROPERTY,
    Mark,
    Values,
    Written,
    name_values,
)
from mailroom.contacts.note import is_only_triage

MARK: Final = JSCONTACT_PROPERTY
_VCARD_MARK: Final = "x-mailroom"
"""The mark that was written over CardDAV; some servers show it in ``vCardProps``."""
_EXPECTED: Final = frozenset(
    {
        *("@type", "version", "id", "uid", "kind", "addressBookIds"),
        *("created", "updated", "prodId", "vCardProps"),
        *("cyrusimap.org:blobId", "cyrusimap.org:size", "cyrusimap.org:href"),
        *("name", "organizations", "emails", "notes"),
    }
)
"""The properties of a card that nobody touched: those that Mailroom writes, and those that servers
add on their own. ``updated`` is not evidence: Mailroom's own edits set it as well."""
_EXPECTED_WITHIN: Final = {
    "organizations": frozenset({"@type", "name"}),
    "emails": frozenset({"@type", "address"}),
    "notes": frozenset({"@type", "note"}),
}
_EXPECTED_IN_NAME: Final = frozenset({"@type", "full", "components", "isOrdered", MARK})
"""Stalwart adds ``isOrdered``."""
_VCARD_NOISE: Final = frozenset({"version", "prodid", _VCARD_MARK})
"""Properties of a vCard that servers report and that say nothing of the person."""
_LOSSY: Final = ("nicknames", "addresses", "speakToAs", "vCardProps")
"""The properties that servers show but do not keep whole when they write the vCard anew: nicknames,
GEO and TZ, GENDER, and unknown properties."""


def mark_of(card: JsCard) -> Mark:
    """Return the mark on a card, written over either protocol; an empty mark if there is none."""
    mark = text(name_of(card).get(MARK))
    return Mark.parse(mark or next(_vcard_marks(card), ""))


def digest_of_card(card: JsCard) -> str:
    """Return a digest of everything that Mailroom writes on a new card, except the note."""
    return _written(card).jscontact_digest


def is_as_written(card: JsCard) -> bool:
    """Return True if Mailroom made the card and its content (except the note) is unchanged."""
    known = all(kind in COMPONENTS for kind, _ in components_of(card))
    return known and mark_of(card).made in _written(card).digests


def is_untouched(card: JsCard) -> bool:
    """Return True if Mailroom made the card and nobody else changed or added anything."""
    return is_as_written(card) and _holds_nothing_else(card) and is_only_triage(note_of(card))


def is_bare(card: JsCard) -> bool:
    """Return True if a card has no mark and holds only fields that Mailroom writes."""
    return (
        not str(mark_of(card))
        and _holds_nothing_else(card)
        and all(kind in COMPONENTS for kind, _ in components_of(card))
        and _written(card).is_as_mailroom_writes(note_of(card))
    )


def is_safe_to_edit(card: JsCard) -> bool:
    """Return True if no server loses anything that a person wrote when Mailroom edits the card.

    At any edit, Cyrus (3.14) and Stalwart write the whole vCard anew from JSContact. They lose the
    properties that JSContact does not show and those that they do not convert both ways. So only
    cards that Mailroom made are edited, as long as nobody added such properties to them.
    """
    is_made = bool(mark_of(card).made) or is_bare(card)
    return is_made and not any(_says_something(card, name) for name in _LOSSY)


def _says_something(card: JsCard, name: str) -> bool:
    if name == "vCardProps":
        return not all(map(_is_noise, _vcard_props(card)))
    return not _is_empty(card.get(name))


def _holds_nothing_else(card: JsCard) -> bool:
    return (
        all(name in _EXPECTED for name, value in card.items() if not _is_empty(value))
        and _names(name_of(card)) <= _EXPECTED_IN_NAME
        and all(
            _names(entry) <= expected
            for name, expected in _EXPECTED_WITHIN.items()
            for _, entry in entries(card, name)
        )
        and not _says_something(card, "vCardProps")
    )


def _names(value: Mapping[str, Any]) -> set[str]:
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


def _vcard_marks(card: JsCard) -> Iterator[str]:
    for vcard_property in _vcard_props(card):
        match vcard_property:
            case [str(name), _, _, str(value)] if name.lower() == _VCARD_MARK:
                yield value


def _vcard_props(card: JsCard) -> list[Any]:
    value = card.get("vCardProps")
    return value if isinstance(value, list) else []


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])


def _is_noise(vcard_property: Any) -> bool:
    match vcard_property:
        case [str(name), *_]:
            return name.lower() in _VCARD_NOISE
        case _:
            return False


def marked(name: Mapping[str, Any], mark: Mark) -> dict[str, Any]:
    """Return a Name object with this mark instead of the old one; an empty mark is left out."""
    rest = {key: value for key, value in name.items() if key != MARK}
    return {**rest, MARK: str(mark)} if str(mark) else rest
