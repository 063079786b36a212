"""The operations on cards over JMAP (RFC 9610).

A response without the shape that the RFC promises raises an error; it is never taken for an empty
result. A sync reads cards with few properties (``BRIEF``). A card that may be edited is read with
all properties, because an edit must see everything that it touches.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mailroom.contacts.jscontact.cards import is_readable
from mailroom.contacts.jscontact.fields import JsCard, text
from mailroom.http import MAX_OCTETS
from mailroom.jmap.errors import MethodError, SetError
from mailroom.jmap.methods import (
    NOT_FOUND,
    STATE_MISMATCH,
    changes,
    get,
    query,
    set_objects,
)
from mailroom.jmap.queries import IdPage
from mailroom.jmap.request import Operation, Reference, Results

Filter = Mapping[str, Any]
"""A FilterOperator or FilterCondition (RFC 8620 section 5.5, RFC 9610 section 3.3.1)."""

EVERYTHING: Final[Filter] = {}
BRIEF: Final = ("id", "uid", "kind", "emails", "name", "members", "addressBookIds")
"""The properties that a sync reads: enough to find the cards of an address and to write groups."""
_NEEDED_FOR_EDITS: Final = (
    *BRIEF,
    *("nicknames", "organizations", "notes", "addresses", "speakToAs", "vCardProps"),
)
"""The properties that Mailroom edits, and those that show if the card may be edited."""
_MEDIA: Final = "media"
MAX_OCTETS_OF_CARDS: Final = 4 * 1024 * 1024
"""The largest size of a response with whole cards, which may hold photos as data: URIs. In memory,
a text with a single emoji takes four octets for each of its characters."""
_OUTDATED: Final = frozenset({STATE_MISMATCH, "serverPartialFail"})
"""The errors that show that the cards are no longer as they were read."""


@dataclass(frozen=True, slots=True)
class CardsResponse:
    """The response to one ``ContactCard/get``.

    Attributes:
        cards: cards with an id and a uid.
        without_uid: cards with an id and no uid, which cannot be edited.
        unreadable: the number of entries without an id.
        state: the state of all cards when the server read these.
    """

    cards: tuple[JsCard, ...]
    without_uid: tuple[JsCard, ...]
    unreadable: int
    state: str


@dataclass(frozen=True, slots=True)
class CardPage(IdPage):
    """A part of a query's result, with the cards that still exist.

    Only one state is known, the state in which the server read the cards. In ``states`` it stands
    for both the state before the query and the state after it.
    """

    response: CardsResponse


@dataclass(frozen=True, slots=True)
class CardChanges:
    """The changes of the cards since a state.

    Attributes:
        touched: the ids of cards that were made, changed or destroyed.
        parts: the touched cards that still exist, with the properties in ``BRIEF``: first those
            that were made, then those that were changed.
        new_state: the state of all cards after these changes.
        has_more: True if further changes follow.
    """

    touched: frozenset[str]
    parts: tuple[CardsResponse, ...]
    new_state: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class CardWrites:
    """The writes of one ``ContactCard/set``.

    Attributes:
        create: creation id -> new card.
        update: card id -> patch.
        destroy: the ids of cards to delete.
        if_in_state: the state in which alone anything is written; None: any state.
    """

    create: Mapping[str, JsCard] = field(default_factory=dict)
    update: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    destroy: Collection[str] = ()
    if_in_state: str | None = None

    def __bool__(self) -> bool:
        return bool(self.create or self.update or self.destroy)


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The result of one ``ContactCard/set``.

    Attributes:
        refusal: the error if the whole call was refused.
        failed: creation or card id -> the reason why the card was not changed.
    """

    refusal: MethodError | None = None
    failed: Mapping[str, SetError] = field(default_factory=dict)

    @property
    def is_outdated(self) -> bool:
        """True if the cards have changed since they were read.

        Somebody else changed them, or this call did a part of its work (RFC 8620 section 3.6.2).
        """
        return self.refusal is not None and self.refusal.type in _OUTDATED

    @property
    def taken(self) -> frozenset[str]:
        """The creation ids of cards that were not made, because another card has the uid."""
        return frozenset(
            key
            for key, error in self.failed.items()
            if error.type == "alreadyExists" or "uid" in error.properties
        )

    @property
    def gone(self) -> frozenset[str]:
        """The ids of cards that could not be changed, because no card has this id."""
        return frozenset(key for key, error in self.failed.items() if error.type == NOT_FOUND)


def find_cards(
    account_id: str,
    card_filter: Filter,
    position: int = 0,
    *,
    limit: int,
    properties: Sequence[str] | None = None,
) -> Operation[CardPage]:
    """Return the operation that reads one page of the matching cards.

    The cards have all their properties unless ``properties`` names some. ``limit`` must not exceed
    maxObjectsInGet, because a back-reference passes all ids of the page to one ``/get``.
    """
    finding = query(
        "ContactCard",
        account_id,
        card_filter or None,
        position=position,
        limit=limit,
        with_total=True,
    )
    reading = _get(account_id, finding.at("/ids"), properties)

    def read(results: Results) -> CardPage:
        response, found = finding.read(results), reading.read(results)
        states = found.state, found.state
        return CardPage(response.ids, response.total, response.limit or limit, states, found)

    return Operation(finding.calls + reading.calls, read)


def get_changes(account_id: str, since: str, *, limit: int) -> Operation[CardChanges | None]:
    """Return the operation that reads at most ``limit`` changes since a state, the oldest first.

    The result is None if the server cannot calculate the changes (RFC 8620 section 5.2). ``limit``
    must not exceed maxObjectsInGet, because a back-reference passes the ids to ``/get``.
    """
    asking = changes("ContactCard", account_id, since, limit=limit)
    created, updated = (
        _get(account_id, asking.at(path), BRIEF) for path in ("/created", "/updated")
    )

    def read(results: Results) -> CardChanges | None:
        response = asking.read(results)
        if response is None:
            return None
        return CardChanges(
            touched=frozenset(response.created + response.updated + response.destroyed),
            parts=(created.read(results), updated.read(results)),
            new_state=response.new_state,
            has_more=response.has_more,
        )

    return Operation(asking.calls + created.calls + updated.calls, read)


def get_cards(account_id: str, ids: Sequence[str]) -> Operation[CardsResponse]:
    """Return the operation that reads cards by id with all properties; missing cards are left out.

    A response that is larger than :data:`MAX_OCTETS_OF_CARDS` ends in AnswerTooLargeError.
    """
    return _get(account_id, ids, max_octets=MAX_OCTETS_OF_CARDS)


def get_large_card(account_id: str, card_id: str) -> Operation[CardsResponse]:
    """Return the operation that reads one card, with only the properties that an edit needs.

    A placeholder in ``media`` stands for the properties that are not read. So the card never looks
    like a card that holds only what Mailroom writes. A patch leaves ``media`` alone.
    """
    reading = _get(account_id, [card_id], _NEEDED_FOR_EDITS)

    def read(results: Results) -> CardsResponse:
        found = reading.read(results)
        cards = tuple({**card, _MEDIA: {"1": {"@type": "Media"}}} for card in found.cards)
        return replace(found, cards=cards)

    return Operation(reading.calls, read)


def set_cards(account_id: str, writes: CardWrites) -> Operation[WriteResult]:
    """Return the operation that makes, patches and destroys cards, in this order.

    Each card is changed atomically (RFC 8620 section 5.3). A refusal is returned in the result and
    not raised, because the server carries out the other calls of the request all the same. Without
    writes the operation has no call.
    """
    if not writes:
        return Operation((), lambda _: WriteResult())
    setting = set_objects(
        "ContactCard",
        account_id,
        create=writes.create or None,
        update=writes.update or None,
        destroy=writes.destroy or None,
        if_in_state=writes.if_in_state or None,
    )

    def read(results: Results) -> WriteResult:
        try:
            return WriteResult(failed=setting.read(results).failed)
        except MethodError as error:
            return WriteResult(refusal=error)

    return Operation(setting.calls, read)


def _get(
    account_id: str,
    ids: Sequence[str] | Reference,
    properties: Sequence[str] | None = None,
    *,
    max_octets: int = MAX_OCTETS,
) -> Operation[CardsResponse]:
    """Return the operation that reads cards, by default with all properties."""

    def as_sent(value: Any) -> Any:  # because an edit must see everything that is on a card
        return value

    reading = get(
        "ContactCard", account_id, ids, as_sent, properties=properties, max_octets=max_octets
    )

    def read(results: Results) -> CardsResponse:
        response = reading.read(results)
        cards = response.objects
        with_id = [card for card in cards if isinstance(card, dict) and text(card.get("id"))]
        return CardsResponse(
            cards=tuple(card for card in with_id if is_readable(card)),
            without_uid=tuple(card for card in with_id if not is_readable(card)),
            unreadable=len(cards) - len(with_id),
            state=response.state,
        )

    return Operation(reading.calls, read)
