"""Sessions, requests, back-references, limits and refusals: the sandbox answers as Cyrus does."""

import json
from typing import Any

import aiohttp
import pytest

from tests.contract.servers import CORE, MAIL, SUBMISSION, Account, message

PROBLEM = "urn:ietf:params:jmap:error:"


def request(
    *calls: list[Any], using: tuple[str, ...] = (CORE, MAIL), **more: Any
) -> dict[str, Any]:
    return {"using": list(using), "methodCalls": list(calls), **more}


# Session


async def test_the_session(account: Account) -> None:
    for path in ("/jmap/", "/jmap"):
        answer = await account.ask("GET", path, headers=account.auth)
        session = answer.body
        assert answer.status == 200
        assert session["username"] == account.name
        assert session["apiUrl"] == "/jmap/"
        assert session["eventSourceUrl"].startswith("/jmap/eventsource/?")
        assert all(f"{{{name}}}" in session["eventSourceUrl"] for name in ("types", "ping"))
        assert {CORE, MAIL, SUBMISSION} <= session["capabilities"].keys()
        assert session["primaryAccounts"][MAIL] == account.name
        mine = session["accounts"][account.name]
        assert {MAIL, SUBMISSION} <= mine["accountCapabilities"].keys()
        assert (mine["isPersonal"], mine["isReadOnly"]) == (True, False)
        assert mine["accountCapabilities"][MAIL]["maxMailboxesPerEmail"] == 20
        core = session["capabilities"][CORE]
        limits = ("maxSizeRequest", "maxCallsInRequest", "maxObjectsInGet", "maxObjectsInSet")
        assert [core[limit] for limit in limits] == [10_485_760, 50, 4096, 4096]


async def test_the_session_is_well_known(account: Account) -> None:
    answer = await account.ask("GET", "/.well-known/jmap")
    assert answer.status == 301
    assert answer.headers["Location"].removeprefix(account.url).rstrip("/") == "/jmap"


@pytest.mark.parametrize("path", ["/jmap/", "/jmap/eventsource/?types=*&ping=1"])
@pytest.mark.parametrize(
    "credentials",
    [
        None,
        aiohttp.encode_basic_auth("nobody", "secret"),
        aiohttp.encode_basic_auth("ACCOUNT", "wrong"),
        "Bearer secret",
    ],
)
async def test_nobody_comes_in_without_credentials(
    account: Account, credentials: str | None, path: str
) -> None:
    if credentials == aiohttp.encode_basic_auth("ACCOUNT", "wrong"):
        credentials = aiohttp.encode_basic_auth(account.name, "wrong")
    headers = {"Authorization": credentials} if credentials else {}
    answer = await account.ask("GET", path, headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert answer.content_type.startswith("text/html")


# Requests


async def test_a_response(account: Account) -> None:
    answer = await account.post(request(["Core/echo", {"a": [1, None]}, "x"]))
    assert answer.status == 200
    assert answer.content_type == "application/json; charset=utf-8"
    responses = [["Core/echo", {"a": [1, None]}, "x"]]
    assert answer.body == {"methodResponses": responses, "sessionState": "0"}


async def test_an_account_may_be_left_out_but_not_be_anothers(account: Account) -> None:
    answers = await account.perform(
        ("Email/get", {"ids": []}),
        ("Email/get", {"ids": [], "accountId": None}),
        ("Email/get", {"ids": [], "accountId": account.name}),
        ("Email/get", {"ids": [], "accountId": "nobody"}),
    )
    assert [result.get("accountId") for _, result in answers[:3]] == [account.name] * 3
    assert answers[3] == ["error", {"type": "accountNotFound"}]


async def test_a_refused_call_stops_no_other(account: Account) -> None:
    answers = await account.perform(
        ("Foo/get", {}), ("Email/bogus", {}), ("Email/get", {"ids": []}), ("Core/echo", {"x": 1})
    )
    assert answers[:2] == [["error", {"type": "unknownMethod"}]] * 2
    assert [name for name, _ in answers[2:]] == ["Email/get", "Core/echo"]


async def test_a_method_needs_its_capability(account: Account) -> None:
    unknown = ["error", {"type": "unknownMethod"}]
    assert await account.perform(("Email/get", {"ids": []}), using=(CORE,)) == [unknown]
    assert await account.perform(("Identity/get", {}), using=(CORE, MAIL)) == [unknown]
    assert await account.perform(("Core/echo", {}), using=()) == [unknown]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{oops", "notJSON"),
        (b"", "notJSON"),
        (b"[]", "notRequest"),
        (b'{"using":["urn:ietf:params:jmap:core"]}', "notRequest"),
        (b'{"methodCalls":[]}', "notRequest"),
        (b'{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo"]]}', "notRequest"),
        (b'{"using":["urn:bogus"],"methodCalls":[]}', "unknownCapability"),
    ],
)
async def test_requests_that_are_refused(account: Account, body: bytes, kind: str) -> None:
    answer = await account.post(body)
    assert answer.status == 400
    assert answer.content_type == "application/problem+json; charset=utf-8"
    assert (answer.body["type"], answer.body["status"]) == (PROBLEM + kind, 400)
    assert answer.body["title"]


async def test_one_key_twice(account: Account) -> None:
    body = b'{"using":["%s"],"methodCalls":[["Core/echo",{"a":1,"a":2},"0"]]}' % CORE.encode()
    answer = await account.post(body)
    assert answer.body["methodResponses"] == [["Core/echo", {"a": 2}, "0"]]


async def test_a_request_is_json(account: Account) -> None:
    body = json.dumps(request(["Core/echo", {}, "0"])).encode()
    assert (await account.post(body, Content_Type="text/plain")).status == 415
    assert (await account.post(body, Content_Type="application/json; charset=utf-8")).status == 200


# Limits


async def test_too_many_calls(account: Account) -> None:
    calls: list[list[Any]] = [["Core/echo", {}, str(number)] for number in range(51)]
    assert (await account.post(request(*calls[:50]))).status == 200
    answer = await account.post(request(*calls))
    assert answer.status == 400
    assert (answer.body["type"], answer.body["limit"]) == (f"{PROBLEM}limit", "maxCallsInRequest")


async def test_a_request_that_is_too_large(account: Account) -> None:
    answer = await account.post(b" " * 10_485_761)
    assert answer.status == 413
    assert (answer.body["type"], answer.body["limit"]) == (f"{PROBLEM}limit", "maxSizeRequest")


async def test_too_many_objects(account: Account) -> None:
    """One version of Cyrus refuses the call, another the whole request. RFC 8620: the call."""
    ids = [f"M{number}" for number in range(4097)]
    seen = {"keywords/$seen": True}
    fine, _ = await account.perform(
        ("Email/get", {"ids": ids[:4096], "properties": ["id"]}),
        ("Email/set", {"update": dict.fromkeys(ids[:4000], seen), "destroy": ids[4001:]}),
    )
    assert len(fine[1]["notFound"]) == 4096
    for call, limit in (
        (["Email/get", {"ids": ids, "properties": ["id"]}, "0"], "maxObjectsInGet"),
        (["Email/set", {"update": dict.fromkeys(ids, seen)}, "0"], "maxObjectsInSet"),
        (["Email/set", {"update": {"Mx": seen}, "destroy": ids[1:]}, "0"], "maxObjectsInSet"),
    ):
        answer = await account.post(request(call))
        if answer.status == 200:
            ((name, error, _),) = answer.body["methodResponses"]
            assert (name, error["type"]) == ("error", "requestTooLarge")
            assert limit in error["description"]
        else:
            assert (answer.status, answer.body["limit"]) == (400, limit)


# Back-references


def at(path: str, call_id: str = "0", name: str = "Email/query") -> dict[str, str]:
    return {"resultOf": call_id, "name": name, "path": path}


async def test_a_reference_passes_on_the_ids_of_a_query(account: Account) -> None:
    ids = await account.receive(message("ann@x.example", "a"), message("bob@x.example", "b"))
    subjects = {"properties": ["subject", "threadId"]}
    _, (_, emails), (_, threads), (_, again) = await account.perform(
        ("Email/query", {}),
        ("Email/get", {"#ids": at("/ids"), **subjects}),
        ("Thread/get", {"#ids": at("/list/*/threadId", "1", "Email/get")}),
        ("Email/get", {"#ids": at("/list/*/emailIds", "2", "Thread/get"), **subjects}),
    )
    assert {email["subject"] for email in emails["list"]} == {"a", "b"}
    assert {thread["emailIds"][0] for thread in threads["list"]} == set(ids)
    assert {email["id"] for email in again["list"]} == set(ids)


async def test_a_reference_passes_on_created_ids(account: Account) -> None:
    state = await account.state()
    ids = await account.receive(message("ann@x.example"))
    _, (_, emails) = await account.perform(
        ("Email/changes", {"sinceState": state}),
        (
            "Email/get",
            {"#ids": at("/created", name="Email/changes"), "properties": ["subject"]},
        ),
    )
    assert [email["id"] for email in emails["list"]] == ids


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"#ids": at("/ids", "zz")}, {"type": "invalidResultReference"}),
        ({"#ids": at("/nope")}, {"type": "invalidResultReference"}),
        ({"#ids": at("/ids/7")}, {"type": "invalidResultReference"}),
        ({"#ids": at("/ids", name="Email/get")}, {"type": "invalidResultReference"}),
        ({"#ids": at("/queryState")}, {"type": "invalidArguments", "arguments": ["ids"]}),
        ({"#ids": at("/ids/0")}, {"type": "invalidArguments", "arguments": ["ids"]}),
        ({"#ids": at("/ids"), "ids": []}, {"type": "invalidArguments", "arguments": ["#ids"]}),
    ],
)
async def test_references_that_lead_nowhere(
    account: Account, arguments: dict[str, Any], error: dict[str, Any]
) -> None:
    await account.deliver(message("ann@x.example"))
    properties = {"properties": ["id"]}
    query, refused, echo = await account.perform(
        ("Email/query", {}), ("Email/get", {**arguments, **properties}), ("Core/echo", {})
    )
    assert refused == ["error", error]
    assert (query[0], echo) == ("Email/query", ["Core/echo", {}])


async def test_a_reference_to_a_refused_call(account: Account) -> None:
    answers = await account.perform(
        ("Email/query", {"filter": {"inMailbox": "nope"}}),
        ("Email/get", {"#ids": at("/ids"), "properties": ["id"]}),
    )
    assert answers[1] == ["error", {"type": "invalidResultReference"}]
