"""Reading arguments and building answers, for the methods of every type."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from mailroom.sandbox.history import History
from mailroom.sandbox.plugin import Arguments, MethodFailure


def invalid(*culprits: str) -> MethodFailure:
    """``invalidArguments``, naming the culprits as Cyrus does."""
    return MethodFailure("invalidArguments", arguments=list(culprits))


def known_only(arguments: Mapping[str, Any], *names: str) -> None:
    """Refuse arguments that are none of these.

    Raises:
        MethodFailure: there is one.
    """
    unknown = [each for each in arguments if each not in names]
    if unknown:
        raise invalid(*unknown)


def typed(arguments: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """An argument of this JSON type; the default if it is missing or null.

    Raises:
        MethodFailure: it is something else.
    """
    value = arguments.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise invalid(name)
    return value


def unsigned(arguments: Mapping[str, Any], name: str) -> int | None:
    """An UnsignedInt; None if it is missing or null.

    Raises:
        MethodFailure: it is something else.
    """
    value: int | None = typed(arguments, name, int)
    if value is not None and value < 0:
        raise invalid(name)
    return value


def id_list(arguments: Mapping[str, Any], name: str) -> list[str] | None:
    """An array of ids, each once; None if it is missing or null.

    Raises:
        MethodFailure: it is something else.
    """
    ids: list[Any] | None = typed(arguments, name, list)
    if ids is None:
        return None
    wrong = [f"{name}[{place}]" for place, each in enumerate(ids) if not isinstance(each, str)]
    if wrong:
        raise invalid(*wrong)
    return list(dict.fromkeys(ids))


def property_list(arguments: Mapping[str, Any], known: Collection[str]) -> tuple[str, ...] | None:
    """The ``properties`` of a ``/get``; None if they are missing or null.

    Raises:
        MethodFailure: one is unknown.
    """
    wanted = id_list(arguments, "properties")
    if wanted is None:
        return None
    wrong = [
        f"properties[{place}:{each}]" for place, each in enumerate(wanted) if each not in known
    ]
    if wrong:
        raise invalid(*wrong)
    return tuple(wanted)


def objects(arguments: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The ``create`` or ``update`` of a ``/set``: id -> object; empty if missing or null.

    Raises:
        MethodFailure: it is something else.
    """
    found: dict[str, Any] = typed(arguments, name, dict, {})
    wrong = [f"{name}/{each}" for each, value in found.items() if not isinstance(value, dict)]
    if wrong:
        raise invalid(*wrong)
    return found


def require_state(arguments: Mapping[str, Any], state: int) -> None:
    """Hold a ``/set`` to its ``ifInState``.

    Raises:
        MethodFailure: the state is another.
    """
    wanted = typed(arguments, "ifInState", str)
    if wanted is not None and wanted != str(state):
        raise MethodFailure("stateMismatch")


_CHANGES: Final = ("sinceState", "maxChanges")


def changes(arguments: Mapping[str, Any], history: History, state: int) -> Arguments:
    """Answer a ``/changes`` (RFC 8620 section 5.2).

    A state from the future is answered as Cyrus does: no changes, and a lower state.

    Raises:
        MethodFailure: it cannot be answered.
    """
    known_only(arguments, *_CHANGES)
    since = arguments.get("sinceState")
    at_most = unsigned(arguments, "maxChanges")
    if at_most == 0:
        raise invalid("maxChanges")
    if not isinstance(since, str) or not (since.isascii() and since.isdecimal()):
        raise MethodFailure("cannotCalculateChanges", description="invalid sinceState")
    found = history.since(int(since), now=state, at_most=at_most)
    return {
        "oldState": since,
        "newState": str(found.new_state),
        "hasMoreChanges": found.has_more,
        "created": list(found.created),
        "updated": list(found.updated),
        "destroyed": list(found.destroyed),
    }


class RefusedError(Exception):
    """One object of a ``/set`` is refused.

    Attributes:
        error: the SetError.
    """

    def __init__(self, error: Arguments) -> None:
        super().__init__(error)
        self.error = error

    @classmethod
    def of(cls, type_: str, *properties: str) -> "RefusedError":
        """A refusal of this type, because of these properties."""
        return cls(
            {"type": type_, "properties": list(properties)} if properties else {"type": type_}
        )


class SetAnswer:
    """Collects what a ``/set`` did (RFC 8620 section 5.3)."""

    def __init__(self, old_state: int) -> None:
        self.created: Arguments = {}
        self.updated: Arguments = {}
        self.destroyed: list[str] = []
        self.not_created: Arguments = {}
        self.not_updated: Arguments = {}
        self.not_destroyed: Arguments = {}
        self._old_state = old_state

    @contextmanager
    def noting(self, refusals: Arguments, object_id: str) -> Iterator[None]:
        """Note a refusal in the block under the object's id, and go on behind it."""
        try:
            yield
        except RefusedError as refused:
            refusals[object_id] = refused.error

    def to_json(self, new_state: int) -> Arguments:
        """Return the answer; an empty part is null, as on Cyrus."""
        return {
            "oldState": str(self._old_state),
            "newState": str(new_state),
            "created": self.created or None,
            "updated": self.updated or None,
            "destroyed": self.destroyed or None,
            "notCreated": self.not_created or None,
            "notUpdated": self.not_updated or None,
            "notDestroyed": self.not_destroyed or None,
        }
