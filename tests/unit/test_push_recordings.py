"""What real servers were heard to say."""

from mailroom.jmap.push import (
    Connected,
    Disconnected,
    PushEvent,
    PushState,
    StateChange,
)
from tests.support.scripted.push import collect, count, event_source
from tests.support.scripted.stream import STREAM, StreamServer, says

CYRUS_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Date: Sun, 22 Nov 2026 16:36:20 GMT\r\n"
    b"Connection: Keep-Alive\r\n"
    b"Upgrade: h2c\r\n"
    b"Keep-Alive: timeout=300\r\n"
    b'Alt-Svc: h2c=":9008"\r\n'
    b"Cache-Control: no-cache\r\n"
    b"Content-Type: text/event-stream\r\n\r\n"
)
CYRUS_PING = b'event: ping\ndata: {"interval":60}\n\n'
CYRUS_DELIVERY = (
    b"id: 40\nevent: state\n"
    b'data: {"@type":"StateChange","changed":{"carol":{"Mailbox":"40","Email":"40"}}}\n\n'
)


async def told(*said: bytes) -> list[PushEvent]:
    async with StreamServer.running(says(*said)) as server, event_source(server) as push:
        return (await collect(push, count(Disconnected, 1)))[:-1]


async def test_cyrus_pings_tells_of_a_delivery_and_ends_after_five_minutes() -> None:
    life = [CYRUS_PING] * 3 + [CYRUS_DELIVERY, CYRUS_PING]
    async with (
        StreamServer.running(says(CYRUS_HEAD, *life)) as server,
        event_source(server) as push,
    ):
        events = await collect(push, count(Connected, 2))
        assert server.wires[1].headers["Last-Event-ID"] == "40"
    assert events[:2] == [Connected(), StateChange({"carol": {"Mailbox": "40", "Email": "40"}})]
    assert isinstance(events[2], Disconnected)
    assert events[2].error is None


async def test_cyrus_sends_one_merged_event_on_resuming() -> None:
    events = await told(
        CYRUS_HEAD,
        b"id: 52\nevent: state\n"
        b'data: {"@type":"StateChange","changed":{"alice":{"Mailbox":"45","Calendar":"34",'
        b'"ContactCard":"52","CalendarEvent":"34","Email":"45","AddressBook":"52"}}}\n\n',
        b"id: 53\nevent: state\n"
        b'data: {"@type":"StateChange","changed":{"alice":{"Mailbox":"53","Email":"53"}}}\n\n',
    )
    merged, delivery = events[1:]
    assert isinstance(merged, StateChange)
    states = merged.for_account("alice")
    assert states is not None
    assert (states["Email"], states["ContactCard"]) == ("45", "52")
    assert delivery == StateChange({"alice": {"Mailbox": "53", "Email": "53"}})


async def test_cyrus_has_no_push_without_types() -> None:
    no_content = (
        b"HTTP/1.1 204 No Content\r\n"
        b"Date: Sun, 22 Nov 2026 16:28:40 GMT\r\n"
        b"Connection: Upgrade\r\n"
        b"Upgrade: h2c\r\n"
        b'Alt-Svc: h2c=":9008"\r\n'
        b"Vary: Accept-Encoding\r\n\r\n"
    )
    seen = []
    async with StreamServer.running(says(no_content)) as server, event_source(server) as push:

        def until(_: object) -> bool:
            seen.append(push.status.status)
            return True

        await collect(push, until)
    assert seen == [PushState.UNAVAILABLE]


async def test_fastmail_comments_and_then_tells_all_states_at_once() -> None:
    assert await told(
        STREAM,
        b": hello\r\n\r\n",
        b"event: state\r\nid: 12345-67\r\n"
        b'data: {"changed":{"u1":{"Email":"J1","Mailbox":"J2"}},"type":"connect"}\r\n\r\n',
        b": still here\r\n\r\n",
        b"event: state\r\nid: 12345-68\r\n"
        b'data: {"@type":"StateChange","changed":{"u1":{"Email":"J3"}},"type":"change"}\r\n\r\n',
    ) == [
        Connected(),
        StateChange({"u1": {"Email": "J1", "Mailbox": "J2"}}),
        StateChange({"u1": {"Email": "J3"}}),
    ]


async def test_stalwart_has_no_ids_and_pings_in_milliseconds() -> None:
    async with (
        StreamServer.running(
            says(
                STREAM,
                b'event: ping\ndata: {"interval": 30000}\n\n',
                b'event: state\ndata: {"@type":"StateChange","changed":{"b":{"Email":"sae"}}}\n\n',
            )
        ) as server,
        event_source(server) as push,
    ):
        events = await collect(push, count(Connected, 2))
        assert "Last-Event-ID" not in server.wires[1].headers
    assert events[1] == StateChange({"b": {"Email": "sae"}})
