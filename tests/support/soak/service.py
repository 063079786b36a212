"""The service during a soak: started again and again, and watched from outside."""

import json
import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.owner.person import until
from tests.support.service.process import Running, running, whole_lines
from tests.support.soak.watch import memory, sockets

HUGE: Final = 5.0
"""The longest time in seconds for which anything may block the event loop in debug mode."""

_MODULE: Final = "tests.support.soak.process"
_SLOW: Final = re.compile(r"Executing .* took ([\d.]+) seconds")
_NOT_GIVEN_UP: Final = "will be tried again"
"""The end of log events that are no complaint: if mail changes all the time, some must wait."""
_WARM_UP: Final = 3
"""The number of samples at the start of a run that do not count, because caches still fill up."""
_LONG: Final = _WARM_UP + 7
"""The number of samples in which a leak of one socket in each sample shows."""
_LAST_LINES: Final = 20
_MEMORY_MAY_GROW: Final = 1.2
_MORE_OBJECTS: Final = 1.2
_MORE_SOCKETS: Final = 2
"""Connections that stay open for later requests, after more requests than ever ran at once."""


@dataclass(frozen=True)
class Sample:
    """The service's use of the machine at a moment without work. Memory in MB."""

    memory: float
    sockets: int
    tasks: dict[str, int]
    objects: int

    def __str__(self) -> str:
        return (
            f"{self.memory:.1f} MB, {self.sockets} sockets, {self.objects} objects,"
            f" tasks: {dict(self.tasks)}"
        )


class ServiceRuns:
    """Runs of the service on one account, one after another, with one log.

    Args:
        env: the environment of each run.
        log: the log of all runs.

    Attributes:
        samples: the samples of each run, in order.
    """

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self.samples: list[list[Sample]] = []
        self._env = {**env, "PYTHONASYNCIODEBUG": "1"}
        self._log = log
        self._stack = AsyncExitStack()
        self._service: Running | None = None

    @property
    def service(self) -> Running:
        """The service that runs."""
        assert self._service is not None, "it was started"
        return self._service

    async def start(self) -> None:
        """Start the service."""
        run = running(self._env, self._log, module=_MODULE)
        self._service = await self._stack.enter_async_context(run)
        self.samples.append([])

    async def end(self, number: signal.Signals) -> None:
        """End the service with a signal, and check its exit code."""
        code = await self.service.end(number)
        assert code == (-number if number is signal.SIGKILL else 0), f"exit code {code}"
        await self.close()

    async def close(self) -> None:
        """Kill the service if it still runs."""
        await self._stack.aclose()

    async def sample(self) -> None:
        """Take a sample of the process, including the figures that it prints itself."""
        count = len(list(self._events("inside")))
        pid = self.service.process.pid
        os.kill(pid, signal.SIGUSR1)

        async def has_printed() -> bool:
            return len(list(self._events("inside"))) > count

        await until(has_printed, "the service prints its figures")
        *_, inside = self._events("inside")
        taken = Sample(memory(pid), sockets(pid), inside["tasks"], inside["objects"])
        self.samples[-1].append(taken)

    async def present_state(self) -> list[str]:
        """Return the health report and the tasks of this moment."""
        health = await self.service.health()
        await self.sample()
        return [str(health), str(self.samples[-1][-1].tasks)]

    def _events(self, event: str) -> Iterator[dict[str, Any]]:
        return (line for line in self._lines() if line["event"] == event)

    def _lines(self) -> Iterator[dict[str, Any]]:
        """Yield the events of the log. A line that is no JSON counts as an error event."""
        for line in whole_lines(self._log):
            yield json.loads(line) if line.startswith("{") else {"level": "error", "event": line}

    # Figures for the end

    def end_of_log(self) -> list[str]:
        """Return the last lines of the log."""
        return [str(line) for line in self._lines() if line["event"] != "inside"][-_LAST_LINES:]

    def slowest(self) -> float:
        """Return the longest time in seconds for which the event loop was blocked."""
        matches = (_SLOW.match(line["event"]) for line in self._lines())
        return max((float(match[1]) for match in matches if match), default=0.0)

    def complaints(self) -> list[str]:
        """Return the log lines that must not be there: errors, tracebacks, asyncio's warnings."""
        return [str(line) for line in self._lines() if _is_complaint(line)]

    def put_off(self) -> int:
        """The number of log events about work that could not be done at once."""
        return sum(line["event"].endswith(_NOT_GIVEN_UP) for line in self._lines())

    def leaks(self) -> list[str]:
        """Return the figures that grew, in the runs that were long enough."""
        return [leak for run in self.samples if len(run) >= _LONG for leak in _grown(run)]


def _is_complaint(line: dict[str, Any]) -> bool:
    event, level = line["event"], line.get("level")
    if slow := _SLOW.match(event):
        return float(slow[1]) > HUGE
    if line.get("logger") == "asyncio":
        return level not in {"debug", "info"}
    return level in {"error", "critical"} and not event.endswith(_NOT_GIVEN_UP)


def _grown(run: list[Sample]) -> Iterator[str]:
    """Yield the figures that were always higher in the second half than in the first third.

    A leak grows on and on, while the work of a moment shows in some samples at any time.
    """
    counted = run[_WARM_UP:]
    early, late = counted[: len(counted) // 3], counted[-(len(counted) // 2) :]
    figures = {
        "sockets": (lambda sample: sample.sockets, 1.0, _MORE_SOCKETS),
        "tasks": (lambda sample: sum(sample.tasks.values()), 1.0, 0),
        "memory": (lambda sample: sample.memory, _MEMORY_MAY_GROW, 0),
        "objects": (lambda sample: sample.objects, _MORE_OBJECTS, 0),
    }
    for name, (figure, may_grow, by_chance) in figures.items():
        if min(map(figure, late)) > may_grow * max(map(figure, early)) + by_chance:
            yield f"{name}: {early[0]} -> {late[-1]}"
