"""The methods for contacts (RFC 9610) that Mailroom and the tools around it call."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

from mailroom.sandbox.arguments import id_list, invalid, refuse_unknown
from mailroom.sandbox.contacts.card import PROPERTIES, is_vendor_specific
from mailroom.sandbox.contacts.cards import DEFAULT, CardStore
from mailroom.sandbox.context import Arguments, Method
from mailroom.sandbox.errors import MethodFailure
from mailroom.sandbox.standard import get_changes, get_objects, get_page, set_objects

_Test = Callable[[Arguments], bool]

BOOK: Final[Arguments] = {
    "description": None,
    "sortOrder": 0,
    "isSubscribed": True,
    "myRights": {"mayRead": True, "mayWrite": True, "mayDelete": False, "mayShare": False},
    "shareWith": None,
}
"""The default properties of an address book."""
_BOOK_PROPERTIES: Final = frozenset({"id", "name", "isDefault", *BOOK})
_ALWAYS: Final = frozenset({"id", "addressBookIds"})
"""Properties of a card that are sent whatever the request names, as on Cyrus."""


def contact_methods(store: CardStore) -> dict[str, Method]:
    """Return the methods of ``urn:ietf:params:jmap:contacts``."""
    return {
        "AddressBook/get": partial(book_get, store),
        "ContactCard/get": partial(card_get, store),
        "ContactCard/changes": partial(card_changes, store),
        "ContactCard/query": partial(card_query, store),
        "ContactCard/set": partial(card_set, store),
    }


def book_get(store: CardStore, arguments: Arguments) -> Arguments:
    """Carry out AddressBook/get."""

    def show(book_id: str, names: Collection[str]) -> Arguments:
        book = {**BOOK, **store.books[book_id], "id": book_id, "isDefault": book_id == DEFAULT}
        return {name: book[name] for name in names}

    return get_objects(
        arguments,
        state=store.state(),
        existing=store.books,
        all_ids=store.books,
        properties=_BOOK_PROPERTIES,
        show=show,
    )


def card_get(store: CardStore, arguments: Arguments) -> Arguments:
    """Carry out ContactCard/get. Vendor properties are sent only if named, as on Cyrus."""
    vendors = {name for name in id_list(arguments, "properties") or () if is_vendor_specific(name)}

    def show(card_id: str, names: Collection[str]) -> Arguments:
        card = {**store.cards[card_id], "id": card_id}
        return {name: card[name] for name in card if name in names or name in _ALWAYS}

    return get_objects(
        arguments,
        state=store.state(),
        existing=store.cards,
        all_ids=store.cards,
        properties=PROPERTIES | vendors,
        show=show,
    )


def card_changes(store: CardStore, arguments: Arguments) -> Arguments:
    """Carry out ContactCard/changes."""
    return get_changes(arguments, store.card_history, store.state())


def card_set(store: CardStore, arguments: Arguments) -> Arguments:
    """Carry out ContactCard/set. ``update`` and ``destroy`` know no creation ids, as on Cyrus."""
    return set_objects(
        store.context,
        arguments,
        state=store.state,
        create=store.create_card,
        update=store.change_card,
        destroy=store.destroy_card,
    )


def card_query(store: CardStore, arguments: Arguments) -> Arguments:
    """Carry out ContactCard/query. The card that was changed last comes first."""
    refuse_unknown(arguments, "filter", "position", "limit", "calculateTotal")
    is_match = _compile(arguments.get("filter"), "filter")
    ids = [card_id for card_id, card in reversed(store.cards.items()) if is_match(card)]
    return {
        "queryState": str(store.state()),
        "canCalculateChanges": False,
        "total": len(ids),
        **get_page(arguments, ids, store.context.quirks),
    }


def _compile(value: Any, path: str) -> _Test:
    """Return the test of a card by a filter, which knows ``uid``, ``kind`` and ``OR``."""
    match value:
        case None:
            return lambda _: True
        case {"operator": "OR", "conditions": [*conditions]}:
            paths = (f"{path}/conditions[{place}]" for place in range(len(conditions)))
            tests = list(map(_compile, conditions, paths))
            return lambda card: any(test(card) for test in tests)
        case {"operator": _}:
            raise MethodFailure("unsupportedFilter", description="only OR is known here")
        case dict():
            for name, wanted in value.items():
                if name not in {"uid", "kind"}:
                    raise MethodFailure("unsupportedFilter", description=f"no {name} here")
                if not isinstance(wanted, str):
                    raise invalid(f"{path}/{name}")
            return lambda card: all(card.get(name) == wanted for name, wanted in value.items())
        case _:
            raise invalid(path)
