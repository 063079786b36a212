"""Carries out JMAP requests (RFC 8620 section 3): from a body to a Response object. No I/O.

A request is carried out without interruption, so that two requests never mix.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mailroom.sandbox.context import AccountContext, Arguments, Method
from mailroom.sandbox.errors import MethodFailure, Problem
from mailroom.sandbox.quirks import Limits

CORE: Final = "urn:ietf:params:jmap:core"
ECHO: Final = "Core/echo"
Response = tuple[str, Arguments, str]
"""The name of the method, the result, the call id."""

SESSION_STATE: Final = "0"
"""Nothing in the session changes while the sandbox runs."""
_STATES_IN: Final = ("sinceState", "ifInState")
_STATES_OUT: Final = ("state", "oldState", "newState")


def decode(body: bytes | str, limits: Limits) -> Any:
    """Decode the JSON of a request.

    Raises:
        Problem: the body is too long, or not JSON.
    """
    octets = body.encode() if isinstance(body, str) else body
    if len(octets) > limits.max_size_request:
        raise Problem("limit", status=413, limit="maxSizeRequest")
    try:
        return json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise Problem("notJSON", detail=f"Unable to parse JSON request body: {error}") from None


class Dispatcher:
    """Carries out the requests to one account.

    Args:
        context: the account.
        methods: capability -> name -> method.
    """

    def __init__(
        self, context: AccountContext, methods: Mapping[str, Mapping[str, Method]]
    ) -> None:
        self._context = context
        self._methods = methods
        self._serving = context.quirks.serving
        self._limits = context.quirks.limits
        self._gets = 0

    def perform(self, request: Any) -> dict[str, Any]:
        """Carry out a Request object that was decoded from JSON.

        Raises:
            Problem: the whole request is refused.
        """
        using, calls = self._checked(request)
        methods = {name: method for uri in using for name, method in self._methods[uri].items()}
        self._context.created_ids.clear()
        responses: list[Response] = []
        for name, arguments, call_id in calls:
            try:
                result = self._call(methods, name, arguments, responses)
                responses.append((name, result, call_id))
            except MethodFailure as failure:
                responses.append(("error", {"type": failure.type, **failure.facts}, call_id))
        return {"methodResponses": responses, "sessionState": SESSION_STATE}

    def _checked(self, request: Any) -> tuple[list[str], list[list[Any]]]:
        """Return the capabilities and calls of a request."""
        match request:
            case {"using": [*using], "methodCalls": [*calls]}:
                pass
            case _:
                raise Problem("notRequest")
        if not all(isinstance(uri, str) for uri in using) or not all(map(_is_call, calls)):
            raise Problem("notRequest")
        if len(calls) > self._limits.max_calls_in_request:
            raise Problem("limit", limit="maxCallsInRequest")
        for uri in using:
            if uri not in self._methods:
                words = f"The Request object used capability '{uri}'"
                detail = f"{words}, which is not supported by this server."
                raise Problem("unknownCapability", detail=detail)
        if self._serving.refuses_malformed_states:
            states = (arguments.get(name) for _, arguments, _ in calls for name in _STATES_IN)
            read = self._context.states.read
            if any(isinstance(state, str) and read(state) is None for state in states):
                raise Problem("notRequest", detail="Invalid state")
        return using, calls

    def _call(
        self,
        methods: Mapping[str, Method],
        name: str,
        raw_arguments: Arguments,
        earlier: Sequence[Response],
    ) -> Arguments:
        """Carry out one call, with the checks that are the same for every method."""
        if name not in methods:
            raise MethodFailure("unknownMethod")
        arguments = resolved(raw_arguments, earlier)
        if name == ECHO:
            return arguments
        if arguments.pop("accountId", None) not in {None, self._context.id}:
            raise MethodFailure("accountNotFound")
        verb = name.partition("/")[2]
        self._fail_by_habit(name, verb)
        self._normalize(arguments)
        if verb == "get":
            self._limit_get(arguments.get("ids"))
        elif verb == "set":
            parts = (arguments.get(part) for part in ("create", "update", "destroy"))
            count = sum(len(part) for part in parts if isinstance(part, list | dict))
            if count > self._limits.max_objects_in_set:
                words = "total number of objects exceeds maxObjectsInSet limit"
                raise MethodFailure("requestTooLarge", description=words)
        result = methods[name](arguments)
        if verb == "get":
            self._limit_get(result["list"])
        states = {part: result[part] for part in _STATES_OUT if result.get(part) is not None}
        shown = {part: self._context.states.shown(state) for part, state in states.items()}
        return {**result, **shown, "accountId": self._context.id}

    def _fail_by_habit(self, name: str, verb: str) -> None:
        if verb == "set" and self._serving.is_read_only:
            raise MethodFailure("accountReadOnly")
        if name == "Email/get" and self._serving.fails_every:
            self._gets += 1
            if self._gets % self._serving.fails_every == 0:
                raise MethodFailure("serverFail", description="the mails are being moved")

    def _normalize(self, arguments: Arguments) -> None:
        """Replace states by their numbers; remove ``maxChanges: 0`` if it means no limit."""
        for name in _STATES_IN:
            if isinstance(text := arguments.get(name), str):
                number = self._context.states.read(text)
                # With the "?", a malformed state is never the number of another state.
                arguments[name] = f"?{text}" if number is None else number
        if self._serving.zero_is_no_limit and arguments.get("maxChanges") == 0:
            del arguments["maxChanges"]

    def _limit_get(self, objects: Any) -> None:
        if isinstance(objects, list) and len(objects) > self._limits.max_objects_in_get:
            words = "number of ids exceeds maxObjectsInGet limit"
            raise MethodFailure("requestTooLarge", description=words)


def _is_call(value: Any) -> bool:
    match value:
        case [str(), dict(), str()]:
            return True
        case _:
            return False


def resolved(arguments: Mapping[str, Any], earlier: Sequence[Response]) -> Arguments:
    """Return the arguments with every back-reference ``#name`` replaced (RFC 8620 section 3.7).

    Raises:
        MethodFailure: a reference leads nowhere, or an argument is given twice.
    """
    by_id = {response[2]: response for response in reversed(earlier)}
    result: Arguments = {}
    for name, value in arguments.items():
        if not name.startswith("#"):
            result[name] = value
            continue
        if name[1:] in arguments:
            raise MethodFailure("invalidArguments", arguments=[name])
        match value:
            case {"resultOf": str(call_id), "name": str(method), "path": str(path)}:
                response = by_id.get(call_id)
            case _:
                raise MethodFailure("invalidResultReference")
        if response is None or response[0] != method or not path.startswith("/"):
            raise MethodFailure("invalidResultReference")
        result[name[1:]] = _follow(response[1], path[1:].split("/"))
    return result


def _follow(value: Any, tokens: Sequence[str]) -> Any:
    """Evaluate a JSON Pointer in which ``*`` stands for every item of an array."""
    for place, part in enumerate(tokens):
        if part == "*" and isinstance(value, list):
            results = [_follow(item, tokens[place + 1 :]) for item in value]
            lists = [items if isinstance(items, list) else [items] for items in results]
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
