"""A command that is killed at any request, or has a fault at one, and is run again.

Or the command is run by two instances at the same moment.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from structlog.testing import capture_logs

from mailroom.report.failures import EXPECTED
from mailroom.sandbox.sandbox_account import SandboxAccount
from tests.support import virtual_time
from tests.support.faults.account import copied, differences, snapshot
from tests.support.faults.faults import Fault, inject
from tests.support.faults.server import AccountServer, Line, serving
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward

Command = Callable[[Line], Coroutine[Any, Any, None]]
"""A run of the command over a line. It fails by an assertion if something is left to do."""
Cell = Callable[[AccountServer, int], Awaitable[None]]


@dataclass(frozen=True)
class ReferenceRun:
    """A run of a command without faults: the account before and after it, and its requests."""

    command: Command
    base: SandboxAccount
    end: list[str]
    exchanges: tuple[Exchange, ...]
    answered: tuple[bool, ...]
    """For each exchange, whether its answer had a body."""

    @property
    def first_write(self) -> int:
        """The number of the first request that changes anything."""
        return next(at for at, exchange in enumerate(self.exchanges) if exchange.is_write)


def reference_run(command: Command, base: SandboxAccount) -> ReferenceRun:
    """Run a command on a copy of an account."""

    async def run() -> ReferenceRun:
        account = copied(base)
        async with serving(account) as server:
            line, _ = server.lines
            await command(line)
            exchanges, answered = tuple(line.exchanges), tuple(line.answered)
            return ReferenceRun(command, base, snapshot(account), exchanges, answered)

    return virtual_time.run(run())


def assert_kills_change_nothing(reference: ReferenceRun, *, acts: bool) -> None:
    """Kill the command at each request from the first write on, and run it again.

    If it ``acts``, the server has carried out the request before the kill.
    """

    async def cell(server: AccountServer, request: int) -> None:
        line, again = server.lines
        killed = asyncio.Event()
        remaining = [None] * request

        async def intercept(exchange: Exchange, forward: Forward) -> Answer:
            if remaining:
                remaining.pop()
                return await forward()
            if acts:
                await forward()
            line.is_dead = True
            killed.set()
            return CUT

        line.intercept = intercept
        task = asyncio.create_task(reference.command(line), name="command")
        await killed.wait()
        task.cancel()
        await asyncio.wait({task})
        await reference.command(again)

    _assert_no_failure(reference, cell, range(reference.first_write, len(reference.exchanges)))


def assert_second_instance_changes_nothing(
    reference: ReferenceRun, *, acts: bool, may_be_left: str = ""
) -> None:
    """Hold the command up at each request, and let another instance run it to its end meanwhile.

    If it ``acts``, the server has carried out the request before the other instance begins.
    ``may_be_left`` is the one line of a snapshot that the end may have in addition.
    """

    async def cell(server: AccountServer, request: int) -> None:
        line, other = server.lines
        requests = iter(range(len(reference.exchanges)))

        async def intercept(_: Exchange, forward: Forward) -> Answer:
            if next(requests, None) != request:
                return await forward()
            if not acts:
                await reference.command(other)
                return await forward()
            answer = await forward()
            await reference.command(other)
            return answer

        line.intercept = intercept
        await reference.command(line)
        assert other.exchanges

    numbers = range(len(reference.exchanges))
    _assert_no_failure(reference, cell, numbers, may_be_left=may_be_left)


def assert_fault_changes_nothing(reference: ReferenceRun, fault: Fault, *, since: int = 0) -> None:
    """Inject a fault at each of its points since a request, and run the command again."""
    points = [
        point
        for point in fault.points(reference.exchanges, reference.answered)
        if point.request >= since
    ]

    async def cell(server: AccountServer, number: int) -> None:
        line, again = server.lines
        line.intercept, injected = inject(fault, points[number], server, line)
        with suppress(*EXPECTED, AssertionError):
            await reference.command(line)
        assert injected.is_set()
        await server.until_back()
        await reference.command(again)

    _assert_no_failure(reference, cell, range(len(points)))


def _assert_no_failure(
    reference: ReferenceRun, cell: Cell, numbers: range, *, may_be_left: str = ""
) -> None:
    failed = virtual_time.run(_run(reference, cell, numbers, f"too much: {may_be_left}"))
    assert not failed, "\n".join(failed)


async def _run(reference: ReferenceRun, cell: Cell, numbers: range, permitted: str) -> list[str]:
    """Run one cell for each number, and return the differences but the one that is permitted."""
    failed = []
    async with serving(copied(reference.base)) as server:
        for number in numbers:
            random.seed(number)  # the jitter's, so that a cell can be rerun
            account = copied(reference.base)
            server.serve(account)
            with capture_logs():
                try:
                    await cell(server, number)
                    wrong = differences(account, reference.end)
                except AssertionError as error:
                    wrong = [str(error)]
            failed += [
                f"n={number}: {difference}" for difference in wrong if difference != permitted
            ]
    return failed
