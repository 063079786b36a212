"""The parts of a JSContact Card (RFC 9553) that Mailroom reads. Pure.

A card is what the server sent, a plain JSON object: it belongs to the person, and most of it is
none of our business. What has not the shape that the RFC promises is passed over.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mailroom.contacts.address import addresses_in
from mailroom.contacts.book import Names
from mailroom.contacts.mark import JSCONTACT_PROPERTY, MADE
from mailroom.contacts.vcard.fields import uid_key

JsCard = Mapping[str, Any]
"""A Card object, as decoded from JSON."""

_ORDER: Final = ("title", "given", "given2", "surname", "surname2", "generation", "credential")
"""In which order the parts of a name are said that has none of its own."""


def text(value: Any) -> str:
    """A string without the white space around it; empty if it is no string."""
    return value.strip() if isinstance(value, str) else ""


def uid_of(card: JsCard) -> str:
    """Return the card's uid as it is compared; empty if the card has none."""
    return uid_key(text(card.get("uid")))


def addresses_of(card: JsCard) -> tuple[str, ...]:
    """Return every e-mail address, without what else may stand around it."""
    by_mailroom = MADE in text(name_of(card).get(JSCONTACT_PROPERTY))
    return tuple(
        address
        for typed in texts(card, "emails", "address")
        for address in addresses_in(typed, by_mailroom=by_mailroom)
    )


def kind_of(card: JsCard) -> str:
    """What the card stands for (RFC 9553 section 2.1.4), in lower case."""
    return text(card.get("kind")).lower() or "individual"


def entries(card: JsCard, name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The objects in a map of the card, by id: servers give them in any order."""
    found = card.get(name)
    if not isinstance(found, dict):
        return []
    return sorted((key, each) for key, each in found.items() if isinstance(each, dict))


def texts(card: JsCard, name: str, member: str) -> tuple[str, ...]:
    """What one member of every object in a map says, where it says something."""
    values = (text(each.get(member)) for _, each in entries(card, name))
    return tuple(value for value in values if value)


def name_of(card: JsCard) -> Mapping[str, Any]:
    """The Name object (RFC 9553 section 2.2.1); an empty one if there is none."""
    name = card.get("name")
    return name if isinstance(name, dict) else {}


def components_of(card: JsCard) -> list[tuple[str, str]]:
    """The parts of the name that say something: kind and value."""
    components = name_of(card).get("components")
    if not isinstance(components, list):
        return []
    parts = (each for each in components if isinstance(each, dict))
    pairs = ((text(each.get("kind")), text(each.get("value"))) for each in parts)
    return [(kind, value) for kind, value in pairs if value and kind != "separator"]


def names_of(card: JsCard) -> Names:
    """The names. A full name that is not written out is what its parts say."""
    components = components_of(card)
    return Names(
        full=text(name_of(card).get("full")) or _said(components, name_of(card)),
        given=_joined(value for kind, value in components if kind == "given"),
        surname=_joined(value for kind, value in components if kind == "surname"),
        organization=next(iter(texts(card, "organizations", "name")), ""),
    )


def _said(components: list[tuple[str, str]], name: Mapping[str, Any]) -> str:
    if name.get("isOrdered") is not True:
        known = [part for part in components if part[0] in _ORDER]
        components = sorted(known, key=lambda part: _ORDER.index(part[0]))
    return _joined(value for _, value in components)


def _joined(values: Iterable[str]) -> str:
    return " ".join(values)


def note_of(card: JsCard) -> str:
    """All notes, lines separated by a line feed."""
    notes = (each.get("note") for _, each in entries(card, "notes"))
    return "\n".join(unix(note) for note in notes if isinstance(note, str) and note)


def unix(note: str) -> str:
    """A text with line feeds for line ends."""
    return note.replace("\r\n", "\n").replace("\r", "\n")


def member_keys(card: JsCard) -> list[str]:
    """The uids of a group's members (RFC 9553 section 2.1.6), as written."""
    members = card.get("members")
    return [key for key, is_in in members.items() if is_in] if isinstance(members, dict) else []
