"""The sandbox's habits in serving and pushing: each is what a real server was seen to do."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from mailroom.sandbox import HOSTILE, JAMES, STALWART, STALWART_LIMITS, Pushing, Quirks, Serving
from tests.support.sandbox.client import CORE, MAIL, Client, mail, serving, soon

SUBMISSION = "urn:ietf:params:jmap:submission"
EVENTS = "/jmap/eventsource/?types=Email,Mailbox&closeAfter=no&closeafter=no&ping="
ECHO: tuple[str, dict[str, Any]] = ("Core/echo", {})
BOOK = "/dav/addressbooks/user/alice/Default/"
REQUEST = {"@type": "Request", "id": "1", "using": [CORE], "methodCalls": [["Core/echo", {}, "0"]]}
ENABLE = {"@type": "WebSocketPushEnable", "dataTypes": ["Email"]}
DISABLE = {"@type": "WebSocketPushDisable"}


# Requests


async def test_requests_to_dav_and_handshakes_of_push_count_as_well() -> None:
    quirks = Quirks(
        contacts=False, limits=STALWART_LIMITS, serving=Serving(counts_all=True), latency=0.5
    )
    async with serving(quirks) as client:
        asking = [asyncio.create_task(client.post(ECHO)) for _ in range(3)]
        asking_dav = asyncio.create_task(client.get(BOOK))
        await asyncio.sleep(0.2)
        handshakes = [await client.get(EVENTS + "30"), await client.get("/jmap/ws/")]
        assert [(await each.json(content_type=None))["limit"] for each in handshakes] == [
            "maxConcurrentRequests"
        ] * 2
        assert [each.status for each in handshakes] == [400, 400]
        assert (await client.get(BOOK)).status == 400
        assert [status for status, _ in await soon(*asking)] == [200] * 3
        await asking_dav
        async with await client.get(EVENTS + "30") as stream:
            assert stream.status == 200


async def test_too_many_requests_in_a_minute() -> None:
    async with serving(Quirks(serving=Serving(per_minute=3))) as client:
        answers = [await client.get("/jmap/") for _ in range(4)]
        assert [each.status for each in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


async def test_now_and_then_mail_cannot_be_read() -> None:
    async with serving(Quirks(serving=Serving(fails_every=3))) as client:
        answers = [await client.call("Email/get", ids=[], properties=["id"]) for _ in range(6)]
        assert [each.get("type") for each in answers] == [None, None, "serverFail"] * 2
        assert (await client.call("Mailbox/get")).get("type") is None


@pytest.mark.parametrize("quirks", [STALWART, HOSTILE])
async def test_a_malformed_state_refuses_the_whole_request(quirks: Quirks) -> None:
    async with serving(quirks) as client:
        calls = (ECHO, ("Email/changes", {"sinceState": "no state"}))
        status, problem = await client.post(*calls)
        assert (status, problem["type"][-10:]) == (400, "notRequest")


async def test_no_changes_at_most_are_all_of_them() -> None:
    async with serving(STALWART) as client:
        state = (await client.call("Email/get", ids=[], properties=["id"]))["state"]
        ids = [client.sandbox.deliver(mail(subject=str(number))) for number in range(3)]
        changes = await client.call("Email/changes", sinceState=state, maxChanges=0)
        assert changes["created"] == ids


async def test_the_account_may_only_be_read() -> None:
    async with serving(Quirks(serving=Serving(is_read_only=True))) as client:
        assert (await client.session())["accounts"]["alice"]["isReadOnly"] is True
        assert (await client.call("Email/set", destroy=[]))["type"] == "accountReadOnly"


async def test_identities_without_an_address_or_none_at_all() -> None:
    for habit, expected in (("blank", ["", ""]), ("unsupported", "accountNotSupportedByMethod")):
        quirks = Quirks(serving=Serving(identities=habit))  # type: ignore[arg-type] # one of them
        async with serving(quirks) as client:
            answer = await client.call("Identity/get", using=(CORE, MAIL, SUBMISSION))
            told = answer.get("type") or [each["email"] for each in answer["list"]]
            assert told == expected
            assert SUBMISSION in (await client.session())["capabilities"]


async def test_a_session_that_names_another_origin() -> None:
    async with serving(Quirks(serving=Serving(origin="https://inside:8080"))) as client:
        session = await client.session()
        assert session["apiUrl"] == "https://inside:8080/jmap/"
        socket = session["capabilities"]["urn:ietf:params:jmap:websocket"]["url"]
        assert socket == "wss://inside:8080/jmap/ws/"


# What things are called


@pytest.mark.parametrize(
    ("form", "looks_so"),
    [("uuids", lambda state: len(state) == 36), ("compact", lambda state: state.startswith("J"))],
)
async def test_states_have_another_form(form: Any, looks_so: Any) -> None:
    async with serving(Quirks(serving=Serving(states=form))) as client:
        mail_id = client.sandbox.deliver(mail())
        state = (await client.call("Email/get", ids=[], properties=["id"]))["state"]
        update = {mail_id: {"keywords/$seen": True}}
        done = await client.call("Email/set", ifInState=state, update=update)
        assert (done["oldState"], done["updated"]) == (state, {mail_id: None})
        changes = await client.call("Email/changes", sinceState=state)
        assert (changes["newState"], changes["updated"]) == (done["newState"], [mail_id])
        assert all(map(looks_so, (state, done["newState"])))
        again = await client.call("Email/set", ifInState=state, update=update)
        assert again["type"] == "stateMismatch"
        unknown = await client.call("Email/changes", sinceState="7")
        assert unknown["type"] == "cannotCalculateChanges"


async def test_pushed_states_are_those_of_get() -> None:
    async with serving(JAMES) as client, await client.get(EVENTS + "30") as stream:
        client.sandbox.deliver(mail())
        event = await stream.content.readuntil(b"\n\n")
        assert b"id:" not in event
        state = (await client.call("Email/get", ids=[], properties=["id"]))["state"]
        data = json.loads(event.partition(b"data: ")[2])
        assert data["changed"]["alice"]["Email"] == state


async def test_compact_ids() -> None:
    async with serving(Quirks(serving=Serving(ids="compact"))) as client:
        assert client.sandbox.deliver(mail()).startswith("S")
        assert all(each.startswith("P-") for each in client.sandbox.owner().mailboxes().values())


async def test_ids_change_and_no_state_says_so() -> None:
    async with serving() as client:
        mail_id = client.sandbox.deliver(mail())
        before = await client.call("Email/get", ids=[mail_id], properties=["id"])
        new = client.sandbox.owner().renumber()
        after = await client.call("Email/get", ids=[mail_id, new[mail_id]], properties=["id"])
        assert after["state"] == before["state"]
        assert after["notFound"] == [mail_id]
        assert after["list"] == [{"id": new[mail_id]}]
        assert await client.patch(new[mail_id], **{"keywords/$seen": True}) is None


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        pytest.param(
            "james", {"inbox", "archive", "drafts", "sent", "spam", "trash"}, id="Junk is spam"
        ),
        pytest.param("stalwart", {"inbox", "drafts", "sent", "junk", "trash"}, id="no archive"),
    ],
)
async def test_roles(roles: Any, expected: set[str]) -> None:
    async with serving(Quirks(serving=Serving(roles=roles))) as client:
        found = (await client.call("Mailbox/get"))["list"]
        assert {each["role"] for each in found} == expected


# EventSource


@pytest.mark.parametrize("quirks", [STALWART, JAMES, HOSTILE])
async def test_an_unknown_type_is_refused(quirks: Quirks) -> None:
    async with serving(quirks) as client:
        url = EVENTS.replace("Mailbox", "Wibble") + "30"
        assert (await client.get(url)).status == 400


@pytest.mark.parametrize("missing", ["types", "closeAfter", "ping"])
async def test_every_parameter_is_compulsory(missing: str) -> None:
    async with serving(JAMES) as client:
        template = (await client.session())["eventSourceUrl"]
        assert "closeAfter={closeafter}" in template
        given = {"types": "Email", "closeAfter": "no", "ping": "30"}
        given.pop(missing)
        query = "&".join(f"{name}={value}" for name, value in given.items())
        assert (await client.get(f"/jmap/eventsource/?{query}")).status == 400


async def test_pings_are_rarer_than_asked_for_and_reported_in_milliseconds() -> None:
    pushing = Pushing(least_ping=1, milliseconds=True)
    quirks = Quirks(pushing=pushing)
    async with serving(quirks) as client, await client.get(EVENTS + "1") as stream:
        event = await stream.content.readuntil(b"\n\n")
        assert event == b'event: ping\ndata: {"interval":1000}\n\n'


async def test_announcements_have_a_gap_between_them() -> None:
    quirks = Quirks(pushing=Pushing(least_gap=0.3))
    async with serving(quirks) as client, await client.get(EVENTS + "30") as stream:
        loop = asyncio.get_running_loop()
        times = []
        for number in range(6):
            client.sandbox.deliver(mail(subject=str(number)))
            if number in {0, 5}:
                await stream.content.readuntil(b"\n\n")
                times.append(loop.time())
        assert times[1] - times[0] >= 0.2


async def test_an_open_stream_lets_all_other_requests_wait() -> None:
    async with serving(Quirks(pushing=Pushing(blocks=True))) as client:
        stream = await client.get(EVENTS + "30")
        asking = [asyncio.create_task(client.post(ECHO)), asyncio.create_task(client.get(BOOK))]
        done, _ = await asyncio.wait(asking, timeout=0.3)
        assert done == set()
        stream.close()
        assert len(await soon(*asking)) == 2
        async with socket_of(client) as ws:
            await ws.send_json(ENABLE)
            end = await ws.receive(timeout=10)
            assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1001)


# WebSocket


def socket_of(client: Client) -> Any:
    url = f"{client.sandbox.url}/jmap/ws/"
    return client.http.ws_connect(url, headers=client.auth, protocols=["jmap"])


async def hears(
    client: Client, ws: aiohttp.ClientWebSocketResponse, *, patience: float = 0.3
) -> bool:
    """Return True if a change is announced over the socket."""
    client.sandbox.deliver(mail())
    try:
        message = await ws.receive_json(timeout=patience)
    except TimeoutError:
        return False
    return bool(message["@type"] == "StateChange")


@pytest.mark.parametrize("is_proved", [False, True])
async def test_enabling_push_is_lost_unless_a_request_was_answered(*, is_proved: bool) -> None:
    async with serving(JAMES) as client, socket_of(client) as ws:
        if is_proved:
            await ws.send_json(REQUEST)
            await ws.receive_json(timeout=10)
        await ws.send_json(ENABLE)
        await ws.send_json(REQUEST)
        assert (await ws.receive_json(timeout=10))["@type"] == "Response"
        assert await hears(client, ws, patience=10 if is_proved else 0.3) is is_proved


@pytest.mark.parametrize("further", [[ENABLE], [DISABLE, ENABLE]])
async def test_enabling_push_twice_makes_deaf(further: list[Any]) -> None:
    quirks = Quirks(pushing=Pushing(enables_once=True))
    async with serving(quirks) as client, socket_of(client) as ws:
        for message in (ENABLE, *further, REQUEST):
            await ws.send_json(message)
        assert (await ws.receive_json(timeout=10))["@type"] == "Response"
        assert not await hears(client, ws)


async def test_a_websocket_without_a_frame_from_the_client_ends() -> None:
    async with serving(Quirks(pushing=Pushing(idle=1.5))) as client, socket_of(client) as ws:
        for _ in range(4):
            await asyncio.sleep(0.5)
            await ws.ping()  # is a frame, too
        assert not ws.closed
        end = await ws.receive(timeout=10)
        assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1001)
