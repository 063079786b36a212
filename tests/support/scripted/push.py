"""The product's push over an event source, and the clock and the events that push tests share."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from mailroom.http import Credentials, HttpClient
from mailroom.jmap.eventsource import EventSourceTransport
from mailroom.jmap.liveness import PUSH_TIMEOUTS, PushTimeouts
from mailroom.jmap.push import Push, PushEvent
from tests.support.scripted.stream import StreamServer

TYPES = ("Email", "Mailbox", "ContactCard")
TEMPLATE = "/events/?types={types}&closeafter={closeafter}&ping={ping}"


@dataclass
class FakeClock:
    """A clock that moves only when :meth:`sleep` is called; stands in for both in :class:`Push`."""

    seconds: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


@asynccontextmanager
async def event_source(
    server: StreamServer,
    *,
    time: FakeClock | None = None,
    timeouts: PushTimeouts = PUSH_TIMEOUTS,
    template: str = TEMPLATE,
) -> AsyncIterator[Push]:
    """Yield a push that listens to a server and sleeps on a fake clock."""
    time = time or FakeClock()

    async def url_template() -> str:
        return server.url + template

    async with aiohttp.ClientSession() as session:
        http = HttpClient(session, Credentials.bearer("secret-token"))
        transport = EventSourceTransport(
            http, url_template, types=TYPES, ping=30, timeouts=timeouts
        )
        yield Push(transport.connect, transport=transport.name, clock=time.clock, sleep=time.sleep)


async def collect(push: Push, until: Callable[[list[PushEvent]], bool]) -> list[PushEvent]:
    """Return the events of push up to and including the one at which ``until`` holds."""
    events: list[PushEvent] = []
    async with asyncio.timeout(20), aclosing(push.events()) as stream:
        async for event in stream:
            events.append(event)
            if until(events):
                break
    return events


def count(kind: type[PushEvent], number: int) -> Callable[[list[PushEvent]], bool]:
    """Return a condition: at least this many events are of a kind."""
    return lambda events: sum(isinstance(event, kind) for event in events) >= number
