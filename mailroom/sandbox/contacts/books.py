"""AddressBook/get, /changes and /set (RFC 9610 section 2)."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from mailroom.sandbox import arguments as args
from mailroom.sandbox.arguments import RefusedError, SetAnswer
from mailroom.sandbox.contacts.store import DEFAULT, CardStore
from mailroom.sandbox.plugin import Arguments

_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "name": str,
    "description": (str, type(None)),
    "sortOrder": int,
    "isSubscribed": bool,
}
"""The properties that may be set, with their types."""
_PROPERTIES: Final = frozenset({"id", *_KINDS, "isDefault", "myRights", "shareWith"})


def get(store: CardStore, arguments: Arguments) -> Arguments:
    """AddressBook/get."""
    args.known_only(arguments, "ids", "properties")
    wanted = args.id_list(arguments, "ids")
    properties = args.property_list(arguments, _PROPERTIES) or _PROPERTIES
    ids = list(store.books) if wanted is None else wanted
    views = [_view(store, each) for each in ids if each in store.books]
    return {
        "state": str(store.state()),
        "list": [
            {name: value for name, value in view.items() if name in {"id", *properties}}
            for view in views
        ],
        "notFound": [each for each in ids if each not in store.books],
    }


def changes(store: CardStore, arguments: Arguments) -> Arguments:
    """AddressBook/changes."""
    return args.changes(arguments, store.book_history, store.state())


def set_(store: CardStore, arguments: Arguments) -> Arguments:
    """AddressBook/set. What is destroyed by its creation id is told of by that, as on Cyrus."""
    known = ("ifInState", "create", "update", "destroy", "onDestroyRemoveContents")
    args.known_only(arguments, *known)
    create, update = args.objects(arguments, "create"), args.objects(arguments, "update")
    destroy = args.id_list(arguments, "destroy") or []
    with_cards = args.typed(arguments, "onDestroyRemoveContents", bool, default=False)
    args.require_state(arguments, store.state())
    answer = SetAnswer(store.state())
    for creation_id, facts in create.items():
        with answer.noting(answer.not_created, creation_id):
            answer.created[creation_id] = _create(store, facts)
    for book_id, patch in update.items():
        with answer.noting(answer.not_updated, book_id):
            _update(store, book_id, patch)
            answer.updated[book_id] = None
    for book_id in destroy:
        with answer.noting(answer.not_destroyed, book_id):
            _destroy(store, store.book_id(book_id), with_cards=with_cards)
            answer.destroyed.append(book_id)
    return answer.to_json(store.state())


def _view(store: CardStore, book_id: str) -> Arguments:
    return {
        "id": book_id,
        **store.books[book_id],
        "isDefault": book_id == DEFAULT,
        "myRights": _rights(book_id),
        "shareWith": None,
    }


def _rights(book_id: str) -> dict[str, bool]:
    may_delete = book_id != DEFAULT
    return {"mayRead": True, "mayWrite": True, "mayDelete": may_delete, "mayShare": False}


def _create(store: CardStore, facts: Mapping[str, Any]) -> Arguments:
    book = {"name": "", "description": None, "sortOrder": 0, "isSubscribed": True}
    _check({**book, **facts})
    store.throttle()
    book_id = str(uuid.uuid4())
    store.books[book_id] = {**book, **facts}
    store.book_history.created(book_id, store.moved())
    return {"id": book_id, "myRights": _rights(book_id)}


def _update(store: CardStore, book_id: str, patch: Mapping[str, Any]) -> None:
    if book_id not in store.books:
        raise RefusedError.of("notFound")
    after = {**store.books[book_id], **patch}
    _check(after)
    store.throttle()
    store.books[book_id] = after
    store.book_history.updated(book_id, store.moved())


def _check(book: Mapping[str, Any]) -> None:
    wrong = [
        name
        for name, value in book.items()
        if name not in _KINDS or not isinstance(value, _KINDS[name])
    ]
    if wrong or not book["name"]:
        raise RefusedError.of("invalidProperties", *(wrong or ["name"]))


def _destroy(store: CardStore, book_id: str, *, with_cards: bool) -> None:
    if book_id not in store.books:
        raise RefusedError.of("notFound")
    if book_id == DEFAULT:
        raise RefusedError.of("forbidden")
    cards = [each for each, card in store.cards.items() if book_id in card["addressBookIds"]]
    if cards and not with_cards:
        raise RefusedError.of("addressBookHasContents")
    store.throttle()
    for each in cards:
        store.destroy_card(each)
    del store.books[book_id]
    store.book_history.destroyed(book_id, store.moved())
