"""Which transport is used, when another one takes its place, and what the owner is told of it."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from structlog.testing import capture_logs
from yarl import URL

from mailroom.http import (
    Credentials,
    CredentialsRefusedError,
    HttpClient,
    HttpError,
    InsecureUrlError,
    RedirectError,
    ServerFailureError,
    UnreachableError,
)
from mailroom.jmap.connection_ends import End, Life, end_of
from mailroom.jmap.errors import JmapError, RequestError
from mailroom.jmap.eventsource import EventSourceTransport
from mailroom.jmap.push import (
    Connected,
    Connection,
    Disconnected,
    Push,
    PushEvent,
    PushState,
    StateChange,
)
from mailroom.jmap.push_backoff import PushDroppedError, PushUnavailableError
from mailroom.jmap.session import CORE, WEBSOCKET, parse_session
from mailroom.jmap.transports import (
    ORDER,
    AutoTransport,
    GivenUpError,
    Preference,
    offered,
)
from tests.support.scripted.push import TEMPLATE, FakeClock, collect, count
from tests.support.scripted.stream import STREAM, StreamServer, says_and_hangs
from tests.support.scripted.websocket import WebSocketServer, websocket_transport
from tests.support.scripted.websocket import says as ws_says

HERE = URL("https://mail.example.com/push")
CUT_OFF = UnreachableError(HERE, "cut off", sent=True)
BUSY = ServerFailureError(HERE, 503, 40.0)
REFUSED = CredentialsRefusedError(HERE, 403)
NONE_HERE = PushUnavailableError("no push here")
WS, ES = "websocket", "eventsource"
BOTH = (WS, ES)
QUARTER = 15 * 60.0


# What the session offers


def test_the_best_that_is_offered_comes_first() -> None:
    assert ORDER == (WS, ES)


@pytest.mark.parametrize(
    ("websocket", "event_source", "expected"),
    [
        ({"url": "wss:/ws", "supportsPush": True}, "/es?types={types}", [WS, ES]),
        ({"url": "wss:/ws", "supportsPush": False}, "/es?types={types}", [ES]),
        ({"url": "wss:/ws", "supportsPush": True}, None, [WS]),
        (None, "", []),
    ],
)
def test_the_session_says_what_is_offered(
    websocket: object, event_source: str | None, expected: list[str]
) -> None:
    body = {
        "apiUrl": "/api",
        "eventSourceUrl": event_source,
        "capabilities": {CORE: {}, WEBSOCKET: websocket},
        "accounts": {},
    }
    assert offered(parse_session(body, HERE)) == expected


# How an end is judged

LONG, SHORT, EARLY = Life(60), Life(59.9), Life(4.9)


@pytest.mark.parametrize(
    ("error", "life", "end"),
    [
        (None, LONG, End.HEALTHY),
        (CUT_OFF, LONG, End.HEALTHY),
        (None, SHORT, End.SHORT),
        (CUT_OFF, SHORT, End.SHORT),
        (None, Life(5), End.SHORT),
        (None, EARLY, End.EARLY),
        (CUT_OFF, EARLY, End.EARLY),
        (None, Life(3600, has_announced=True), End.ANNOUNCED),
        (None, Life(3, has_announced=True), End.EARLY),
        (None, Life(3600, missed_change=True), End.MISSED_CHANGE),
        (None, Life(3600, missed_change=True, has_announced=True), End.MISSED_CHANGE),
        (PushDroppedError("slow"), Life(15, missed_change=True), End.SHORT),
        (RequestError("limit", "maxConcurrentRequests"), EARLY, End.NOT_NOW),
        (RequestError("limit", "maxConcurrentRequests"), None, End.NOT_NOW),
        (ServerFailureError(HERE, 429), None, End.NOT_NOW),
        (ServerFailureError(HERE, 423), None, End.NOT_NOW),
        (CUT_OFF, None, End.FAILED),
        (BUSY, None, End.FAILED),
        (REFUSED, None, End.REFUSED),
        (REFUSED, LONG, End.REFUSED),
        (InsecureUrlError(HERE), None, End.REFUSED),
        (RedirectError(HERE, HERE), None, End.REFUSED),
        (NONE_HERE, None, End.UNAVAILABLE),
        (NONE_HERE, LONG, End.UNAVAILABLE),
    ],
)
def test_an_end_is_judged(error: Exception | None, life: Life | None, end: End) -> None:
    assert end_of(error, life) is end


# What is preferred


@dataclass
class History:
    """A preference, and what happens to it."""

    preference: Preference = field(default_factory=lambda: Preference(ORDER))
    now: float = 1000.0

    def choices(self, offers: Collection[str] = BOTH) -> list[str]:
        return self.preference.choices(offers, now=self.now)

    def ended(self, *ends: End, offers: Collection[str] = BOTH) -> list[bool]:
        """Let connections end so, each over the best choice; whether that gave it up."""
        given_up = []
        for end in ends:
            in_use, *others = self.choices(offers)
            given_up.append(self.preference.ended(in_use, end, is_last=not others, now=self.now))
        return given_up


@pytest.mark.parametrize(
    ("offers", "choices"), [(BOTH, [WS, ES]), ([ES, WS], [WS, ES]), ([ES], [ES]), ([], [])]
)
def test_at_first_everything_may_be_tried(offers: list[str], choices: list[str]) -> None:
    assert History().choices(offers) == choices


def test_what_is_offered_but_unknown_is_left_alone() -> None:
    assert History().choices(["pigeon", ES]) == [ES]


@pytest.mark.parametrize("bad", [End.EARLY, End.SHORT, End.FAILED])
def test_the_third_bad_end_in_a_row_is_enough(bad: End) -> None:
    history = History()
    assert history.ended(bad, bad) == [False, False]
    assert history.choices() == [WS, ES]
    assert history.ended(bad) == [True]
    assert history.choices() == [ES]


def test_a_healthy_life_in_between_makes_good() -> None:
    history = History()
    bad, good = End.EARLY, End.HEALTHY
    assert not any(history.ended(bad, bad, good, bad, bad, good, bad, bad))


@pytest.mark.parametrize("between", [End.HEALTHY, End.SHORT])
def test_a_long_silence_is_no_proof_against_deafness(between: End) -> None:
    history = History()
    assert history.ended(End.MISSED_CHANGE, between, End.MISSED_CHANGE) == [False, False, True]
    assert history.choices() == [ES]


def test_who_announces_something_is_not_deaf() -> None:
    assert not any(History().ended(*[End.MISSED_CHANGE, End.ANNOUNCED] * 10))


@pytest.mark.parametrize("offers", [BOTH, [WS], [ES]])
def test_not_now_counts_against_nobody(offers: list[str]) -> None:
    history = History()
    assert not any(history.ended(*[End.NOT_NOW] * 100, offers=offers))
    assert history.ended(End.EARLY, End.NOT_NOW, End.EARLY, offers=offers) == [False] * 3


@pytest.mark.parametrize("end", [End.UNAVAILABLE, End.REFUSED])
def test_what_is_unavailable_is_given_up_at_once(end: End) -> None:
    history = History()
    assert history.ended(end) == [True]
    assert history.choices() == [ES]


def test_after_a_quarter_of_an_hour_the_best_is_tried_again() -> None:
    history = History()
    history.ended(End.UNAVAILABLE)
    history.now += QUARTER - 0.1
    assert history.choices() == [ES]
    history.now += 0.1
    assert history.choices() == [WS, ES]


def test_a_transport_that_is_tried_again_has_three_tries() -> None:
    history = History()
    history.ended(*[End.EARLY] * 3)
    history.now += QUARTER
    assert history.ended(*[End.EARLY] * 3) == [False, False, True]


def test_bad_ends_of_one_do_not_count_against_the_other() -> None:
    history = History()
    history.ended(*[End.EARLY] * 3)
    assert history.ended(End.EARLY, End.EARLY) == [False, False]
    history.now += QUARTER
    assert history.ended(End.EARLY) == [False]


def test_the_last_one_is_not_given_up_for_an_outage() -> None:
    history = History()
    history.ended(*[End.FAILED] * 3)
    assert not any(history.ended(*[End.FAILED] * 50, *[End.SHORT] * 50, *[End.REFUSED] * 50))
    assert not any(History().ended(*[End.FAILED] * 50, offers=[WS]))


@pytest.mark.parametrize("ends", [[End.EARLY] * 3, [End.UNAVAILABLE]])
def test_the_last_one_can_be_given_up_and_then_everything_is_new(ends: list[End]) -> None:
    history = History()
    history.ended(*[End.EARLY] * 3)
    assert history.choices() == [ES]
    assert history.ended(*ends)[-1]
    assert history.choices() == [WS, ES]


def test_transports_that_were_all_given_up_are_tried_anyway() -> None:
    history = History()
    history.ended(End.UNAVAILABLE)
    assert history.choices([WS]) == [WS]


# The transports in use


@dataclass
class Try:
    """How a transport's next connection goes."""

    lasts: float = 0.0
    refused: HttpError | JmapError | None = None
    ends: HttpError | JmapError | None = None
    position: str = ""
    retry: float | None = None


@dataclass
class FakeConnection:
    course: Try
    time: FakeClock
    position: str
    is_closed: bool = False

    @property
    def retry(self) -> float | None:
        return self.course.retry

    async def changes(self) -> AsyncGenerator[StateChange, None]:
        yield StateChange(None)
        if self.is_closed:
            return
        self.time.seconds += self.course.lasts
        if self.course.ends:
            raise self.course.ends

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeTransport:
    """Its connections go as written, the last one again and again."""

    name: str
    time: FakeClock
    tries: list[Try]
    log: list[tuple[str, str]]
    """Who was asked to connect, and where to resume."""
    count: int = 0

    @asynccontextmanager
    async def connect(self, position: str) -> AsyncIterator[Connection]:
        course = self.tries[min(self.count, len(self.tries) - 1)]
        self.count += 1
        self.log.append((self.name, position))
        if course.refused:
            raise course.refused
        yield FakeConnection(course, self.time, course.position or position)


@dataclass
class Stage:
    """Push over the choice between two transports, on virtual time."""

    websocket: list[Try]
    eventsource: list[Try]
    offers: Collection[str] = BOTH
    time: FakeClock = field(default_factory=FakeClock)
    log: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        every = [
            FakeTransport(ES, self.time, self.eventsource, self.log),
            FakeTransport(WS, self.time, self.websocket, self.log),
        ]
        self.auto = AutoTransport(every, self._offers, clock=self.time.clock)
        self.push = Push(
            self.auto.connect,
            transport=lambda: self.auto.name,
            clock=self.time.clock,
            sleep=self.time.sleep,
        )

    async def _offers(self) -> Collection[str]:
        return self.offers

    async def play(self, ends: int) -> list[PushEvent]:
        """Run until so many connections have ended (or did not come about)."""
        return await collect(self.push, count(Disconnected, ends))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.log]


@pytest.fixture(autouse=True)
def _no_luck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance always gives the longest pause."""
    monkeypatch.setattr(random, "uniform", lambda _least, most: most)


async def test_what_works_stays_in_use() -> None:
    stage = Stage([Try(lasts=300)], [Try(lasts=300)])
    events = await stage.play(50)
    assert stage.names == [WS] * 50
    assert [type(event) for event in events[:4]] == [
        *(Connected, StateChange, Disconnected, Connected)
    ]


async def test_three_short_lives_and_the_next_takes_over() -> None:
    stage = Stage([Try(lasts=1)], [Try(lasts=300)])
    events = await stage.play(5)
    assert stage.names == [WS, WS, WS, ES, ES]
    ends = [event.error for event in events if isinstance(event, Disconnected)]
    assert [type(error) for error in ends] == [
        type(None),
        type(None),
        GivenUpError,
        *[type(None)] * 2,
    ]
    assert stage.time.pauses == [1, 2, 4, 1]


async def test_a_transport_that_is_unavailable_is_replaced_at_once() -> None:
    stage = Stage([Try(refused=NONE_HERE)], [Try(lasts=300)])
    events = await stage.play(2)
    assert stage.names == [WS, ES]
    assert stage.time.pauses == [1]
    assert isinstance(events[0], Disconnected)
    assert events[0].reason == "websocket given up: no push here"


async def test_what_the_server_asked_for_is_kept_when_a_transport_is_given_up() -> None:
    stage = Stage([Try(refused=BUSY)], [Try(lasts=300)])
    await stage.play(4)
    assert stage.names == [WS, WS, WS, ES]
    assert stage.time.pauses[:3] == [41, 42, 44]


async def test_credentials_that_one_refuses_may_be_good_for_the_other() -> None:
    stage = Stage([Try(refused=REFUSED)], [Try(lasts=300)])
    await stage.play(2)
    assert stage.names == [WS, ES]
    assert stage.time.pauses == [66]


async def test_with_no_transport_left_push_is_unavailable_for_a_while() -> None:
    stage = Stage([Try(lasts=1)], [Try(lasts=1)])
    states = []
    async with aclosing(stage.push.events()) as events:
        async for event in events:
            if isinstance(event, Disconnected):
                states.append((stage.push.status.transport, stage.push.status.status))
            if len(states) == 7:
                break
    assert stage.names == [WS, WS, WS, ES, ES, ES, WS]
    assert states[4:] == [
        (ES, PushState.WAITING),
        (ES, PushState.UNAVAILABLE),
        (WS, PushState.WAITING),
    ]
    assert QUARTER <= stage.time.pauses[5] <= QUARTER + 60
    assert stage.push.status.last_error == "the stream ended"


async def test_why_push_is_unavailable_is_reported() -> None:
    stage = Stage([Try(lasts=1)], [Try(lasts=1, ends=CUT_OFF)])
    events = await stage.play(6)
    assert isinstance(events[-1], Disconnected)
    assert isinstance(events[-1].error, PushUnavailableError)
    assert events[-1].reason == f"eventsource given up: {CUT_OFF}"
    assert stage.push.status.last_error == events[-1].reason


async def test_two_unavailable_transports_mean_a_quarter_of_an_hour_of_polls() -> None:
    stage = Stage([Try(refused=NONE_HERE)], [Try(refused=NONE_HERE)])
    await stage.play(5)
    assert stage.names == [WS, ES, WS, ES, WS]
    assert [pause >= QUARTER for pause in stage.time.pauses] == [False, True, False, True]


async def test_an_outage_never_means_poll() -> None:
    stage = Stage([Try(refused=CUT_OFF)], [*[Try(refused=CUT_OFF)] * 20, Try(lasts=300)])
    await stage.play(24)
    assert max(stage.time.pauses) <= 60
    assert stage.names[:4] == [WS, WS, WS, ES]


async def test_the_only_one_that_is_offered_survives_an_outage() -> None:
    stage = Stage([*[Try(refused=CUT_OFF)] * 20, Try(lasts=300)], [], offers=[WS])
    await stage.play(22)
    assert stage.names == [WS] * 22
    assert max(stage.time.pauses) <= 60


async def test_without_an_offer_the_session_is_asked_every_quarter_of_an_hour() -> None:
    stage = Stage([Try(lasts=300)], [], offers=[])
    (event,) = await stage.play(1)
    assert isinstance(event, Disconnected)
    assert isinstance(event.error, PushUnavailableError)
    assert event.pause >= QUARTER
    stage.offers = [WS]
    await stage.play(1)
    assert stage.names == [WS]


async def test_the_best_transport_returns_after_a_quarter_of_an_hour() -> None:
    stage = Stage([*[Try(lasts=1)] * 3, Try(lasts=300)], [Try(lasts=300)])
    await stage.play(8)
    assert stage.names == [WS, WS, WS, ES, ES, ES, WS, WS]


async def test_a_connection_that_works_is_not_dropped_for_a_better_one() -> None:
    stage = Stage([Try(refused=NONE_HERE)], [Try(lasts=24 * 3600)])
    await stage.play(3)
    assert stage.names == [WS, ES, WS]
    assert stage.time.seconds > 24 * 3600


async def test_a_position_is_used_with_its_own_transport_only() -> None:
    stage = Stage(
        [*[Try(lasts=1, position="ws-7")] * 3, Try(lasts=300, position="ws-8")],
        [Try(lasts=500, position="es-1")],
    )
    await stage.play(7)
    assert stage.log == [
        (WS, ""),
        (WS, "ws-7"),
        (WS, "ws-7"),
        (ES, ""),
        (ES, "es-1"),
        (WS, ""),
        (WS, "ws-8"),
    ]


async def test_a_position_is_not_lost_to_a_transport_that_does_not_connect() -> None:
    tries = [Try(lasts=300, position="7"), *[Try(refused=CUT_OFF)] * 3, Try(lasts=1)]
    stage = Stage(tries, [Try(refused=CUT_OFF)])
    await stage.play(40)
    again = stage.names.index(WS, stage.names.index(ES))
    assert {position for name, position in stage.log if name == ES} == {""}
    assert stage.log[again] == (WS, "7")


async def test_the_status_tells_which_is_in_use_and_why() -> None:
    stage = Stage([Try(refused=NONE_HERE)], [Try(lasts=300)])
    assert stage.push.status.transport == "auto"
    async with aclosing(stage.push.events()) as events:
        assert isinstance(await anext(events), Disconnected)
        assert stage.push.status.transport == WS
        assert isinstance(await anext(events), Connected)
    assert stage.push.status.transport == ES
    assert stage.push.status.last_error == "websocket given up: no push here"


async def test_the_log_tells_what_is_given_up_why_and_what_comes_then() -> None:
    stage = Stage([Try(refused=NONE_HERE)], [Try(lasts=1, ends=CUT_OFF)])
    with capture_logs() as logged:
        await stage.play(4)
    assert [(each["transport"], each["reason"], each["then"]) for each in logged] == [
        (WS, "no push here", ES),
        (ES, str(CUT_OFF), "poll"),
    ]


async def test_a_transport_that_missed_change_twice_is_given_up() -> None:
    stage = Stage([Try(lasts=3600)], [Try(lasts=300)])
    async with aclosing(stage.push.events()) as events:
        async for event in events:
            if isinstance(event, StateChange):
                stage.time.seconds += 300
                stage.push.forget_position()
            if stage.names[-1] == ES:
                break
    assert stage.names == [WS, WS, ES]


async def test_switching_off_counts_against_nobody() -> None:
    stage = Stage([Try(lasts=300)], [Try(lasts=300)])
    for _ in range(10):
        await collect(stage.push, count(Connected, 1))
    assert stage.names == [WS] * 10


async def test_a_wish_of_the_server_comes_through() -> None:
    stage = Stage([Try(lasts=300, retry=7)], [])
    await stage.play(2)
    assert stage.time.pauses == [8]


async def test_what_the_session_cannot_tell_counts_against_nobody() -> None:
    stage = Stage([Try(lasts=300)], [Try(lasts=300)])
    down = True

    async def offers() -> Collection[str]:
        if down:
            raise CUT_OFF
        return BOTH

    stage.auto._offers = offers
    events = await stage.play(10)
    assert [type(event) for event in events] == [Disconnected] * 10
    down = False
    await stage.play(1)
    assert stage.names == [WS]


async def test_the_real_ones_take_over_from_each_other() -> None:
    async with (
        WebSocketServer.running(ws_says()) as ws_server,
        StreamServer.running(says_and_hangs(STREAM, b'data: {"changed":{}}\n\n')) as es_server,
        aiohttp.ClientSession() as session,
    ):

        async def template() -> str:
            return es_server.url + TEMPLATE

        async def offers() -> Collection[str]:
            return BOTH

        http = HttpClient(session, Credentials.bearer("secret-token"))
        eventsource = EventSourceTransport(http, template, types=("Email",), ping=30)
        auto = AutoTransport([eventsource, websocket_transport(ws_server.url)], offers)
        time = FakeClock()
        push = Push(auto.connect, transport=lambda: auto.name, clock=time.clock, sleep=time.sleep)
        names = []
        async with asyncio.timeout(20), aclosing(push.events()) as events:
            async for event in events:
                if isinstance(event, Connected):
                    names.append(push.status.transport)
                if names[-1] == ES:
                    break
    assert names == [WS, WS, WS, ES]
    assert "Last-Event-ID" not in es_server.wires[0].headers


async def test_a_server_that_is_restarted_again_and_again_is_come_back_to() -> None:
    """Every time it has lived for half a minute: the pauses grow, but push is not given up."""
    stage = Stage([], [Try(lasts=30, ends=CUT_OFF)], offers=[ES])
    events = await stage.play(20)
    ends = [each for each in events if isinstance(each, Disconnected)]
    assert {each.reason for each in ends} == {str(CUT_OFF)}
    assert max(each.pause for each in ends) <= 60
    assert stage.names == [ES] * 20
