"""The eternal loop: when it comes back, from where, and what it tells, on virtual time."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from yarl import URL

from mailroom.http import (
    CredentialsRefusedError,
    HttpError,
    ServerFailureError,
    UnreachableError,
)
from mailroom.jmap.errors import JmapError, SessionError
from mailroom.jmap.push import (
    Connected,
    Connection,
    Disconnected,
    Push,
    PushState,
    PushStatus,
    StateChange,
)
from mailroom.jmap.push_backoff import Backoff, PushUnavailableError
from tests.support.scripted.push import FakeClock, collect, count

HERE = URL("https://jmap.example.com/events")
REFUSED = CredentialsRefusedError(HERE, 401)
CUT_OFF = UnreachableError(HERE, "cut off", sent=True)
NONE_HERE = PushUnavailableError("no push here")
START = datetime(2026, 1, 1, tzinfo=UTC)


def change(state: str) -> StateChange:
    return StateChange({"a": {"Email": state}})


@dataclass
class Life:
    """What one connection gives, how long it lives, and what becomes of it."""

    changes: tuple[StateChange, ...] = ()
    lasts: float = 0.0
    refused: Exception | None = None
    ends: Exception | None = None
    position: str | None = None
    retry: float | None = None
    closed: bool = False


@dataclass
class Lives:
    """A transport that gives these lives, one after the other, the last one again and again."""

    lives: list[Life]
    time: FakeClock = field(default_factory=FakeClock)
    positions: list[str] = field(default_factory=list)
    opening: Callable[[], None] = lambda: None

    def push(self) -> Push:
        return Push(
            self.connect,
            transport="test",
            clock=self.time.clock,
            sleep=self.time.sleep,
            now=lambda: START + timedelta(seconds=self.time.seconds),
        )

    @asynccontextmanager
    async def connect(self, position: str) -> AsyncIterator[Connection]:
        life = self.lives[min(len(self.positions), len(self.lives) - 1)]
        self.positions.append(position)
        self.opening()
        if life.refused:
            raise life.refused
        yield LiveConnection(life, self.time, life.position or position)


@dataclass
class LiveConnection:
    life: Life
    time: FakeClock
    position: str

    @property
    def retry(self) -> float | None:
        return self.life.retry

    async def changes(self) -> AsyncGenerator[StateChange, None]:
        for change in self.life.changes:
            if self.life.closed:
                return
            yield change
        self.time.seconds += self.life.lasts
        if self.life.ends:
            raise self.life.ends

    def close(self) -> None:
        self.life.closed = True


@pytest.fixture
def _no_luck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance always gives the longest pause."""
    monkeypatch.setattr(random, "uniform", lambda _least, most: most)


no_luck = pytest.mark.usefixtures("_no_luck")


async def pauses_of(*lives: Life) -> list[float]:
    """The pauses after each of these lives."""
    transport = Lives(list(lives))
    await collect(transport.push(), count(Disconnected, len(lives) + 1))
    return transport.time.pauses[: len(lives)]


async def test_a_life_is_reported_in_order() -> None:
    push = Lives([Life(changes=(change("1"), change("2")))]).push()
    events = await collect(push, count(Disconnected, 2))
    assert [type(event) for event in events] == [
        *(Connected, StateChange, StateChange, Disconnected),
        *(Connected, StateChange, StateChange, Disconnected),
    ]
    assert events[1:3] == [change("1"), change("2")]


async def test_nothing_is_read_before_the_owner_has_caught_up() -> None:
    life = Life(lasts=5)
    transport = Lives([life])
    async with aclosing(transport.push().events()) as events:
        assert isinstance(await anext(events), Connected)
        assert transport.time.seconds == 0
        assert isinstance(await anext(events), Disconnected)
    assert transport.time.seconds == 5


@no_luck
async def test_the_pauses_double_up_to_a_minute() -> None:
    pauses = await pauses_of(*[Life(refused=CUT_OFF)] * 9)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@no_luck
async def test_accepting_and_closing_is_no_success() -> None:
    assert await pauses_of(*[Life()] * 5) == [1, 2, 4, 8, 16]


@no_luck
async def test_the_backoff_is_reset_by_a_healthy_life_only() -> None:
    short, long = Life(lasts=59), Life(lasts=60)
    assert await pauses_of(short, short, long, short, long, long) == [1, 2, 1, 2, 1, 1]


@no_luck
async def test_a_healthy_life_may_end_in_any_way() -> None:
    broken = Life(lasts=300, ends=CUT_OFF)
    assert await pauses_of(Life(), Life(), broken, broken) == [1, 2, 1, 1]


async def test_pauses_are_spread_by_chance() -> None:
    pauses = [pause for _ in range(20) for pause in await pauses_of(Life(lasts=300))]
    assert len(set(pauses)) > 10
    assert all(0 <= pause <= 1 for pause in pauses)


@no_luck
async def test_retry_is_a_floor_until_the_server_says_otherwise() -> None:
    assert await pauses_of(Life(retry=7), Life(), Life(retry=3)) == [8, 9, 7]


@no_luck
async def test_retry_after_is_a_floor_once() -> None:
    busy = Life(refused=ServerFailureError(HERE, 503, 40.0))
    failing = Life(refused=ServerFailureError(HERE, 503))
    assert await pauses_of(busy, failing) == [41, 2]


@no_luck
@pytest.mark.parametrize("wait", [1e6, float("inf")])
async def test_no_server_sends_us_away_for_more_than_an_hour(wait: float) -> None:
    assert await pauses_of(Life(refused=ServerFailureError(HERE, 429, wait))) == [3601]
    assert await pauses_of(Life(retry=wait)) == [3601]


@no_luck
async def test_where_push_is_unavailable_it_is_tried_every_quarter_of_an_hour() -> None:
    assert await pauses_of(*[Life(refused=NONE_HERE)] * 3) == [901, 902, 904]


@no_luck
async def test_refused_credentials_are_reported_and_not_hammered() -> None:
    """As often as an account that is refused as a whole; a tenth at most is chance."""
    transport = Lives([Life(refused=REFUSED)])
    (event, *others) = await collect(transport.push(), count(Disconnected, 5))
    assert event == Disconnected(str(REFUSED), REFUSED, pause=66)
    pauses = [each.pause for each in others if isinstance(each, Disconnected)]
    assert pauses == [330, 990, 3960, 3960]


@pytest.mark.parametrize("error", [CUT_OFF, NONE_HERE, SessionError("no such account")])
async def test_whatever_the_transport_raises_is_reported(error: HttpError | JmapError) -> None:
    events = await collect(Lives([Life(ends=error)]).push(), count(Disconnected, 1))
    assert isinstance(events[-1], Disconnected)
    assert (events[-1].reason, events[-1].error) == (str(error), error)


async def test_a_regular_end_is_no_error_and_is_shown() -> None:
    push = Lives([Life()]).push()
    events = await collect(push, count(Disconnected, 1))
    assert isinstance(events[-1], Disconnected)
    assert events[-1].error is None
    assert push.status.last_error == "the stream ended"


async def test_a_mistake_of_ours_is_not_retried() -> None:
    with pytest.raises(ZeroDivisionError):
        await collect(Lives([Life(refused=ZeroDivisionError())]).push(), count(Connected, 1))


async def test_resumes_where_it_was() -> None:
    transport = Lives([Life(position="7"), Life(position="8", ends=CUT_OFF), Life()])
    await collect(transport.push(), count(Connected, 4))
    assert transport.positions == ["", "7", "8", "8"]


async def test_the_position_survives_connections_that_fail() -> None:
    transport = Lives([Life(position="7"), Life(refused=CUT_OFF), Life(refused=REFUSED), Life()])
    await collect(transport.push(), count(Connected, 2))
    assert transport.positions == ["", "7", "7", "7"]


async def test_a_position_that_the_server_may_not_like_is_dropped() -> None:
    transport = Lives([Life(position="7"), Life(refused=NONE_HERE), Life()])
    await collect(transport.push(), count(Connected, 2))
    assert transport.positions == ["", "7", ""]


async def test_a_forgotten_position_is_not_used_again() -> None:
    transport = Lives([Life(position="7"), Life()])
    push = transport.push()
    await collect(push, count(Disconnected, 1))
    push.forget_position()
    await collect(push, count(Connected, 1))
    assert transport.positions == ["", ""]


async def test_forgetting_drops_the_connection_and_its_position() -> None:
    deaf = Life(changes=(change("1"), change("2")), position="999")
    transport = Lives([deaf, Life()])
    push = transport.push()
    events = []
    async with aclosing(push.events()) as stream:
        async for event in stream:
            events.append(event)
            if event == change("1"):
                push.forget_position()
            if len(events) == 4:
                break
    assert [type(event) for event in events] == [Connected, StateChange, Disconnected, Connected]
    assert deaf.closed
    assert transport.positions == ["", ""]


async def test_a_connection_resumed_at_what_is_forgotten_meanwhile_is_dropped() -> None:
    transport = Lives([Life(position="999"), Life(position="999"), Life()])
    push = transport.push()
    transport.opening = lambda: push.forget_position() if len(transport.positions) == 2 else None
    events = await collect(push, count(Connected, 2))
    assert [type(event) for event in events] == [Connected, Disconnected, Disconnected, Connected]
    assert transport.positions == ["", "999", ""]


async def test_the_status_follows() -> None:
    life = Life(changes=(change("1"),), lasts=300)
    transport = Lives([life, Life(refused=CUT_OFF), Life(refused=NONE_HERE), life])
    push = transport.push()
    assert push.status == PushStatus("test", PushState.OFF)
    seen = []
    async with aclosing(push.events()) as stream:
        for _ in range(5):
            await anext(stream)
            seen.append(push.status)
    connected, changed, ended, cut_off, unavailable = seen
    assert connected == PushStatus("test", PushState.CONNECTED, connected_since=START)
    assert changed == PushStatus(
        "test", PushState.CONNECTED, connected_since=START, last_event_at=START
    )
    assert ended == PushStatus("test", PushState.WAITING, last_event_at=START)
    assert cut_off == PushStatus("test", PushState.WAITING, None, START, 1, str(CUT_OFF))
    assert unavailable == PushStatus("test", PushState.UNAVAILABLE, None, START, 2, "no push here")
    assert push.status == PushStatus("test", PushState.OFF, None, START, 2, "no push here")


async def test_the_status_says_connecting_while_it_does() -> None:
    transport = Lives([Life()])
    push = transport.push()
    seen = []
    transport.opening = lambda: seen.append(push.status.status)
    await collect(push, count(Connected, 2))
    assert seen == [PushState.CONNECTING, PushState.CONNECTING]


async def test_cancelling_switches_it_off() -> None:
    waiting = asyncio.Event()

    async def wait(_seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    push = Push(Lives([Life()]).connect, transport="test", sleep=wait)
    task = asyncio.create_task(collect(push, count(Disconnected, 2)))
    await waiting.wait()
    seen = [push.status.status]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [*seen, push.status.status] == [PushState.WAITING, PushState.OFF]


def test_a_long_outage_ends_in_bounded_pauses() -> None:
    backoff = Backoff()
    pauses = [backoff.pause_after(CUT_OFF, lived=0) for _ in range(5000)]
    assert max(pauses) <= 60
