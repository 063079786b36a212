"""The standard methods of JMAP, for objects of any type (RFC 8620 section 5).

Each function returns an operation of one call. An argument that is None is not sent. An answer
without the shape that the RFC promises raises MethodError; it never counts as empty.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from mailroom.http import MAX_OCTETS
from mailroom.jmap.answers import checked, parsed, string
from mailroom.jmap.errors import MethodError, SetError
from mailroom.jmap.request import Call, Operation, Reference, Results
from mailroom.jmap.session import Limits
from mailroom.waiting.batches import batches_by_weight

T = TypeVar("T")

NOT_FOUND: Final = "notFound"
"""The error of an object that does not exist (RFC 8620 section 5.3)."""
STATE_MISMATCH: Final = "stateMismatch"
"""The error of a call whose ``ifInState`` is not the account's state (RFC 8620 section 5.3)."""
UNKNOWN_METHOD: Final = "unknownMethod"
"""The error of a method that the server does not have (RFC 8620 section 3.6.2)."""
_CANNOT_CALCULATE: Final = "cannotCalculateChanges"
_NOT_MENTIONED: Final = SetError("serverFail", "the answer does not mention this object")
_LARGEST_GET: Final = 4096
"""The most objects that one ``/get`` reads, even if the server allows more."""
_LARGEST_SET: Final = 500
"""The most objects that one ``/set`` changes. A slow server changes so many in a few seconds."""


@dataclass(frozen=True, slots=True)
class GetResponse(Generic[T]):
    """The answer to a ``/get`` (RFC 8620 section 5.1).

    Attributes:
        state: the state of all objects of the type; empty if the server does not report it.
        objects: the objects that exist, in the order of the answer.
    """

    state: str
    objects: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class ChangesResponse:
    """The answer to a ``/changes`` (RFC 8620 section 5.2).

    Attributes:
        new_state: the state up to which the changes are complete.
        has_more: True if there are more changes after ``new_state``.
        created, updated, destroyed: the ids of objects.
    """

    new_state: str
    has_more: bool
    created: tuple[str, ...]
    updated: tuple[str, ...]
    destroyed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryResponse:
    """The answer to a ``/query`` (RFC 8620 section 5.5): one page of the result.

    Attributes:
        ids: the ids of the page.
        total: the number of ids in all pages; None if the server does not report it.
        limit: the largest number of ids that the page could have had; None if there was no limit.
    """

    ids: tuple[str, ...]
    total: int | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class SetResponse:
    """The answer to a ``/set`` (RFC 8620 section 5.3).

    Attributes:
        old_state: the state before; empty if the server does not report it.
        new_state: the state after; empty if the server does not report it.
        failed: object id (or creation id) -> the reason why the object was not changed.
    """

    old_state: str
    new_state: str
    failed: Mapping[str, SetError]


def get(
    data_type: str,
    account_id: str,
    ids: Sequence[str] | Reference | None,
    read: Callable[[Any], T],
    *,
    properties: Sequence[str] | None = None,
    max_octets: int = MAX_OCTETS,
) -> Operation[GetResponse[T]]:
    """Read objects.

    Args:
        data_type: ``Email``, for example.
        account_id: the account.
        ids: the ids of the objects. None for all objects; some servers then return as many as
            maxObjectsInGet.
        read: reads one object. Any KeyError, TypeError, ValueError or AttributeError becomes a
            MethodError.
        properties: the properties to read; None for all.
        max_octets: the largest size of the answer.
    """
    arguments: dict[str, Any] = {"accountId": account_id, "ids": ids}
    if properties is not None:
        arguments["properties"] = [*properties]
    call = Call(f"{data_type}/get", arguments, max_octets)

    def response(results: Results) -> GetResponse[T]:
        answer = results[call]
        objects = checked(answer.get("list"), list, call)
        return GetResponse(
            str(answer.get("state") or ""), tuple(parsed(read, call, value) for value in objects)
        )

    return Operation((call,), response)


def get_state(data_type: str, account_id: str) -> Operation[str]:
    """Read the present state of all objects of a type; empty if the server does not report it.

    If the state is read before a query, ``/changes`` since this state reports every object that the
    query may have missed. The state that comes with the objects may be newer, because the calls of
    one request are not a transaction.
    """
    reading = get(data_type, account_id, [], str, properties=["id"])
    return reading.then(lambda response: response.state)


def changes(
    data_type: str, account_id: str, since: str, *, limit: int
) -> Operation[ChangesResponse | None]:
    """Read the changes since a state; None if the server cannot calculate them.

    ``limit`` is the largest number of changes, not more than maxObjectsInGet if a back-reference
    passes the ids to a ``/get``.
    """
    arguments = {"accountId": account_id, "sinceState": since, "maxChanges": limit}
    call = Call(f"{data_type}/changes", arguments)

    def response(results: Results) -> ChangesResponse | None:
        try:
            answer = results[call]
        except MethodError as error:
            if error.type == _CANNOT_CALCULATE:
                return None
            raise
        created, updated, destroyed = (
            tuple(value for value in checked(answer.get(name), list, call) if _is_id(value))
            for name in ("created", "updated", "destroyed")
        )
        new_state = checked(answer.get("newState"), str, call)
        has_more = answer.get("hasMoreChanges") is True
        return ChangesResponse(new_state, has_more, created, updated, destroyed)

    return Operation((call,), response)


def query(
    data_type: str,
    account_id: str,
    conditions: Mapping[str, Any] | None = None,
    *,
    sort: Sequence[Mapping[str, Any]] | None = None,
    position: int | None = None,
    limit: int | None = None,
    with_total: bool = False,
) -> Operation[QueryResponse]:
    """Find the ids of the objects that match a FilterOperator or FilterCondition.

    Args:
        data_type: ``Email``, for example.
        account_id: the account.
        conditions: the filter; None for all objects.
        sort: the Comparators.
        position: the position of the first id; counted from the end if negative.
        limit: the largest number of ids.
        with_total: True to ask for the number of ids in all pages.
    """
    optional = {
        "filter": conditions,
        "sort": sort,
        "position": position,
        "limit": limit,
        "calculateTotal": with_total or None,
    }
    call = Call(f"{data_type}/query", {"accountId": account_id, **_given(optional)})

    def response(results: Results) -> QueryResponse:
        answer = results[call]
        ids = checked(answer.get("ids"), list, call)
        total, servers_limit = answer.get("total"), answer.get("limit")
        smaller_limit = limit
        if type(servers_limit) is int and servers_limit > 0:
            smaller_limit = servers_limit if limit is None else min(limit, servers_limit)
        return QueryResponse(
            tuple(parsed(string, call, value) for value in ids),
            total if type(total) is int else None,
            smaller_limit,
        )

    return Operation((call,), response)


def set_objects(
    data_type: str,
    account_id: str,
    *,
    create: Mapping[str, Mapping[str, Any]] | None = None,
    update: Mapping[str, Mapping[str, Any]] | None = None,
    destroy: Collection[str] | None = None,
    if_in_state: str | None = None,
) -> Operation[SetResponse]:
    """Create, update and destroy objects, in this order, each of them atomically.

    Objects that the answer does not mention count as failed.

    Args:
        data_type: ``Email``, for example.
        account_id: the account.
        create: creation id -> object.
        update: object id -> PatchObject.
        destroy: the ids of the objects.
        if_in_state: the state that the account must be in. In any other state nothing is done, and
            the operation ends in MethodError ``stateMismatch``.
    """
    optional = {
        "create": create,
        "update": update,
        "destroy": None if destroy is None else [*destroy],
        "ifInState": if_in_state,
    }
    call = Call(f"{data_type}/set", {"accountId": account_id, **_given(optional)})
    asked = (*(create or ()), *(update or ()), *(destroy or ()))

    def response(results: Results) -> SetResponse:
        answer = results[call]
        done = {
            *checked(answer.get("created") or {}, dict, call),
            *checked(answer.get("updated") or {}, dict, call),
            *filter(_is_id, checked(answer.get("destroyed") or [], list, call)),
        }
        failed = {object_id: _NOT_MENTIONED for object_id in asked if object_id not in done}
        for name in ("notCreated", "notUpdated", "notDestroyed"):
            refused = checked(answer.get(name) or {}, dict, call)
            failed |= {object_id: SetError.parse(error) for object_id, error in refused.items()}
        old_state, new_state = str(answer.get("oldState") or ""), str(answer.get("newState") or "")
        return SetResponse(old_state, new_state, failed)

    return Operation((call,), response)


def largest_get(limits: Limits) -> int:
    """Return the most objects that one ``/get`` may read."""
    return min(_LARGEST_GET, limits.max_objects_in_get)


def set_batches(
    objects: Sequence[T], octets: Callable[[T], int], limits: Limits, *, besides: int = 0
) -> Iterator[list[T]]:
    """Divide objects into batches, each of which one ``/set`` may change.

    Args:
        objects: the objects, in order.
        octets: returns the size of an object in the request.
        limits: the server's limits.
        besides: the number of objects that each ``/set`` may change in addition to its batch.
    """
    most = max(1, min(_LARGEST_SET, limits.max_objects_in_set) - besides)
    return batches_by_weight(objects, octets, limit=limits.max_size_request // 2, most=most)


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _is_id(value: object) -> bool:
    return isinstance(value, str)
