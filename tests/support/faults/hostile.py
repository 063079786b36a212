"""Answers of a hostile server: real answers with one part changed."""

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

_Path = tuple[Any, ...]

DEEP: Final = 200
"""The deepest nesting of inserted values: an answer must be serialised again."""


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


_ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1e308,
    "",
    "x",
    "\0",
    "\ud800",  # half of a character: JSON can write it, UTF-8 cannot
    "a\r\nb",
    "../..",
    "\u202e",
    "y" * 100_000,
    [],
    {},
    [None],
    {"": None},
    {"a": {"b": {}}},
    ["x"] * 1000,
    _nested(DEEP),
)
_TAG: Final = re.compile(rb"<[^>]+>")
_TEXT: Final = re.compile(rb">[^<]+<")


def twisted(body: bytes, chance: random.Random) -> bytes:
    """Return a body with a part changed. JSON stays JSON; other bodies may become malformed."""
    try:
        value = json.loads(body)
    except ValueError:
        return _twisted_text(body, chance)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        value = _twisted_value(value, chance)
    return json.dumps(value).encode()


def _twisted_value(root: Any, chance: random.Random) -> Any:
    path = chance.choice(list(_paths(root)))
    if not path:
        return chance.choice(_ODD)
    root = copy.deepcopy(root)
    parent = root
    for step in path[:-1]:
        parent = parent[step]
    chance.choice(_WAYS)(parent, path[-1], chance)
    return root


def _paths(value: Any, above: _Path = ()) -> Iterator[_Path]:
    yield above
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*above, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _paths(item, (*above, at))


def _replace(parent: Any, key: Any, chance: random.Random) -> None:
    parent[key] = copy.deepcopy(chance.choice(_ODD))


def _remove(parent: Any, key: Any, chance: random.Random) -> None:
    del parent[key]


def _double(parent: Any, key: Any, chance: random.Random) -> None:
    parent[key] = [parent[key], parent[key]]


def _rename(parent: Any, key: Any, chance: random.Random) -> None:
    if isinstance(parent, dict):
        parent[chance.choice(("", "x", "\ud800", "id", "@type"))] = parent.pop(key)
    else:
        parent.append(parent[key])


def _spoil(parent: Any, key: Any, chance: random.Random) -> None:
    if isinstance(parent[key], str):
        parent[key] += chance.choice(("\ud800", "\0", "\n", " ", "é", "x" * 1000))
    else:
        _replace(parent, key, chance)


_WAYS: Final[tuple[Callable[[Any, Any, random.Random], None], ...]] = (
    _replace,
    _replace,
    _remove,
    _double,
    _rename,
    _spoil,
)


def _twisted_text(body: bytes, chance: random.Random) -> bytes:
    places = [match.span() for pattern in (_TAG, _TEXT) for match in pattern.finditer(body)]
    start, end = chance.choice(places or [(0, len(body))])
    piece = body[start:end]
    replacement = chance.choice(
        (
            b"",
            piece * 2,
            b"<x>" * DEEP + b"</x>" * DEEP,
            b"<![CDATA[" + piece + b"]]>",
            b"&#0;",
            b"&#xD800;",
            b"&amp;" * 1000,
            b"\xff\xfe",
            b"\r\nX:",
            piece[::-1],
            piece[: len(piece) // 2],
            b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
            b"9" * 1000,
        )
    )
    return body[:start] + replacement + body[end:]
