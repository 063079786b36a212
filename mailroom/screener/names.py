"""From a display name to the names on a card, and back again. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from html import unescape
from typing import Final

from mailroom.contacts.book import Card, ContactType, Names
from mailroom.jmap.mail import Email
from mailroom.screener.sender import Sender, sender_of

_TITLES: Final = re.compile(
    r"(\b(jr|sr|[iv]+|esq|phd|md|dds|mba|msc|ma|bsc|ba|jd|rn|cpa)\b[ ,]*)+", re.IGNORECASE
)
"""The words that stand behind a comma without being a given name."""
_TAG: Final = re.compile(r"</?[a-z]+(?: [^<>]*)?/?>(?=.*<)", re.IGNORECASE)
"""A tag of HTML, but for the last thing in brackets, which is the identifier."""
_LIST: Final = re.compile(r"list\s+([^\s;]+)", re.IGNORECASE)
"""``list loom@lists.example; contact ann@lists.example``: another form that is in use."""
_LONGEST_LIST_NAME: Final = 100
"""Characters."""
_ENOUGH_NAMES: Final = 10
"""So many names of one address are told apart; a forge has thousands, and two are several."""


@dataclass(frozen=True, slots=True)
class Namesakes:
    """The names under which mail of one address comes.

    Notifications, invitations and lists that rewrite From bear the name of whoever caused the
    mail. Such an address is no person's, so its card gets the name of the list, or of the domain.

    Attributes:
        names: the display names, one of each person or thing that bears several spellings.
        collective: the name for a card of the address, where ``names`` has several.
    """

    names: tuple[str, ...] = ()
    collective: str = ""

    def name_for(self, cards: Collection[Card]) -> str:
        """Return the collective name if the mails bear the names of several, else nothing.

        Where the owner made a card, without a name, the address is somebody's. Then one odd name
        beside that of the labelled mail may as well be a forger's, and does not count.
        """
        return self.collective if len(self.names) > (2 if cards else 1) else ""

    def fit(self, card: Card) -> bool:
        """Return True if no name in a mail of the address contradicts a card.

        The card has the collective name, or the mails bear several names that are not the card's.
        """
        names = {_plain(card.names.full), _plain(card.names.organization)} - {""}
        others = [name for name in self.names if not is_called(name, card)]
        return names == {_plain(self.collective)} or len(others) > 1


def namesakes(emails: Collection[Email]) -> Namesakes:
    """Find the names that the mails of one address bear; each mail has one usable sender."""
    senders = [sender_of(email) for email in emails]
    names: list[str] = []
    # The longest first, so that a short form of a name is known for one.
    for name in sorted({sender.name for sender in senders} - {""}, key=_most_words_first):
        if not any(_is_spelling(name, known) for known in names):
            names.append(name)
        if len(names) == _ENOUGH_NAMES:
            break
    domain = senders[0].key.rpartition("@")[2] if senders else ""
    return Namesakes(tuple(names), _list_of(emails) or domain)


def _most_words_first(name: str) -> tuple[int, str]:
    return -len(name.split()), name


def _list_of(emails: Iterable[Email]) -> str:
    """Return the name of the list if all the mails come from one and the same, else nothing."""
    list_ids = {list_key(email.list_id): email.list_id for email in emails}
    return list_name(next(iter(list_ids.values()))) if len(list_ids) == 1 else ""


def list_key(list_id: str) -> str:
    """Return what mailing lists are compared by: the identifier in a List-Id, in lower case.

    The phrase before it does not count (RFC 2919 section 3), and may change from mail to mail.
    White space, folds and missing brackets do not count either.
    """
    _, identifier = _parts_of(list_id)
    return identifier


def list_name(list_id: str) -> str:
    """Return the name of a mailing list: the phrase in its List-Id, else the list's label.

    ``Weavers at work <loom.lists.example>`` has a phrase; of ``<loom.lists.example>`` the label is
    ``loom`` (RFC 2919).
    """
    phrase, identifier = _parts_of(list_id)
    return (phrase or re.split("[.@]", identifier)[0])[:_LONGEST_LIST_NAME]


def _parts_of(list_id: str) -> tuple[str, str]:
    """Return the phrase and the identifier of a List-Id as it is found in the wild.

    That may be without brackets, with an unclosed one, or in HTML.
    """
    text = unescape(list_id) if "&" in list_id else list_id
    text = " ".join(_TAG.sub("", text).split())
    phrase, bracket, rest = text.rpartition("<")
    if not bracket:
        named = _LIST.match(text)
        phrase, rest = "", named[1] if named else text
    return phrase.strip(" \"'"), "".join(rest.partition(">")[0].split()).lower()


def _is_spelling(name: str, known: str) -> bool:
    """Return True if all words of a name are in another one: ``Jane``, ``Doe, Jane``."""
    return {*_plain(name).split()} <= {*_plain(known).split()}


def names_for(sender: Sender, contact_type: ContactType) -> Names:
    """Return the names for a card of this sender.

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
    """Return True if a display name is one of the names on the card.

    Case, white space, commas and the order of given name and surname do not matter. A sender
    without a display name, and a card without any name but its addresses, contradict nothing.
    """
    others = {*map(_plain, card.nicknames), _plain(card.names.organization)}
    known = (_names_on(card) | others) - {"", *map(_plain, card.addresses)}
    plain = _plain(name)
    return not plain or not known or plain in known


def contradicts(name: str, cards: Collection[Card]) -> bool:
    """Return True if some of a contact's cards have a name, and a display name is none of them."""
    named = [card for card in cards if _names_on(card) or card.names.organization]
    return bool(named) and not any(is_called(name, card) for card in named)


def are_several_people(cards: Collection[Card]) -> bool:
    """Return True if the names on the cards are those of several.

    A card without a name is anybody's. Nicknames and the organization are names only where there
    is no other: colleagues have them in common.
    """
    people: list[set[str]] = []
    for card in cards:
        others = {*map(_plain, card.nicknames), _plain(card.names.organization)} - {""}
        names = (_names_on(card) or others) - {*map(_plain, card.addresses)}
        same = [person for person in people if _have_one_in_common(person, names)]
        if names:
            people = [*(person for person in people if person not in same), names.union(*same)]
    return len(people) > 1


def _have_one_in_common(names: set[str], others: set[str]) -> bool:
    return any(_is_spelling(a, b) or _is_spelling(b, a) for a in names for b in others)


def _names_on(card: Card) -> set[str]:
    """Return the name of the person, or of the company if its name is the full name."""
    names = card.names
    spelled = (
        names.full,
        f"{names.given} {names.surname}",
        f"{names.surname} {names.given}",
    )
    return {_plain(name) for name in spelled} - {""}


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace(",", " ").split())
