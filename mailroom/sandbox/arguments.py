"""Reads the arguments of methods. Every function refuses a wrong argument with a MethodFailure."""

from collections.abc import Collection, Mapping
from typing import Any

from mailroom.sandbox.errors import MethodFailure


def invalid(*culprits: str) -> MethodFailure:
    """Return an ``invalidArguments`` error that names the culprits as Cyrus does."""
    return MethodFailure("invalidArguments", arguments=list(culprits))


def refuse_unknown(arguments: Mapping[str, Any], *names: str) -> None:
    """Refuse arguments that have none of these names."""
    if unknown := [name for name in arguments if name not in names]:
        raise invalid(*unknown)


def typed(arguments: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """Return an argument of this JSON type; the default if it is missing or null."""
    value = arguments.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise invalid(name)
    return value


def unsigned(arguments: Mapping[str, Any], name: str) -> int | None:
    """Return an UnsignedInt; None if it is missing or null."""
    value: int | None = typed(arguments, name, int)
    if value is not None and value < 0:
        raise invalid(name)
    return value


def id_list(arguments: Mapping[str, Any], name: str) -> list[str] | None:
    """Return an array of ids, each once; None if it is missing or null."""
    ids: list[Any] | None = typed(arguments, name, list)
    if ids is None:
        return None
    if wrong := [f"{name}[{place}]" for place, item in enumerate(ids) if not isinstance(item, str)]:
        raise invalid(*wrong)
    return list(dict.fromkeys(ids))


def property_list(arguments: Mapping[str, Any], known: Collection[str]) -> list[str] | None:
    """Return the ``properties`` of a ``/get``, all of them known; None if missing or null."""
    names = id_list(arguments, "properties")
    unknown = [(place, name) for place, name in enumerate(names or ()) if name not in known]
    if unknown:
        raise invalid(*(f"properties[{place}:{name}]" for place, name in unknown))
    return names


def objects(arguments: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Return the ``create`` or ``update`` of a ``/set`` by id; empty if missing or null."""
    values: dict[str, Any] = typed(arguments, name, dict, {})
    wrong = [f"{name}/{key}" for key, value in values.items() if not isinstance(value, dict)]
    if wrong:
        raise invalid(*wrong)
    return values
