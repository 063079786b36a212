"""The seam through which contacts join the sandbox."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from mailroom.sandbox import Limits, Quirks
from mailroom.sandbox.plugin import Arguments, Handler, Method, MethodFailure, Seat
from tests.support.sandbox.client import CORE, serving

THINGS = "urn:example:things"


class Things:
    """A plug-in with one type and one route."""

    capability = THINGS
    session_facts: Mapping[str, Any] = {"a": 1}
    account_facts: Mapping[str, Any] = {"b": 2}

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._things = ["t0"]

    @property
    def methods(self) -> Mapping[str, Method]:
        return {"Thing/get": self._get, "Thing/set": self._set, "Thing/fail": self._fail}

    @property
    def routes(self) -> Mapping[str, Handler]:
        return {"/things/{tail:.*}": self._handle}

    def _get(self, arguments: Arguments) -> Arguments:
        ids = self._things if arguments.get("ids") is None else arguments["ids"]
        return {"state": str(self._seat.states.of("Thing")), "list": [{"id": each} for each in ids]}

    def _set(self, arguments: Arguments) -> Arguments:
        created = {}
        for creation_id in arguments["create"]:
            if error := self._seat.throttle():
                return {"created": None, "notCreated": {creation_id: error}}
            self._things.append(f"t{len(self._things)}")
            created[creation_id] = {"id": self._things[-1]}
            self._seat.states.changed("Thing")
        return {"created": created, "seen": dict(self._seat.created_ids)}

    def _fail(self, arguments: Arguments) -> Arguments:
        raise MethodFailure("invalidArguments", arguments=sorted(arguments))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"{self._seat.account_id} {request.method} {request.path}")


async def test_a_plugin_brings_a_capability_and_its_methods() -> None:
    async with serving(plugins=[Things]) as client:
        session = await client.session()
        assert session["capabilities"][THINGS] == {"a": 1}
        assert session["accounts"]["alice"]["accountCapabilities"][THINGS] == {"b": 2}
        assert session["primaryAccounts"][THINGS] == "alice"
        found = await client.call("Thing/get", using=(CORE, THINGS))
        assert found == {"state": "0", "list": [{"id": "t0"}], "accountId": "alice"}
        assert (await client.call("Thing/get"))["type"] == "unknownMethod"
        failed = await client.call("Thing/fail", using=(CORE, THINGS), accountId="alice", x=1)
        assert failed == {"type": "invalidArguments", "arguments": ["x"]}


async def test_creation_ids_and_references_are_the_cores_business() -> None:
    async with serving(plugins=[Things]) as client:
        at = {"resultOf": "0", "name": "Thing/set", "path": "/created/a/id"}
        _, answer = await client.post(
            ("Thing/set", {"create": {"a": {}, "b": {}}}),
            ("Thing/get", {"ids": ["#a", "#b", "#nope"]}),
            ("Core/echo", {"#made": at}),
            ("Thing/set", {"create": {"c": {}}}),
            using=(CORE, THINGS),
        )
        results = [result for _, result, _ in answer["methodResponses"]]
        assert [each["id"] for each in results[1]["list"]] == ["t1", "t2", "#nope"]
        assert results[2] == {"made": "t1"}
        assert results[3]["seen"] == {"a": "t1", "b": "t2"}
        again = await client.call("Thing/set", using=(CORE, THINGS), create={"d": {}})
        assert again["seen"] == {}


async def test_a_plugins_objects_are_limited_and_throttled() -> None:
    quirks = Quirks(throttle_every=2, limits=Limits(max_objects_in_get=1, max_objects_in_set=2))
    async with serving(quirks, plugins=[Things]) as client:
        done = await client.call("Thing/set", using=(CORE, THINGS), create={"a": {}, "b": {}})
        assert done["notCreated"] == {"b": {"type": "rateLimit"}}
        many = await client.call(
            "Thing/set", using=(CORE, THINGS), create={each: {} for each in "abc"}
        )
        assert many["type"] == "requestTooLarge"
        whole = await client.call("Thing/get", using=(CORE, THINGS))
        assert whole["type"] == "requestTooLarge"


async def test_a_plugins_changes_are_pushed() -> None:
    async with serving(plugins=[Things]) as client:
        url = "/jmap/eventsource/?types=Thing&closeafter=state"
        async with await client.get(url) as stream:
            client.sandbox.deliver(b"From: ann@x.example\n\nHi.")
            done = await client.call("Thing/set", using=(CORE, THINGS), create={"a": {}})
            assert done["created"] == {"a": {"id": "t1"}}
            event = await stream.text()
        state = client.sandbox.account().states.of("Thing")
        assert f'"changed":{{"alice":{{"Thing":"{state}"}}}}' in event


async def test_a_plugins_routes_are_each_users_own() -> None:
    async with serving(plugins=[Things]) as client:
        url = f"{client.sandbox.url}/things/a/b"
        async with client.http.request("PROPFIND", url, headers=client.auth) as response:
            assert await response.text() == "alice PROPFIND /things/a/b"
        async with client.http.get(url) as response:
            assert response.status == 401


async def test_without_contacts_the_capability_is_gone_but_not_the_routes() -> None:
    async with serving(Quirks(contacts=False), plugins=[Things]) as client:
        assert THINGS not in (await client.session())["capabilities"]
        status, _ = await client.post(("Thing/get", {}), using=(CORE, THINGS))
        assert status == 400
        assert (await client.get("/things/x")).status == 200
