"""The rules for a valid Card (RFC 9553), as far as the sandbox checks them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

PROPERTIES: Final = frozenset(
    {
        *("id", "addressBookIds"),
        *("@type", "version", "created", "kind", "language", "members", "prodId", "relatedTo"),
        *("uid", "updated", "name", "nicknames", "organizations", "speakToAs", "titles"),
        *("emails", "onlineServices", "phones", "preferredLanguages", "calendars"),
        *("schedulingAddresses", "addresses", "cryptoKeys", "directories", "links", "media"),
        *("localizations", "anniversaries", "keywords", "notes", "personalInfo", "vCardProps"),
    }
)
"""The properties of RFC 9553 and RFC 9610; vendor-specific ones have a colon in their names."""
_MANDATORY: Final = {"@type": "Card", "version": "1.0"}
_TEXTS: Final = ("uid", "kind", "created", "updated", "prodId", "language")
_ENTRIES: Final = {
    "emails": ("address", True),
    "nicknames": ("name", True),
    "notes": ("note", True),
    "organizations": ("name", False),
    "phones": ("number", True),
}
"""Map of objects -> the member of each that is a text, and True if the member is mandatory."""
_SETS: Final = ("members", "keywords", "addressBookIds")


def is_vendors(name: str) -> bool:
    """Return True if a property is vendor-specific (RFC 9553 section 1.8.1)."""
    prefix, colon, rest = name.partition(":")
    return bool(prefix and colon and rest)


def unknown_properties(names: Iterable[str]) -> list[str]:
    """Return the names that are not properties of a card."""
    return [name for name in names if name not in PROPERTIES and not is_vendors(name)]


def invalid_paths(card: Mapping[str, Any]) -> list[str]:
    """Return the paths of the invalid properties of a card, as Cyrus names them."""
    return [*unknown_properties(card), *_wrong_values(card)]


def _wrong_values(card: Mapping[str, Any]) -> Iterator[str]:
    for name, value in _MANDATORY.items():
        if card.get(name) != value:
            yield name
    for name in _TEXTS:
        if not isinstance(card.get(name, ""), str):
            yield name
    for name, (member, is_needed) in _ENTRIES.items():
        yield from _wrong_entries(name, card.get(name, {}), member, is_needed=is_needed)
    for name in _SETS:
        yield from _wrong_set(name, card.get(name, {}))
    if "members" in card and card.get("kind") != "group":
        yield "members"
    if "name" in card:
        yield from _wrong_name(card["name"])


def _wrong_entries(name: str, value: Any, member: str, *, is_needed: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield name
        return
    for key, entry in value.items():
        if not isinstance(entry, dict):
            yield f"{name}/{key}"
        elif not isinstance(entry.get(member, None if is_needed else ""), str):
            yield f"{name}/{key}/{member}"


def _wrong_set(name: str, value: Any) -> Iterator[str]:
    """Yield the paths of members without ``true``; a path has the member twice, as on Cyrus."""
    if not isinstance(value, dict):
        yield name
        return
    yield from (f"{name}/{key}/{key}" for key, is_in in value.items() if is_in is not True)


def _wrong_name(name: Any) -> Iterator[str]:
    """Yield the wrong parts of a name, which must have ``full`` or components (RFC 9553 2.2.1)."""
    if not isinstance(name, dict):
        yield "name"
        return
    full, components = name.get("full"), name.get("components")
    if (full is None and not components) or not isinstance(full, str | None):
        yield "name/full"
    if components is None:
        return
    is_list = isinstance(components, list) and bool(components)
    if not is_list or not all(map(_is_component, components)):
        yield "name/components"


def _is_component(value: Any) -> bool:
    match value:
        case {"kind": str(), "value": str()}:
            return True
        case _:
            return False
