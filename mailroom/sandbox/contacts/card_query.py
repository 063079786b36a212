"""ContactCard/query (RFC 9610 section 3.3).

Most conditions search for words, as on Cyrus: a card matches if each word asked for is somewhere in
any of its values, so there are false hits, and none is missed. ``NOT`` over ``kind`` goes wrong
there, so here it is refused. Cards that were changed last come first.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from mailroom.sandbox import arguments as args
from mailroom.sandbox.contacts.store import CardStore
from mailroom.sandbox.plugin import Arguments, MethodFailure

Json = Mapping[str, Any]
Test = Callable[[Json], bool]

_WORD: Final = re.compile(r"\w+")
_SORTS: Final = ("created", "updated", "uid")
_ENTRIES: Final = {
    "email": ("emails", "address"),
    "nickname": ("nicknames", "name"),
    "note": ("notes", "note"),
    "organization": ("organizations", "name"),
}
_NAME: Final = "name"
_EXACT: Final = frozenset({"uid", "kind"})
_UNSUPPORTED: Final = frozenset(
    {
        *("text", "phone", "onlineService", "address", "name/surname2"),
        *("createdBefore", "createdAfter", "updatedBefore", "updatedAfter"),
    }
)


def query(store: CardStore, arguments: Arguments) -> Arguments:
    """ContactCard/query."""
    args.known_only(
        arguments,
        *("filter", "sort", "position", "anchor", "anchorOffset", "limit", "calculateTotal"),
    )
    is_match = _compile(store, arguments.get("filter"), "filter")
    found = [(uid, card) for uid, card in reversed(store.cards.items()) if is_match(card)]
    for name, is_ascending in reversed(_sorts(args.typed(arguments, "sort", list, []))):
        found.sort(key=lambda pair: str(pair[1].get(name, "")), reverse=not is_ascending)
    echoed = {name: arguments[name] for name in ("filter", "sort") if arguments.get(name)}
    if arguments.get("filter") == {}:
        echoed["filter"] = {}
    return {
        **echoed,
        "queryState": str(store.state()),
        "canCalculateChanges": False,
        **_window(store, [uid for uid, _ in found], arguments),
    }


def _sorts(value: Sequence[Any]) -> list[tuple[str, bool]]:
    sorts = []
    for place, each in enumerate(value):
        if not isinstance(each, dict):
            raise args.invalid(f"sort[{place}]")
        if each.get("property") not in _SORTS:
            raise MethodFailure("unsupportedSort", sort=[f"sort[{place}]"])
        sorts.append((each["property"], bool(each.get("isAscending", True))))
    return sorts


def _window(store: CardStore, ids: Sequence[str], arguments: Arguments) -> Arguments:
    """The part of the result that was asked for (RFC 8620 section 5.5)."""
    wanted = args.unsigned(arguments, "limit")
    most = store.seat.quirks.limits.max_query
    limits = [each for each in (wanted, most) if each is not None]
    start = _start(ids, arguments)
    end = start + min(limits) if limits else None
    window = {"position": start, "total": len(ids), "ids": list(ids[start:end])}
    return {**window, "limit": most} if limits and min(limits) != wanted else window


def _start(ids: Sequence[str], arguments: Arguments) -> int:
    anchor = args.typed(arguments, "anchor", str)
    offset: int = args.typed(arguments, "anchorOffset", int, 0)
    position: int = args.typed(arguments, "position", int, 0)
    if anchor is not None:
        if anchor not in ids:
            raise MethodFailure("anchorNotFound")
        return max(0, ids.index(anchor) + offset)
    return max(0, len(ids) + position) if position < 0 else min(position, len(ids))


def _compile(store: CardStore, value: Any, path: str) -> Test:
    """The test that a filter stands for; None stands for all cards.

    Raises:
        MethodFailure: it is none, or not known here.
    """
    if value is None:
        return lambda _: True
    if not isinstance(value, dict):
        raise args.invalid(path)
    if "operator" in value:
        return _operator(store, value, path)
    tests = [_condition(store, name, facts, f"{path}/{name}") for name, facts in value.items()]
    return lambda card: all(test(card) for test in tests)


def _operator(store: CardStore, value: Json, path: str) -> Test:
    conditions = value.get("conditions")
    if not isinstance(conditions, list):
        raise args.invalid(f"{path}/conditions")
    tests = [
        _compile(store, each, f"{path}/conditions[{place}]")
        for place, each in enumerate(conditions)
    ]
    match value["operator"]:
        case "AND":
            return lambda card: all(test(card) for test in tests)
        case "OR":
            return lambda card: any(test(card) for test in tests)
        case "NOT" if _asks_for_kind(conditions):
            raise MethodFailure("unsupportedFilter", description="no NOT over kind here")
        case "NOT":
            return lambda card: not any(test(card) for test in tests)
        case _:
            raise args.invalid(f"{path}/operator")


def _asks_for_kind(conditions: Iterable[Any]) -> bool:
    return any("kind" in each or _asks_for_kind(each.get("conditions", ())) for each in conditions)


def _condition(store: CardStore, name: str, value: Any, path: str) -> Test:
    if name in _UNSUPPORTED:
        raise MethodFailure("unsupportedFilter", description=f"no {name} here")
    is_known = name in {*_EXACT, *_ENTRIES, "inAddressBook", "hasMember"}
    if not (is_known or name == _NAME or name.startswith("name/")) or not isinstance(value, str):
        raise args.invalid(path)
    if name == "inAddressBook":
        if value not in store.books:
            raise args.invalid(path)
        return lambda card: value in card["addressBookIds"]
    if name in _EXACT:
        return lambda card: card.get(name) == value
    return _search(_values_of(name, path), value)


def _search(values: Callable[[Json], Iterable[str]], wanted: str) -> Test:
    words = _words([wanted])

    def is_match(card: Json) -> bool:
        found = list(values(card))
        return bool(found) and words <= _words(found)

    return is_match


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text.lower().replace("_", " "))}


def _values_of(name: str, path: str) -> Callable[[Json], Iterator[str]]:
    if name == "hasMember":
        return lambda card: iter(card.get("members", ()))
    if name in _ENTRIES:
        of, member = _ENTRIES[name]
        return lambda card: (each.get(member, "") for each in card.get(of, {}).values())
    kind = name.partition("/")[2]
    if name != _NAME and kind not in {"given", "surname"}:
        raise args.invalid(path)
    return lambda card: _name_values(card.get(_NAME, {}), kind)


def _name_values(name: Json, kind: str) -> Iterator[str]:
    if not kind and "full" in name:
        yield name["full"]
    for each in name.get("components", ()):
        if kind in {"", each["kind"]}:
            yield each["value"]
