"""Passes that begin to read before the end of the settle: the service on a clock that jumps."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailroom.account import open_account
from mailroom.metrics import Metrics
from mailroom.runtime.service import Service
from mailroom.runtime.telemetry import Telemetry
from mailroom.settings.load import load_settings
from tests.support.owner.person import Owner, message, until
from tests.support.proxy.passes import SEE
from tests.support.proxy.proxy import Answer, Exchange, Forward, proxying
from tests.support.service.process import environment
from tests.support.variants.worlds import OnSandbox, Variant
from tests.support.virtual_time import now, run

SETTLE = 1.0
ROUND_TRIP = 0.4
"""Seconds; a reading takes one round trip."""


@dataclass
class Stand:
    """A service that knows how long a reading takes, and two mails that wait.

    Attributes:
        owner: the owner.
        service: the service.
        mails: the ids of the mails.
        asked: the time and the kind of each request since the service rests.
        before_answer: called during the first reading, before the server carries it out.
        after_answer: called during the first reading, after the server has carried it out.
    """

    owner: Owner
    service: Service
    mails: list[str]
    asked: list[tuple[float, str]] = field(default_factory=list)
    before_answer: Callable[[], Awaitable[object]] | None = None
    after_answer: Callable[[], Awaitable[object]] | None = None

    @property
    def passes(self) -> int:
        passes = self.service.health.report()["passes"]
        assert isinstance(passes, int)
        return passes

    def times(self, kind: str) -> list[float]:
        return [at for at, asked_kind in self.asked if asked_kind == kind]

    async def intercept(self, exchange: Exchange, forward: Forward) -> Answer:
        self.asked.append((now(), exchange.kind))
        is_first = exchange.kind == SEE and len(self.times(SEE)) == 1
        if is_first and self.before_answer is not None:
            await self.before_answer()
        answer = await forward()
        if is_first and self.after_answer is not None:
            await self.after_answer()
        await asyncio.sleep(ROUND_TRIP)
        return answer

    async def until_triaged(self) -> None:
        await self.owner.until_triaged()
        # The answer to the last update is on its way for one round trip.
        await asyncio.sleep(2 * ROUND_TRIP)


@asynccontextmanager
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    world = OnSandbox(Variant("sandbox", "jmap", "eventsource"), tmp_path)
    async with world.newcomer() as alice, proxying(alice.server.url) as proxy:
        await world.set_up(alice)
        mails = await alice.receive(message("a@one.example", "1"), message("b@two.example", "2"))
        env = environment(alice, http=proxy.url, MAILROOM_PUSH_SETTLE=str(SETTLE))
        settings = load_settings(env, cwd=tmp_path)
        async with open_account(settings) as account:
            service = Service(account, Telemetry.of(settings, Metrics()))
            built = Stand(alice, service, mails)
            proxy.intercept = built.intercept
            running = asyncio.create_task(service.run())

            async def is_at_rest() -> bool:
                return built.passes == 2  # at the start, and as push connects

            await until(is_at_rest, "the service rests")
            built.asked.clear()
            yield built
            running.cancel()
            await asyncio.wait({running})


def test_the_reading_ends_with_the_settle_and_nothing_is_written_before(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with stand(tmp_path) as at:
            tapped = now()
            await at.owner.tap(at.mails, "@ToFeed")
            await at.until_triaged()
            (read,) = at.times(SEE)
            written = min(time for time, kind in at.asked if "/set" in kind)
            assert tapped + SETTLE - ROUND_TRIP == pytest.approx(read, abs=0.1)
            assert written >= tapped + SETTLE
            assert at.passes == 3

    run(scenario())


def test_a_tap_after_the_reading_and_before_the_end_of_the_settle_is_in_the_same_pass(
    tmp_path: Path,
) -> None:
    """The account is read again, and the next pass begins after the settle: it may be a burst."""

    async def scenario() -> None:
        async with stand(tmp_path) as at:
            at.after_answer = lambda: at.owner.tap(at.mails[1], "@ToJail")
            await at.owner.tap(at.mails[0], "@ToFeed")
            await at.until_triaged()
            assert (at.passes, len(at.times(SEE))) == (3, 2)
            await at.owner.tap(at.mails, "@ToImbox")
            tapped = now()
            await at.until_triaged()
            assert at.times(SEE)[2] >= tapped + SETTLE - 0.1

    run(scenario())


def test_changes_that_the_reading_shows_are_not_read_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with stand(tmp_path) as at:
            at.before_answer = lambda: at.owner.tap(at.mails[1], "@ToJail")
            await at.owner.tap(at.mails[0], "@ToFeed")
            await at.until_triaged()
            assert (at.passes, len(at.times(SEE))) == (3, 1)

    run(scenario())


@pytest.mark.parametrize(
    ("moment", "knows_state", "readings"),
    [
        ("before_answer", True, 1),
        ("before_answer", False, 2),
        ("after_answer", True, 2),
    ],
)
def test_a_request_during_the_reading_is_answered_by_the_same_pass_at_once(
    tmp_path: Path, moment: str, *, knows_state: bool, readings: int
) -> None:
    """The page has put a label on a mail just before, which the first reading may lack."""

    async def scenario() -> None:
        async with stand(tmp_path) as at:
            requests = list[asyncio.Task[object]]()

            async def request() -> None:
                await at.owner.tap(at.mails[1], "@ToJail")
                state = (await at.owner.jmap("Email/get", {"ids": []}))["state"]
                run_pass = at.service.passes.run(state=state if knows_state else "")
                requests.append(asyncio.create_task(run_pass))

            setattr(at, moment, request)
            await at.owner.tap(at.mails[0], "@ToFeed")
            await at.until_triaged()
            assert requests[0].done()
            assert (at.passes, len(at.times(SEE))) == (3, readings)

    run(scenario())
