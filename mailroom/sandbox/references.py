"""Back-references (RFC 8620 section 3.7): arguments taken from the results of earlier calls."""

from collections.abc import Mapping, Sequence
from typing import Any

from mailroom.sandbox.plugin import Arguments, MethodFailure

Response = tuple[str, Arguments, str]
"""Method's name, result, call id."""


def resolved(arguments: Mapping[str, Any], earlier: Sequence[Response]) -> Arguments:
    """The arguments with every ``#name`` replaced by what it refers to.

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
    result = next((each for each in earlier if each[2] == call_id), None)
    if result is None or result[0] != name or not path.startswith("/"):
        raise MethodFailure("invalidResultReference")
    return _follow(result[1], path[1:].split("/"))


def _follow(value: Any, tokens: Sequence[str]) -> Any:
    """Evaluate a JSON Pointer in which ``*`` stands for every item of an array."""
    for place, key in enumerate(tokens):
        if key == "*" and isinstance(value, list):
            found = [_follow(each, tokens[place + 1 :]) for each in value]
            return [item for each in found for item in (each if isinstance(each, list) else [each])]
        value = _step(value, key.replace("~1", "/").replace("~0", "~"))
    return value


def _step(value: Any, key: str) -> Any:
    match value:
        case dict() if key in value:
            return value[key]
        case list() if key.isdecimal() and int(key) < len(value):
            return value[int(key)]
        case _:
            raise MethodFailure("invalidResultReference")
