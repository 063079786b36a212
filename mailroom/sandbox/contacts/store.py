"""The cards and address books of one account, in memory. Holds them to what a server holds them to.

As on Cyrus, a card's id is its uid, and both types have one state.
"""

import copy
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from mailroom.sandbox.arguments import RefusedError
from mailroom.sandbox.contacts.card import invalid_paths
from mailroom.sandbox.history import History
from mailroom.sandbox.patch import InvalidPatchError, apply_patch
from mailroom.sandbox.plugin import Seat

DEFAULT: Final = "Default"
PRODUCT: Final = "-//Mailroom//Sandbox//EN"
_TYPES: Final = ("ContactCard", "AddressBook")
_IMMUTABLE: Final = ("id", "uid", "kind")

Json = dict[str, Any]


class CardStore:
    """The cards and address books, with their histories.

    Args:
        seat: the account of the cards.

    Attributes:
        cards: by id; those that were changed last are last.
        books: address books, by id.
        card_history: for ``ContactCard/changes``.
        book_history: for ``AddressBook/changes``.
        on_change: called with the id of each card that was made, changed or destroyed.
    """

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.cards: dict[str, Json] = {}
        self.books: dict[str, Json] = {
            DEFAULT: {
                "name": "Personal",
                "description": None,
                "sortOrder": 0,
                "isSubscribed": True,
            }
        }
        self.on_change: Callable[[str], None] = lambda _: None
        self.card_history = History()
        self.book_history = History()
        self.book_history.created(DEFAULT, 0)

    def state(self) -> int:
        """The state of both types."""
        return self.seat.states.of(*_TYPES)

    def moved(self) -> int:
        """Record a change, and return the new state."""
        return self.seat.states.changed(*_TYPES)

    def book_id(self, book_id: str) -> str:
        """The id of an address book that may stand there by its creation id, ``#b``."""
        if book_id.startswith("#"):
            return self.seat.created_ids.get(book_id[1:], book_id)
        return book_id

    def throttle(self) -> None:
        """Ask before each write in a ``/set``.

        Raises:
            RefusedError: the server refuses this one.
        """
        error = self.seat.throttle()
        if error is not None:
            raise RefusedError(error)

    def create_card(self, facts: Mapping[str, Any]) -> Json:
        """Make a card, and return the properties that the client does not know yet.

        Raises:
            RefusedError: it is no card, or its uid is taken.
        """
        set_by_server: Json = {}
        if not facts.get("uid"):
            set_by_server["uid"] = str(uuid.uuid4())
        if facts.get("addressBookIds") is None:
            set_by_server["addressBookIds"] = {DEFAULT: True}
        for name, value in (("created", now()), ("prodId", PRODUCT)):
            if facts.get(name) is None:
                set_by_server[name] = value
        card = self._checked({"kind": "individual", **facts, **set_by_server})
        if card["uid"] in self.cards:
            raise RefusedError.of("invalidProperties", "uid")
        self.throttle()
        self.cards[card["uid"]] = card
        self.card_history.created(card["uid"], self.moved())
        self.on_change(card["uid"])
        return {**set_by_server, "id": card["uid"]}

    def change_card(self, card_id: str, patch: Mapping[str, Any]) -> Json | None:
        """Patch a card; return the properties that the client does not know yet, None if none.

        Raises:
            RefusedError: there is no such card, or it would be none any more.
        """
        before = self._card(card_id)
        after = self._patched({**before, "id": card_id}, patch)
        after = self._checked({name: value for name, value in after.items() if name != "id"})
        self.throttle()
        emptied = [name for name, value in patch.items() if value is None and name in after]
        told = {name: after[name] for name in emptied}
        if patch.keys() - {"id"} and "updated" not in patch:
            told["updated"] = after["updated"] = now()
        del self.cards[card_id]
        self.cards[card_id] = after
        self.card_history.updated(card_id, self.moved())
        self.on_change(card_id)
        return told or None

    def destroy_card(self, card_id: str) -> None:
        """Remove a card; groups keep its uid.

        Raises:
            RefusedError: there is none.
        """
        self._card(card_id)
        self.throttle()
        del self.cards[card_id]
        self.card_history.destroyed(card_id, self.moved())
        self.on_change(card_id)

    def _card(self, card_id: str) -> Json:
        if card_id not in self.cards:
            raise RefusedError.of("notFound")
        return self.cards[card_id]

    def _patched(self, card: Json, patch: Mapping[str, Any]) -> Json:
        unknown = invalid_paths(dict.fromkeys(path.partition("/")[0] for path in patch))
        if unknown:
            wrong = [path for path in patch if path.partition("/")[0] in unknown]
            raise RefusedError.of("invalidProperties", *wrong)
        try:
            after = apply_patch(card, patch)
        except InvalidPatchError:
            raise RefusedError.of("invalidPatch") from None
        changed = [name for name in _IMMUTABLE if after.get(name) != card.get(name)]
        if changed:
            raise RefusedError.of("invalidProperties", *changed)
        return after

    def _checked(self, card: Mapping[str, Any]) -> Json:
        """The card as it is kept.

        Raises:
            RefusedError: it is none.
        """
        kept = {name: copy.deepcopy(value) for name, value in card.items() if value is not None}
        if kept.get("kind") == "group":
            kept.setdefault("members", {})
        wrong = invalid_paths(kept, whole=True)
        if "addressBookIds" not in wrong and not self._resolve_books(kept):
            wrong.append("addressBookIds")
        if wrong:
            raise RefusedError.of("invalidProperties", *wrong)
        return kept

    def _resolve_books(self, card: Json) -> bool:
        """Put ids for creation ids; tells whether the card is in exactly one address book."""
        ids = {self.book_id(each): value for each, value in card["addressBookIds"].items()}
        card["addressBookIds"] = ids
        return len(ids) == 1 and ids.keys() <= self.books.keys()


def now() -> str:
    """The time as a UTCDate (RFC 8620 section 1.4)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
