"""An import of ten mails a second runs beside: nothing waits for its end, and nothing is lost.

While it runs the account's state moves on all the time, so that no update which is held to a state
ever goes through. How long a tap and a new mail take is printed, not asserted.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.behaviour.conftest import Start, on
from tests.support.owner.person import PATIENCE, Owner, message
from tests.support.proxy.proxy import (
    CUT,
    Answer,
    Exchange,
    Forward,
    Interceptor,
    Proxy,
    pass_through,
)
from tests.support.service.forked import running
from tests.support.service.process import Process, environment
from tests.support.variants.worlds import VARIANTS, Variant

Measured = Callable[[str], None]

ROWS = [each for each in VARIANTS if each.push != "poll"]
_PAUSE = 0.1
"""Seconds between two mails of the import."""
_ROUND_TRIP = 0.1
"""Seconds: the state has moved on by the time that an update arrives."""
SENDER = "Jane <jane@corp.example>"


@asynccontextmanager
async def importing(owner: Owner) -> AsyncIterator[None]:
    """Append mails to the archive, ten a second, until the block ends."""

    async def append_for_ever() -> None:
        for number in itertools.count():
            await owner.server.append(
                owner.name, "Archive", message(f"i{number}@import.example", f"imported {number}")
            )
            await asyncio.sleep(_PAUSE)

    task = asyncio.create_task(append_for_ever(), name="import")
    try:
        yield
        assert not task.done(), "the import itself failed"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@on(*ROWS)
async def test_a_tap_and_new_mail_do_not_wait_for_an_import(
    alice: Owner, start: Start, variant: Variant, proxy: Proxy, measured: Measured
) -> None:
    tapped, *_ = await alice.receive(*(message(SENDER, each) for each in ("tapped", "earlier")))
    settings = {"http": proxy.url, "MAILROOM_ARRIVALS_ENABLED": "true"}
    async with start(alice, **settings), importing(alice):
        proxy.round_trip = _ROUND_TRIP
        began = time.monotonic()
        await alice.tap(tapped, "@ToFeed")
        await alice.until_triaged()
        measured(f"{variant!s:45} tap during an import: {time.monotonic() - began:.2f} s")
        began = time.monotonic()
        await alice.server.deliver(
            alice.name,
            message("stranger@elsewhere.example", "new from a stranger"),
            message(SENDER, "new from Jane"),
        )

        async def filed() -> bool:
            places = [await alice.where(f"new from {who}") for who in ("a stranger", "Jane")]
            return places == [{"Screener"}, {"Feed"}]

        await alice.until(filed, "new mail is filed")
        measured(f"{variant!s:45} new mail during an import: {time.monotonic() - began:.2f} s")
    await everything_is_in_place(alice)


async def everything_is_in_place(alice: Owner) -> None:
    """The tap was carried out, and no imported mail was touched."""
    assert await alice.where("tapped") == await alice.where("earlier") == {"Feed"}
    assert await alice.groups_of("jane@corp.example") == {"Feed", "Mailroom"}
    (line,) = (await alice.contact("jane@corp.example")).note
    assert line.startswith("Triaged to Feed on ")
    imported = [each for each in await alice.mails() if each.subject.startswith("imported ")]
    assert imported
    assert {each.mailboxes for each in imported} == {frozenset({"Archive"})}


@on(*ROWS)
async def test_every_fifth_request_fails_during_an_import(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    """One fault after the other, before and after the server has done what was asked."""
    tapped, *_ = await alice.receive(*(message(SENDER, each) for each in ("tapped", "earlier")))
    async with start(alice, http=proxy.url), importing(alice):
        proxy.intercept = failing_every_fifth()
        await alice.tap(tapped, "@ToFeed")
        await alice.until_triaged(patience=2 * PATIENCE)
        proxy.intercept = pass_through
    await everything_is_in_place(alice)


def failing_every_fifth() -> Interceptor:
    """Cut, 503, cut after it was done, 500 after it was done; and again."""
    numbers = itertools.count(1)

    async def intercept(_: Exchange, forward: Forward) -> Answer:
        count, rest = divmod(next(numbers), 5)
        match (count % 4, rest):
            case (0, 0):
                return CUT
            case (1, 0):
                return Answer(503)
            case (2, 0):
                await forward()
                return CUT
            case (3, 0):
                await forward()
                return Answer(500)
        return await forward()

    return intercept


@on(*ROWS)
async def test_killed_during_an_import(
    alice: Owner, start: Start, variant: Variant, proxy: Proxy, tmp_path: Path
) -> None:
    """Killed by kill -9 at the first write, at the second, and at the third."""
    tapped, *_ = await alice.receive(*(message(SENDER, each) for each in ("tapped", "earlier")))
    env = environment(alice, http=proxy.url, **variant.settings)
    async with importing(alice):
        await alice.tap(tapped, "@ToFeed")
        for number in (1, 2, 3):
            async with running(env, tmp_path / "killed.log", wait=False) as service:
                proxy.intercept = killing_at(number, service.process)
                await ended_or_triaged(alice, service.process)
        proxy.intercept = pass_through
        async with start(alice, wait=False):
            await alice.until_triaged()
    await everything_is_in_place(alice)


def killing_at(number: int, process: Process) -> Interceptor:
    """Kill the process once the server has done the n-th write."""
    writes = itertools.count(1)

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if not exchange.is_write or next(writes) != number:
            return await forward()
        await forward()
        process.kill()
        return CUT

    return intercept


async def ended_or_triaged(alice: Owner, process: Process) -> None:
    """Wait for the kill; a life with fewer writes than that ends with its work done."""
    ended = asyncio.create_task(process.wait())
    triaged = asyncio.create_task(alice.until_triaged())
    done, pending = await asyncio.wait(
        {ended, triaged}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE
    )
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    assert done
