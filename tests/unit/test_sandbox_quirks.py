"""Each of the sandbox's quirks, as a client meets it."""

from typing import Any

import aiohttp
import pytest

from mailroom.sandbox import STALWART_LIMITS, Limits, Quirks, Sandbox
from tests.support.sandbox.client import ALICE, CORE, MAIL, mail, serving, soon

SUBMISSION = "urn:ietf:params:jmap:submission"
WEBSOCKET = "urn:ietf:params:jmap:websocket"
EVENTS = "/jmap/eventsource/?types=Email&ping=0"


async def test_urls_are_relative_or_absolute() -> None:
    async with serving() as client:
        session = await client.session()
        assert session["apiUrl"] == "/jmap/"
        assert session["capabilities"][WEBSOCKET]["url"] == "wss:/jmap/ws/"
    async with serving(Quirks(absolute_urls=True)) as client:
        session, url = await client.session(), client.sandbox.url
        assert session["apiUrl"] == f"{url}/jmap/"
        assert session["eventSourceUrl"].startswith(f"{url}/jmap/eventsource/?types={{types}}")
        assert session["capabilities"][WEBSOCKET]["url"] == f"{url.replace('http', 'ws')}/jmap/ws/"


async def test_the_event_source_url_may_be_no_template() -> None:
    async with serving(Quirks(event_source_template=False)) as client:
        assert (await client.session())["eventSourceUrl"] == "/jmap/eventsource/"


async def test_there_may_be_no_push() -> None:
    async with serving(Quirks(event_source=False, websocket=False)) as client:
        assert WEBSOCKET not in (await client.session())["capabilities"]
        assert (await client.get(EVENTS)).status == 204
        assert (await client.get("/jmap/ws/")).status == 404


async def test_identities_and_their_capability() -> None:
    async with serving() as client:
        found = await client.call("Identity/get", using=(CORE, SUBMISSION))
        assert [each["email"] for each in found["list"]] == ["alice@example.com", "*@own.example"]
        some = {"ids": ["2", "9"], "properties": ["email"]}
        found = await client.call("Identity/get", using=(CORE, SUBMISSION), **some)
        assert found["list"] == [{"id": "2", "email": "*@own.example"}]
        assert found["notFound"] == ["9"]
    async with serving(Quirks(submission=False)) as client:
        assert SUBMISSION not in (await client.session())["capabilities"]
        status, problem = await client.post(("Identity/get", {}), using=(CORE, SUBMISSION))
        assert (status, problem["type"][-17:]) == (400, "unknownCapability")


async def test_a_token_opens_the_account() -> None:
    async with serving() as client:
        client.auth = {"Authorization": "Bearer t0ken"}
        assert (await client.session())["username"] == "alice"
        client.auth = {"Authorization": "Bearer "}
        assert (await client.get("/jmap/")).status == 401
        client.auth = {"Authorization": aiohttp.encode_basic_auth("bob", "secret")}
        assert (await client.get("/jmap/")).status == 401


# The search index


async def found(client: Any, **email_filter: Any) -> list[str]:
    return list((await client.call("Email/query", filter=email_filter))["ids"])


async def test_the_search_index_lags() -> None:
    now = 0.0
    async with serving(Quirks(index_lag=5.0), clock=lambda: now) as client:
        mail_id = client.sandbox.deliver(mail())
        email_filter = {"from": "ann@x.example"}
        before = await client.call("Email/query", filter=email_filter)
        assert before["ids"] == []
        assert await found(client, header=["From", "ann@x.example"]) == [mail_id]
        now = 5.0
        after = await client.call("Email/query", filter=email_filter)
        assert after["ids"] == [mail_id]
        assert after["queryState"] != before["queryState"]


async def test_the_search_index_is_never_updated() -> None:
    now = 0.0
    async with serving(Quirks(index_lag=None), clock=lambda: now) as client:
        mail_id = client.sandbox.deliver(mail())
        now = 1e9
        assert await found(client, **{"from": "ann@x.example"}) == []
        assert await found(client, to="alice@example.com") == []
        assert await found(client, header=["From", "ann@x.example"]) == [mail_id]


@pytest.mark.parametrize(
    "email_filter",
    [{"text": "x"}, {"subject": "x"}, {"body": "x"}, {"minSize": 1}, {"from": "an*"}],
)
async def test_filters_that_are_not_known_here_are_never_guessed_at(
    email_filter: dict[str, Any],
) -> None:
    async with serving() as client:
        client.sandbox.deliver(mail())
        error = await client.call("Email/query", filter=email_filter)
        assert error["type"] == "unsupportedFilter"


async def test_there_may_be_no_header_filter() -> None:
    async with serving(Quirks(header_filter=False)) as client:
        error = await client.call("Email/query", filter={"header": ["From", "x"]})
        assert error["type"] == "unsupportedFilter"


async def test_what_is_simpler_than_a_real_server_says_so() -> None:
    async with serving() as client:
        mail_id = client.sandbox.deliver(mail())
        cases: list[tuple[str, dict[str, Any], str]] = [
            ("Email/get", {"ids": [mail_id]}, "invalidArguments"),
            ("Email/get", {"ids": [mail_id], "properties": ["bodyValues"]}, "invalidArguments"),
            ("Email/query", {"sort": [{"property": "from"}]}, "unsupportedSort"),
            ("Email/queryChanges", {"sinceQueryState": "0:0"}, "unknownMethod"),
            ("Email/copy", {}, "unknownMethod"),
            ("SearchSnippet/get", {}, "unknownMethod"),
            ("Mailbox/queryChanges", {}, "unknownMethod"),
            ("PushSubscription/get", {}, "unknownMethod"),
            ("Email/query", {"filter": {"operator": "NOT", "conditions": []}}, "unsupportedFilter"),
            ("Mailbox/query", {"filter": {"role": "sent"}}, "invalidArguments"),
        ]
        answers = [(await client.call(name, **facts))["type"] for name, facts, _ in cases]
        assert answers == [error for _, _, error in cases]
        created = await client.call("Email/set", create={"x": {"subject": "draft"}})
        assert created["notCreated"] == {"x": {"type": "forbidden"}}


async def test_patches_that_cyrus_lets_pass_are_refused() -> None:
    async with serving() as client:
        mail_id = client.sandbox.deliver(mail())
        archive = client.sandbox.owner().mailboxes()["Archive"]
        whole_and_part = {"mailboxIds": {archive: True}, f"mailboxIds/{archive}": True}
        assert await client.patch(mail_id, **whole_and_part) == {"type": "invalidPatch"}
        assert await client.patch(mail_id, **{"keywords/a/b": True}) == {"type": "invalidPatch"}
        invalid = {"type": "invalidProperties", "properties": ["subject"]}
        assert await client.patch(mail_id, subject="new") == invalid
        assert await client.patch(mail_id, subject="Hello", **{"keywords/a~1b": True}) is None
        assert client.sandbox.mails()[0].keywords == {"a/b"}


# Limits


async def test_stalwarts_limits_are_reported_and_enforced() -> None:
    async with serving(Quirks(limits=STALWART_LIMITS)) as client:
        core = (await client.session())["capabilities"][CORE]
        limits = (
            "maxObjectsInGet",
            "maxObjectsInSet",
            "maxCallsInRequest",
            "maxConcurrentRequests",
        )
        assert [core[each] for each in limits] == [500, 500, 16, 4]
        ids = [f"M{number}" for number in range(501)]
        for method, arguments in (
            ("Email/get", {"ids": ids, "properties": ["id"]}),
            ("Thread/get", {"ids": ids}),
            ("Email/set", {"destroy": ids}),
            ("Mailbox/set", {"destroy": ids}),
        ):
            assert (await client.call(method, **arguments))["type"] == "requestTooLarge"
        echo: tuple[str, dict[str, Any]] = ("Core/echo", {})
        status, problem = await client.post(*[echo] * 17)
        assert (status, problem["limit"]) == (400, "maxCallsInRequest")


async def test_a_get_of_everything_is_limited_as_well() -> None:
    async with serving(Quirks(limits=Limits(max_objects_in_get=5))) as client:
        assert (await client.call("Mailbox/get"))["type"] == "requestTooLarge"


async def test_so_many_requests_at_once_and_no_more() -> None:
    quirks = Quirks(limits=STALWART_LIMITS, latency=0.5)
    async with serving(quirks) as client:
        answers = await soon(*(client.post(("Core/echo", {})) for _ in range(6)))
        refused = [problem for status, problem in answers if status == 400]
        assert [each["limit"] for each in refused] == ["maxConcurrentRequests"] * 2
        assert len(answers) - len(refused) == 4
        assert (await client.post(("Core/echo", {})))[0] == 200


async def test_a_query_gives_no_more_than_the_server_likes() -> None:
    async with serving(Quirks(limits=Limits(max_query=2))) as client:
        ids = [client.sandbox.deliver(mail(subject=str(number))) for number in range(5)]
        sort = [{"property": "receivedAt"}]
        page = await client.call("Email/query", sort=sort, calculateTotal=True)
        assert (page["ids"], page["limit"], page["total"]) == (ids[:2], 2, 5)
        page = await client.call("Email/query", sort=sort, position=2, limit=10)
        assert (page["ids"], page["limit"]) == (ids[2:4], 2)
        page = await client.call("Email/query", sort=sort, limit=1)
        assert (page["ids"], "limit" in page) == (ids[:1], False)


async def test_every_third_write_is_throttled() -> None:
    async with serving(Quirks(throttle_every=3)) as client:
        ids = [client.sandbox.deliver(mail(subject=str(number))) for number in range(4)]
        seen = {"keywords/$seen": True}
        done = await client.call("Email/set", update=dict.fromkeys(ids, seen))
        assert done["notUpdated"] == {ids[2]: {"type": "rateLimit"}}
        assert set(done["updated"]) == {ids[0], ids[1], ids[3]}
        made = await client.call("Mailbox/set", create={"a": {"name": "A"}, "b": {"name": "B"}})
        assert made["notCreated"] == {"b": {"type": "rateLimit"}}


# Streams


async def test_streams_end_cleanly_after_their_life() -> None:
    async with serving(Quirks(stream_life=0.05)) as client:
        async with await client.get(EVENTS) as response:
            assert response.status == 200
            assert await response.read() == b""
        url = f"{client.sandbox.url}{EVENTS}"
        client.sandbox.deliver(mail())
        headers = {**client.auth, "Last-Event-ID": "0"}
        async with client.http.get(url, headers=headers) as response:
            text = await response.text()
        assert text.startswith("id: ")
        assert text.endswith('"}}}\n\n')


async def test_websockets_are_closed_after_their_life() -> None:
    async with serving(Quirks(websocket_life=0.05)) as client:
        url = f"{client.sandbox.url}/jmap/ws/"
        async with client.http.ws_connect(url, headers=client.auth, protocols=["jmap"]) as ws:
            end = await ws.receive(timeout=10)
            assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1001)


async def test_the_end_of_the_server_ends_all_streams() -> None:
    sandbox = Sandbox(users=[ALICE])
    auth = {"Authorization": aiohttp.encode_basic_auth("alice", "secret")}
    async with aiohttp.ClientSession(headers=auth) as http:
        async with sandbox.serve():
            stream = await http.get(sandbox.url + EVENTS)
            ws = await http.ws_connect(f"{sandbox.url}/jmap/ws/", protocols=["jmap"])
        with pytest.raises(aiohttp.ClientError):
            await soon(stream.content.read())
        (end,) = await soon(ws.receive())
        assert end.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
        stream.close()
        await ws.close()


async def test_mailboxes_beyond_the_contract() -> None:
    """Cyrus' versions differ here; these are the later one's answers, or RFC 8621's."""
    async with serving() as client:
        names = ["a/b", "with%wild*", "x" * 300]
        done = await client.call(
            "Mailbox/set", create={f"n{n}": {"name": name} for n, name in enumerate(names)}
        )
        assert {each["type"] for each in done["notCreated"].values()} == {"invalidProperties"}
        done = await client.call("Mailbox/set", create={"a": {"name": "A"}, "b": {"name": "A"}})
        assert done["notCreated"] == {"b": {"type": "alreadyExists"}}
        inbox = client.sandbox.owner().mailboxes()["Inbox"]
        done = await client.call("Mailbox/set", update={inbox: {"name": "Other"}})
        assert done["notUpdated"][inbox]["type"] == "invalidProperties"
        done = await client.call("Mailbox/set", create={"t": {"name": "T", "role": "trash"}})
        assert done["notCreated"]["t"]["properties"] == ["role"]


async def test_other_peoples_mail_is_out_of_reach() -> None:
    async with serving() as client:
        client.sandbox.deliver(mail(), user="bob")
        assert (await client.call("Email/query", accountId="bob"))["type"] == "accountNotFound"
        assert await found(client) == []
        assert set((await client.session())["accounts"]) == {"alice"}
        assert MAIL in (await client.session())["primaryAccounts"]
