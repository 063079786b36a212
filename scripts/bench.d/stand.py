"""The test stand: one account, the service as a process, and a proxy between server and service.

The proxy delays each request, and counts requests and bytes.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from results import Pass

from tests.support.owner.person import PATIENCE, Owner, until
from tests.support.proxy.passes import tapped_pass, until_started
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy, proxying
from tests.support.service.process import Running, environment, running
from tests.support.soak.watch import cpu_seconds

SCREENER: Final = "Screener"
_LOOK_EVERY: Final = 0.005
"""Seconds; the pause of tests is longer."""


@dataclass
class Traffic:
    """Counts the bytes of all bodies."""

    bytes: int = 0

    async def intercept(self, exchange: Exchange, forward: Forward) -> Answer:
        """Forward an exchange unchanged."""
        answer = await forward()
        self.bytes += len(exchange.body) + len(answer.body)
        return answer


@dataclass
class Stand:
    """An owner, a proxy, and the service that is measured.

    Attributes:
        owner: the owner, who taps.
        service: the service that is measured.
        proxy: the proxy between the service and the server.
        round_trip: seconds added to each request.
    """

    owner: Owner
    service: Running
    proxy: Proxy
    round_trip: float
    _traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self.proxy.intercept = self._traffic.intercept

    async def tap(
        self, taps: Mapping[str, str], *, patience: float = PATIENCE
    ) -> tuple[Pass, float]:
        """Tap mails (id -> label) at once; return the pass, and the seconds since its event.

        ``patience`` is the longest time that the pass may take, in seconds.
        """
        self._traffic.bytes, cpu = 0, cpu_seconds(self.service.process.pid)
        exchanges = await tapped_pass(
            self.owner, self.service, self.proxy, taps, self.round_trip, patience=patience
        )
        cpu = cpu_seconds(self.service.process.pid) - cpu
        since_event: float = self.service.events("pass done")[-1]["seconds"]
        return self._pass(exchanges, await self._duration(), cpu), since_event

    async def idle(self, mail: str) -> Pass:
        """Change something that does not concern Mailroom, and return the pass."""
        earlier, passes = len(self.proxy.exchanges), await self.passes()
        self._traffic.bytes, cpu = 0, cpu_seconds(self.service.process.pid)
        self.proxy.round_trip = self.round_trip
        await self.flag(mail)
        await self.until_passed(earlier)
        cpu = cpu_seconds(self.service.process.pid) - cpu

        async def passed() -> bool:
            return await self.passes() > passes

        await until(passed, "one more pass")
        self.proxy.round_trip = 0.0
        return self._pass(self.proxy.since(earlier), await self._duration(), cpu)

    async def flag(self, mail: str) -> None:
        """Flag a mail that is not flagged; remove the flag of a mail that is."""
        wanted = {"ids": [mail], "properties": ["keywords"]}
        (email,) = (await self.owner.jmap("Email/get", wanted))["list"]
        flagged = True if "$flagged" not in email["keywords"] else None
        await self.owner.jmap("Email/set", {"update": {mail: {"keywords/$flagged": flagged}}})

    async def until_passed(self, earlier: int) -> None:
        """Wait for a pass that makes its requests after the first ``earlier`` exchanges."""

        async def passed() -> bool:
            exchanges = self.proxy.since(earlier)
            has_begun = any("Mailbox/get" in exchange.calls for exchange in exchanges)
            return has_begun and all(exchange.ended for exchange in exchanges)

        await wait_until(passed, "a pass")

    async def passes(self) -> int:
        """Return the number of passes so far."""
        return int((await self.service.health())["passes"])

    async def _duration(self) -> float:
        seconds: float = (await self.service.health())["last_pass"]["duration_seconds"]
        return seconds

    def _pass(self, exchanges: Sequence[Exchange], seconds: float, cpu: float) -> Pass:
        return Pass(len(exchanges), self._traffic.bytes, seconds, cpu)


async def wait_until(
    condition: Callable[[], Awaitable[bool]],
    expected: str,
    *,
    every: float = _LOOK_EVERY,
    patience: float = PATIENCE,
) -> None:
    """Wait until a condition is met; test the condition ``every`` so many seconds.

    Raises:
        RuntimeError: the condition is not met in time.
    """
    end = time.monotonic() + patience
    while not await condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not in {patience} s: {expected}")
        await asyncio.sleep(every)


@asynccontextmanager
async def set_up_stand(
    owner: Owner, cwd: Path, *, round_trip: float = 0.0, **settings: str
) -> AsyncIterator[Stand]:
    """Run the service, and wait until it has nothing to do."""
    async with proxying(owner.server.url, owner.server.dav_url) as proxy:
        env = environment(
            owner, http=proxy.url, **{"MAILROOM_ARRIVALS_ENABLED": "true", **settings}
        )
        async with running(env, cwd / f"{owner.name}.log") as service:
            await until_started(service)
            yield Stand(owner, service, proxy, round_trip)
