"""PatchObjects (RFC 8620 section 5.3). Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

Patch = dict[str, Any]


def pointer(*keys: str) -> str:
    """Return the path of a property; its keys may hold any character (RFC 6901 section 3)."""
    return "/".join(key.replace("~", "~0").replace("/", "~1") for key in keys)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Patch:
    """Return the smallest patch that turns ``before`` into ``after``.

    Equal values are not in the patch, so the patch does not undo changes by others.
    """
    return dict(_difference((), before, after))


def _difference(
    path: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    for key in before.keys() - after.keys():
        yield pointer(*path, key), None
    for key, value in after.items():
        old = before.get(key)
        if value is old and old is not None:
            continue  # an edit shares what it leaves alone, however deep that is
        if isinstance(old, dict) and isinstance(value, dict):
            yield from _difference((*path, key), old, value)
        elif key not in before or old != value:
            yield pointer(*path, key), value
