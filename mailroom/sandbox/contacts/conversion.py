"""The conversion of vCard and JSContact (RFC 9555), with the losses of two servers. Pure.

The servers are Cyrus 3.14 and Stalwart.

A vCard is shown over JMAP without the properties that the server does not convert. When the card is
edited over JMAP, its vCard is written anew from JSContact: the first nickname, GEO, TZ and GENDER
are lost, the names of X- properties are in capitals, and their quoted parameters grow.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Server = Literal["cyrus", "stalwart"]
Json = dict[str, Any]

_FOLD: Final = re.compile(r"\r?\n[ \t]")
_LINE: Final = re.compile(r'(?:[\w-]+\.)?([\w-]+)((?:;(?:"[^"]*"|[^":;])*)*):(.*)', re.DOTALL)
_POINTER: Final = re.compile(r'JSPTR="?([^";]*)"?')
_QUOTED: Final = re.compile(r'"([^"]*)"')
_SPLIT: Final = {separator: re.compile(rf"(?<!\\){separator}") for separator in ";,"}
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


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a vCard: the name in capitals, parameters and value unchanged."""

    name: str
    params: str
    value: str

    @property
    def text(self) -> str:
        """The value without escapes."""
        return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], self.value)

    def parts(self, separator: str) -> list[str]:
        """The parts of a structured value."""
        split = _SPLIT[separator].split(self.value)
        return [Property(self.name, "", part).text for part in split]


def read(card: bytes) -> list[Property]:
    """Return the properties of a vCard."""
    text = _FOLD.sub("", card.decode("utf-8", "surrogateescape"))
    matches = (_LINE.fullmatch(line.removesuffix("\r")) for line in text.split("\n"))
    return [Property(match[1].upper(), match[2], match[3]) for match in matches if match]


def to_jscontact(card: bytes, server: Server) -> Json:
    """Return the Card (RFC 9553) that a server shows for a vCard."""
    shown: Json = {"@type": "Card", "version": "1.0", "kind": "individual", "name": {}}
    for each in read(card):
        _show(each, shown, server)
    if server == "stalwart" and "components" in shown["name"]:
        shown["name"]["isOrdered"] = True
    if shown["kind"] == "group":
        shown.setdefault("members", {})
    else:
        shown.pop("members", None)
    if not shown["name"]:
        del shown["name"]
    return shown


def _show(each: Property, shown: Json, server: Server) -> None:
    if each.name in _ENTRIES:
        name, member = _ENTRIES[each.name]
        values = each.parts(",") if each.name == "NICKNAME" else [each.text]
        entries = [{member: value} for value in values if value]
        _add_entries(shown, name, entries)
    elif each.name in _TEXTS:
        shown[_TEXTS[each.name]] = each.text
    elif each.name in _KINDS[server]:
        shown["kind"] = each.text.lower()
    elif each.name in _MEMBERS:
        shown.setdefault("members", {})[_bare(each.text)] = True
    else:
        _show_structured(each, shown)


def _show_structured(each: Property, shown: Json) -> None:
    match each.name:
        case "UID":
            shown["uid"] = _bare(each.text)
        case "FN":
            shown["name"]["full"] = each.text
        case "N":
            pairs = zip(_COMPONENTS, each.parts(";"), strict=False)
            if components := [{"kind": kind, "value": value} for kind, value in pairs if value]:
                shown["name"]["components"] = components
        case "ORG":
            name, *units = each.parts(";")
            entry: Json = {"name": name}
            if units := [unit for unit in units if unit]:
                entry["units"] = [{"name": unit} for unit in units]
            _add_entries(shown, "organizations", [entry] if name or units else [])
        case "CATEGORIES":
            shown.setdefault("keywords", {}).update(dict.fromkeys(each.parts(","), True))
        case "JSPROP" if (pointer := _POINTER.search(each.params)) and "/" in pointer[1]:
            parent, member = pointer[1].split("/", 1)
            shown.setdefault(parent, {})[member] = json.loads(each.text)


def _add_entries(shown: Json, name: str, entries: list[Json]) -> None:
    for entry in entries:
        key = hashlib.sha1(json.dumps([name, entry]).encode(), usedforsecurity=False).hexdigest()
        shown.setdefault(name, {})[key] = entry


def _bare(uid: str) -> str:
    return uid.removeprefix("urn:uuid:")


def to_vcard(card: Mapping[str, Any], before: bytes | None) -> bytes:
    """Return the vCard that a server writes for a Card.

    Args:
        card: the Card.
        before: the vCard so far, for what JSContact does not hold; None for a new card.
    """
    lines = ["BEGIN:VCARD", "VERSION:4.0", f"UID:{card['uid']}", *_lines(card, before is None)]
    for each in read(before or b""):
        if each.name not in _CONVERTED and each.name not in _LOST:
            grown = _QUOTED.sub("\"^'\\1^'\"", each.params)
            lines.append(f"{each.name}{grown}:{each.value}")
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
        # Not a new card's: what is lost is lost when somebody else's vCard is written anew.
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
