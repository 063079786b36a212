"""The rules for a valid Card (RFC 9553), as far as the sandbox checks them. Pure."""

from collections.abc import Iterable, Mapping
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


def is_vendor_specific(name: str) -> bool:
    """Return True if a property is vendor-specific (RFC 9553 section 1.8.1)."""
    prefix, colon, rest = name.partition(":")
    return bool(prefix and colon and rest)


def unknown_properties(names: Iterable[str]) -> list[str]:
    """Return the names that are not properties of a card."""
    return [name for name in names if name not in PROPERTIES and not is_vendor_specific(name)]


def invalid_paths(card: Mapping[str, Any]) -> list[str]:
    """Return the paths of the invalid properties of a card, as Cyrus names them."""
    wrong = unknown_properties(card)
    wrong += [name for name, value in _MANDATORY.items() if card.get(name) != value]
    wrong += [name for name in _TEXTS if not isinstance(card.get(name, ""), str)]
    for name in (*_ENTRIES, *_SETS):
        if not isinstance(card.get(name, {}), dict):
            wrong.append(name)
            continue
        for key, entry in card.get(name, {}).items():
            member, is_needed = _ENTRIES.get(name, ("", False))
            if not member and entry is not True:
                wrong.append(f"{name}/{key}/{key}")  # the member twice, as on Cyrus
            elif member and not isinstance(entry, dict):
                wrong.append(f"{name}/{key}")
            elif member and not isinstance(entry.get(member, None if is_needed else ""), str):
                wrong.append(f"{name}/{key}/{member}")
    if "members" in card and card.get("kind") != "group":
        wrong.append("members")
    return wrong + (_wrong_parts(card["name"]) if "name" in card else [])


def _wrong_parts(name: Any) -> list[str]:
    """Return the wrong parts of a name, which must have ``full`` or components (RFC 9553 2.2.1)."""
    if not isinstance(name, dict):
        return ["name"]
    full, components = name.get("full"), name.get("components")
    wrong = []
    if (full is None and not components) or not isinstance(full, str | None):
        wrong.append("name/full")
    is_list = isinstance(components, list) and bool(components)
    if components is not None and not (is_list and all(map(_is_component, components))):
        wrong.append("name/components")
    return wrong


def _is_component(value: Any) -> bool:
    match value:
        case {"kind": str(), "value": str()}:
            return True
        case _:
            return False
