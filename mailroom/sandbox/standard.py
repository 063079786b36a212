"""JMAP's standard methods (RFC 8620 section 5), as far as they are the same for every type."""

from collections.abc import Callable, Collection, Container, Iterable, Sequence
from functools import partial
from typing import Any

from mailroom.sandbox.arguments import (
    id_list,
    invalid,
    objects,
    property_list,
    refuse_unknown,
    typed,
    unsigned,
)
from mailroom.sandbox.context import AccountContext, Arguments
from mailroom.sandbox.errors import MethodFailure, RefusedError
from mailroom.sandbox.history import History
from mailroom.sandbox.quirks import Quirks


def get_objects(
    arguments: Arguments,
    *,
    state: int,
    existing: Container[str],
    all_ids: Iterable[str] | None,
    properties: Collection[str],
    show: Callable[[str, Collection[str]], Arguments],
) -> Arguments:
    """Answer a ``/get`` (RFC 8620 section 5.1).

    Args:
        arguments: the arguments of the call.
        state: the state of the type.
        existing: the ids of all objects.
        all_ids: the ids that ``ids: null`` stands for; None if the ids must be named.
        properties: the known properties, which are also the default.
        show: returns the named properties of the object with an id.
    """
    refuse_unknown(arguments, "ids", "properties")
    named = property_list(arguments, properties)
    wanted = properties if named is None else named
    ids = id_list(arguments, "ids")
    if ids is None and all_ids is None:
        raise MethodFailure("requestTooLarge", description="ids must be specified")
    return {
        "state": str(state),
        "list": [
            {"id": object_id} | show(object_id, wanted)
            for object_id in (all_ids or () if ids is None else ids)
            if object_id in existing
        ],
        "notFound": [object_id for object_id in ids or () if object_id not in existing],
    }


def get_changes(arguments: Arguments, history: History, state: int) -> Arguments:
    """Answer a ``/changes`` (RFC 8620 section 5.2).

    Like Cyrus, answer a state from the future with no changes and the present, lower state.
    """
    refuse_unknown(arguments, "sinceState", "maxChanges")
    since = arguments.get("sinceState")
    at_most = unsigned(arguments, "maxChanges")
    if at_most == 0:
        raise invalid("maxChanges")
    if not isinstance(since, str) or not (since.isascii() and since.isdecimal()):
        raise MethodFailure("cannotCalculateChanges", description="invalid sinceState")
    changes = history.since(int(since), now=state, at_most=at_most)
    return {
        "oldState": since,
        "newState": str(changes.new_state),
        "hasMoreChanges": changes.has_more,
        "created": list(changes.created),
        "updated": list(changes.updated),
        "destroyed": list(changes.destroyed),
    }


def get_page(arguments: Arguments, ids: Sequence[str], quirks: Quirks) -> Arguments:
    """Return the ``position``, ``ids`` and ``limit`` of a ``/query`` (RFC 8620 section 5.5)."""
    wanted, most = unsigned(arguments, "limit"), quirks.limits.max_query
    limit = min((number for number in (wanted, most) if number is not None), default=None)
    position: int = typed(arguments, "position", int, 0)
    if position < 0 and not quirks.querying.negative_positions:
        raise invalid("position")
    start = max(0, len(ids) + position) if position < 0 else min(position, len(ids))
    page = {"position": start, "ids": list(ids[start:][:limit])}
    return page if limit == wanted else {**page, "limit": limit}


def set_objects(
    context: AccountContext,
    arguments: Arguments,
    *,
    state: Callable[[], int],
    create: Callable[[Arguments], Arguments],
    update: Callable[[str, Arguments], Arguments | None],
    destroy: Callable[[str], None],
) -> Arguments:
    """Carry out a ``/set`` (RFC 8620 section 5.3). Empty parts of the answer are null, as on Cyrus.

    Args:
        context: the account.
        arguments: the arguments of the call.
        state: returns the present state of the type.
        create: makes an object, and returns its id and the other properties set by the server.
        update: patches an object, and returns the properties set by the server.
        destroy: removes an object.

    The three functions raise a RefusedError for an object that they refuse.
    """
    refuse_unknown(arguments, "ifInState", "create", "update", "destroy")
    creations, updates = objects(arguments, "create"), objects(arguments, "update")
    destructions = id_list(arguments, "destroy") or []
    old_state = str(state())
    if typed(arguments, "ifInState", str, old_state) != old_state:
        raise MethodFailure("stateMismatch")
    steps: list[tuple[str, str, Callable[[], Any]]] = [
        *(("created", key, partial(create, facts)) for key, facts in creations.items()),
        *(("updated", key, partial(update, key, patch)) for key, patch in updates.items()),
        *(("destroyed", key, partial(destroy, key)) for key in destructions),
    ]
    done: dict[str, Arguments] = {"created": {}, "updated": {}, "destroyed": {}}
    refused: dict[str, Arguments] = {part: {} for part in done}
    for part, key, carry_out in steps:
        try:
            context.throttle()
            done[part][key] = carry_out()
        except RefusedError as refusal:
            refused[part][key] = refusal.error
        else:
            if part == "created":
                context.created_ids[key] = done[part][key]["id"]
    return {
        "oldState": old_state,
        "newState": str(state()),
        "created": done["created"] or None,
        "updated": done["updated"] or None,
        "destroyed": list(done["destroyed"]) or None,
        **{f"not{part.title()}": errors or None for part, errors in refused.items()},
    }
