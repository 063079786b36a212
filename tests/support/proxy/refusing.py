"""A server that refuses certain updates for good."""

import json
from collections.abc import Callable
from typing import Any

from multidict import CIMultiDict

from tests.support.proxy.proxy import Answer, Exchange, Forward

Wanted = Callable[[str, str], bool]
"""Returns True if an update, given by id and as text, is refused."""


class Refusing:
    """A server that refuses certain updates, and counts how often it is asked."""

    def __init__(self, method: str, error: str, is_refused: Wanted) -> None:
        self.method, self.error, self.is_refused = method, error, is_refused
        self.is_on = True
        self.times = 0

    async def __call__(self, exchange: Exchange, forward: Forward) -> Answer:
        if not self.is_on or self.method not in exchange.calls:
            return await forward()
        body = json.loads(exchange.body)
        refused = {
            call_id: self._taken_out(arguments)
            for name, arguments, call_id in body["methodCalls"]
            if name == self.method
        }
        self.times += sum(map(len, refused.values()))
        exchange.body = json.dumps(body).encode()
        answer = await forward()
        told = json.loads(answer.body)
        for _, result, call_id in told["methodResponses"]:
            if refused.get(call_id):
                result["notUpdated"] = {**(result.get("notUpdated") or {}), **refused[call_id]}
        headers = CIMultiDict({"Content-Type": "application/json"})
        return Answer(answer.status, headers, json.dumps(told).encode())

    def _taken_out(self, arguments: dict[str, Any]) -> dict[str, Any]:
        update = arguments.get("update") or {}
        keys = [key for key, patch in update.items() if self.is_refused(key, json.dumps(patch))]
        for key in keys:
            del update[key]
        return {key: {"type": self.error, "description": "no"} for key in keys}
