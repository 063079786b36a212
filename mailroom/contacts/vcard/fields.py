"""What Mailroom reads off a card, and filling the names that are empty."""

import quopri
import re
from collections.abc import Iterator
from typing import Final

from mailroom.contacts.address import addresses_in
from mailroom.contacts.book import Names
from mailroom.contacts.mark import JSCONTACT_PROPERTY, MADE, VCARD_PROPERTY
from mailroom.contacts.vcard.lines import ContentLine, VCard, decode, encode
from mailroom.contacts.vcard.text import escape, split, unescape

KIND: Final = ("KIND", "X-ADDRESSBOOKSERVER-KIND")
"""The kind of a card (RFC 6350 section 6.1.4), and Apple's property for it in vCard 3."""
_STRUCTURED: Final = frozenset({"N", "ORG"})
_LONGEST_MARK: Final = 200
"""Octets in which a mark that was written over JMAP names itself."""
_UID_PREFIX: Final = "urn:uuid:"
_UUID: Final = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def bare_uid(text: str) -> str:
    """A uid as it is compared: without ``urn:uuid:`` and the quotes that some servers put in."""
    uid = text.strip().strip('"')
    while uid[: len(_UID_PREFIX)].lower() == _UID_PREFIX:
        uid = uid[len(_UID_PREFIX) :].strip('"')
    return uid


def uid_key(text: str) -> str:
    """Return a uid in the spelling in which uids are compared.

    A UUID is the same in capitals, in braces and behind ``urn:uuid:`` (RFC 9562 section 4).
    """
    uid = bare_uid(text)
    uuid = bare_uid(uid[1:-1]) if uid[:1] == "{" and uid[-1:] == "}" else uid
    return uuid.lower() if _UUID.fullmatch(uuid) else uid


def uid_of(card: VCard) -> str:
    """The card's uid as it is compared; empty if it has none."""
    return uid_key(written_uid_of(card))


def written_uid_of(card: VCard) -> str:
    """The value of the card's UID as it is written; empty if it has none."""
    uids = (unescape(line.value).strip() for line in card.named("UID"))
    return next((uid for uid in uids if bare_uid(uid)), "")


def kind_of(card: VCard) -> str:
    """What the card stands for, in lower case; ``individual`` where it does not say."""
    kinds = (unescape(text_of(line)).strip().lower() for line in card.named(*KIND))
    return next((kind for kind in kinds if kind), "individual")


def is_vcard4(card: VCard) -> bool:
    """Whether the card is one of RFC 6350."""
    return any(line.value.strip() == "4.0" for line in card.named("VERSION"))


def demanded_names(card: VCard) -> frozenset[str]:
    """The name properties without which the card is invalid (RFC 2426 section 3.1.1 and 3.1.2)."""
    return frozenset({"FN"}) if is_vcard4(card) else frozenset({"FN", "N"})


def is_vcard3_without_name(card: VCard) -> bool:
    """Whether the card lacks the N that its version demands."""
    return "N" in demanded_names(card) and not card.named("N")


def addresses_of(card: VCard) -> tuple[str, ...]:
    """Every e-mail address, without what else may stand around it."""
    by_mailroom = any(_is_mark_of_made_card(line) for line in card.lines)
    return tuple(
        address
        for line in card.named("EMAIL")
        for address in _addresses_on(line, by_mailroom=by_mailroom)
    )


def _is_mark_of_made_card(line: ContentLine) -> bool:
    pointer = JSCONTACT_PROPERTY.encode()
    is_mark = line.name == VCARD_PROPERTY or pointer in line.raw[:_LONGEST_MARK]
    return is_mark and MADE in line.value


def all_addresses_of(card: VCard) -> tuple[str, ...]:
    """Every e-mail address that can be found, on a card that is broken, too."""
    return addresses_of(card) or tuple(
        address
        for line in _lines_of_broken(card)
        for address in _addresses_on(line, by_mailroom=False)
    )


def _lines_of_broken(card: VCard) -> Iterator[ContentLine]:
    """The EMAIL lines of what is no single card: without BEGIN, or with old line ends."""
    if card.is_whole:
        return
    for raw in re.split(rb"\r\n|\r|\n", bytes(card)):
        line = ContentLine.parse(raw)
        if line.name == "EMAIL":
            yield line


def _addresses_on(line: ContentLine, *, by_mailroom: bool) -> list[str]:
    """Return the address on a line, or all of them where people typed several."""
    return addresses_in(unescape(text_of(line)), by_mailroom=by_mailroom)


def text_of(line: ContentLine) -> str:
    """Return the value of a line, still escaped, but decoded from the forms of vCard 2.1.

    There a value may be quoted-printable, and have a character set of its own.
    """
    octets = encode(line.value)
    if "QUOTED-PRINTABLE" in line.encodings:
        octets = quopri.decodestring(octets)
    try:
        return octets.decode(line.charset or "utf-8")
    except (LookupError, ValueError):
        return decode(octets)


def nicknames_of(card: VCard) -> tuple[str, ...]:
    """Every nickname."""
    lists = (split(text_of(line), ",") for line in card.named("NICKNAME"))
    names = (unescape(part).strip() for parts in lists for part in parts)
    return tuple(name for name in names if name)


def names_of(card: VCard) -> Names:
    """The names, each from the first property that says something."""
    full = next(iter(values_of(card, "FN")), ("",))
    name = next(iter(values_of(card, "N")), ())
    organization = next(iter(values_of(card, "ORG")), ("",))
    surname, given = (*name, "", "")[:2]
    return Names(full=full[0], given=given, surname=surname, organization=organization[0])


def values_of(card: VCard, name: str) -> tuple[tuple[str, ...], ...]:
    """The parts of every property ``name`` that says something.

    Independent of what servers do to a card: parameters, escaping, folding, empty parts at the end.
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
    """The properties that hold these names, as property name -> value; none that is empty."""
    values = {"FN": escape(names.full), "ORG": escape(names.organization)}
    if names.given or names.surname:
        values["N"] = f"{escape(names.surname)};{escape(names.given)};;;"
    return {name: value for name, value in values.items() if value}


def with_field(card: VCard, name: str, value: str) -> VCard:
    """The card with a property that said nothing, or was not there, filled."""
    lines = card.named(name)
    return card.with_value(lines[0], value) if lines else card.with_new(name, value)


def with_empty_field(card: VCard, name: str) -> VCard:
    """The card with the properties ``name`` still there, but empty."""
    for line in card.named(name):
        card = card.with_value(line, ";;;;" if name == "N" else "")
    return card
