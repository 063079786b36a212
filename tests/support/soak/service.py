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
"""Seconds that nothing may hold up the event loop, not even with asyncio's debug mode."""

_MODULE: Final = "tests.support.soak.process"
_SLOW: Final = re.compile(r"Executing .* took ([\d.]+) seconds")
_NOT_GIVEN_UP: Final = "will be tried again"
"""The end of log events that are no complaint: if mail changes all the time, some must wait."""
_SETTLED: Final = 3
"""Samples of a life that are not looked at: caches fill up, code is compiled."""
_LONG: Final = _SETTLED + 4
_LAST_WORDS: Final = 20
_MEMORY_MAY_GROW: Final = 1.2
_MORE_OBJECTS: Final = 1.2


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


class Lives:
    """One service after another on one account, with one log.

    Args:
        env: the environment of each.
        log: where they write to.

    Attributes:
        samples: of each life, in order.
    """

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self.samples: list[list[Sample]] = []
        self._env = {**env, "PYTHONASYNCIODEBUG": "1"}
        self._log = log
        self._stack = AsyncExitStack()
        self._service: Running | None = None

    @property
    def service(self) -> Running:
        """The one that runs."""
        assert self._service is not None, "it was started"
        return self._service

    async def start(self) -> None:
        """Begin a life."""
        life = running(self._env, self._log, module=_MODULE)
        self._service = await self._stack.enter_async_context(life)
        self.samples.append([])

    async def end(self, number: signal.Signals) -> None:
        """End it."""
        code = await self.service.end(number)
        assert code == (-number if number is signal.SIGKILL else 0), f"exit code {code}"
        await self.close()

    async def close(self) -> None:
        """Leave nothing behind, whatever has happened."""
        await self._stack.aclose()

    async def sample(self) -> None:
        """Take a sample of the process, including the figures that it prints itself."""
        count = len(list(self._events("inside")))
        pid = self.service.process.pid
        os.kill(pid, signal.SIGUSR1)

        async def has_told() -> bool:
            return len(list(self._events("inside"))) > count

        await until(has_told, "it tells of its inside")
        *_, inside = self._events("inside")
        taken = Sample(memory(pid), sockets(pid), inside["tasks"], inside["objects"])
        self.samples[-1].append(taken)

    async def tell(self) -> list[str]:
        """Return the health report and the tasks of this moment."""
        health = await self.service.health()
        await self.sample()
        return [str(health), str(self.samples[-1][-1].tasks)]

    def _events(self, event: str) -> Iterator[dict[str, Any]]:
        return (line for line in self._lines() if line["event"] == event)

    def _lines(self) -> Iterator[dict[str, Any]]:
        """The log; a line that is none of it is an event of its own."""
        for line in whole_lines(self._log):
            yield json.loads(line) if line.startswith("{") else {"level": "error", "event": line}

    # Figures for the end

    def last_words(self) -> list[str]:
        """The end of the log."""
        return [str(line) for line in self._lines() if line["event"] != "inside"][-_LAST_WORDS:]

    def slowest(self) -> float:
        """Seconds that something held up the event loop, at most."""
        matches = (_SLOW.match(line["event"]) for line in self._lines())
        return max((float(match[1]) for match in matches if match), default=0.0)

    def complaints(self) -> list[str]:
        """Lines that nothing accounts for: errors, tracebacks, warnings of asyncio's."""
        return [str(line) for line in self._lines() if _is_complaint(line)]

    def put_off(self) -> int:
        """The number of log events about work that could not be done at once."""
        return sum(line["event"].endswith(_NOT_GIVEN_UP) for line in self._lines())

    def leaks(self) -> list[str]:
        """Return the figures that grew, in the lives that were long enough."""
        return [leak for life in self.samples if len(life) >= _LONG for leak in _grown(life)]


def _is_complaint(line: dict[str, Any]) -> bool:
    event, level = line["event"], line.get("level")
    if slow := _SLOW.match(event):
        return float(slow[1]) > HUGE
    if line.get("logger") == "asyncio":
        return level not in {"debug", "info"}
    return level in {"error", "critical"} and not event.endswith(_NOT_GIVEN_UP)


def _grown(life: list[Sample]) -> Iterator[str]:
    """Yield the figures that were higher in both last samples than in any before.

    A leak grows on and on, while the work of a moment shows in some samples at any time.
    """
    early, late = life[_SETTLED:-2], life[-2:]
    figures = {
        "sockets": (lambda sample: sample.sockets, 1.0),
        "tasks": (lambda sample: sum(sample.tasks.values()), 1.0),
        "memory": (lambda sample: sample.memory, _MEMORY_MAY_GROW),
        "objects": (lambda sample: sample.objects, _MORE_OBJECTS),
    }
    for name, (figure, may_grow) in figures.items():
        if min(map(figure, late)) > may_grow * max(map(figure, early)):
            yield f"{name}: {early[0]} -> {late[-1]}"
