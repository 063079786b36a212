"""From a display name to the names on a card, and back again. Pure."""

import re
import unicodedata
from typing import Final

from mailroom.contacts.book import Card, ContactType, Names
from mailroom.screener.sender import Sender

_TITLES: Final = re.compile(
    r"(\b(jr|sr|[iv]+|esq|phd|md|dds|mba|msc|ma|bsc|ba|jd|rn|cpa)\b[ ,]*)+", re.IGNORECASE
)
"""What stands behind a comma without being a given name."""


def names_for(sender: Sender, contact_type: ContactType) -> Names:
    """What a card of this sender is to be called.

    A company has an organization and a full name, a person a given name, a surname and a full
    name. Without a display name the address stands in: a card without any name is refused by
    some servers, and shown as nothing by most apps.
    """
    full = sender.name or sender.address
    if contact_type is ContactType.COMPANY:
        return Names(full=full, organization=full)
    if not sender.name:
        return Names(full=full, given=full)
    given, surname = split_personal_name(sender.name)
    if _surname_first(sender.name):
        full = f"{given} {surname}"
    return Names(full=full, given=given, surname=surname)


def split_personal_name(name: str) -> tuple[str, str]:
    """Given name and surname, from ``Jane Mary Doe`` as well as from ``Doe, Jane Mary``.

    The surname is the last word, with the small words before it (``van``, ``de la``). One word
    alone is a given name. A title (``Jane Doe, PhD``) belongs to neither.
    """
    if parts := _surname_first(name):
        surname, given = parts
        return given, surname
    before, _, behind = name.partition(",")
    words = before.split() or behind.replace(",", " ").split()
    start = len(words) - 1
    while start > 1 and words[start - 1].islower():
        start -= 1
    if start < 1:
        return " ".join(words), ""
    return " ".join(words[:start]), " ".join(words[start:])


def _surname_first(name: str) -> tuple[str, str] | None:
    """Surname and given name if that is how, and in which order, they are written."""
    surname, _, given = (part.strip(" ,") for part in name.partition(","))
    has_title = len(surname.split()) > 1 and _TITLES.fullmatch(given.replace(".", ""))
    return (surname, given) if surname and given and not has_title else None


def missing_names(card: Card, wanted: Names) -> Names:
    """Those of the ``wanted`` names whose fields are empty on the card.

    A full name that is nothing but the address is somebody's name all the same: it stays. A card
    with a person's name is no company's, and one with a company's is no person's: neither gets
    the other's field.
    """
    has = card.names
    is_person = bool(has.given or has.surname)
    return Names(
        full="" if has.full else wanted.full,
        given="" if is_person or has.organization else wanted.given,
        surname="" if is_person or has.organization else wanted.surname,
        organization="" if is_person or has.organization else wanted.organization,
    )


def filled(names: Names, fill: Names) -> Names:
    """Names after the empty ones have been filled."""
    return Names(
        full=names.full or fill.full,
        given=names.given or fill.given,
        surname=names.surname or fill.surname,
        organization=names.organization or fill.organization,
    )


def is_called(name: str, card: Card) -> bool:
    """Whether a display name is one of the names on the card.

    Case, white space, commas and the order of given name and surname do not matter. A sender
    without a display name, and a card without any name but its addresses, contradict nothing.
    """
    names = card.names
    known = {
        _plain(each)
        for each in (
            names.full,
            names.organization,
            f"{names.given} {names.surname}",
            f"{names.surname} {names.given}",
            *card.nicknames,
        )
    }
    known -= {"", *(_plain(address) for address in card.addresses)}
    plain = _plain(name)
    return not plain or not known or plain in known


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace(",", " ").split())
