"""The values of a vCard: their escaping, the properties that Mailroom reads, and empty names."""

import quopri
import re
from typing import Final

from mailroom.contacts.address import addresses_in
from mailroom.contacts.mark import JSCONTACT_PROPERTY, MADE, VCARD_PROPERTY
from mailroom.contacts.model import Names, clean
from mailroom.contacts.uid import uid_key, uid_without_prefix
from mailroom.contacts.vcard.lines import ContentLine, VCard, decode, encode

KIND: Final = ("KIND", "X-ADDRESSBOOKSERVER-KIND")
"""The kind of a card (RFC 6350 section 6.1.4), and Apple's property for it in vCard 3."""
_STRUCTURED: Final = frozenset({"N", "ORG"})
_SEARCHED_FOR_MARK: Final = 200
"""Octets at the beginning of a line that are searched for the name of a mark written over JMAP."""
_TOKEN: Final = re.compile(r"(?s)\\.|.")
_ESCAPE: Final = re.compile(r"(?s)\\.")
_MEANINGS: Final = {r"\n": "\n", r"\N": "\n", r"\,": ",", r"\;": ";", r"\:": ":", r"\\": "\\"}
_PLAIN_ENCODINGS: Final = frozenset({"7BIT", "8BIT"})
_PLAIN_CHARSETS: Final = frozenset({"", "UTF-8", "US-ASCII"})


def unescape(value: str) -> str:
    """Return a value as a person reads it.

    An unknown escape is left unchanged. Bytes that are not UTF-8 become replacement characters.
    """
    if "\\" not in value and value.isascii():
        return value
    text = _ESCAPE.sub(lambda escaped: _MEANINGS.get(escaped[0], escaped[0]), value)
    return encode(text).decode("utf-8", "replace")


def escape(text: str) -> str:
    """Return a text as an escaped value."""
    return re.sub(r"([\\;,])", r"\\\1", clean(text)).replace("\n", r"\n")


def split(value: str, separator: str) -> list[str]:
    """Return the parts of a structured value, still escaped."""
    return [part for _, part in pieces(value, separator)]


def pieces(value: str, *separators: str) -> list[tuple[str, str]]:
    """Return the parts of a value, still escaped, each with the separator before it.

    Args:
        value: the value, for example ``a,b`` with the separator ``,``: the result is
            ``[("", "a"), (",", "b")]``.
        separators: each is ``;``, ``,``, or an escape sequence.
    """
    parts, separator, start = [], "", 0
    for token in _TOKEN.finditer(value):
        if token[0] in separators:
            parts.append((separator, value[start : token.start()]))
            separator, start = token[0], token.end()
    return [*parts, (separator, value[start:])]


def ends_in_escape(value: str) -> bool:
    """Return True if the value ends in an unescaped backslash, so that nothing can be appended."""
    return len(value) - len(value.rstrip("\\")) & 1 == 1


def uid_of(card: VCard) -> str:
    """Return the :func:`uid_key` of the card's uid; empty if the card has none."""
    return uid_key(written_uid_of(card))


def written_uid_of(card: VCard) -> str:
    """Return the value of the card's UID as written; empty if the card has none."""
    uids = (unescape(line.value).strip() for line in card.named("UID"))
    return next((uid for uid in uids if uid_without_prefix(uid)), "")


def kind_of(card: VCard) -> str:
    """Return the kind of the card in lower case; ``individual`` if the card names none."""
    kinds = (unescape(text_of(line)).strip().lower() for line in card.named(*KIND))
    return next((kind for kind in kinds if kind), "individual")


def is_vcard4(card: VCard) -> bool:
    """Return True if the card is a vCard 4 (RFC 6350)."""
    return any(line.value.strip() == "4.0" for line in card.named("VERSION"))


def demanded_names(card: VCard) -> frozenset[str]:
    """Return the name properties that the card must have (RFC 2426 section 3.1.1 and 3.1.2)."""
    return frozenset({"FN"}) if is_vcard4(card) else frozenset({"FN", "N"})


def lacks_demanded_n(card: VCard) -> bool:
    """Return True if the card lacks the N that its version demands."""
    return "N" in demanded_names(card) and not card.named("N")


def addresses_of(card: VCard) -> tuple[str, ...]:
    """Return every e-mail address, without comments, names or brackets around it."""
    # On a card that Mailroom made, no address is split; see addresses_in().
    pointer = JSCONTACT_PROPERTY.encode()
    by_mailroom = any(
        (line.name == VCARD_PROPERTY or pointer in line.raw[:_SEARCHED_FOR_MARK])
        and MADE in line.value
        for line in card.lines
    )
    return tuple(
        address
        for line in card.named("EMAIL")
        for address in _addresses_on(line, by_mailroom=by_mailroom)
    )


def all_addresses_of(card: VCard) -> tuple[str, ...]:
    """Return every e-mail address that can be found, even on a broken card."""
    addresses = addresses_of(card)
    if addresses or card.is_whole:
        return addresses
    # A broken card may have no BEGIN, or CR as line end.
    lines = map(ContentLine.parse, re.split(rb"\r\n|\r|\n", bytes(card)))
    return tuple(
        address
        for line in lines
        if line.name == "EMAIL"
        for address in _addresses_on(line, by_mailroom=False)
    )


def _addresses_on(line: ContentLine, *, by_mailroom: bool) -> list[str]:
    """Return the address on a line, or several if a person typed several."""
    return addresses_in(unescape(text_of(line)), by_mailroom=by_mailroom)


def text_of(line: ContentLine) -> str:
    """Return the value of a line, still escaped, but decoded from the forms of vCard 2.1.

    In vCard 2.1, a value may be quoted-printable and have its own character set.
    """
    if not line.params:
        return line.value
    octets = encode(line.value)
    if "QUOTED-PRINTABLE" in line.encodings:
        octets = quopri.decodestring(octets)
    try:
        return octets.decode(line.charset or "utf-8")
    except (LookupError, ValueError):
        return decode(octets)


def nicknames_of(card: VCard) -> tuple[str, ...]:
    """Return every nickname."""
    lists = (split(text_of(line), ",") for line in card.named("NICKNAME"))
    names = (unescape(part).strip() for parts in lists for part in parts)
    return tuple(name for name in names if name)


def names_of(card: VCard) -> Names:
    """Return the names, each from the first non-empty property."""
    full = next(iter(values_of(card, "FN")), ("",))
    name = next(iter(values_of(card, "N")), ())
    organization = next(iter(values_of(card, "ORG")), ("",))
    surname, given = (*name, "", "")[:2]
    return Names(full=full[0], given=given, surname=surname, organization=organization[0])


def note_of(card: VCard) -> str:
    """Return the text of every readable note, lines separated by a line feed."""
    return "\n".join(unescape(line.value) for line in card.named("NOTE") if is_plain(line))


def is_plain(note: ContentLine) -> bool:
    """Return True if the value is text without an encoding of vCard 2.1."""
    return note.encodings <= _PLAIN_ENCODINGS and note.charset in _PLAIN_CHARSETS


def values_of(card: VCard, name: str) -> tuple[tuple[str, ...], ...]:
    """Return the parts of every non-empty property that has this name.

    The result does not depend on parameters, escaping, folding or empty parts at the end, which
    servers change.
    """
    values = []
    for line in card.named(name):
        raw = split(text_of(line), ";") if name in _STRUCTURED else [text_of(line)]
        parts = [unescape(part).strip() for part in raw]
        while parts and not parts[-1]:
            parts.pop()
        if parts:
            values.append(tuple(parts))
    return tuple(values)


def values_for(names: Names) -> dict[str, str]:
    """Return the non-empty properties that hold these names: property name -> escaped value."""
    values = {"FN": escape(names.full), "ORG": escape(names.organization)}
    if names.given or names.surname:
        values["N"] = f"{escape(names.surname)};{escape(names.given)};;;"
    return {name: value for name, value in values.items() if value}


def with_field(card: VCard, name: str, value: str) -> VCard:
    """Return the card with an empty or missing property filled."""
    lines = card.named(name)
    return card.with_value(lines[0], value) if lines else card.with_new(name, value)


def with_empty_field(card: VCard, name: str) -> VCard:
    """Return the card with an empty value in every property that has this name."""
    for line in card.named(name):
        card = card.with_value(line, ";;;;" if name == "N" else "")
    return card
