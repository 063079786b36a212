"""PatchObject (RFC 8620 section 5.3): applied to plain JSON values, which are left as they are."""

import copy
from collections.abc import Mapping
from typing import Any


class InvalidPatchError(Exception):
    """The patch itself is wrong (SetError ``invalidPatch``); nothing was changed."""


def apply_patch(value: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object after a patch.

    A null removes the value at a path. The caller decides on the meaning for a property.

    Raises:
        InvalidPatchError: a path leads nowhere, or is the beginning of another.
    """
    paths = {path: tuple(map(_unescaped, path.split("/"))) for path in patch}
    _forbid_overlap(list(paths.values()))
    result = copy.deepcopy(dict(value))
    for path, keys in paths.items():
        _put(result, keys, patch[path])
    return result


def _unescaped(token: str) -> str:
    """A JSON Pointer's token (RFC 6901 section 4)."""
    return token.replace("~1", "/").replace("~0", "~")


def _forbid_overlap(paths: list[tuple[str, ...]]) -> None:
    known = set(paths)
    for path in paths:
        if any(path[:length] in known for length in range(1, len(path))):
            raise InvalidPatchError


def _put(value: dict[str, Any], keys: tuple[str, ...], new: Any) -> None:
    parent: Any = value
    for key in keys[:-1]:
        if not isinstance(parent, dict) or key not in parent:
            raise InvalidPatchError
        parent = parent[key]
    if not isinstance(parent, dict):
        raise InvalidPatchError
    if new is None:
        parent.pop(keys[-1], None)
    else:
        parent[keys[-1]] = copy.deepcopy(new)
