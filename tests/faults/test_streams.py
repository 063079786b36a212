"""Push that misbehaves is dropped, replaced or waited for, and Mailroom still works."""

import asyncio
import random
import tracemalloc
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

import pytest
from multidict import CIMultiDict
from structlog.testing import capture_logs

from mailroom.jmap import push as mailroom_push
from mailroom.jmap.push import PushState
from mailroom.screener.arrivals import new_mail
from tests.faults.streams import HOUR, MINUTE, POLL, PushSetup, base, push_setup
from tests.support import virtual_time
from tests.support.owner.person import message
from tests.support.proxy.proxy import Answer, Exchange, Forward
from tests.support.scripted.stream import (
    STREAM,
    Script,
    StreamServer,
    Wire,
    says,
    says_and_hangs,
    upgrades,
)

CHANGE: Final = b'event: state\ndata: {"changed":{"alice":{"Email":"x"}}}\n\n'
PING: Final = b'event: ping\ndata: {"interval":30}\n\n'
HTML: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>"
MEGABYTE: Final = 1024 * 1024
FAST_POLL: Final = 32.0
"""Seconds between polls while push is down or missed a change, and two more for the pass."""
TOO_OFTEN: Final = 180
"""More connections than these in half an hour are too many. Random pauses of up to a minute lead to
about 70, and the HTTP library repeats a request if its connection is closed without an answer."""


def status(code: int, *fields: str) -> Script:
    lines = (f"HTTP/1.1 {code} X", *fields, "Content-Length: 0", "", "")
    return says("\r\n".join(lines).encode())


async def pinging(wire: Wire) -> None:
    """Ping as a server should, and announce nothing."""
    await wire.send(STREAM)
    while True:
        await wire.send(PING)
        await asyncio.sleep(30)


async def dripping(wire: Wire) -> None:
    await wire.send(STREAM)
    while True:
        for octet in CHANGE:
            await wire.send(bytes([octet]))
            await asyncio.sleep(20)


async def never_ending_line(wire: Wire) -> None:
    await wire.send(STREAM, b"data: ")
    while True:
        await wire.send(b"x" * 65536)
        await asyncio.sleep(10)


async def accepts_and_closes(wire: Wire) -> None:
    """Over WebSocket: a proper handshake, and the end of the connection."""

    async def gone(*_: bytes) -> None: ...

    wire.hang = gone  # type: ignore[method-assign] # `upgrades` ends with a call of hang
    await upgrades()(wire)


async def drips_frames(wire: Wire) -> None:
    """Over WebSocket: the first byte of a message, and then another now and then."""

    async def drip() -> None:
        await wire.send(b"\x81\x7d")
        while True:
            await asyncio.sleep(20)
            await wire.send(b" ")

    wire.hang = drip  # type: ignore[method-assign] # as above
    await upgrades()(wire)


MISBEHAVING: Final = {
    "never answers": says_and_hangs(),
    "silent": says_and_hangs(STREAM),
    "silent after a while": says_and_hangs(STREAM, PING, CHANGE),
    "one byte at a time": dripping,
    "a line without an end": never_ending_line,
    "accepts and closes": says(STREAM),
    "closes": says(),
    "HTML": says(HTML),
    "204": status(204),
    "401": status(401),
    "403": status(403),
    "503": status(503),
    "redirect in a circle": status(307, "Location: /"),
    "no HTTP": says(b"SSH-2.0-OpenSSH\r\n"),
}
MISBEHAVING_WEBSOCKETS: Final = {
    "never answers": says_and_hangs(),
    "silent": upgrades(),
    "one byte at a time": drips_frames,
    "accepts and closes": accepts_and_closes,
    "closes": says(),
    "HTML": says(HTML),
    "204": status(204),
    "401": status(401),
    "503": status(503),
    "redirect in a circle": status(307, "Location: /"),
    "no HTTP": says(b"SSH-2.0-OpenSSH\r\n"),
}


def play(scenario: Awaitable[None]) -> None:
    """Run a scenario, and check that nothing was logged with a traceback."""

    async def awaited() -> None:
        await scenario

    base()
    random.seed(0)  # the jitter's
    with capture_logs() as log:
        virtual_time.run(awaited())
    assert [entry for entry in log if entry.get("exc_info")] == []


async def half_an_hour(setup: PushSetup, server: StreamServer | None) -> None:
    """Check that a label is carried out, and that half an hour takes few connections."""
    assert server is not None
    await setup.assert_label_is_carried_out()
    await asyncio.sleep(HOUR / 2)
    assert len(server.wires) <= TOO_OFTEN


@pytest.mark.parametrize("name", MISBEHAVING)
def test_an_event_source_that_misbehaves(name: str) -> None:
    async def scenario() -> None:
        async with push_setup(eventsource=MISBEHAVING[name]) as setup:
            await half_an_hour(setup, setup.eventsource)

    play(scenario())


@pytest.mark.parametrize("name", MISBEHAVING_WEBSOCKETS)
def test_a_websocket_that_misbehaves_gives_way_to_the_event_source(name: str) -> None:
    async def scenario() -> None:
        script = MISBEHAVING_WEBSOCKETS[name]
        async with push_setup(websocket=script, eventsource=pinging) as setup:
            within = MINUTE if name == "never answers" else 3 * MINUTE
            await setup.until_connected("eventsource", within=within)
            await half_an_hour(setup, setup.websocket)

    play(scenario())


@pytest.mark.parametrize("transport", ["websocket", "eventsource"])
def test_a_redirect_takes_no_credentials_to_another_host(transport: str) -> None:
    async def scenario() -> None:
        async with StreamServer.running(says()) as elsewhere:
            away = status(307, f"Location: {elsewhere.url}/events")
            websocket = away if transport == "websocket" else None
            async with push_setup(websocket=websocket, eventsource=away) as setup:
                await setup.assert_label_is_carried_out()
            assert elsewhere.wires == []

    play(scenario())


def test_a_half_open_stream_is_dropped_when_pings_fail_to_come() -> None:
    async def scenario() -> None:
        async with push_setup(eventsource=says_and_hangs(STREAM, PING)) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            await setup.until(lambda: setup.push.reconnects > 0, within=78)

    play(scenario())


def test_a_flood_of_events_is_a_pass_or_two() -> None:
    flooding = asyncio.Event()

    async def flood(wire: Wire) -> None:
        await wire.send(STREAM, PING)
        await flooding.wait()
        for number in range(10_000):
            await wire.send(CHANGE.replace(b'"x"', b'"%d"' % number))
        await pinging(wire)

    async def scenario() -> None:
        async with push_setup(eventsource=flood) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            await setup.running.until_done()
            before = len(setup.line.exchanges)
            tracemalloc.start()
            try:
                flooding.set()
                await asyncio.sleep(MINUTE)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            looks = [
                exchange
                for exchange in setup.line.exchanges[before:]
                if "Email/query" in exchange.calls
            ]
            assert 1 <= len(looks) <= 2
            assert peak < 2 * MEGABYTE
            await setup.assert_label_is_carried_out()

    play(scenario())


def test_a_change_found_after_an_outage_does_not_count_as_missed() -> None:
    """The pass that repeats a failed pass finds a change that push did not announce."""

    down = asyncio.Event()

    async def fails(exchange: Exchange, forward: Forward) -> Answer:
        if down.is_set():
            wait = CIMultiDict({"Retry-After": "400"})
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, wait)
        return await forward()

    async def change_then_ping(wire: Wire) -> None:
        await wire.send(STREAM, PING)
        await down.wait()
        await wire.send(CHANGE)
        await pinging(wire)

    async def scenario() -> None:
        async with push_setup(eventsource=change_then_ping, intercept=fails) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            await setup.running.until_done()
            down.set()
            await asyncio.sleep(MINUTE)
            down.clear()
            (mail,) = [mail for mail in setup.console.mails() if mail.subject == "new"]
            setup.console.label(mail.id, add=["@ToFeed"])
            await setup.until(lambda: not setup.console.mails("@ToFeed"), within=2 * POLL)
            await asyncio.sleep(2 * MINUTE)
            assert setup.push.reconnects == 0

    play(scenario())


def test_a_stream_that_missed_a_change_is_opened_anew() -> None:
    async def scenario() -> None:
        async with push_setup(eventsource=pinging) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            await setup.running.until_done()
            await setup.assert_label_is_carried_out()
            await setup.until(lambda: setup.push.reconnects == 1, within=MINUTE)

    play(scenario())


# The poll in the place of push


async def tap(setup: PushSetup, subject: str) -> float:
    """Put a label on a new mail; return the seconds until the label is gone."""
    mail_id = setup.console.deliver(message(f"{subject}@y.example", subject))
    await asyncio.sleep(1)
    setup.console.label(mail_id, add=["@ToFeed"])
    return await setup.until(lambda: not setup.console.mails("@ToFeed"), within=POLL + MINUTE)


def test_a_stream_that_pings_but_announces_nothing_leads_to_a_faster_poll() -> None:
    async def scenario() -> None:
        async with push_setup(eventsource=pinging) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            await setup.running.until_done()
            assert await tap(setup, "first") > 2 * MINUTE  # nothing is known against it
            assert await tap(setup, "second") <= FAST_POLL
            assert await tap(setup, "third") <= FAST_POLL

    play(scenario())


def test_a_stream_that_announces_again_ends_the_faster_poll() -> None:
    telling = asyncio.Event()

    async def deaf_then_telling(wire: Wire) -> None:
        await wire.send(STREAM, PING)
        await telling.wait()
        await wire.send(CHANGE)
        await pinging(wire)

    async def scenario() -> None:
        async with push_setup(eventsource=deaf_then_telling) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            await setup.running.until_done()
            await tap(setup, "first")
            await setup.until_connected("eventsource", within=MINUTE)
            telling.set()
            await asyncio.sleep(FAST_POLL)
            before = len(setup.line.exchanges)
            await asyncio.sleep(POLL - MINUTE)
            looks = [
                exchange
                for exchange in setup.line.exchanges[before:]
                if "Email/query" in exchange.calls
            ]
            assert looks == []

    play(scenario())


@pytest.mark.parametrize("code", [204, 503])
def test_without_push_the_poll_is_faster(code: int) -> None:
    async def scenario() -> None:
        async with push_setup(eventsource=status(code)) as setup:
            await asyncio.sleep(MINUTE)
            assert await tap(setup, "first") <= FAST_POLL
            assert await tap(setup, "second") <= FAST_POLL

    play(scenario())


def test_a_change_right_after_a_pass_is_found_without_push() -> None:
    """Apache James 3.8 loses one of two changes that come at the same moment."""

    async def scenario() -> None:
        async def last_update(exchange: Exchange, forward: Forward) -> Answer:
            answer = await forward()
            if "Email/set" in exchange.calls and not setup.console.mails("@ToFeed"):
                (other,) = [mail for mail in setup.console.mails() if mail.subject == "other"]
                if "Feed" not in other.mailboxes:
                    setup.console.label(other.id, add=["@ToFeed"])
            return answer

        tell = asyncio.Event()

        async def telling_once(wire: Wire) -> None:
            await wire.send(STREAM, PING)
            await tell.wait()
            await wire.send(CHANGE)
            await pinging(wire)

        async with push_setup(eventsource=telling_once, intercept=last_update) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            await setup.running.until_done()
            (new,) = [mail for mail in setup.console.mails() if mail.subject == "new"]
            setup.console.label(new.id, add=["@ToFeed"])
            tell.set()
            await asyncio.sleep(2)
            assert setup.console.mails("@ToFeed") == []
            assert {"new", "other"} <= {mail.subject for mail in setup.console.mails("Feed")}

    play(scenario())


# "Not now"

BUSY: Final = b'{"type":"urn:ietf:params:jmap:error:limit","limit":"maxConcurrentRequests"}'


@pytest.mark.parametrize("transport", ["websocket", "eventsource"])
def test_a_busy_account_does_not_switch_push_off(transport: str) -> None:
    """Stalwart counts push handshakes with all other requests, and refused 26 of 30 while full."""
    head = f"HTTP/1.1 400 X\r\nContent-Length: {len(BUSY)}\r\nConnection: close\r\n\r\n"

    async def busy(wire: Wire) -> None:
        await wire.send(head.encode(), BUSY)

    async def scenario() -> None:
        websocket = busy if transport == "websocket" else None
        async with push_setup(websocket=websocket, eventsource=busy) as setup:
            refused = {"websocket": setup.websocket, "eventsource": setup.eventsource}[transport]
            assert refused is not None
            for _ in range(100):
                await asyncio.sleep(6)
                assert setup.push.transport == transport
                assert setup.push.status is not PushState.UNAVAILABLE
            assert len(refused.wires) > 9
            if transport == "eventsource":
                refused.scripts[:] = [pinging]
                await setup.until_connected(transport, within=2 * MINUTE)

    play(scenario())


# Streams that block the account


class BlockingServer:
    """A server that answers nobody else while an event stream is open (Cyrus 3.13.5 to 3.13.7)."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self.streams = 0

    async def stream(self, wire: Wire) -> None:
        self.streams += 1
        self.free.clear()
        pinging_on = asyncio.create_task(pinging(wire), name="pings")
        await wire.hang()
        pinging_on.cancel()
        self.free.set()

    async def intercept(self, _: Exchange, forward: Forward) -> Answer:
        await self.free.wait()
        return await forward()


def test_a_stream_that_blocks_the_account_is_given_up() -> None:
    async def scenario() -> None:
        server = BlockingServer()
        async with push_setup(eventsource=server.stream, intercept=server.intercept) as setup:
            await setup.until(lambda: setup.push.status is PushState.UNAVAILABLE, within=20)
            assert setup.push.last_error is not None
            assert "keeps the server from answering" in setup.push.last_error
            assert server.free.is_set()
            assert await tap(setup, "first") <= FAST_POLL
            assert server.streams == 1
            await asyncio.sleep(14 * MINUTE - FAST_POLL)
            assert server.streams == 1
            await setup.until(lambda: server.streams == 2, within=2 * MINUTE)
            assert await tap(setup, "second") <= FAST_POLL

    play(scenario())


def test_a_stream_that_blocks_the_account_gives_way_to_another_transport() -> None:
    async def scenario() -> None:
        server = BlockingServer()
        async with push_setup(
            websocket=accepts_and_closes, eventsource=server.stream, intercept=server.intercept
        ) as setup:
            await setup.until(lambda: server.streams == 1, within=3 * MINUTE)
            await setup.until(lambda: setup.push.status is PushState.UNAVAILABLE, within=20)
            assert await tap(setup, "first") <= FAST_POLL

    play(scenario())


def test_an_outage_is_not_blamed_on_an_open_stream() -> None:
    down = asyncio.Event()

    async def hangs(_: Exchange, forward: Forward) -> Answer:
        if down.is_set():
            await asyncio.Event().wait()
        return await forward()

    async def scenario() -> None:
        async with push_setup(eventsource=pinging, intercept=hangs) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            await setup.running.until_done()
            down.set()
            await asyncio.sleep(POLL + 8 * MINUTE)
            assert setup.push.status is not PushState.UNAVAILABLE
            down.clear()
            await setup.until_connected("eventsource", within=5 * MINUTE)

    play(scenario())


# Clocks


@pytest.mark.parametrize("hours", [-30, -5, 5, 20])
def test_the_time_of_day_may_jump(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    offset = timedelta()

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + offset

    async def scenario() -> None:
        nonlocal offset
        async with push_setup(eventsource=pinging) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            for module in (new_mail, mailroom_push):
                monkeypatch.setattr(module, "datetime", Shifted)
            offset = timedelta(hours=hours)
            setup.console.deliver(message("new@x.example", "stranger"))
            await setup.assert_label_is_carried_out()
            assert {mail.subject for mail in setup.console.mails("Screener")} == {
                "other",
                "stranger",
            }
            assert setup.push.status is PushState.CONNECTED

    play(scenario())


def test_a_machine_that_wakes_up_looks_once_and_goes_on() -> None:
    async def scenario() -> None:
        async with push_setup(eventsource=pinging) as setup:
            await setup.until_connected("eventsource", within=MINUTE)
            await setup.running.until_done()
            before = len(setup.line.exchanges)
            loop = asyncio.get_running_loop()
            assert isinstance(loop, virtual_time.VirtualTimeLoop)
            loop.jump(8 * HOUR)
            await setup.until_connected("eventsource", within=MINUTE)
            await asyncio.sleep(2 * MINUTE)
            looks = [
                exchange
                for exchange in setup.line.exchanges[before:]
                if "Email/query" in exchange.calls
            ]
            assert 1 <= len(looks) <= 2
            await setup.assert_label_is_carried_out()

    play(scenario())
