"""The conversion of vCard and JSContact (RFC 9555), with the losses of two servers. Pure.

The servers are Cyrus 3.14 and Stalwart. They show a vCard over JMAP without the properties that
they do not convert. When the card is edited over JMAP, they write its vCard anew from JSContact:
the first nickname, GEO, TZ and GENDER are lost, the names of X- properties are in capitals, and
with every edit their quoted parameters get one more pair of quotes, written ``^'`` (RFC 6868).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from mailroom.sandbox.contacts.vcard import Property, properties

Server = Literal["cyrus", "stalwart"]
Json = dict[str, Any]

_POINTER: Final = re.compile(r'JSPTR="?([^";]*)"?')
_QUOTED: Final = re.compile(r'"([^"]*)"')
_COMPONENTS: Final = ("surname", "given", "given2", "title", "credential")
_ENTRIES: Final = {
    "EMAIL": ("emails", "address"),
    "TEL": ("phones", "number"),
    "NOTE": ("notes", "note"),
    "TITLE": ("titles", "name"),
    "URL": ("links", "uri"),
    "PHOTO": ("media", "uri"),
    "NICKNAME": ("nicknames", "name"),
}
"""Property -> the map in a Card, and the member of its entries that holds the value."""
_TEXTS: Final = {"PRODID": "prodId", "CREATED": "created", "REV": "updated"}
_KINDS: Final = {"cyrus": ("KIND", "X-ADDRESSBOOKSERVER-KIND"), "stalwart": ("KIND",)}
"""The properties for the kind; Stalwart does not know groups in Apple's form."""
_MEMBERS: Final = ("MEMBER", "X-ADDRESSBOOKSERVER-MEMBER")
_LOST: Final = frozenset({"GEO", "TZ", "GENDER"})
_CONVERTED: Final = frozenset(
    {
        *("BEGIN", "END", "VERSION", "UID", "FN", "N", "ORG", "CATEGORIES", "JSPROP"),
        *(*_ENTRIES, *_TEXTS, *_KINDS["cyrus"], *_MEMBERS),
    }
)


def to_jscontact(card: bytes, server: Server) -> Json:
    """Return the Card (RFC 9553) that a server shows for a vCard."""
    shown: Json = {"@type": "Card", "version": "1.0", "kind": "individual", "name": {}}
    for prop in properties(card):
        _show(prop, shown, server)
    if server == "stalwart" and "components" in shown["name"]:
        shown["name"]["isOrdered"] = True
    if shown["kind"] == "group":
        shown.setdefault("members", {})
    else:
        shown.pop("members", None)
    if not shown["name"]:
        del shown["name"]
    return shown


def _show(prop: Property, shown: Json, server: Server) -> None:
    """Add a property to a Card."""
    if prop.name in _ENTRIES:
        field, member = _ENTRIES[prop.name]
        values = prop.parts(",") if prop.name == "NICKNAME" else [prop.text]
        _add_entries(shown, field, [{member: value} for value in values if value])
    elif prop.name in _TEXTS:
        shown[_TEXTS[prop.name]] = prop.text
    elif prop.name in _KINDS[server]:
        shown["kind"] = prop.text.lower()
    elif prop.name in _MEMBERS:
        shown.setdefault("members", {})[prop.text.removeprefix("urn:uuid:")] = True
    else:
        _show_structured(prop, shown)


def _show_structured(prop: Property, shown: Json) -> None:
    match prop.name:
        case "UID":
            shown["uid"] = prop.text.removeprefix("urn:uuid:")
        case "FN":
            shown["name"]["full"] = prop.text
        case "N":
            pairs = zip(_COMPONENTS, prop.parts(";"), strict=False)
            if components := [{"kind": kind, "value": value} for kind, value in pairs if value]:
                shown["name"]["components"] = components
        case "ORG":
            organization, *others = prop.parts(";")
            entry: Json = {"name": organization}
            if units := [{"name": unit} for unit in others if unit]:
                entry["units"] = units
            _add_entries(shown, "organizations", [entry] if organization or units else [])
        case "CATEGORIES":
            shown.setdefault("keywords", {}).update(dict.fromkeys(prop.parts(","), True))
        case "JSPROP" if (pointer := _POINTER.search(prop.params)) and "/" in pointer[1]:
            parent, member = pointer[1].split("/", 1)
            shown.setdefault(parent, {})[member] = json.loads(prop.text)


def _add_entries(shown: Json, name: str, entries: list[Json]) -> None:
    for entry in entries:
        key = hashlib.sha1(json.dumps([name, entry]).encode(), usedforsecurity=False).hexdigest()
        shown.setdefault(name, {})[key] = entry


def to_vcard(card: Mapping[str, Any], before: bytes | None) -> bytes:
    """Return the vCard that a server writes for a Card.

    Args:
        card: the Card.
        before: the vCard so far, for what JSContact does not hold; None for a new card.
    """
    lines = ["BEGIN:VCARD", "VERSION:4.0", f"UID:{card['uid']}", *_lines(card, before is None)]
    for prop in properties(before or b""):
        if prop.name not in _CONVERTED and prop.name not in _LOST:
            grown = _QUOTED.sub("\"^'\\1^'\"", prop.params)
            lines.append(f"{prop.name}{grown}:{prop.value}")
    lines.append("END:VCARD")
    return b"".join(line.encode("utf-8", "surrogateescape") + b"\r\n" for line in lines)


def _lines(card: Mapping[str, Any], is_new: bool) -> Iterator[str]:  # noqa: FBT001 - private
    name = card.get("name", {})
    parts = {part["kind"]: part["value"] for part in name.get("components", ())}
    yield f"KIND:{card.get('kind', 'individual').upper()}"
    yield f"FN:{_escaped(name.get('full', ''))}"
    yield "N:" + ";".join(_escaped(parts.get(kind, "")) for kind in _COMPONENTS)
    for member, value in name.items():
        if ":" in member and value is not None:
            yield f'JSPROP;JSPTR="name/{member}":{_escaped(json.dumps(value))}'
    for prop, (field, member) in _ENTRIES.items():
        entries = [*card.get(field, {}).items()]
        # Nothing is lost from a new card, only when somebody else's vCard is written anew.
        kept = entries[1:] if prop == "NICKNAME" and not is_new else entries
        for key, entry in kept:
            yield f"{prop};PROP-ID={key}:{_escaped(entry[member])}"
    for key, entry in card.get("organizations", {}).items():
        units = [unit["name"] for unit in entry.get("units", ())]
        organization = [entry.get("name", ""), *units]
        yield f"ORG;PROP-ID={key}:{';'.join(map(_escaped, organization))}"
    if keywords := card.get("keywords"):
        yield f"CATEGORIES:{','.join(map(_escaped, keywords))}"
    for prop, field in _TEXTS.items():
        if field in card:
            yield f"{prop}:{_escaped(card[field])}"
    yield from (f"MEMBER:{member}" for member in card.get("members", ()))


def _escaped(text: str) -> str:
    return re.sub(r"([\\;,])", r"\\\1", text).replace("\n", "\\n")
