"""Display names and the names on cards: conversion and comparison. Pure."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from mailroom.contacts.model import Card, ContactType, Names
from mailroom.jmap.mail import Email
from mailroom.screener.model.lists import list_id, list_name
from mailroom.screener.model.sender import Sender, sender_of

_TITLES: Final = re.compile(
    r"(\b(jr|sr|[iv]+|esq|phd|md|dds|mba|msc|ma|bsc|ba|jd|rn|cpa)\b[ ,]*)+", re.IGNORECASE
)
"""Words after a comma that are no given name."""
_ENOUGH_NAMES: Final = 10
"""The largest number of names of one address that are collected. More are not needed: ten names
show that several people write from the address. The address of a software forge has thousands."""


@dataclass(frozen=True, slots=True)
class DisplayNames:
    """The display names in the mails of one address.

    Notifications, invitations and lists that rewrite From have the name of the person who caused
    the mail. Such an address is no person's, so its card gets the name of the list or the domain.

    Attributes:
        names: the display names, ten at most; only one of several spellings of a name.
        collective: the name of the list or the domain, for a card of the address if several people
            write from it.
    """

    names: tuple[str, ...] = ()
    collective: str = ""

    def collective_for(self, cards: Collection[Card]) -> str:
        """Return the collective name if several people write from the address, else "".

        Two names show several people. If the address has a card, only three names do: the address
        is probably one person's, and the second name may be a forger's.
        """
        return self.collective if len(self.names) > (2 if cards else 1) else ""

    def is_fitting(self, name: str, card: Card) -> bool:
        """Return True if the name in one mail of the address does not contradict a card.

        These names fit:

        - a name on the card;
        - any name, if the only name on the card is the collective name;
        - any name, if the mails have two or more names that are not on the card. Then many people
          write from the address, and no name of theirs says anything about the card.
        """
        if is_name_of(name, card):
            return True
        on_card = {_plain(card.names.full), _plain(card.names.organization)} - {""}
        others = [other for other in self.names if not is_name_of(other, card)]
        return on_card == {_plain(self.collective)} or len(others) > 1


def display_names(emails: Collection[Email]) -> DisplayNames:
    """Return the names in the mails of one address; each mail must have one usable sender."""
    senders = [sender_of(email) for email in emails]
    names: list[str] = []
    # The longest name comes first, so that a short form is recognised as a spelling of it.
    all_names = {sender.name for sender in senders} - {""}
    for name in sorted(all_names, key=lambda name: (-len(name.split()), name)):
        if not any(_is_spelling(name, known) for known in names):
            names.append(name)
        if len(names) == _ENOUGH_NAMES:
            break
    # If all mail is of one list, the collective name is that of the list, else that of the domain.
    fields = {list_id(email.list_id): email.list_id for email in emails}
    collective = list_name(next(iter(fields.values()))) if len(fields) == 1 else ""
    domain = senders[0].key.rpartition("@")[2] if senders else ""
    return DisplayNames(tuple(names), collective or domain)


def _is_spelling(name: str, known: str) -> bool:
    """Return True if all words of ``name`` are in ``known``: ``Jane`` in ``Doe, Jane``."""
    return {*_plain(name).split()} <= {*_plain(known).split()}


def names_for(sender: Sender, contact_type: ContactType) -> Names:
    """Return the names for a card of this sender.

    A company has an organization and a full name; a person has a given name, a surname and a full
    name. Without a display name the address is used as the name, because some servers refuse a card
    without any name, and most apps show it as an empty line.
    """
    full = sender.name or sender.address
    if contact_type is ContactType.COMPANY:
        return Names(full=full, organization=full)
    if not sender.name:
        return Names(full=full, given=full)
    given, surname = split_personal_name(sender.name)
    if _split_surname_first(sender.name):
        full = f"{given} {surname}"
    return Names(full=full, given=given, surname=surname)


def split_personal_name(name: str) -> tuple[str, str]:
    """Return given name and surname, from ``Jane Mary Doe`` as well as from ``Doe, Jane Mary``.

    The surname is the last word, with the small words before it (``van``, ``de la``). One word
    alone is a given name. A title (``Jane Doe, PhD``) belongs to neither.
    """
    if parts := _split_surname_first(name):
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


def _split_surname_first(name: str) -> tuple[str, str] | None:
    """Return ``("Doe", "Jane")`` if a name is written as ``Doe, Jane``; else None."""
    surname, _, given = (part.strip(" ,") for part in name.partition(","))
    has_title = len(surname.split()) > 1 and _TITLES.fullmatch(given.replace(".", ""))
    return (surname, given) if surname and given and not has_title else None


def missing_names(card: Card, wanted: Names) -> Names:
    """Return the ``wanted`` names whose fields are empty on the card.

    A full name on the card stays even if it is just the address. If the card has a given name, a
    surname or an organization, only an empty full name is filled.
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
    """Return ``names`` with their empty fields filled from ``fill``."""
    return Names(
        full=names.full or fill.full,
        given=names.given or fill.given,
        surname=names.surname or fill.surname,
        organization=names.organization or fill.organization,
    )


def is_name_of(name: str, card: Card) -> bool:
    """Return True if a display name is one of the names on the card.

    Case, white space, commas and the order of given name and surname do not matter. The result is
    also True if the display name is empty, or if the card has no name but its addresses.
    """
    others = {*map(_plain, card.nicknames), _plain(card.names.organization)}
    known = (_names_on(card) | others) - {"", *map(_plain, card.addresses)}
    plain = _plain(name)
    return not plain or not known or plain in known


def contradicts(name: str, cards: Collection[Card]) -> bool:
    """Return True if some cards of a contact have a name, and none has this display name.

    A card that has only nicknames counts as a card without a name.
    """
    named = [card for card in cards if _names_on(card) or card.names.organization]
    return bool(named) and not any(is_name_of(name, card) for card in named)


def are_several_people(cards: Collection[Card]) -> bool:
    """Return True if the names on the cards are those of several people.

    A card without a name may be anybody's. Nicknames and the organization count only if a card has
    no other name, because colleagues may share them.
    """
    people: list[set[str]] = []
    for card in cards:
        others = {*map(_plain, card.nicknames), _plain(card.names.organization)} - {""}
        names = (_names_on(card) or others) - {*map(_plain, card.addresses)}
        same = [
            person
            for person in people
            if any(_is_spelling(a, b) or _is_spelling(b, a) for a in person for b in names)
        ]
        if names:
            people = [*(person for person in people if person not in same), names.union(*same)]
    return len(people) > 1


def _names_on(card: Card) -> set[str]:
    """Return the full name, and the given name with the surname in both orders, without empty ones.

    The organization is not among them, unless it is the full name.
    """
    names = card.names
    spelled = (
        names.full,
        f"{names.given} {names.surname}",
        f"{names.surname} {names.given}",
    )
    return {_plain(name) for name in spelled} - {""}


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace(",", " ").split())
