"""Carries out JMAP requests (RFC 8620 section 3): from a body to a Response object. No I/O.

One request is carried out whole, without interruption: two at once never mix.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mailroom.sandbox.plugin import Arguments, Method, MethodFailure
from mailroom.sandbox.problems import Problem
from mailroom.sandbox.quirks import Limits, Quirks
from mailroom.sandbox.references import Response, resolved
from mailroom.sandbox.states import States

CORE: Final = "urn:ietf:params:jmap:core"
ECHO: Final = "Core/echo"
SESSION_STATE: Final = "0"
"""Nothing in the session ever changes while the sandbox runs."""
_STATES_IN: Final = ("sinceState", "ifInState")
_STATES_OUT: Final = ("state", "oldState", "newState")


def decode(body: bytes | str, limits: Limits) -> Any:
    """Read a request's JSON.

    Raises:
        Problem: it is too long, or no JSON.
    """
    octets = body.encode() if isinstance(body, str) else body
    if len(octets) > limits.max_size_request:
        raise Problem("limit", status=413, limit="maxSizeRequest")
    try:
        return json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise Problem("notJSON", detail=f"Unable to parse JSON request body: {error}") from None


class Dispatcher:
    """Carries out requests to one account.

    Args:
        account_id: whose.
        methods: capability -> the methods that it brings, by name.
        created_ids: creation id -> id of the present request; shared with the methods.
        quirks: the limits to hold callers to, and the form of states.
        states: the account's.
    """

    def __init__(
        self,
        account_id: str,
        methods: Mapping[str, Mapping[str, Method]],
        created_ids: dict[str, str],
        quirks: Quirks,
        states: States,
    ) -> None:
        self._account_id = account_id
        self._serving = quirks.serving
        self._states = states
        self._gets = 0
        self._methods = methods
        self._created_ids = created_ids
        self._limits = quirks.limits

    def perform(self, request: Any) -> dict[str, Any]:
        """Carry out a Request object that was decoded from JSON.

        Raises:
            Problem: it is refused as a whole.
        """
        using, calls, created_ids = self._checked(request)
        methods = {name: method for uri in using for name, method in self._methods[uri].items()}
        if self._serving.refuses_malformed_states:
            self._refuse_malformed_states(calls)
        self._created_ids.clear()
        self._created_ids.update(created_ids or {})
        responses: list[Response] = []
        for name, arguments, call_id in calls:
            responses.append(self._answer(methods, name, arguments, call_id, responses))
        answer: dict[str, Any] = {"methodResponses": responses}
        if created_ids is not None:
            answer["createdIds"] = dict(self._created_ids)
        return answer | {"sessionState": SESSION_STATE}

    def _checked(self, request: Any) -> tuple[list[str], list[list[Any]], dict[str, str] | None]:
        match request:
            case {"using": [*using], "methodCalls": [*calls]}:
                created_ids = request.get("createdIds")
            case _:
                raise Problem("notRequest")
        if not all(isinstance(each, str) for each in using) or not all(map(_is_call, calls)):
            raise Problem("notRequest")
        if created_ids is not None and not isinstance(created_ids, dict):
            raise Problem("notRequest")
        if len(calls) > self._limits.max_calls_in_request:
            raise Problem("limit", limit="maxCallsInRequest")
        for uri in using:
            if uri not in self._methods:
                words = f"The Request object used capability '{uri}'"
                detail = f"{words}, which is not supported by this server."
                raise Problem("unknownCapability", detail=detail)
        return using, calls, created_ids

    def _refuse_malformed_states(self, calls: Sequence[Sequence[Any]]) -> None:
        given = (arguments.get(name) for _, arguments, _ in calls for name in _STATES_IN)
        if any(isinstance(each, str) and self._states.read(each) is None for each in given):
            raise Problem("notRequest", detail="Invalid state")

    def _answer(
        self,
        methods: Mapping[str, Method],
        name: str,
        arguments: Arguments,
        call_id: str,
        earlier: Sequence[Response],
    ) -> Response:
        try:
            return name, self._result(methods, name, arguments, earlier), call_id
        except MethodFailure as failure:
            return "error", {"type": failure.type, **failure.facts}, call_id

    def _result(
        self,
        methods: Mapping[str, Method],
        name: str,
        arguments: Arguments,
        earlier: Sequence[Response],
    ) -> Arguments:
        if name not in methods:
            raise MethodFailure("unknownMethod")
        ready = resolved(arguments, earlier)
        return ready if name == ECHO else self._call(name, methods[name], ready)

    def _call(self, name: str, method: Method, arguments: Arguments) -> Arguments:
        """Call a method with all that is the same for every one."""
        if arguments.pop("accountId", None) not in {None, self._account_id}:
            raise MethodFailure("accountNotFound")
        verb = name.partition("/")[2]
        self._fail_by_habit(name, verb)
        self._read_states(arguments)
        if verb == "get":
            self._resolve_ids(arguments)
            self._limit_get(arguments.get("ids"))
        elif verb == "set":
            self._limit_set(arguments)
        result = method(arguments)
        if verb == "get":
            self._limit_get(result["list"])
        self._remember_created(result.get("created"))
        return {**result, **self._shown_states(result), "accountId": self._account_id}

    def _fail_by_habit(self, name: str, verb: str) -> None:
        if verb == "set" and self._serving.is_read_only:
            raise MethodFailure("accountReadOnly")
        if name == "Email/get" and self._serving.fails_every:
            self._gets += 1
            if self._gets % self._serving.fails_every == 0:
                raise MethodFailure("serverFail", description="the mails are being moved")

    def _read_states(self, arguments: Arguments) -> None:
        for name in _STATES_IN:
            if isinstance(text := arguments.get(name), str):
                number = self._states.read(text)
                arguments[name] = f"?{text}" if number is None else number
        if self._serving.zero_is_no_limit and arguments.get("maxChanges") == 0:
            del arguments["maxChanges"]

    def _shown_states(self, result: Arguments) -> Arguments:
        told = {name: result.get(name) for name in _STATES_OUT}
        return {
            name: self._states.shown(state) for name, state in told.items() if state is not None
        }

    def _resolve_ids(self, arguments: Arguments) -> None:
        ids = arguments.get("ids")
        if isinstance(ids, list):
            arguments["ids"] = [
                self._created_ids.get(each[1:], each) if _is_creation_id(each) else each
                for each in ids
            ]

    def _limit_get(self, objects: Any) -> None:
        if isinstance(objects, list) and len(objects) > self._limits.max_objects_in_get:
            words = "number of ids exceeds maxObjectsInGet limit"
            raise MethodFailure("requestTooLarge", description=words)

    def _limit_set(self, arguments: Arguments) -> None:
        parts = (arguments.get(each) for each in ("create", "update", "destroy"))
        count = sum(len(each) for each in parts if isinstance(each, list | dict))
        if count > self._limits.max_objects_in_set:
            words = "total number of objects exceeds maxObjectsInSet limit"
            raise MethodFailure("requestTooLarge", description=words)

    def _remember_created(self, created: Any) -> None:
        if isinstance(created, dict):
            for creation_id, facts in created.items():
                self._created_ids[creation_id] = facts["id"]


def _is_call(value: Any) -> bool:
    match value:
        case [str(), dict(), str()]:
            return True
        case _:
            return False


def _is_creation_id(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("#")
