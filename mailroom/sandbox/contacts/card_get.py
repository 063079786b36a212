"""ContactCard/get and ContactCard/changes (RFC 9610 sections 3.1 and 3.2)."""

from collections.abc import Collection
from typing import Any, Final

from mailroom.sandbox import arguments as args
from mailroom.sandbox.contacts.card import PROPERTIES, is_vendors
from mailroom.sandbox.contacts.store import CardStore
from mailroom.sandbox.plugin import Arguments

_ALWAYS: Final = frozenset({"id", "addressBookIds"})
"""Given whatever was asked for, as on Cyrus."""


def get(store: CardStore, arguments: Arguments) -> Arguments:
    """ContactCard/get. A vendor's properties are given only to who asks for them, as on Cyrus."""
    args.known_only(arguments, "ids", "properties")
    wanted = args.id_list(arguments, "ids")
    asked = args.id_list(arguments, "properties")
    properties = None
    if asked is not None:
        vendors = {each for each in asked if is_vendors(each)}
        properties = args.property_list(arguments, PROPERTIES | vendors)
    ids = list(store.cards) if wanted is None else wanted
    return {
        "state": str(store.state()),
        "list": [_view(store, each, properties) for each in ids if each in store.cards],
        "notFound": [each for each in ids if each not in store.cards],
    }


def changes(store: CardStore, arguments: Arguments) -> Arguments:
    """ContactCard/changes."""
    return args.changes(arguments, store.card_history, store.state())


def _view(store: CardStore, card_id: str, properties: Collection[str] | None) -> dict[str, Any]:
    card = {**store.cards[card_id], "id": card_id}
    if properties is None:
        return {name: value for name, value in card.items() if not is_vendors(name)}
    return {name: value for name, value in card.items() if name in {*properties, *_ALWAYS}}
