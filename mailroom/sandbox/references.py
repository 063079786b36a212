"""Back-references (RFC 8620 section 3.7): arguments taken from the results of earlier calls."""

from collections.abc import Mapping, Sequence
from typing import Any

from mailroom.sandbox.context import Arguments
from mailroom.sandbox.errors import MethodFailure

Response = tuple[str, Arguments, str]
"""The name of the method, the result, the call id."""


def resolved(arguments: Mapping[str, Any], earlier: Sequence[Response]) -> Arguments:
    """Return the arguments with every ``#name`` replaced by the value that it refers to.

    Raises:
        MethodFailure: a reference leads nowhere, or an argument is given twice.
    """
    result: Arguments = {}
    for name, value in arguments.items():
        if not name.startswith("#"):
            result[name] = value
        elif name[1:] in arguments:
            raise MethodFailure("invalidArguments", arguments=[name])
        else:
            result[name[1:]] = _look_up(value, earlier)
    return result


def _look_up(reference: Any, earlier: Sequence[Response]) -> Any:
    match reference:
        case {"resultOf": str(call_id), "name": str(name), "path": str(path)}:
            pass
        case _:
            raise MethodFailure("invalidResultReference")
    result = next((response for response in earlier if response[2] == call_id), None)
    if result is None or result[0] != name or not path.startswith("/"):
        raise MethodFailure("invalidResultReference")
    return _follow(result[1], path[1:].split("/"))


def _follow(value: Any, tokens: Sequence[str]) -> Any:
    """Evaluate a JSON Pointer in which ``*`` stands for every item of an array."""
    for place, part in enumerate(tokens):
        if part == "*" and isinstance(value, list):
            found = [_follow(item, tokens[place + 1 :]) for item in value]
            lists = [items if isinstance(items, list) else [items] for items in found]
            return [item for items in lists for item in items]
        key = part.replace("~1", "/").replace("~0", "~")
        match value:
            case dict() if key in value:
                value = value[key]
            case list() if key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            case _:
                raise MethodFailure("invalidResultReference")
    return value
