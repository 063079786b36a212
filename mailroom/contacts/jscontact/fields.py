"""The parts of a JSContact Card (RFC 9553) that Mailroom reads. Pure.

A card is the plain JSON object that the server sent. It belongs to the person, and Mailroom reads
only a small part. Values without the shape that the RFC promises are ignored.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mailroom.contacts.address import addresses_in
from mailroom.contacts.mark import JSCONTACT_PROPERTY, MADE
from mailroom.contacts.model import Names, clean
from mailroom.contacts.uid import uid_key

JsCard = Mapping[str, Any]
"""A Card object, as decoded from JSON."""

OURS: Final = "mailroom"
"""The id of an entry that Mailroom adds to a map of a card (RFC 9553 section 1.4.1)."""
_ORDER: Final = ("title", "given", "given2", "surname", "surname2", "generation", "credential")
"""The order of name components if ``isOrdered`` is not true (RFC 9553 section 2.2.1)."""
_VCARD_MARK: Final = "x-mailroom"
"""The mark that was written over CardDAV; some servers show it in ``vCardProps``."""
_VCARD_NOISE: Final = frozenset({"version", "prodid", _VCARD_MARK})
"""Properties of a vCard that servers report and that say nothing of the person."""


def text(value: Any) -> str:
    """Return a string without surrounding white space; an empty one for any other value."""
    return value.strip() if isinstance(value, str) else ""


def uid_of(card: JsCard) -> str:
    """Return the card's uid in the spelling in which uids are compared; empty without a uid."""
    return uid_key(text(card.get("uid")))


def addresses_of(card: JsCard) -> tuple[str, ...]:
    """Return every e-mail address, without comments, names or brackets around the address."""
    by_mailroom = MADE in text(name_of(card).get(JSCONTACT_PROPERTY))
    return tuple(
        address
        for typed in texts(card, "emails", "address")
        for address in addresses_in(typed, by_mailroom=by_mailroom)
    )


def kind_of(card: JsCard) -> str:
    """Return the kind of the card (RFC 9553 section 2.1.4), in lower case."""
    return text(card.get("kind")).lower() or "individual"


def entries(card: JsCard, name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return each id and object in a map of the card, sorted: servers send them in any order."""
    objects = card.get(name)
    if not isinstance(objects, dict):
        return []
    return sorted((key, entry) for key, entry in objects.items() if isinstance(entry, dict))


def texts(card: JsCard, name: str, member: str) -> tuple[str, ...]:
    """Return one member of each object in a map; members that are empty or no text are left out.

    Example: ``texts(card, "emails", "address")``.
    """
    values = (text(entry.get(member)) for _, entry in entries(card, name))
    return tuple(value for value in values if value)


def name_of(card: JsCard) -> Mapping[str, Any]:
    """Return the Name object (RFC 9553 section 2.2.1); an empty one if there is none."""
    name = card.get("name")
    return name if isinstance(name, dict) else {}


def components_of(card: JsCard) -> list[tuple[str, str]]:
    """Return the non-empty components of the name, as kind and value; separators are left out."""
    components = name_of(card).get("components")
    if not isinstance(components, list):
        return []
    parts = (part for part in components if isinstance(part, dict))
    pairs = ((text(part.get("kind")), text(part.get("value"))) for part in parts)
    return [(kind, value) for kind, value in pairs if value and kind != "separator"]


def names_of(card: JsCard) -> Names:
    """Return the names. A missing full name is composed of the name components, in their order."""
    name, components = name_of(card), components_of(card)
    full = text(name.get("full"))
    if not full:
        parts = components
        if name.get("isOrdered") is not True:
            known = [part for part in components if part[0] in _ORDER]
            parts = sorted(known, key=lambda part: _ORDER.index(part[0]))
        full = _joined(value for _, value in parts)
    return Names(
        full=full,
        given=_joined(value for kind, value in components if kind == "given"),
        surname=_joined(value for kind, value in components if kind == "surname"),
        organization=next(iter(texts(card, "organizations", "name")), ""),
    )


def _joined(values: Iterable[str]) -> str:
    return " ".join(values)


def note_of(card: JsCard) -> str:
    """Return the text of every note, lines separated by a line feed."""
    notes = (entry.get("note") for _, entry in entries(card, "notes"))
    return "\n".join(with_line_feeds(note) for note in notes if isinstance(note, str) and note)


def with_line_feeds(note: str) -> str:
    """Return a text with line feeds for line ends."""
    return note.replace("\r\n", "\n").replace("\r", "\n")


def mark_of(card: JsCard) -> str:
    """Return the text of the mark, written over JMAP or CardDAV; an empty text if none is shown."""
    if mark := text(name_of(card).get(JSCONTACT_PROPERTY)):
        return mark
    for vcard_property in _vcard_props(card):
        match vcard_property:
            case [str(name), _, _, str(value)] if name.lower() == _VCARD_MARK:
                return value
    return ""


def _vcard_props(card: JsCard) -> list[Any]:
    value = card.get("vCardProps")
    return value if isinstance(value, list) else []


def is_empty(value: Any) -> bool:
    """Return True for null, an empty text and an empty object or list."""
    return value is None or value in ("", {}, [])


def says_something(card: JsCard, name: str) -> bool:
    """Return True if a property is not empty and holds more than servers add on their own."""
    if name == "vCardProps":
        return not all(
            isinstance(vcard_property, list)
            and vcard_property
            and str(vcard_property[0]).lower() in _VCARD_NOISE
            for vcard_property in _vcard_props(card)
        )
    return not is_empty(card.get(name))


def member_uids(card: JsCard) -> list[str]:
    """Return the uids of the group members (RFC 9553 section 2.1.6), as written."""
    members = card.get("members")
    if not isinstance(members, dict):
        return []
    return [key for key, is_member in members.items() if is_member]


def cleaned(names: Names) -> Names:
    """Return the names without control characters and surrounding white space."""
    return Names(
        full=clean(names.full).strip(),
        given=clean(names.given).strip(),
        surname=clean(names.surname).strip(),
        organization=clean(names.organization).strip(),
    )


def name_components(names: Names) -> list[dict[str, str]]:
    """Return the components of a Name object for a given name and a surname."""
    pairs = (("given", names.given), ("surname", names.surname))
    return [{"kind": kind, "value": value} for kind, value in pairs if value]


def with_entry(
    card: JsCard, name: str, entry: Mapping[str, Any], key: str | None = None
) -> dict[str, Any]:
    """Return the card with an object in one of its maps; under a free id if ``key`` is None."""
    value = card.get(name)
    present = value if isinstance(value, dict) else {}
    if key is None:
        numbered = (f"{OURS}-{number}" for number in range(2, len(present) + 3))
        key = next(free for free in (OURS, *numbered) if free not in present)
    return {**card, name: {**present, key: dict(entry)}}


def without_entry(card: JsCard, name: str, key: str) -> dict[str, Any]:
    """Return the card without an object in one of its maps."""
    return {**card, name: {other: value for other, value in card[name].items() if other != key}}
