"""The cards and address books of one account, in memory, with the checks that a server makes.

As on Cyrus, a card's id is its uid, and cards and address books have one common state.
"""

import copy
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from mailroom.sandbox.contacts.card import invalid_paths, unknown_properties
from mailroom.sandbox.context import AccountContext
from mailroom.sandbox.errors import RefusedError
from mailroom.sandbox.history import History
from mailroom.sandbox.patch import InvalidPatchError, apply_patch

DEFAULT: Final = "Default"
"""The id of the address book of new cards."""
_PRODUCT: Final = "-//Mailroom//Sandbox//EN"
_TYPES: Final = ("ContactCard", "AddressBook")
_IMMUTABLE: Final = ("id", "uid", "kind")

Json = dict[str, Any]


class CardStore:
    """The cards and address books of one account.

    Args:
        context: the account.

    Attributes:
        cards: by id; the card that was changed last is last.
        books: the address books by id, with properties that differ from the default.
        card_history: the log for ``ContactCard/changes``.
        on_change: called with the id of each card that was made, changed or destroyed.
    """

    def __init__(self, context: AccountContext) -> None:
        self.context = context
        self.cards: dict[str, Json] = {}
        self.books: dict[str, Json] = {DEFAULT: {"name": "Personal"}}
        self.card_history = History()
        self.on_change: Callable[[str], None] = lambda _: None

    def state(self) -> int:
        """Return the state of the cards and address books."""
        return self.context.states.of(*_TYPES)

    def record_change(self) -> int:
        """Record a change, and return the new state."""
        return self.context.states.record_change(*_TYPES)

    def create_card(self, facts: Mapping[str, Any]) -> Json:
        """Make a card, and return the properties that the client does not know yet.

        Raises:
            RefusedError: the facts are not a valid card, or the uid is taken.
        """
        set_by_server: Json = {}
        if not facts.get("uid"):
            set_by_server["uid"] = str(uuid.uuid4())
        if facts.get("addressBookIds") is None:
            set_by_server["addressBookIds"] = {DEFAULT: True}
        for name, value in (("created", _now()), ("prodId", _PRODUCT)):
            if facts.get(name) is None:
                set_by_server[name] = value
        card = self._checked({"kind": "individual", **facts, **set_by_server})
        if card["uid"] in self.cards:
            raise RefusedError("invalidProperties", "uid")
        self.cards[card["uid"]] = card
        self.card_history.record_created(card["uid"], self.record_change())
        self.on_change(card["uid"])
        return {**set_by_server, "id": card["uid"]}

    def change_card(self, card_id: str, patch: Mapping[str, Any]) -> Json | None:
        """Patch a card; return the properties that the client does not know yet, None if none.

        Raises:
            RefusedError: there is no such card, or the result is not a valid card.
        """
        if card_id not in self.cards:
            raise RefusedError("notFound")
        unknown = unknown_properties(path.partition("/")[0] for path in patch)
        if wrong := [path for path in patch if path.partition("/")[0] in unknown]:
            raise RefusedError("invalidProperties", *wrong)
        before = {**self.cards[card_id], "id": card_id}
        try:
            after = apply_patch(before, patch)
        except InvalidPatchError:
            raise RefusedError("invalidPatch") from None
        if changed := [name for name in _IMMUTABLE if after.get(name) != before.get(name)]:
            raise RefusedError("invalidProperties", *changed)
        after = self._checked({name: value for name, value in after.items() if name != "id"})
        emptied = [name for name, value in patch.items() if value is None and name in after]
        set_by_server = {name: after[name] for name in emptied}
        if patch.keys() - {"id"} and "updated" not in patch:
            set_by_server["updated"] = after["updated"] = _now()
        del self.cards[card_id]
        self.cards[card_id] = after
        self.card_history.record_updated(card_id, self.record_change())
        self.on_change(card_id)
        return set_by_server or None

    def destroy_card(self, card_id: str) -> None:
        """Remove a card; groups keep its uid.

        Raises:
            RefusedError: there is no such card.
        """
        if card_id not in self.cards:
            raise RefusedError("notFound")
        del self.cards[card_id]
        self.card_history.record_destroyed(card_id, self.record_change())
        self.on_change(card_id)

    def _checked(self, card: Mapping[str, Any]) -> Json:
        """Return a card in the form that is stored.

        Raises:
            RefusedError: the card is not valid.
        """
        kept = {name: copy.deepcopy(value) for name, value in card.items() if value is not None}
        if kept.get("kind") == "group":
            kept.setdefault("members", {})
        wrong = invalid_paths(kept)
        if "addressBookIds" not in wrong:
            ids = kept["addressBookIds"].keys()
            if len(ids) != 1 or not ids <= self.books.keys():
                wrong.append("addressBookIds")
        if wrong:
            raise RefusedError("invalidProperties", *wrong)
        return kept


def _now() -> str:
    """Return the present time as a UTCDate (RFC 8620 section 1.4)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
