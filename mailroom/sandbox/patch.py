"""Applies a PatchObject (RFC 8620 section 5.3) to a copy of a JSON object."""

import copy
from collections.abc import Mapping
from typing import Any


class InvalidPatchError(Exception):
    """The patch itself is wrong (SetError ``invalidPatch``)."""


def apply_patch(value: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object after a patch. A null removes the value at a path.

    Raises:
        InvalidPatchError: a path leads nowhere, or is the beginning of another path.
    """
    # The tokens of a JSON Pointer (RFC 6901 section 4).
    paths = {path: path.split("/") for path in patch}
    result = copy.deepcopy(dict(value))
    for path, tokens in paths.items():
        if any("/".join(tokens[:length]) in paths for length in range(1, len(tokens))):
            raise InvalidPatchError
        *parents, last = (token.replace("~1", "/").replace("~0", "~") for token in tokens)
        parent: Any = result
        for key in parents:
            if not isinstance(parent, dict) or key not in parent:
                raise InvalidPatchError
            parent = parent[key]
        if not isinstance(parent, dict):
            raise InvalidPatchError
        if patch[path] is None:
            parent.pop(last, None)
        else:
            parent[last] = copy.deepcopy(patch[path])
    return result
