"""The operations that read address books and cards over JMAP (RFC 9610).

An answer without the shape that the RFC promises raises an error; it is never taken for an empty
result. A card is read with few properties (``BRIEF``) if it only has to be found again, and with
all of them if it may be edited, because an edit must see everything that it touches.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from mailroom.contacts.jscontact.cards import is_readable
from mailroom.contacts.jscontact.fields import JsCard, text
from mailroom.http import MAX_OCTETS
from mailroom.jmap.answers import checked, listed
from mailroom.jmap.request import Call, Operation, Reference, Results

Filter = Mapping[str, Any]
"""A FilterOperator or FilterCondition (RFC 8620 section 5.5, RFC 9610 section 3.3.1)."""

EVERYTHING: Final[Filter] = {}
BRIEF: Final = ("id", "uid", "kind", "emails", "name", "members", "addressBookIds")
"""The properties needed to find a card again, and to recognise and write a group."""
_ALL_BUT_PICTURES: Final = (
    *BRIEF,
    *("nicknames", "organizations", "notes", "addresses", "speakToAs", "vCardProps"),
)
"""The properties that Mailroom edits, and those that show if the card may be edited."""
_MEDIA: Final = "media"
WHOLE_AT_MOST: Final = 4 * 1024 * 1024
"""Octets of an answer with whole cards. The cards may hold photos as data: URIs. Decoded to
text, an answer with a single emoji takes four times as much memory."""


@dataclass(frozen=True, slots=True)
class Book:
    """An address book (RFC 9610 section 2)."""

    id: str
    name: str
    is_default: bool
    is_writable: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Cards that were read.

    Attributes:
        cards: cards with an id and a uid.
        without_uid: cards with an id and no uid, which cannot be edited.
        unreadable: the number of entries without an id.
        state: the state of all cards when these were read.
    """

    cards: tuple[JsCard, ...]
    without_uid: tuple[JsCard, ...]
    unreadable: int
    state: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a query's result.

    Attributes:
        found: the cards of the page that still exist.
        length: the number of ids that the server put into the page.
        total: the number of cards that match; None if the server does not report it.
    """

    found: Found
    length: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Delta:
    """The changes of the cards since a state.

    Attributes:
        touched: the ids of cards that were made, changed or destroyed.
        parts: the touched cards that still exist, with the properties in ``BRIEF``.
        new_state: the state of all cards after these changes.
        has_more: True if further changes follow.
    """

    touched: frozenset[str]
    parts: tuple[Found, ...]
    new_state: str
    has_more: bool


def uid_filter(uids: Iterable[str]) -> Filter:
    """Return a filter for the cards with these bare uids, with or without ``urn:uuid:``."""
    forms = [form for uid in uids for form in (uid, f"urn:uuid:{uid}")]
    return {"operator": "OR", "conditions": [{"uid": form} for form in forms]}


def get_books(account_id: str) -> Operation[tuple[Book, ...]]:
    """Return the operation that reads every address book of the account."""
    call = Call("AddressBook/get", {"accountId": account_id, "ids": None})
    return Operation(
        (call,), lambda results: tuple(filter(None, map(_book, listed(results, call))))
    )


def get_state(account_id: str) -> Operation[str]:
    """Return the operation that reads the state of all cards.

    Perform it before a query: changes after this state are then found by ``get_changes``.
    """
    call = Call("ContactCard/get", {"accountId": account_id, "ids": [], "properties": ["id"]})
    return Operation((call,), lambda results: checked(results[call].get("state"), str, call))


def find_cards(
    account_id: str,
    card_filter: Filter,
    position: int = 0,
    *,
    limit: int,
    properties: Sequence[str] | None = None,
) -> Operation[Page]:
    """Return the operation that reads one page of the matching cards.

    The cards have all their properties unless ``properties`` names some. ``limit`` must not exceed
    maxObjectsInGet, because a back-reference passes the ids of the page to ``/get``.
    """
    arguments = {"accountId": account_id, "position": position, "limit": limit}
    if card_filter:
        arguments["filter"] = card_filter
    query = Call("ContactCard/query", {**arguments, "calculateTotal": True})
    get = _get(account_id, query.at("/ids"), properties)

    def read(results: Results) -> Page:
        page = results[query]
        total = page.get("total")
        return Page(
            found=_found(results, get),
            length=len(checked(page.get("ids"), list, query)),
            total=total if type(total) is int else None,
        )

    return Operation((query, get), read)


def get_changes(account_id: str, since: str, *, limit: int) -> Operation[Delta]:
    """Return the operation that reads at most ``limit`` changes since a state, the oldest first.

    See RFC 8620 section 5.2. ``limit`` must not exceed maxObjectsInGet, because a back-reference
    passes the ids to ``/get``.
    """
    arguments = {"accountId": account_id, "sinceState": since, "maxChanges": limit}
    changes = Call("ContactCard/changes", arguments)
    gets = [_get(account_id, changes.at(path), BRIEF) for path in ("/created", "/updated")]

    def read(results: Results) -> Delta:
        answer = results[changes]
        parts = ("created", "updated", "destroyed")
        ids = [card_id for part in parts for card_id in checked(answer.get(part), list, changes)]
        return Delta(
            touched=frozenset(card_id for card_id in ids if isinstance(card_id, str)),
            parts=tuple(_found(results, get) for get in gets),
            new_state=checked(answer.get("newState"), str, changes),
            has_more=answer.get("hasMoreChanges") is True,
        )

    return Operation((changes, *gets), read)


def get_cards(account_id: str, ids: Sequence[str]) -> Operation[Found]:
    """Return the operation that reads cards by id with all properties; missing cards are left out.

    An answer that is larger than :data:`WHOLE_AT_MOST` is not read to its end.
    """
    call = _get(account_id, ids, max_octets=WHOLE_AT_MOST)
    return Operation((call,), lambda results: _found(results, call))


def get_large_card(account_id: str, card_id: str) -> Operation[Found]:
    """Return the operation that reads one card without pictures; ``media`` is a placeholder."""
    call = _get(account_id, [card_id], _ALL_BUT_PICTURES)

    def read(results: Results) -> Found:
        found = _found(results, call)
        cards = tuple({**card, _MEDIA: {"1": {"@type": "Media"}}} for card in found.cards)
        return replace(found, cards=cards)

    return Operation((call,), read)


def _get(
    account_id: str,
    ids: Sequence[str] | Reference,
    properties: Sequence[str] | None = None,
    *,
    max_octets: int = MAX_OCTETS,
) -> Call:
    """Return a ``ContactCard/get``, by default of all properties."""
    arguments: dict[str, Any] = {"accountId": account_id, "ids": ids}
    if properties is not None:
        arguments["properties"] = properties
    return Call("ContactCard/get", arguments, max_octets)


def _found(results: Results, call: Call) -> Found:
    cards = listed(results, call)
    with_id = [card for card in cards if isinstance(card, dict) and text(card.get("id"))]
    return Found(
        cards=tuple(card for card in with_id if is_readable(card)),
        without_uid=tuple(card for card in with_id if not is_readable(card)),
        unreadable=len(cards) - len(with_id),
        state=str(results[call].get("state", "")),
    )


def _book(value: Any) -> Book | None:
    """Parse an address book; None if it has no id."""
    if not isinstance(value, dict) or not text(value.get("id")):
        return None
    rights = value.get("myRights")
    return Book(
        id=value["id"],
        name=text(value.get("name")),
        is_default=value.get("isDefault") is True,
        is_writable=not isinstance(rights, dict) or rights.get("mayWrite") is not False,
    )
